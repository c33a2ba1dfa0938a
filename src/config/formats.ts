/** Text formats that schemas may name (`format: 'duration'`), with the sentence that a person gets when it doesn't fit. */
import { isIP } from 'node:net'
import { parseMatcher } from '../core/labels.ts'
import { type Parsed, parseContact, parseHostPort, parseHttpUrl, parseNetwork, parseSipUri } from './address.ts'
import { parseCodes } from './codes.ts'
import { formatDuration, LONGEST_DURATION_MS, parseDuration } from './duration.ts'
import { parseListenAddress } from './listen.ts'
import { isTemplate } from './template.ts'
import { isTimezone, parseDailyWindow } from './time-of-day.ts'

/** What is wrong, as the rest of a sentence that starts with the key, and what to do; null: nothing. */
export type FormatProblem = { readonly message: string; readonly hint: string | null } | null

const LISTEN_EXAMPLE = 'for example 127.0.0.1:9867, or :9867 for all addresses'

export const FORMATS: Readonly<Record<string, (text: string) => FormatProblem>> = {
  duration: checkDuration,
  'positive-duration': (text) => checkDuration(text) ?? (parseDuration(text) === 0 ? { message: 'must be longer than 0s', hint: null } : null),
  age: checkAge,
  'sip-uri': (text) => refusalOf(parseSipUri(text)),
  'http-url': (text) => refusalOf(parseHttpUrl(text)),
  network: (text) => refusalOf(parseNetwork(text)),
  'host-port': (text) => refusalOf(parseContact(text)),
  'listen-address': (text) => {
    const address = parseHostPort(text)
    return address === null || address.port === null ? { message: 'must be an address and a port', hint: LISTEN_EXAMPLE } : null
  },
  'beacon-address': (text) => parseListenAddress(text) === null ? { message: 'must be udp or tcp, an IP address and a port', hint: 'for example udp:10.0.9.9:5060' } : null,
  'ip-address': (text) => isIP(text) === 0 ? { message: 'must be an IP address', hint: 'for example 10.0.9.9' } : null,
  'host-name': (text) => {
    const address = parseHostPort(text)
    return address === null || address.host === '' || address.port !== null ? { message: 'must be a host name or an address', hint: 'for example sbc.acme.example' } : null
  },
  codes: (text) => parseCodes(text) === null
    ? { message: 'is no preset and no SIP status code', hint: 'for example default, strict, 2xx, 404, 480-489, or !503' }
    : null,
  // It goes into a header: a line break would start another one.
  'header-value': (text) => /^[ -~]+$/.test(text) && text.trim() === text
    ? null
    : { message: 'must be one line of ASCII text, without blanks around it', hint: null },
  matcher: (text) => {
    const parsed = parseMatcher(text)
    return parsed.ok ? null : { message: `is not a matcher: ${parsed.message}`, hint: 'for example alertname="SipTrunkDown"' }
  },
  'daily-window': (text) => parseDailyWindow(text) === null ? { message: 'must be two different times of day', hint: 'for example 02:00-05:00' } : null,
  timezone: (text) => isTimezone(text) ? null : { message: 'is not a time zone', hint: 'for example Europe/Berlin or UTC' },
  template: (text) => isTemplate(text)
    ? null
    : { message: 'must be a name, or one label of the alert in braces', hint: 'for example {trunk}' }
}

function checkDuration (text: string): FormatProblem {
  const ms = parseDuration(text)
  if (ms === null) return { message: 'must be a duration', hint: 'for example 500ms, 5s, 1h30m' }
  return ms > LONGEST_DURATION_MS ? { message: `must be at most ${formatDuration(LONGEST_DURATION_MS)}`, hint: null } : null
}

/** How long something is kept: no timer waits for it, so it may be longer than a timer can. */
function checkAge (text: string): FormatProblem {
  const ms = parseDuration(text)
  if (ms === null) return { message: 'must be a duration', hint: 'for example 90d, 12w, 1y' }
  return ms < SHORTEST_AGE_MS ? { message: `must be at least ${formatDuration(SHORTEST_AGE_MS)}`, hint: null } : null
}

const SHORTEST_AGE_MS = 3_600_000

function refusalOf (parsed: Parsed<unknown>): FormatProblem {
  return parsed.ok ? null : { message: parsed.message, hint: parsed.hint }
}
