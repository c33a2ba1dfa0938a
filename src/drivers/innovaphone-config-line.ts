/**
 * The line `config change RELAY0 SIP1 /option value /flag …` of an innovaphone's cfg.txt, pure. Blanks part tokens, values
 * are percent-encoded and hold none, a token with a slash in front is an option. `/disabled` is a flag: it is judged as a
 * whole token, since values such as `x/disabledy` are legal (n-tho/sipScheduler finds these with its word boundary).
 *
 * Text here is a byte string (Latin-1), so that what was not ASCII goes back as the bytes that came.
 */
import type { AdminState } from '../core/observation.ts'

/** One line, cut into tokens. Its first two are the module and the interface, for example `RELAY0 SIP1`. */
export type ConfigLine = readonly string[]

/** What cfg.txt says about one interface. */
export type LineSearch =
  | { readonly kind: 'one'; readonly line: ConfigLine }
  /** Several lines for one interface: which of them runs is unknown. */
  | { readonly kind: 'several'; readonly lines: readonly ConfigLine[] }
  | { readonly kind: 'absent' }
  /** The text ends in the middle of a line, so the interface's line may be incomplete or missing. */
  | { readonly kind: 'cut-off' }

const MODULE = 'RELAY0'
const DISABLED = '/disabled'

function tokensOf (line: string): ConfigLine | null {
  // Most lines are none: before they are cut into pieces.
  if (!line.includes(MODULE)) return null
  const [config, change, ...rest] = line.split(' ').filter((token) => token !== '')
  return config === 'config' && change === 'change' ? rest : null
}

/** Whether the text is a configuration at all; a login form or an error page holds no such line. */
export function isConfigText (text: string): boolean {
  return !/^\s*</.test(text) && /^config /m.test(text)
}

/** cfg.txt, read once for all interfaces of a gateway. */
export interface ConfigText {
  /** Looks for the line of an interface, for example `SIP1`. */
  find(interfaceName: string): LineSearch
}

export function parseConfig (text: string): ConfigText {
  const lines = text.split(/\r?\n/)
  const isCutOff = lines.pop() !== ''
  const found = new Map<string | undefined, ConfigLine[]>()
  for (const line of lines) {
    const tokens = tokensOf(line)
    if (tokens?.[0] === MODULE) found.set(tokens[1], [...found.get(tokens[1]) ?? [], tokens])
  }
  return {
    find: (interfaceName) => {
      const own = found.get(interfaceName) ?? []
      const [line, second] = own
      if (second !== undefined) return { kind: 'several', lines: own }
      if (line !== undefined) return { kind: 'one', line }
      return isCutOff ? { kind: 'cut-off' } : { kind: 'absent' }
    }
  }
}

/** The state that the line asks for. */
export function adminOf (line: ConfigLine): AdminState {
  return line.includes(DISABLED, 2) ? 'disabled' : 'enabled'
}

/** A value that the gateway shows as asterisks: sent back, they would become the value. */
export function isMasked (line: ConfigLine): boolean {
  return line.some((token, index) => index >= 2 && /^\*+$/.test(token))
}

/** The same line with the flag set or cleared; everything else stays, in its order. */
export function withAdmin (line: ConfigLine, desired: AdminState): ConfigLine {
  const options = line.slice(2).filter((token) => token !== DISABLED)
  return [...line.slice(0, 2), ...desired === 'disabled' ? [DISABLED] : [], ...options]
}

/** Options with their values, in alphabetical order, without the flag. */
function optionsOf (line: ConfigLine): readonly string[] {
  const options: string[] = []
  for (const token of withAdmin(line, 'enabled').slice(2)) {
    if (token.startsWith('/') || options.length === 0) options.push(token)
    else options[options.length - 1] += ` ${token}`
  }
  return options.sort()
}

/** Whether two lines say the same but for the flag, in whatever order the gateway keeps the options. */
export function haveSameOptions (one: ConfigLine, other: ConfigLine): boolean {
  const [a, b] = [optionsOf(one), optionsOf(other)]
  return a.length === b.length && a.every((option, index) => option === b[index])
}

/** The command that puts the line into the configuration, without `config`'s leading `!`. */
export function changeCommand (line: ConfigLine): string {
  return ['config', 'change', ...line].join(' ')
}

/**
 * Path of the URL that executes a command. Everything is escaped but what surely passes as it is; `%` too, so that an
 * escaped value arrives as it stands in cfg.txt. (encodeURI, which public code uses, would let `?`, `#`, `&` and `+` pass.)
 */
export function commandPath (command: string): string {
  const escaped = command.replace(/[^A-Za-z0-9\-_.~!/*':@$,]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`)
  return `/!${escaped}`
}
