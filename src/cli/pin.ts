/** `pointsman pin`. */
import { UsageError } from './command.ts'
import { endOf, ENDS, trunkCommand } from './operate.ts'

export const pin = trunkCommand({
  name: 'pin',
  operands: ['INTERFACE'],
  summary: 'Keep a trunk on an interface.',
  description: `INTERFACE is written as gateway/interface. A trunk that is elsewhere moves there first; refused while an interlock says no. A pin
holds whatever happens: also when the interface is down.`,
  options: ENDS,
  body: (invocation, _trunk, [key]) => {
    if (key === undefined) throw new UsageError('INTERFACE is missing')
    return { interface: key, ...endOf(invocation) }
  }
})
