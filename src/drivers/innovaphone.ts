/**
 * innovaphone gateways by their HTTP command line: `GET /cfg.txt` shows the stored configuration, `GET /!config …` changes
 * it. Built from the vendor's documentation (13r1-SDK cdr.htm; wiki "Howto:Effect arbitrary Configuration Changes using a
 * HTTP Command Line Client or from an Update") and from public code that switches real devices (n-tho/sipScheduler); not
 * yet confirmed on a device. An interface is switched by the flag `/disabled` of its line: `change` with the whole line,
 * `write` (survives a restart), `activate` (makes it run), then the line is read again.
 *
 * What a command answers is nowhere documented, so nothing is believed but the line read back. cfg.txt shows the stored
 * state, not the running one: an interface is off for certain only after an answered `activate`.
 */
import { Type } from 'typebox'
import type { AdminState, ApplyResult, DriverFailure, Observation, ObserveResult } from '../core/observation.ts'
import type { DriverCapabilities } from '../core/topology.ts'
import type { Change, Clock, GatewayDriver, Random, Secret } from '../ports.ts'
import type { DriverKind, InterfaceKind } from './contract.ts'
import { eachAlone } from './each-alone.ts'
import { during, failure, statusFailure } from './driver-failure.ts'
import { withCredentials } from './http-auth.ts'
import { createHttpClient } from './http-client.ts'
import type { HttpResponse, Send } from './http-client.ts'
import { innovaphoneByHand } from './innovaphone-by-hand.ts'
import { adminOf, changeCommand, commandPath, findLine, haveSameOptions, isConfigText, isMasked, withAdmin } from './innovaphone-config-line.ts'
import type { ConfigLine, LineSearch } from './innovaphone-config-line.ts'
import { readThenAsk } from './read-then-write.ts'

export interface InnovaphoneSettings {
  /** Web server of the gateway, without a path: `https://10.0.1.10`. */
  readonly url: string
  /** Account with full administrator rights; used for reading too, so that a wrong one is known before it is needed. */
  readonly username: string
  readonly password: Secret
  /** PEM. */
  readonly ca?: string
  readonly insecure_tls?: boolean
  readonly auth?: 'auto' | 'basic' | 'digest'
}

const schema = Type.Object({
  url: Type.String({ format: 'http-url', description: 'web server of the gateway, for example https://10.0.1.10' }),
  username: Type.String({ minLength: 1, description: 'account with full administrator rights' }),
  password_file: Type.Optional(Type.String({ minLength: 1, description: 'file that holds its password' })),
  password_env: Type.Optional(Type.String({ minLength: 1, description: 'environment variable that holds its password' })),
  ca_file: Type.Optional(Type.String({ minLength: 1, description: 'PEM file with the certificate of the gateway or of its issuer; default: the system\'s' })),
  insecure_tls: Type.Optional(Type.Boolean({ default: false, description: 'accept every certificate: whoever is on the way can read the password' })),
  auth: Type.Optional(Type.Unsafe<'auto' | 'basic' | 'digest'>({
    ...Type.Enum(['auto', 'basic', 'digest']), default: 'auto', description: 'HTTP authentication; auto: what the gateway asks for; digest: never sends the password'
  }))
}, { additionalProperties: false })

const capabilities: DriverCapabilities = {
  registers: true, reportsRegistration: false, reportsPath: false, reportsCalls: false, readsRunningState: false, reregisters: false,
  // Whether disabling sends an un-REGISTER is unknown, so it doesn't count.
  unregisters: false, persistent: true, reportsAlarms: false, registersWithinMs: 30_000
}

const sipInterface: InterfaceKind = {
  named: '`SIP1` … `SIP16`',
  takes: (name) => /^SIP[1-9]\d?$/.test(name),
  switches: 'a SIP interface of the relay, by the flag `/disabled` of its line',
  readBack: '`cfg.txt` after an answered `activate`',
  confirmed: 'built from the vendor\'s documentation and public code, not yet confirmed on a device; that disabling un-registers is unknown and counts as no',
  capabilities: () => capabilities
}

type Reading = { readonly ok: true; readonly text: string } | DriverFailure

function readConfig (send: Send, base: string) {
  return async (signal: AbortSignal): Promise<Reading> => {
    const response = await send({ method: 'GET', url: `${base}/cfg.txt`, reads: true, signal })
    const failed = response.ok ? statusFailure(response) : response
    if (failed !== null) return during('reading cfg.txt', failed, 'none')
    const text = (response as HttpResponse).body.toString('latin1')
    if (isConfigText(text)) return { ok: true, text }
    return failure('not-data', 'reading cfg.txt: no configuration (a login page? the gateway may have its native authentication disabled)')
  }
}

/** What a `!config` command answered; null: nothing speaks against it. An unknown module or command answers `?`. */
function commandFailure (response: HttpResponse): DriverFailure | null {
  const text = response.body.toString('latin1')
  const failed = statusFailure(response)
  if (failed !== null) return failed
  if (/^\?\r?\n?$/.test(text)) return failure('rpc-error', 'the gateway does not know the command')
  return /^\s*</.test(text) ? failure('not-data', 'a web page instead of an answer', 'unknown') : null
}

