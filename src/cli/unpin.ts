/** `pointsman unpin`. */
import { trunkCommand } from './operate.ts'

export const unpin = trunkCommand({
  name: 'unpin',
  summary: 'End a trunk\'s pin.',
  description: 'Automation may move the trunk again.'
})
