/** Requests to every route and to none: methods, paths, queries, headers, bodies and credentials of all kinds. */
import { SECRETS } from './canary.ts'
import { createDice } from './random.ts'
import type { Dice } from './random.ts'
import { ask, checkViews } from './replies.ts'
import type { Input } from './replies.ts'
import { VERBS } from '../../src/http/verbs.ts'
import { createSubject, GATEWAYS, TRUNKS } from './subject.ts'
import type { Subject } from './subject.ts'
import type { Tally } from './tally.ts'
import { anyText, anyValue, mutate, mutateBytes, mutateText, toJson } from './values.ts'

const OVERRIDES = ['mode', 'no-better', 'brake', 'exclusive', 'pin', 'luck', '__proto__', 'constructor', 'toString'] as const
const NAMES = VERBS.map(({ name }) => name)
const METHODS = ['GET', 'GET', 'POST', 'POST', 'HEAD', 'PUT', 'DELETE', 'PATCH', 'OPTIONS', 'TRACE', 'QUERY', 'PROPFIND']
const PLACES = ['/', '/metrics', '/probe', '/sd', '/api/v1/probes', '/-/healthy', '/-/ready', '/-/reload', '/api/v1/status', '/api/v1/decisions', '/api/v1/decisions/x', '/api/v1/journal', '/api/v1/explain', '/api/v1/alerts', '/favicon.ico', '/api/v1/commands/', '/api/v2/status', '/api/v1/commands/pause/', '//', '/api/v1//status']
const TIMES = ['2h', '0s', '99999999999y', '285616414y', '9007199254740991ms', '2026-01-01T00:00:00Z', '2999-01-01', '+275760-09-13T00:00:00Z', '-271821-04-20', 'now', '1', '-1h', '']

/** Seen in a reply, so that there are decisions to ask for. */
interface Memory { decisions: string[] }

function commandBody (dice: Dice, verb: string): unknown {
  const reason = dice.pick(['work', 'work', 'Ärger 💥', '<b>', 'x'.repeat(500)])
  const trunk = dice.pick(TRUNKS)
  const key = (): string => dice.chance(0.1) ? 'pbx-x/SIP1' : `${dice.pick(GATEWAYS)}/SIP${TRUNKS.indexOf(trunk) + 1}`
  const scope = dice.pick(['global', ...TRUNKS.map((trunk) => `trunk/${trunk}`), ...GATEWAYS.map((gateway) => `gateway/${gateway}`), 'trunk/nobody'])
  const end = dice.pick([{}, {}, { for: dice.pick(TIMES) }, { until: dice.pick(TIMES) }])
  switch (verb) {
    case 'pause': return { scope, reason, ...end }
    case 'resume': return { scope, reason }
    case 'release': return { reason }
    case 'pin': return { trunk, interface: key(), reason, ...end }
    case 'approve': case 'reject': return { trunk, decision: dice.pick(['d-1', 'x'.repeat(100)]), reason }
    case 'switchover': return { trunk, reason, ...(dice.chance(0.5) ? { to: key() } : {}), ...(dice.chance(0.5) ? { override: [dice.pick(OVERRIDES), dice.pick(OVERRIDES)] } : {}), ...(dice.chance(0.3) ? { knownOff: [key()] } : {}), ...(dice.chance(0.2) ? { force: true } : {}) }
    default: return { trunk, reason }
  }
}

function payload (dice: Dice, value: unknown): Buffer {
  if (dice.chance(0.3)) return Buffer.from(toJson(value))
  if (dice.chance(0.7)) return Buffer.from(toJson(mutate(dice, value)))
  const text = toJson(value)
  return dice.chance(0.5) ? Buffer.from(mutateText(dice, text)) : mutateBytes(dice, Buffer.from(text))
}

const encoded = (dice: Dice, text: string): string => dice.chance(0.8) ? encodeURIComponent(text.isWellFormed() ? text : 'lone') : asPath(text)