/** The one line of an interface, or why it can't be written. */
function writableLine (search: LineSearch, interfaceName: string): ConfigLine | DriverFailure {
  if (search.kind === 'one') return search.line
  if (search.kind === 'absent') return failure('no-interface', `cfg.txt has no line for ${interfaceName}`)
  if (search.kind === 'cut-off') return failure('truncated', `cfg.txt ends before the line of ${interfaceName}`)
  return failure('conflict', `cfg.txt has ${search.lines.length} lines for ${interfaceName}`)
}

/** Of several lines any may run, so one that is enabled counts. */
function observationOf (search: LineSearch): Observation | null {
  if (search.kind === 'cut-off') return null
  const lines = search.kind === 'one' ? [search.line] : search.kind === 'several' ? search.lines : []
  const admin = lines.some((line) => adminOf(line) === 'enabled') ? 'enabled' : 'disabled'
  return { present: lines.length > 0, admin, registered: null, path: null }
}

function isFailure (value: ConfigLine | DriverFailure): value is DriverFailure {
  return 'ok' in value
}

/** Judges the line after the write against the one that was read before it and the one that was wanted. */
function readBackFailure (after: ConfigLine, before: ConfigLine, wanted: ConfigLine): DriverFailure | null {
  if (!haveSameOptions(after, wanted)) return failure('conflict', 'the line was changed by somebody else meanwhile', 'unknown')
  if (adminOf(after) === adminOf(wanted)) return null
  return adminOf(after) === adminOf(before)
    ? failure('no-effect', 'all commands were answered, the line is as before', 'unknown')
    : failure('conflict', 'the line was switched back meanwhile', 'unknown')
}

function createDriver (settings: InnovaphoneSettings, { clock, random }: { readonly clock: Clock; readonly random: Random }): GatewayDriver {
  const { username, password, auth = 'auto' } = settings
  const base = settings.url.replace(/\/+$/, '')
  const client = createHttpClient({ ca: settings.ca, insecureTls: settings.insecure_tls })
  const send = withCredentials(client.send, { scheme: auth, username, password }, random)
  const read = readConfig(send, base)

  const execute = async (commands: readonly string[], signal: AbortSignal): Promise<DriverFailure | null> => {
    let isFirst = true
    for (const command of commands) {
      const response = await send({ method: 'GET', url: `${base}${commandPath(command)}`, reads: false, signal })
      const failed = response.ok ? commandFailure(response) : response
      // The line may hold passwords: a step is named by its first two words.
      if (failed !== null) return during(command.split(' ', 2).join(' '), failed, isFirst ? failed.effect : 'unknown')
      isFirst = false
    }
    return null
  }

  /** The line as it is and as it is to be. */
  const lines = async (interfaceName: string, desired: AdminState, signal: AbortSignal): Promise<{ readonly ok: true; readonly before: ConfigLine; readonly wanted: ConfigLine } | DriverFailure> => {
    const reading = await read(signal)
    if (!reading.ok) return reading
    const before = writableLine(findLine(reading.text, interfaceName), interfaceName)
    if (isFailure(before)) return before
    const wanted = adminOf(before) === desired ? before : withAdmin(before, desired)
    if (wanted !== before && isMasked(before)) return failure('line-masked', `the line of ${interfaceName} shows asterisks instead of a value`)
    return { ok: true, before, wanted }
  }

  const apply = async ({ interface: interfaceName, desired, permit }: Change, signal: AbortSignal): Promise<ApplyResult> => {
    const found = await readThenAsk(() => lines(interfaceName, desired, signal), permit, clock)
    if (!found.ok) return found
    const { before, wanted } = found
    // Also without a change: what is stored may not be written or running yet.
    const change = wanted === before ? [] : [changeCommand(wanted)]
    const failed = await execute([...change, 'config write', 'config activate'], signal)
    if (failed !== null) return failed
    const again = await read(signal)
    if (!again.ok) return { ...again, effect: 'unknown' }
    const after = writableLine(findLine(again.text, interfaceName), interfaceName)
    if (isFailure(after)) return { ...after, effect: 'unknown' }
    return readBackFailure(after, before, wanted) ?? { ok: true, activated: true }
  }

  return {
    observe: async (interfaces, signal): Promise<ObserveResult> => {
      const reading = await read(signal)
      if (!reading.ok) return reading
      const observed = new Map<string, Observation>()
      for (const name of interfaces) {
        const observation = observationOf(findLine(reading.text, name))
        if (observation === null) return failure('truncated', `cfg.txt ends before the line of ${name}`)
        observed.set(name, observation)
      }
      return { ok: true, interfaces: observed }
    },
    apply: eachAlone(apply),
    reregister: () => Promise.resolve(failure('rpc-error', 'an innovaphone gateway has no command to register anew')),
    close: () => {
      client.close()
      return Promise.resolve()
    }
  }
}

/** The kind `innovaphone`. */
export const innovaphone: DriverKind<InnovaphoneSettings> = {
  name: 'innovaphone',
  schema,
  interfaces: [sipInterface],
  byHand: innovaphoneByHand,
  create: createDriver
}
