/** The operators' file of timelines and expectations: its schema, and what an operator gets wrong in it. */
import { readFile } from 'node:fs/promises'
import { type Static, type TProperties, Type } from 'typebox'
import type { Config, Problem } from '../config/config.ts'
import { parseDuration } from '../config/duration.ts'
import { createReporter, suggest } from '../config/problems.ts'
import type { Path, Reporter } from '../config/problems.ts'
import { readYaml } from '../config/read.ts'
import { createValidate } from '../config/validate.ts'
import { VETOES, WAITS } from '../core/reasons.ts'
import { RECORD_TYPES } from '../core/record-types.ts'

const closed = <Properties extends TProperties>(properties: Properties, description: string) => Type.Object(properties, { additionalProperties: false, description })
const choice = <const Values extends readonly string[]>(values: Values, description: string) => Type.Optional(Type.Unsafe<Values[number]>({ ...Type.Enum([...values]), description }))
const time = (description: string) => Type.Optional(Type.String({ format: 'duration', description }))
const name = (description: string) => Type.Optional(Type.String({ minLength: 1, description }))
const names = (description: string) => Type.Optional(Type.Array(Type.String(), { description }))

export const FAULTS = ['dead', 'frozen', 'uplink-cut', 'unseen', 'management-dead', 'sip-dead', 'account-refused', 'no-interface'] as const
const VERBS = ['pause', 'resume', 'switchover', 'failback', 'abort', 'pin', 'unpin', 'approve', 'reject', 'ack', 'release', 'adopt', 'reassert'] as const

export const EventSchema = closed({
  at: time('when, since the start, for example 2m'),
  after: time('when, since the event before'),
  when: choice(['disabling', 'proving', 'enabling', 'verifying'], 'as soon as a switchover of `trunk` is in this phase'),
  gateway: name('the gateway that it happens to; with fault, heals or boots'),
  interface: name('gateway/interface that it happens to; with fault, heals, person, carrier or calls'),
  fault: choice(FAULTS, 'what breaks'),
  heals: choice(FAULTS, 'what is whole again'),
  boots: choice(['enabled', 'disabled'], 'how its interfaces are after the next boot'),
  calls: Type.Optional(Type.Integer({ minimum: 0, description: 'calls in progress on the interface from now on' })),
  person: choice(['enables', 'disables'], 'somebody switches the interface at the gateway itself'),
  carrier: name('dies or lives (with `address`); rejects or accepts (with `interface`)'),
  address: name('address of a carrier, as in the configuration'),
  alert: Type.Optional(Type.Record(Type.String(), Type.String(), { description: 'labels of an alert from a rule of your own' })),
  state: choice(['fires', 'ends'], 'of the alert; default fires'),
  prometheus: choice(['dies', 'lives'], 'Prometheus'),
  alertmanager: choice(['dies', 'lives', 'repeats'], 'Alertmanager; repeats: it sends the last notification once more'),
  clock: Type.Optional(Type.String({ pattern: '^[+-]', description: 'the clock on the wall is set, for example +90m or -10m' })),
  pointsman: choice(['killed', 'stopped', 'starts', 'cut-off', 'connected'], 'Pointsman itself; cut-off: it reaches nothing'),
  operator: choice(VERBS, 'an order, with trunk, to, scope, override, i_know or force as it needs'),
  trunk: name('trunk of the order, or of `when`; default: the only one'),
  to: name('switchover and pin: the interface'),
  scope: name('pause and resume: global, trunk/NAME or gateway/NAME; default global'),
  override: names('switchover: interlocks that are passed'),
  i_know: names('switchover: interfaces that are off for certain'),
  force: Type.Optional(Type.Boolean({ description: 'switchover: without waiting for calls to end' }))
}, 'one thing that happens')

export const ExpectSchema = closed({
  at: time('at this instant since the start'),
  by: time('at the latest at this instant'),
  trunk: name('the trunk; default: the only one'),
  carries: name('interface that is registered and reached by calls, `none`, or several with blanks between; by what is true, not by what Pointsman knows'),
  wanted: name('interface that Pointsman wants enabled'),
  carrying: choice(['yes', 'no', 'unknown'], 'whether the trunk carries calls, by what Pointsman says'),
  vetoes: names('the interlocks that hold it, all of them, in any order'),
  waits: names('what it waits for, all of it, in any order'),
  moves: names('the switchovers until the end, in order, each as `cause result interface`, for example `alert verified pbx-b/SIP1`'),
  commands: names('the commands to gateways until the end, in order, each as `enabled pbx-b/SIP1`'),
  silence: time('longest time without an interface that calls reach'),
  seen: names('interlocks, waits and types of records that come up'),
  never: names('interlocks, waits and types of records that don\'t come up')
}, 'what must come of it')