/** What stands in a request line can't hold blanks or controls; the sockets try those. */
function asPath (text: string): string {
  return text.slice(0, 3_000).replaceAll(/[^!-~]/g, (character) => `%${(character.charCodeAt(0) & 0xFF).toString(16).padStart(2, '0')}`).replaceAll(/[#\\]/g, '%5C')
}

function queryOf (dice: Dice): string {
  const parts = Array.from({ length: dice.int(4) }, () => {
    const key = dice.pick(['target', 'module', 'debug', 'probe', 'failed', 'trunk', 'trunk', 'since', 'since', 'limit', 'limit', '__proto__', 'constructor', '', 'a[b]', anyText(dice)])
    const value = key === 'since' && dice.chance(0.7) ? dice.pick(TIMES) : key === 'limit' && dice.chance(0.7) ? dice.pick(['1', '50', '999', '1000', '0', '1e2', '-1']) : dice.chance(0.3) ? dice.pick(TRUNKS) : anyText(dice)
    return `${encoded(dice, key)}=${encoded(dice, value)}`
  })
  return parts.length === 0 ? '' : `?${parts.join('&')}`
}

function headersOf (dice: Dice): Record<string, string> {
  const headers: Record<string, string> = {}
  if (dice.chance(0.85)) headers['authorization'] = dice.pick([`Bearer ${SECRETS.operator}`, `Bearer ${SECRETS.operator}`, `Basic ${Buffer.from(`anna:${SECRETS.password}`).toString('base64')}`])
  if (dice.chance(0.06)) {
    headers['authorization'] = dice.pick([
      `Bearer ${SECRETS.webhook}`, `Bearer ${SECRETS.stranger}`, `Basic ${Buffer.from(`anna:${SECRETS.stranger}`).toString('base64')}`, `Basic ${SECRETS.stranger}`, SECRETS.stranger, 'Bearer', 'Basic Og==',
      `Digest username="anna", response="${SECRETS.stranger}"`, `Bearer ${'x'.repeat(8_000)}`, `Basic ${Buffer.from(asPath(anyText(dice))).toString('base64')}`
    ])
  }
  if (dice.chance(0.1)) headers['cookie'] = `session=${SECRETS.stranger}`
  if (dice.chance(0.05)) headers['x-api-key'] = SECRETS.stranger
  if (dice.chance(0.1)) headers['accept'] = dice.pick(['application/openmetrics-text', 'text/plain', '*/*', 'application/openmetrics-text;version=1.0.0;q=0.5, text/plain;q=0.9', ';;;,', 'x'.repeat(5_000)])
  if (dice.chance(0.05)) headers[dice.pick(['x-forwarded-for', 'forwarded', 'x-real-ip', 'x-http-method-override', 'upgrade', 'expect', 'range', 'content-encoding', 'transfer-encoding', 'if-none-match', 'origin'])] = dice.pick(['127.0.0.1', 'DELETE', 'gzip', 'bytes=0-1', '*', 'x'])
  return headers
}

function inputOf (dice: Dice, memory: Memory): Input {
  const headers = headersOf(dice)
  const remoteAddress = dice.chance(0.9) ? '127.0.0.1' : dice.pick(['10.1.2.3', '::1', '::ffff:127.0.0.9', 'fe80::1'])
  const kind = dice.int(10)
  if (kind < 4) {
    const verb = dice.pick(NAMES)
    headers['content-type'] = dice.chance(0.95) ? 'application/json' : 'text/plain'
    return { method: 'POST', url: `/api/v1/commands/${verb}`, headers, remoteAddress, body: payload(dice, commandBody(dice, verb)) }
  }
  if (kind < 6) return { method: 'GET', url: `/api/v1/decisions${queryOf(dice)}`, headers, remoteAddress, body: null }
  if (kind < 7) {
    const id = memory.decisions.length > 0 && dice.chance(0.5) ? dice.pick(memory.decisions) : anyText(dice)
    return { method: 'GET', url: `/api/v1/decisions/${encoded(dice, id)}`, headers, remoteAddress, body: null }
  }
  const method = dice.pick(METHODS)
  const place = dice.chance(0.8) ? dice.pick(PLACES) : `/${asPath(mutateText(dice, dice.pick(PLACES).slice(1)))}`
  const hasBody = method !== 'GET' && method !== 'HEAD' && method !== 'TRACE' && dice.chance(0.5)
  if (hasBody) headers['content-type'] = dice.pick(['application/json', 'text/plain', 'application/x-www-form-urlencoded'])
  return { method, url: place + (dice.chance(0.3) ? queryOf(dice) : ''), headers, remoteAddress, body: hasBody ? payload(dice, anyValue(dice)) : null }
}

/** The journal grows by each command; then the subject starts anew. */
const INPUTS_PER_SUBJECT = 1_500

/** Sends `inputs` requests, each to be found again by its number under the same seed. */
export async function fuzzApi (directory: string, inputs: number, seed: number, tally: Tally): Promise<void> {
  let subject: Subject | null = null
  const memory: Memory = { decisions: [] }
  for (let number = 0; number < inputs; number++) {
    const dice = createDice(seed + number)
    if (subject === null || number % INPUTS_PER_SUBJECT === 0) {
      await subject?.stop()
      memory.decisions = []
      subject = await createSubject(directory, createDice(seed), tally)
    } else if (number % 500 === 0) await subject.restart()
    if (number % 50 === 0) await subject.live(1)
    if (number % 250 === 0) await checkViews(subject, tally)
    const reply = await ask(subject, tally, number, inputOf(dice, memory))
    const decision = /"decision":"([^"]+)"/.exec(reply ?? '')?.[1]
    if (decision !== undefined) memory.decisions.push(decision)
  }
  if (subject !== null) await checkViews(subject, tally)
  await subject?.stop()
}
