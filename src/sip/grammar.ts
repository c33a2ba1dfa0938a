/**
 * Small linear readers for SIP header values (RFC 3261 §25.1). No regular expression with nested repetition: these run
 * on bytes from strangers. All return null for what they can't read and never throw.
 */

/** Parameters by lower-case name; quoted values without their quotes. A Map, so that no name is special. */
export type Parameters = ReadonlyMap<string, string>

/** `name <uri>;params` or `uri;params`. The display name is dropped: nothing here needs it. */
export interface NameAddress {
  readonly uri: string
  readonly params: Parameters
}

/** Top part of a Via value. */
export interface Via {
  /** Upper case, for example `UDP`. */
  readonly transport: string
  /** An IPv6 address is without brackets. */
  readonly host: string
  readonly port: number | null
  readonly branch: string | null
  readonly params: Parameters
}

/** RFC 3261 `token`, without `%`: an escaped name or method is never the one it unescapes to (RFC 4475 §3.1.1.1). */
export const TOKEN = /^[A-Za-z0-9\-.!*_+`'~]{1,64}$/

/** Splits at `separator` outside of quotes and angle brackets; parts are trimmed. Null: a quote or bracket stays open. */
export const splitOutside = (text: string, separator: ',' | ';'): readonly string[] | null => {
  // Most values have neither quotes nor brackets, and need no reading by the character.
  if (!text.includes('"') && !text.includes('<')) return text.split(separator).map((part) => part.trim())
  const parts: string[] = []
  let start = 0
  let isQuoted = false
  let isBracketed = false
  for (let index = 0; index < text.length; index++) {
    const char = text[index]
    if (isQuoted) {
      if (char === '\\') index++
      else if (char === '"') isQuoted = false
    } else if (char === '"') isQuoted = true
    else if (char === '<') isBracketed = true
    else if (char === '>') isBracketed = false
    else if (char === separator && !isBracketed) {
      parts.push(text.slice(start, index).trim())
      start = index + 1
    }
  }
  if (isQuoted || isBracketed) return null
  parts.push(text.slice(start).trim())
  return parts
}

/** All elements of a list header that may be repeated; empty elements are skipped. */
export const splitList = (values: readonly string[]): readonly string[] | null => {
  const elements: string[] = []
  for (const value of values) {
    const parts = splitOutside(value, ',')
    if (parts === null) return null
    elements.push(...parts.filter((part) => part !== ''))
  }
  return elements
}

/** Removes the quotes of a quoted-string and its backslashes; other text is returned as it is. */
export const unquote = (text: string): string =>
  text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).replaceAll(/\\(.)/g, '$1') : text

/** Quoted-string (RFC 3261 §25.1). */
export const quote = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`

/** One for all: most URIs have none. */
const NO_PARAMETERS: Parameters = new Map()

/** `a=1;b;c="x"` → Map. The first of a repeated name wins. */
export const parseParameters = (parts: readonly string[]): Parameters => {
  const params = new Map<string, string>()
  for (const part of parts) {
    const equals = part.indexOf('=')
    const name = (equals < 0 ? part : part.slice(0, equals)).trim().toLowerCase()
    if (name !== '' && !params.has(name)) params.set(name, equals < 0 ? '' : unquote(part.slice(equals + 1).trim()))
  }
  return params.size === 0 ? NO_PARAMETERS : params
}

/** Index of the first `char` outside of quotes; -1: none. */
const indexOutsideQuotes = (text: string, char: string): number => {
  if (!text.includes('"')) return text.indexOf(char)
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    if (isQuoted && text[index] === '\\') index++
    else if (text[index] === '"') isQuoted = !isQuoted
    else if (!isQuoted && text[index] === char) return index
  }
  return -1
}

/** One From, To or Contact element. Parameters after a bare URI belong to the header (RFC 3261 §20.10). */
export const parseNameAddress = (text: string): NameAddress | null => {
  const open = indexOutsideQuotes(text, '<')
  if (open < 0) {
    const [uri = '', ...params] = splitOutside(text, ';') ?? []
    return uri === '' || /[\s"<>]/.test(uri) ? null : { uri, params: parseParameters(params) }
  }
  const close = text.indexOf('>', open)
  if (close < 0) return null
  const uri = text.slice(open + 1, close).trim()
  const rest = text.slice(close + 1).trim()
  const params = splitOutside(rest, ';')
  if (uri === '' || /\s/.test(uri) || params === null || (rest !== '' && !rest.startsWith(';'))) return null
  return { uri, params: parseParameters(params) }
}

/** `host`, `host:port`, `[v6]`, `[v6]:port` (white space around the colon is legal in a Via). */
export const parseHostPort = (text: string): { readonly host: string; readonly port: number | null } | null => {
  const match = /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9_.-]{1,255})) ?(?:: ?(\d{1,5}))?$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  if (host === undefined) return null
  const port = match?.[3] === undefined ? null : Number(match[3])
  return port !== null && (port < 1 || port > 65_535) ? null : { host, port }
}

/** One Via value (RFC 3261 §20.42). */
export const parseVia = (text: string): Via | null => {
  const [head = '', ...parts] = splitOutside(text, ';') ?? []
  const match = /^SIP ?\/ ?2\.0 ?\/ ?([A-Za-z0-9-]{1,16}) (.{1,300})$/i.exec(head)
  const hostPort = parseHostPort(match?.[2] ?? '')
  if (match?.[1] === undefined || hostPort === null) return null
  const params = parseParameters(parts)
  return { transport: match[1].toUpperCase(), ...hostPort, branch: params.get('branch') ?? null, params }
}

/** A whole number of at most ten digits, as in Expires, Retry-After and Min-Expires; null: none or no number. */
export const parseSeconds = (text: string | null | undefined): number | null => {
  const match = /^(\d{1,10})(?![\d.])/.exec(text ?? '')
  return match?.[1] === undefined ? null : Number(match[1])
}