const TestSchema = closed({
  name: Type.String({ minLength: 1, description: 'what it is about' }),
  start: Type.Optional(Type.String({ description: 'date and time of the start, for example 2026-03-29T00:30:00Z; default 2026-01-01T00:00:00Z' })),
  enabled: names('interfaces that are enabled at the start; default: the first one of each trunk'),
  registrar: choice(['lists', 'nothing', 'unsupported', 'refused'], 'what registrars answer to a query; default lists'),
  shipped_alerts: Type.Optional(Type.Boolean({ description: 'the alert SipTrunkDown of deploy/prometheus fires as it does there; default true' })),
  events: Type.Array(EventSchema, { description: 'what happens, in order' }),
  until: Type.String({ format: 'duration', description: 'end of the story, for example 30m; at most 1d' }),
  expect: Type.Array(ExpectSchema, { minItems: 1, description: 'what must come of it' })
}, 'one story')

export const TestFileSchema = closed({
  config: Type.String({ minLength: 1, description: 'the configuration, relative to this file' }),
  mode: choice(['observe', 'approve', 'automatic'], 'mode of all trunks here; default: as configured'),
  tests: Type.Array(TestSchema, { minItems: 1, description: 'the stories' })
}, 'a file of tests')

export type StoryEvent = Static<typeof EventSchema>
/** With its place in the file. */
export type Expectation = Static<typeof ExpectSchema> & Place
export interface Place { readonly line: number; readonly column: number }
export type StoryTest = Omit<Static<typeof TestSchema>, 'expect'> & Place & { readonly expect: readonly Expectation[] }
export interface TestFile { readonly config: string; readonly mode: 'observe' | 'approve' | 'automatic' | null; readonly tests: readonly StoryTest[] }

type Read<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] }

const LONGEST_MS = 86_400_000
/** Exactly one of these says what an event is about. */
const SUBJECTS = ['gateway', 'interface', 'address', 'alert', 'prometheus', 'alertmanager', 'clock', 'pointsman', 'operator'] as const

/** Reads the file alone; `checkNames` compares it with its configuration. */
export async function readTestFile (file: string): Promise<Read<{ readonly file: TestFile; readonly reporter: Reporter }>> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => ({ code: error.code ?? 'unknown error' }))
  if (typeof text !== 'string') return { ok: false, problems: [{ severity: 'error', line: 1, column: 1, path: '', message: text.code === 'ENOENT' ? 'there is no such file' : `the file can't be read (${text.code})`, hint: null }] }
  const read = readYaml(text)
  if (!read.ok) return read
  const reporter = createReporter(read.locate)
  createValidate(reporter)(TestFileSchema, read.value, [])
  if (reporter.unsound().length > 0) return { ok: false, problems: reporter.problems() }
  const raw = read.value as Static<typeof TestFileSchema>
  const tests = raw.tests.map((test, index): StoryTest => ({
    ...test,
    ...read.locate(['tests', index, 'name'], 'value'),
    expect: test.expect.map((each, number) => ({ ...each, ...read.locate(['tests', index, 'expect', number], 'value') }))
  }))
  for (const [index, test] of tests.entries()) checkTest(test, ['tests', index], reporter)
  return { ok: true, value: { file: { config: raw.config, mode: raw.mode ?? null, tests }, reporter } }
}

function checkTest (test: StoryTest, path: Path, reporter: Reporter): void {
  const untilMs = parseDuration(test.until) ?? 0
  if (untilMs > LONGEST_MS) reporter.error([...path, 'until'], '"until" must be at most 1d')
  if (test.start !== undefined && Number.isNaN(Date.parse(test.start))) reporter.error([...path, 'start'], '"start" must be a date and time', 'for example 2026-03-29T00:30:00Z')
  for (const [index, event] of test.events.entries()) {
    const at: Path = [...path, 'events', index]
    const times = (['at', 'after', 'when'] as const).filter((key) => event[key] !== undefined)
    if (times.length !== 1) reporter.error(at, 'an event needs one of: at, after, when')
    if (event.at !== undefined && (parseDuration(event.at) ?? 0) >= untilMs) reporter.error([...at, 'at'], 'this is after the end of the story', 'see `until`')
    const subjects = SUBJECTS.filter((key) => event[key] !== undefined)
    if (subjects.length !== 1) reporter.error(at, `an event needs one of: ${SUBJECTS.join(', ')}`)
    else checkEvent(event, at, reporter)
  }
  for (const [index, each] of test.expect.entries()) {
    const at: Path = [...path, 'expect', index]
    const momentary = (['carries', 'wanted', 'carrying', 'vetoes', 'waits'] as const).some((key) => each[key] !== undefined)
    const overall = (['moves', 'commands', 'silence', 'seen', 'never'] as const).some((key) => each[key] !== undefined)
    if (!momentary && !overall) reporter.error(at, 'nothing is expected here')
    if (each.at !== undefined && each.by !== undefined) reporter.error([...at, 'by'], 'give at or by, not both')
    if (momentary && each.at === undefined && each.by === undefined) reporter.error(at, 'carries, wanted, carrying, vetoes and waits need an instant: at or by')
    if (overall && (each.at !== undefined || each.by !== undefined)) reporter.error(at, 'moves, commands, silence, seen and never are about the whole story', 'put them into an entry of their own, without at and by')
    const instant = parseDuration(each.at ?? each.by ?? '0') ?? 0
    if (instant > untilMs) reporter.error(at, 'this is after the end of the story', 'see `until`')
    for (const word of [...each.seen ?? [], ...each.never ?? [], ...each.vetoes ?? [], ...each.waits ?? []]) {
      if (!KNOWN.includes(word)) reporter.error(at, `"${word}" is no interlock, wait or type of record`, suggest(word, KNOWN))
    }
  }
}

