/** Sequences of things that happen, random or one after the other in every order, as stories that the scenario player takes. */
import type { Random } from '../../src/ports.ts'
import type { Kind } from '../../src/rehearsal/model-world.ts'
import type { Event, QueryName, Timeline } from '../../src/rehearsal/story.ts'

/** What happens, without its moment. */
export type Happening = Omit<Event, 'at' | 'after' | 'when'>

export interface Sequence {
  readonly kind: Kind
  readonly query: QueryName
  readonly setting: string
  readonly events: readonly (Happening & { readonly after: string })[]
}

/** Times of everything are short, so that a minute tells as much as half an hour. */
const TIMES = {
  gateways: { 'pbx-a': { timeout: '2s', observe: { interval: '2s' }, registers_within: '10s' }, 'pbx-b': { timeout: '2s', observe: { interval: '2s' }, registers_within: '10s' } },
  probes: { options: { interval: '1s', timeout: '500ms' } },
  interlocks: { warmup: '10s', cooldown: '20s', hold: '20s', spacing: ['0s', '5s', '10s'] },
  rules: [
    { name: 'trunk-down', match: ['alertname="SipTrunkDown"', 'severity=~"critical|page"'], target: { trunk: '{trunk}', gateway: '{gateway}' }, demand: 'disable' },
    { name: 'own-eyes', when: { health: 'down', for: '4s' }, demand: 'disable' },
    { name: 'maintenance', match: ['alertname="Maintenance"'], target: { trunk: '{trunk}', gateway: '{gateway}' }, demand: 'disable', evidence: 'none' }
  ]
}
const EXPIRES = { expires: '30s' }

/** Deviations from the defaults; those of the registration only with a query where they need one. */
export const SETTINGS: Readonly<Record<string, { readonly configuration: object; readonly needsQuery?: boolean }>> = {
  'reject': { configuration: { ...TIMES, trunks: { acme: { registration: EXPIRES } } } },
  'replace': { configuration: { ...TIMES, trunks: { acme: { registration: { ...EXPIRES, on_second: 'replace', unproven: 'act' } } } } },
  'emergency': { configuration: { ...TIMES, trunks: { acme: { registration: EXPIRES, emergency: true } } } },
  'fencing': { configuration: { ...TIMES, trunks: { acme: { registration: { ...EXPIRES, fencing: true } } } }, needsQuery: true },
  'swap': { configuration: { ...TIMES, trunks: { acme: { registration: { ...EXPIRES, handover: 'swap' } } } }, needsQuery: true },
  'ip': { configuration: { ...TIMES, trunks: { acme: { registration: { auth: 'ip', on_second: null, expires: null, aor: null } } } } }
}

const FAULTS = ['dead', 'frozen', 'uplink-cut', 'unseen', 'management-dead', 'sip-dead', 'account-refused', 'no-interface', 'refuses-commands', 'lies', 'slow'] as const
const LETTERS = ['a', 'b'] as const
/** Whatever may happen once; a fault is healed by what comes after it, or by the tail. */
export const ALPHABET: readonly Happening[] = [
  ...LETTERS.flatMap((gateway) => FAULTS.flatMap((fault): Happening[] => [{ gateway, fault }, { gateway, heals: fault }])),
  ...LETTERS.flatMap((letter): Happening[] => [
    { gateway: letter, boots: 'enabled' }, { gateway: letter, boots: 'disabled' },
    { person: `disables ${letter}` }, { person: `enables ${letter}` },
    { carrier: `rejects ${letter}` }, { carrier: `accepts ${letter}` },
    { alert: `fires ${letter}` }, { alert: `ends ${letter}` }, { alert: `fires ${letter} Maintenance` }, { alert: `ends ${letter} Maintenance` },
    { operator: `switchover ${letter}` }, { operator: `switchover ${letter} --override no-better,standby-not-ready,cooldown` }, { operator: `pin ${letter}` }
  ]),
  { carrier: 'dies' }, { carrier: 'lives' },
  ...(['obeys', 'refuses', 'lies', 'silent'] as const).map((changes): Happening => ({ changes })),
  ...(['dies', 'lives', 'repeats', 'late', 'loses'] as const).map((alertmanager): Happening => ({ alertmanager })),
  { prometheus: 'dies' }, { prometheus: 'lives' },
  ...(['killed', 'stopped', 'starts', 'reloads', 'cut-off', 'connected'] as const).map((pointsman): Happening => ({ pointsman })),
  { clock: '+90m' }, { clock: '-10m' }, { clock: '+3s' },
  ...['pause', 'resume', 'unpin', 'failback', 'abort', 'ack', 'release', 'adopt', 'reassert'].map((operator): Happening => ({ operator }))
]

