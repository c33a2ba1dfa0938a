/** `pointsman failback`. */
import { trunkCommand } from './operate.ts'

export const failback = trunkCommand({
  name: 'failback',
  summary: 'Move a trunk back to its preferred interface.',
  description: 'Refused while an interlock says no; the reply names it.'
})
