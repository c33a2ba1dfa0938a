/** Cross checks of what concerns all trunks at once: interlocks, watchdog, canaries, heartbeat. */
import { matches, parseMatcher } from '../core/labels.ts'
import { parseHttpUrl, isLoopback, parseSipUri } from './address.ts'
import { interfacesOf, ms } from './check-gateways.ts'
import { checkProbeName } from './check-trunks.ts'
import type { Reporter } from './problems.ts'
import type { CanaryFile, HeartbeatFile, InterfaceFile, InterlocksFile, WatchdogFile } from './schema.ts'
import type { View } from './view.ts'

/** The shipped route repeats it each minute: one late notification is no loss. */
const LEAST_WATCHDOG_MS = 120_000
/** With fewer the share of silent ones says nothing. */
const LEAST_TARGETS = 3

export function checkInterlocks (view: View, reporter: Reporter): void {
  const path = ['interlocks', 'spacing']
  const spacing = view.at<readonly string[]>(path) ?? []
  for (const [index, text] of spacing.entries()) {
    const before = spacing[index - 1]
    if (before === undefined || ms(text) >= ms(before)) continue
    reporter.error([...path, index], `"spacing" must ascend: ${text} comes after ${before}`, 'each further switchover waits at least as long as the one before')
  }
}


/** Limits that can't be reached, or are always. */
export function checkLimits (view: View, reporter: Reporter): void {
  const brake = view.at<InterlocksFile['brake']>(['interlocks', 'brake'])
  if (brake?.incidents !== undefined && brake.per_day !== undefined && brake.per_day < brake.incidents) {
    reporter.error(['interlocks', 'brake', 'per_day'], `"per_day" (${brake.per_day}) is less than "incidents" (${brake.incidents})`, 'a day holds at least as many as its worst minutes')
  }
  const latch = view.at<InterlocksFile['latch']>(['interlocks', 'latch'])
  if (latch?.switchovers === 1) reporter.warn(['interlocks', 'latch', 'switchovers'], 'with "switchovers: 1" every switchover latches its trunk', 'use at least 2')
  if (view.at(['interlocks', 'panic_share']) === 1) {
    reporter.warn(['interlocks', 'panic_share'], 'more than all targets can\'t be down, so Pointsman never distrusts its own view', 'use less than 1, or add canaries')
  }
}

export function checkWatchdog (view: View, reporter: Reporter): void {
  const path = ['watchdog']
  const watchdog = view.at<WatchdogFile>(path)
  if (watchdog === null) return
  const matchers = watchdog.match.flatMap((text) => {
    const parsed = parseMatcher(text)
    return parsed.ok ? [parsed.matcher] : []
  })
  if (matchers.every((matcher) => matches(matcher, {}))) {
    reporter.error([...path, 'match'], 'every alert would count as the watchdog', 'at least one matcher must ask for a label, for example alertname="Watchdog"')
  }
  if (ms(watchdog.timeout) < LEAST_WATCHDOG_MS) {
    reporter.warn([...path, 'timeout'], 'with less than 2m one late notification looks like dead monitoring', 'use at least twice the repeat_interval of its route')
  }
}

export function checkCanaries (view: View, reporter: Reporter): void {
  const own = targetsOf(view)
  const seen = new Map<string, number>()
  const indexes = view.indexes(['canaries'])
  for (const index of indexes) {
    const path = ['canaries', index]
    const canary = view.at<CanaryFile>(path)
    if (canary === null) continue
    checkProbeName(view, [...path, 'probe'], canary.probe, 'OPTIONS', reporter)
    const uri = spelt(canary.uri)
    const other = seen.get(uri)
    if (other !== undefined) reporter.error([...path, 'uri'], `entry ${other + 1} of "canaries" is the same address`, 'remove one of them')
    seen.set(uri, other ?? index)
    if (own.has(uri)) reporter.error([...path, 'uri'], 'this address belongs to a trunk, so it can\'t tell a dead trunk from a dead network', 'take one that does not')
  }
  const interfaces = interfacesOf(view)
  const isKnown = interfaces.length > 0 && interfaces.every((path) => view.at(path) !== null)
  if (indexes.length > 0 || !isKnown || own.size >= LEAST_TARGETS) return
  reporter.warn(['canaries'], `there are no canaries and only ${own.size} targets: when Pointsman's own network dies, nothing tells it from dead trunks`, 'add a SIP address that does not belong to the trunks')
}

/** SIP addresses of gateways and carriers, each once. */
function targetsOf (view: View): ReadonlySet<string> {
  const interfaces = interfacesOf(view).flatMap((path) => view.at<InterfaceFile>(path) ?? [])
  return new Set(interfaces.flatMap(({ sip, carrier }) => carrier === undefined ? [spelt(sip)] : [spelt(sip), spelt(carrier)]))
}

function spelt (uri: string): string {
  const parsed = parseSipUri(uri)
  return parsed.ok ? parsed.value.uri : uri
}

export function checkHeartbeat (view: View, reporter: Reporter): void {
  const path = ['heartbeat']
  const heartbeat = view.at<HeartbeatFile>(path)
  if (heartbeat === null) return
  const given = (['url', 'url_file', 'url_env'] as const).filter((key) => heartbeat[key] !== undefined)
  const [first, second] = given
  if (first === undefined) reporter.error(path, 'the heartbeat has no URL', 'add url_file, url_env or url')
  if (first === 'url' && second !== undefined) reporter.error([...path, second], `"url" and "${second}" are both given`, 'keep one of them')
  const url = parseHttpUrl(heartbeat.url ?? '')
  if (heartbeat.url === undefined || !url.ok || url.value.protocol === 'https:' || isLoopback(url.value.hostname)) return
  reporter.warn([...path, 'url'], 'the URL is sent in clear text, and whoever knows it can fake a heartbeat', 'use https')
}
