/** The registrations of a gateway: one registrant per SIP line that runs and is enabled. */
import type { Clock, Random } from '../ports.ts'
import { hasFlag, optionValue, renderLine } from './cfg-text.ts'
import type { ConfigLine } from './cfg-text.ts'
import { isInterfaceLine } from './gateway-faults.ts'
import { createRegistrant } from './registrant.ts'
import type { Registrant } from './registrant.ts'
import type { SipEndpoint } from './sip-endpoint.ts'

export interface LineRegistrationsOptions {
  readonly endpoint: SipEndpoint
  /** SIP passwords by interface name. */
  readonly passwords: ReadonlyMap<string, string>
  readonly retryMs: number
  readonly answerMs: number
  readonly unregisterOnDisable: boolean
  readonly clock: Clock
  readonly random: Random
}

export interface LineRegistrations {
  /** Starts and stops registrants so that they follow these lines; an unchanged line is left alone. */
  follow(lines: readonly ConfigLine[]): void
  /** Stops all without a word to the carrier. */
  dropAll(): void
  registered(interfaceName: string): boolean
  /** Enabled interfaces that are not registered. */
  failing(): readonly string[]
}

/** Makes them; nothing registers before `follow`. */
export const createLineRegistrations = (options: LineRegistrationsOptions): LineRegistrations => {
  const running = new Map<string, { readonly text: string; readonly registrant: Registrant }>()

  const start = (line: ConfigLine): Registrant => createRegistrant({
    ...options,
    account: decodeURIComponent(optionValue(line, 'id') ?? ''),
    password: options.passwords.get(line.object) ?? '',
    proxy: optionValue(line, 'proxy') ?? '',
    expires: Number(optionValue(line, 'expires') ?? 0)
  })
  const registered = (interfaceName: string): boolean => running.get(interfaceName)?.registrant.registered() ?? false
  return {
    follow: (lines) => {
      const wanted = new Map(lines.filter((line) => isInterfaceLine(line) && !hasFlag(line, 'disabled')).map((line) => [line.object, line]))
      for (const [name, { text, registrant }] of running) {
        const line = wanted.get(name)
        if (line !== undefined && renderLine(line) === text) continue
        running.delete(name)
        registrant.stop({ unregister: line === undefined && options.unregisterOnDisable })
      }
      for (const [name, line] of wanted) {
        if (!running.has(name)) running.set(name, { text: renderLine(line), registrant: start(line) })
      }
    },
    dropAll: () => {
      for (const { registrant } of running.values()) registrant.stop({ unregister: false })
      running.clear()
    },
    registered,
    failing: () => [...running.keys()].filter((name) => !registered(name))
  }
}