const KNOWN = [...new Set([...Object.keys(VETOES), ...Object.keys(WAITS), ...Object.keys(RECORD_TYPES), 'carrier-down'])]

function checkEvent (event: StoryEvent, at: Path, reporter: Reporter): void {
  const needs = (subject: string, allowed: readonly (keyof StoryEvent)[]): void => {
    if (!allowed.some((key) => event[key] !== undefined)) reporter.error(at, `"${subject}" needs one of: ${allowed.join(', ')}`)
  }
  if (event.gateway !== undefined) needs('gateway', ['fault', 'heals', 'boots'])
  if (event.interface !== undefined) needs('interface', ['fault', 'heals', 'person', 'carrier', 'calls'])
  if (event.clock !== undefined && parseDuration(event.clock.slice(1)) === null) reporter.error([...at, 'clock'], '"clock" must be a sign and a duration', 'for example +90m')
  if (event.address !== undefined && event.carrier !== 'dies' && event.carrier !== 'lives') reporter.error(at, '"carrier" must be dies or lives with "address"')
  if (event.interface !== undefined && event.carrier !== undefined && event.carrier !== 'rejects' && event.carrier !== 'accepts') reporter.error([...at, 'carrier'], '"carrier" must be rejects or accepts with "interface"')
  if (event.gateway !== undefined && (event.fault === 'no-interface' || event.heals === 'no-interface')) reporter.error(at, 'no-interface happens to an interface', 'use "interface: gateway/interface"')
  if (event.operator === 'pin' && event.to === undefined) reporter.error(at, '"pin" needs "to"')
}

/** Names of trunks, gateways, interfaces and carriers that the configuration doesn't have. */
export function checkNames (file: TestFile, { topology }: Config, reporter: Reporter): void {
  const trunks = [...topology.trunks.keys()]
  const gateways = [...topology.gateways.keys()]
  const all = [...topology.trunks.values()].flatMap((trunk) => trunk.interfaces)
  const interfaces = all.map((iface) => iface.key)
  const addresses = [...new Set(all.flatMap((iface) => iface.carrierProbe === null ? [] : [addressOf(iface.carrierProbe)]))]
  const known = (path: Path, value: string | undefined, list: readonly string[], what: string): void => {
    if (value !== undefined && !list.includes(value)) reporter.error(path, `the configuration has no ${what} of this name`, suggest(value, list) ?? `it has: ${list.join(', ')}`)
  }
  for (const [index, test] of file.tests.entries()) {
    const path: Path = ['tests', index]
    for (const [number, key] of (test.enabled ?? []).entries()) known([...path, 'enabled', number], key, interfaces, 'interface')
    for (const [number, event] of test.events.entries()) {
      const at: Path = [...path, 'events', number]
      known([...at, 'gateway'], event.gateway, gateways, 'gateway')
      known([...at, 'interface'], event.interface, interfaces, 'interface')
      known([...at, 'to'], event.to, interfaces, 'interface')
      known([...at, 'trunk'], event.trunk, trunks, 'trunk')
      known([...at, 'address'], event.address, addresses, 'carrier address')
      const aboutTrunk = event.when !== undefined || (event.operator !== undefined && !['pause', 'resume', 'release'].includes(event.operator))
      if (aboutTrunk && event.trunk === undefined && trunks.length !== 1) reporter.error(at, 'there are several trunks', 'say which one with "trunk"')
    }
    for (const [number, each] of test.expect.entries()) {
      const at: Path = [...path, 'expect', number]
      known([...at, 'trunk'], each.trunk, trunks, 'trunk')
      known([...at, 'wanted'], each.wanted, interfaces, 'interface')
      if (each.carries !== undefined && each.carries !== 'none') for (const key of each.carries.split(' ')) known([...at, 'carries'], key, interfaces, 'interface')
      if (each.trunk === undefined && trunks.length !== 1) reporter.error(at, 'there are several trunks', 'say which one with "trunk"')
    }
  }
}

/** The address part of a probe id. */
export function addressOf (probe: string): string {
  return probe.slice(probe.indexOf(' ') + 1)
}
