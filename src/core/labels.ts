/** Label sets and Alertmanager matchers (`name="v"`, `!=`, `=~`, `!~`; regular expressions are anchored). */

export type Labels = Readonly<Record<string, string>>

export interface Matcher {
  readonly name: string
  readonly operator: '=' | '!=' | '=~' | '!~'
  readonly value: string
  /** Compiled, anchored; null for `=` and `!=`. */
  readonly pattern: RegExp | null
}

/** A piece of text that was read, and what follows it; or why it can't be read. */
type Scan = { readonly ok: true; readonly value: string; readonly rest: string } | Refusal
type Refusal = { readonly ok: false; readonly message: string }
/** A regular expression in JavaScript's syntax. */
type Translation = { readonly ok: true; readonly source: string; readonly flags: string } | Refusal

const OPERATOR = /^(=~|!~|!=|=)/
// Alertmanager's lexer ends an unquoted word at white space and at these characters (matcher/parse/lexer.go).
const UNQUOTED = /^[^\s{}!=~,\\"'`]+/u
const SIMPLE_ESCAPES: Readonly<Record<string, string>> = {
  a: '\x07', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', v: '\v', '\\': '\\', '"': '"'
}
const NUMERIC_ESCAPE = /^(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/

/** The label's value; a label that is missing has the empty value, as Prometheus defines it. */
export function labelValue (labels: Labels, name: string): string {
  // hasOwn: alerts come from outside, and a label set must not inherit `constructor` and the like.
  return Object.hasOwn(labels, name) ? labels[name] ?? '' : ''
}

export function matches (matcher: Matcher, labels: Labels): boolean {
  const value = labelValue(labels, matcher.name)
  const hit = matcher.pattern === null ? value === matcher.value : matcher.pattern.test(value)
  return matcher.operator.startsWith('!') ? !hit : hit
}

/**
 * Reads one matcher in Alertmanager's UTF-8 syntax: name and value are words, or double-quoted with Go's escapes.
 * Errors: `message` says what is wrong, for the user of the configuration.
 * Source: alertmanager `matcher/parse`.
 */
export function parseMatcher (text: string): { readonly ok: true; readonly matcher: Matcher } | Refusal {
  const trimmed = text.trim()
  if (trimmed.startsWith('{')) return refuse('give one matcher per entry, without braces')
  const name = scanWord(trimmed, 'label name')
  if (!name.ok) return name
  if (name.value === '') return refuse('the label name is empty')
  const operator = OPERATOR.exec(name.rest)?.[0] as Matcher['operator'] | undefined
  if (operator === undefined) return refuse(`after ${JSON.stringify(name.value)} one of = != =~ !~ is expected`)
  const value = scanWord(name.rest.slice(operator.length).trimStart(), 'value')
  if (!value.ok) return value
  if (value.rest !== '') return refuse(`unexpected ${JSON.stringify(value.rest)} after the value; put the value in double quotes`)
  return buildMatcher(name.value, operator, value.value)
}

function buildMatcher (name: string, operator: Matcher['operator'], value: string): ReturnType<typeof parseMatcher> {
  if (operator === '=' || operator === '!=') return { ok: true, matcher: { name, operator, value, pattern: null } }
  const translated = translatePattern(value)
  if (!translated.ok) return translated
  try {
    // Compiled alone first: `a)|(b` must not become valid by the anchoring group.
    const { source, flags } = new RegExp(translated.source, translated.flags)
    const pattern = new RegExp(`^(?:${source})$`, flags)
    // Compiled now, for narrow and for wide text: an expression can be too large for it, and an alert is no time to find out.
    for (const text of ['', '\u2603']) pattern.test(text)
    return { ok: true, matcher: { name, operator, value, pattern } }
  } catch (error) {
    return refuse(`${JSON.stringify(value)} is not a regular expression: ${error instanceof Error ? error.message : 'syntax error'}`)
  }
}

function scanWord (text: string, what: string): Scan {
  if (text.startsWith('"')) return scanQuoted(text, what)
  const word = UNQUOTED.exec(text)?.[0]
  if (word === undefined) return refuse(text === '' ? `the ${what} is missing` : `the ${what} can't start with ${JSON.stringify(text[0])}; put it in double quotes`)
  return { ok: true, value: word, rest: text.slice(word.length).trimStart() }
}

/** A Go string in double quotes (strconv.Unquote). */
function scanQuoted (text: string, what: string): Scan {
  let value = ''
  let at = 1
  while (at < text.length) {
    const character = text[at]
    if (character === '"') return { ok: true, value, rest: text.slice(at + 1).trimStart() }
    if (character === '\n') return refuse(`the ${what} contains a line break; write \\n`)
    if (character !== '\\') { value += character; at++; continue }
    const escape = unescape(text.slice(at + 1, at + 10))
    if (escape === null) return refuse(`the ${what} contains the unknown escape ${text.slice(at, at + 2)}; a backslash is written \\\\`)
    value += escape.value
    at += 1 + escape.length
  }
  return refuse(`the ${what} has no closing double quote`)
}

/** @param text - what follows the backslash */
function unescape (text: string): { readonly value: string; readonly length: number } | null {
  const simple = SIMPLE_ESCAPES[text.charAt(0)]
  if (simple !== undefined) return { value: simple, length: 1 }
  const numeric = NUMERIC_ESCAPE.exec(text)
  if (numeric === null) return null
  const [all, byte, octal, short, long] = numeric
  const code = octal === undefined ? Number.parseInt(byte ?? short ?? long ?? '', 16) : Number.parseInt(octal, 8)
  // \x and \ooo are bytes in Go: above ASCII they would be parts of a character.
  if ((byte !== undefined || octal !== undefined) && code > 0x7f) return null
  if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return null
  return { value: String.fromCodePoint(code), length: all.length }
}

/**
 * Prometheus writes regular expressions for RE2. The common ground is translated so that it means the same in JavaScript;
 * what only one of the two knows is refused, since a rule that matches something else than its author thinks is worse.
 */
function translatePattern (pattern: string): Translation {
  const leading = /^\(\?([is]+)\)/.exec(pattern)
  const flags = new Set(`u${leading?.[1] ?? ''}`)
  const text = pattern.slice(leading?.[0].length ?? 0)
  let source = ''
  let inClass = false
  for (let at = 0; at < text.length;) {
    const token: Token = inClass ? classToken(text, at) : plainToken(text, at, flags.has('s'))
    if (typeof token.error === 'string') return refuse(`${JSON.stringify(pattern)}: ${token.error}`)
    source += token.source
    at += token.length
    inClass = token.inClass
  }
  return { ok: true, source, flags: [...flags].join('') }
}

interface Token {
  readonly source: string
  /** Characters that were read. */
  readonly length: number
  readonly inClass: boolean
  readonly error?: string
}

function plainToken (text: string, at: number, dotAll: boolean): Token {
  const rest = text.slice(at, at + 4)
  if (rest.startsWith('\\')) return escapeToken(rest, false)
  // In RE2 only \n ends a line, in JavaScript also \r and two more.
  if (rest.startsWith('.')) return { source: dotAll ? '.' : '[^\\n]', length: 1, inClass: false }
  if (rest.startsWith('(?P<')) return { source: '(?<', length: 4, inClass: false }
  if (/^\(\?(?:[=!]|<[=!])/.test(rest)) return failed('look-around is not supported, as in Prometheus')
  if (/^\(\?[^:<]/.test(rest)) return failed('flags are only supported at the start, as (?i) or (?s)')
  const opening = /^\[\^?\]?/.exec(rest)?.[0]
  if (opening === undefined) return { source: rest.charAt(0), length: 1, inClass: false }
  // RE2 reads a bracket right after the opening one as a member.
  return { source: opening.replace(']', '\\]'), length: opening.length, inClass: true }
}

function classToken (text: string, at: number): Token {
  const rest = text.slice(at, at + 4)
  if (rest.startsWith('\\')) return escapeToken(rest, true)
  if (rest.startsWith('[:')) return failed('named classes such as [[:alpha:]] are not supported; write [a-zA-Z]')
  return { source: rest.startsWith('[') ? '\\[' : rest.charAt(0), length: 1, inClass: !rest.startsWith(']') }
}

function escapeToken (rest: string, inClass: boolean): Token {
  const next = rest.charAt(1)
  if (/[1-9k]/.test(next)) return failed('backreferences are not supported, as in Prometheus')
  if (/[\^$\\.*+?()[\]{}|/]/.test(next) || (inClass && next === '-')) return { source: `\\${next}`, length: 2, inClass }
  // RE2 allows a backslash before any punctuation, JavaScript only before its own.
  if (/[!-/:-@[-`{-~]/.test(next)) return { source: next, length: 2, inClass }
  if (/[dDwWsStnrfv]/.test(next) || (!inClass && /[bB]/.test(next))) return { source: `\\${next}`, length: 2, inClass }
  return failed(`the escape \\${next} is not supported`)
}

function failed (error: string): Token {
  return { source: '', length: 0, inClass: false, error }
}

function refuse (message: string): Refusal {
  return { ok: false, message }
}
