/** `pointsman abort`. */
import { trunkCommand } from './operate.ts'

export const abort = trunkCommand({
  name: 'abort',
  summary: 'Turn back what is under way for a trunk.',
  description: `A switchover goes back to the old interface as soon as that is safe, an order that waits is taken back. What automation
has begun or proposed would come again, so the trunk is paused with it.`
})
