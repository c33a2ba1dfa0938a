/** Cross checks of probes: their timing, what goes with what, and that no trunk's account is taken for a test. */
import { collectCodes } from './codes.ts'
import { checkAccount, checkThresholds, interfacesOf, ms } from './check-gateways.ts'
import { parseSipUri } from './address.ts'
import type { Path, Reporter } from './problems.ts'
import type { TargetFile } from './schema.ts'
import type { OptionsProbeFile, ProbeFile, RegisterProbeFile } from './schema-probes.ts'
import type { View } from './view.ts'

/** Least time between two OPTIONS to one target, and between two queries to one registrar (at most two a second). */
const LEAST_PROBE_INTERVAL_MS = 100
const LEAST_QUERY_INTERVAL_MS = 500

/** Header fields that the client writes itself. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  'via', 'v', 'from', 'f', 'to', 't', 'call-id', 'i', 'cseq', 'contact', 'm', 'max-forwards', 'content-length', 'l', 'user-agent', 'accept', 'expires',
  'authorization', 'proxy-authorization'
])

export function checkProbes (view: View, reporter: Reporter): void {
  const used = new Set<string | null>([
    ...interfacesOf(view).map((path) => view.at<string>([...path, 'probe'])),
    ...view.keys(['trunks']).map((trunk) => view.at<string>(['trunks', trunk, 'registration', 'query'])),
    ...view.indexes(['canaries']).map((index) => view.at<string>(['canaries', index, 'probe'])),
    ...view.indexes(['targets']).map((index) => view.at<string>(['targets', index, 'probe']))
  ])
  for (const name of view.keys(['probes'])) {
    const path = ['probes', name]
    if (!used.has(name)) reporter.warn(path, `nothing uses the probe "${name}"`, null, 'key')
    const probe = view.at<ProbeFile>(path)
    if (probe === null) continue
    checkThresholds(path, probe.fall, reporter)
    checkAccount(path, probe, reporter)
    checkSending(path, probe, reporter)
    checkFast(path, probe, reporter)
    if (collectCodes(probe.alive).length === 0) reporter.error([...path, 'alive'], 'with this "alive" no response counts as alive', 'leave it out for the default')
    if (probe.method === 'OPTIONS') checkOptions(path, probe, reporter)
    else checkRegister(path, probe, reporter)
  }
  checkAccounts(view, reporter)
}

function checkOptions (path: Path, probe: OptionsProbeFile, reporter: Reporter): void {
  if (ms(probe.interval) < LEAST_PROBE_INTERVAL_MS) {
    reporter.error([...path, 'interval'], `"interval" must be at least ${LEAST_PROBE_INTERVAL_MS}ms`, 'a probe must not be a load for the carrier')
  }
  if (ms(probe.timeout) > ms(probe.interval)) {
    reporter.error([...path, 'timeout'], `"timeout" is longer than "interval" (${probe.interval})`, 'a probe must end before the next one starts')
  }
  if (probe.resolve === 'first' && probe.health === 'all') reporter.error([...path, 'health'], '"health: all" needs more than the first address', 'remove "resolve: first"')
}

function checkRegister (path: Path, probe: RegisterProbeFile, reporter: Reporter): void {
  if (ms(probe.doubt_interval) < LEAST_QUERY_INTERVAL_MS) {
    reporter.error([...path, 'doubt_interval'], `"doubt_interval" must be at least ${LEAST_QUERY_INTERVAL_MS}ms`, 'a registrar is asked at most twice a second')
  }
  if (ms(probe.doubt_interval) > ms(probe.interval)) {
    reporter.error([...path, 'doubt_interval'], `"doubt_interval" is longer than "interval" (${probe.interval})`, 'on doubt the registrar is asked more often, not less')
  }
  if (ms(probe.timeout) > ms(probe.doubt_interval)) {
    reporter.error([...path, 'timeout'], `"timeout" is longer than "doubt_interval" (${probe.doubt_interval})`, 'a query must end before the next one starts')
  }
  if (probe.operation === 'bind' && ms(probe.interval) * 2 > ms(probe.expires)) {
    reporter.error([...path, 'interval'], `"interval" is more than half of "expires" (${probe.expires})`, 'a binding must be refreshed before it ends')
  }
}

function checkFast (path: Path, probe: ProbeFile, reporter: Reporter): void {
  const { fast_interval: fast } = probe
  if (fast === undefined) return
  const least = probe.method === 'OPTIONS' ? LEAST_PROBE_INTERVAL_MS : LEAST_QUERY_INTERVAL_MS
  const at = [...path, 'fast_interval']
  if (ms(fast) < least) reporter.error(at, `"fast_interval" must be at least ${least}ms`, 'a probe must not be a load for the carrier')
  if (ms(fast) > ms(probe.interval)) reporter.error(at, `"fast_interval" is longer than "interval" (${probe.interval})`, 'while the verdict is about to turn, one looks more often')
}

const TLS_KEYS = ['server_name', 'ca_file', 'certificate_file', 'key_file', 'min_tls_version'] as const

function checkSending (path: Path, probe: ProbeFile, reporter: Reporter): void {
  const { transport } = probe
  const tlsKeys: readonly string[] = [...TLS_KEYS.filter((key) => probe[key] !== undefined), ...probe.insecure_tls ? ['insecure_tls'] : []]
  const [idle] = transport === 'udp' || transport === 'tcp' ? tlsKeys : []
  if (idle !== undefined) reporter.error([...path, idle], `"${idle}" has no effect with "transport: ${transport}"`, 'set transport to tls, or remove it')
  else if (probe.insecure_tls) reporter.warn([...path, 'insecure_tls'], 'the peer\'s certificate is not checked, so the answer may be anybody\'s', 'give ca_file instead')
  if ((probe.certificate_file === undefined) !== (probe.key_file === undefined)) {
    const given = probe.key_file === undefined ? 'certificate_file' : 'key_file'
    reporter.error([...path, given], `"${given}" is only half of a certificate`, 'give both certificate_file and key_file')
  }
  if (probe.local_port !== undefined && (transport === 'tcp' || transport === 'tls') && probe.connection !== 'reuse') {
    reporter.error([...path, 'local_port'], `"local_port" with "transport: ${transport}" needs "connection: reuse"`, 'a port that was just used can\'t be used again for a minute')
  }
  for (const name of Object.keys(probe.headers)) {
    const at = [...path, 'headers', name]
    if (!/^[A-Za-z0-9\-.!*_+`'~]{1,64}$/.test(name)) reporter.error(at, 'this is no name of a header field', 'for example X-Tenant', 'key')
    else if (OWN_HEADERS.has(name.toLowerCase())) reporter.error(at, 'this header field is written by Pointsman', 'there are own keys for From, To, Contact and User-Agent', 'key')
  }
}

/** A bound account rings at Pointsman: that must never be one whose calls a gateway takes. */
function checkAccounts (view: View, reporter: Reporter): void {
  for (const index of view.indexes(['targets'])) {
    const target = view.at<TargetFile>(['targets', index])
    const probe = target === null ? null : view.at<ProbeFile>(['probes', target.probe])
    if (target === null || probe?.method !== 'REGISTER' || probe.operation !== 'bind') continue
    const trunk = trunkOfAccount(view, target.uri, probe)
    if (trunk === null) continue
    const message = `the probe "${target.probe}" binds an account of the trunk "${trunk}", whose gateway then loses its calls`
    if (probe.takes_the_trunks_registration) reporter.warn(['targets', index, 'probe'], message, 'use an account of its own')
    else reporter.error(['targets', index, 'probe'], message, 'use an account of its own; "takes_the_trunks_registration: true" does it nevertheless')
  }
}

/** The trunk that registers with this account, or asks with its user name at the same host. */
function trunkOfAccount (view: View, uri: string, probe: RegisterProbeFile): string | null {
  const account = partsOf(probe.aor ?? uri)
  const user = (probe.aor === undefined ? null : account?.user) ?? probe.username
  return view.keys(['trunks']).find((trunk) => {
    const registration = ['trunks', trunk, 'registration']
    const own = partsOf(view.at<string>([...registration, 'aor']) ?? '')
    const query = view.at<string>([...registration, 'query'])
    const asking = query === null ? null : view.at<string>(['probes', query, 'username'])
    const sameHost = own !== null && account !== null && own.host === account.host
    return sameHost && (own.user === user || asking === probe.username)
  }) ?? null
}

function partsOf (uri: string): { readonly user: string | null; readonly host: string } | null {
  const parsed = parseSipUri(uri)
  return parsed.ok ? parsed.value : null
}
