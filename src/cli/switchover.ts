/** `pointsman switchover`. */
import { UsageError } from './command.ts'
import { list, trunkCommand } from './operate.ts'
import { text } from './options.ts'

const IS_OFF = '-is-off'

export const switchover = trunkCommand({
  name: 'switchover',
  summary: 'Move a trunk to another interface.',
  description: `Refused while an interlock says no; the reply names all of them, and the command line that overrides them. cooldown, hold and
flap-latch judge automation only.`,
  options: {
    to: { value: 'INTERFACE', help: 'Where to, as gateway/interface; default: the first usable other one.' },
    override: { value: 'NAMES', help: 'Interlocks that it overrides, by name, with commas.' },
    'i-know': { value: `INTERFACE${IS_OFF}`, help: 'You know that this interface is off though its gateway is silent; several with commas. If it is not, two gateways fight for one registration.' },
    force: { help: 'Don\'t wait for calls to end.' }
  },
  body: (invocation) => {
    const to = text(invocation.values, 'to')
    const override = list(invocation, 'override')
    const knownOff = list(invocation, 'i-know').map(interfaceKnownOff)
    return {
      ...(to === undefined ? {} : { to }),
      ...(override.length === 0 ? {} : { override }),
      ...(knownOff.length === 0 ? {} : { knownOff }),
      ...(invocation.values['force'] === true ? { force: true } : {})
    }
  }
})

/** The whole sentence has to be typed. */
function interfaceKnownOff (sentence: string): string {
  const key = sentence.endsWith(IS_OFF) ? sentence.slice(0, -IS_OFF.length) : ''
  if (key === '') throw new UsageError(`--i-know must be like pbx-a/SIP1${IS_OFF}`)
  return key
}
