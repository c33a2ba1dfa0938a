/** `pointsman ack`. */
import { trunkCommand } from './operate.ts'

export const ack = trunkCommand({
  name: 'ack',
  summary: 'Acknowledge a trunk\'s latch, failed failbacks and refuted switchovers.',
  description: 'Automation may move the trunk back again, and counts from zero.'
})
