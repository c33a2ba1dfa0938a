/** `pointsman reassert`. */
import { trunkCommand } from './operate.ts'

export const reassert = trunkCommand({
  name: 'reassert',
  summary: 'Put a trunk\'s gateways back to what Pointsman wants.',
  description: `The other answer to drift. What a person switched on beside the wanted interface is switched off; where it carries the trunk,
the trunk moves back by a switchover with all its proofs.`
})
