/** `pointsman failback`. */
import { trunkCommand } from './operate.ts'

export const failback = trunkCommand('failback', 'Move a trunk back to its preferred interface.',
  'Refused while an interlock says no; the reply names it.')