/** The few that a switchover meets most, for every order of them. */
export const SHORT_ALPHABET: readonly Happening[] = [
  { gateway: 'a', fault: 'dead' }, { gateway: 'a', heals: 'dead' }, { gateway: 'b', fault: 'dead' }, { gateway: 'a', fault: 'frozen' }, { gateway: 'b', fault: 'frozen' },
  { gateway: 'b', fault: 'unseen' }, { gateway: 'a', fault: 'sip-dead' }, { gateway: 'b', fault: 'lies' }, { gateway: 'b', fault: 'refuses-commands' }, { gateway: 'b', fault: 'account-refused' },
  { alertmanager: 'repeats' }, { alertmanager: 'loses' }, { pointsman: 'killed' }, { pointsman: 'reloads' }, { clock: '+90m' }, { clock: '-10m' },
  { operator: 'abort' }, { operator: 'switchover b' }, { operator: 'pause' }, { person: 'enables b' }
]
/** What starts a switchover, or most of one. */
export const TRIGGERS: readonly Happening[] = [{ gateway: 'a', fault: 'sip-dead' }, { gateway: 'a', fault: 'dead' }, { operator: 'switchover b' }]

/** What makes this undone; null: there is nothing to undo. */
function cureOf ({ gateway, fault, carrier, changes, alert, alertmanager, prometheus, pointsman }: Happening): Happening | null {
  if (gateway !== undefined && fault !== undefined) return { gateway, heals: fault }
  if (carrier === 'dies') return { carrier: 'lives' }
  if (carrier?.startsWith('rejects ') === true) return { carrier: carrier.replace('rejects', 'accepts') }
  if (changes !== undefined) return { changes: 'obeys' }
  if (alert?.startsWith('fires ') === true) return { alert: alert.replace('fires', 'ends') }
  if (alertmanager === 'dies') return { alertmanager: 'lives' }
  if (prometheus === 'dies') return { prometheus: 'lives' }
  if (pointsman === 'cut-off') return { pointsman: 'connected' }
  return pointsman === 'killed' || pointsman === 'stopped' ? { pointsman: 'starts' } : null
}

const PERMISSION: readonly Happening[] = ['resume', 'resume trunk/acme', 'unpin', 'release', 'ack'].map((operator) => ({ operator }))
/** What a person did at a gateway is taken as it is, or undone where that can't be. */
const PEACE: readonly Happening[] = [{ operator: 'adopt' }]
const LAST_RESORT: readonly Happening[] = [{ operator: 'reassert' }]
/** Settled before anything happens; then the quiet tail. */
const BEGIN = '25s'
const TAIL_S = 150

const GAPS = ['0s', '1s', '2s', '4s', '8s', '15s', '40s'] as const

function pick<T> (random: Random, from: readonly T[]): T {
  const picked = from[Math.floor(random.fraction() * from.length)]
  if (picked === undefined) throw new Error('nothing to pick from')
  return picked
}

/** A random sequence of `length` events. */
export function randomSequence (random: Random, length: number): Sequence {
  const setting = pick(random, Object.keys(SETTINGS))
  const queries: readonly QueryName[] = SETTINGS[setting]?.needsQuery === true ? ['query lists'] : setting === 'ip' ? ['no query'] : ['no query', 'query lists', 'query lists', 'query nothing', 'query refused']
  const events = Array.from({ length }, (_, index) => ({ after: index === 0 ? BEGIN : pick(random, GAPS), ...pick(random, index === 0 && random.fraction() < 0.5 ? TRIGGERS : ALPHABET) }))
  return { kind: pick(random, ['innovaphone', 'kamailio']), query: pick(random, queries), setting, events }
}

/** A trigger, then every two of the short alphabet. */
export function * everySequence (): Generator<Sequence> {
  for (const kind of ['innovaphone', 'kamailio'] as const) {
    for (const query of ['no query', 'query lists'] as const) {
      for (const trigger of TRIGGERS) {
        for (const first of SHORT_ALPHABET) {
          for (const second of SHORT_ALPHABET) yield { kind, query, setting: 'reject', events: [{ after: BEGIN, ...trigger }, { after: '5s', ...first }, { after: '1s', ...second }] }
        }
      }
    }
  }
}

/** A clock that is set while Pointsman does not run can't be told from time that has passed: what time proves is proven. */
function withoutUnseenSteps (events: Sequence['events']): Sequence['events'] {
  let runs = true
  return events.filter(({ pointsman, clock }) => {
    if (pointsman === 'killed' || pointsman === 'stopped') runs = false
    if (pointsman === 'starts') runs = true
    return runs || clock === undefined
  })
}

/** The story of a sequence, with its tail: everything is whole again, nobody forbids anything, and then nothing happens. */
export function timelineOf ({ setting, events: given, kind, query }: Sequence): Timeline {
  const events = withoutUnseenSteps(given)
  const quiet = (happenings: readonly Happening[], after: string): Event[] => happenings.map((happening, index) => ({ after: index === 0 ? after : '0s', ...happening }))
  const cure = events.map(cureOf).filter((each) => each !== null)
  const all: Event[] = [...events, ...quiet(cure, '5s'), ...quiet(PERMISSION, '1s'), ...quiet(PEACE, '15s'), ...quiet(LAST_RESORT, '15s'), ...quiet(PERMISSION, '5s')]
  const spanS = all.reduce((sum, { after = '0s' }) => sum + Number(after.replace('s', '')), 0)
  return { kinds: [kind], queries: [query], configuration: SETTINGS[setting]?.configuration ?? {}, events: all, until: `${spanS + TAIL_S}s` }
}
