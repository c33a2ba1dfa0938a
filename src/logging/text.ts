/** Log lines as text, made from pino's JSON: `logfmt` for machines of the Prometheus world, `pretty` for a terminal. */

export type TextFormat = 'logfmt' | 'pretty'

const COLORS: Readonly<Record<string, string>> = { debug: '\u001B[90m', info: '\u001B[32m', warn: '\u001B[33m', error: '\u001B[31m', fatal: '\u001B[31m' }
const RESET = '\u001B[0m'

/** @param line - one JSON object as pino writes it; anything else is returned as it is */
export function renderLine (line: string, format: TextFormat): string {
  const entry = parse(line)
  if (entry === null) return line
  const { time, level, component, msg, ...fields } = entry
  const rest = Object.entries(fields).map(([key, value]) => ` ${key}=${plain(value)}`).join('')
  if (format === 'logfmt') {
    const from = component === undefined ? '' : ` component=${plain(component)}`
    return `ts=${plain(time)} level=${plain(level)}${from} msg=${plain(msg)}${rest}\n`
  }
  const clock = String(time).slice(11, 23)
  const name = String(level)
  return `${clock} ${COLORS[name] ?? ''}${name.toUpperCase().padEnd(5)}${RESET} ${component === undefined ? '' : `${plain(component)}: `}${oneLine(String(msg))}${rest}\n`
}

function parse (line: string): Readonly<Record<string, unknown>> | null {
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>
  } catch {
    return null
  }
}

/** As logfmt writes values: bare where nothing can be misread, else quoted. */
function plain (value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value) ?? ''
  if (/^[^\s="\\\p{Cc}]+$/u.test(text)) return text
  // JSON leaves DEL and the C1 controls as they are; a terminal obeys them.
  return JSON.stringify(text).replace(/\p{Cc}/gu, (control) => `\\u${control.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

/** What comes from outside must not be able to start a line of its own, or to speak to the terminal. */
function oneLine (text: string): string {
  return text.replace(/\p{Cc}/gu, ' ')
}
