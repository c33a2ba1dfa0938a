/** Cross checks of gateways. */
import { isLoopback, parseHttpUrl } from './address.ts'
import { parseDuration } from './duration.ts'
import type { DriverRegistry } from './kinds.ts'
import type { Path, Reporter } from './problems.ts'
import type { GatewayFile } from './schema.ts'
import type { View } from './view.ts'

/** Any duration of a validated file [ms]. */
export function ms (text: string): number {
  return parseDuration(text) ?? 0
}

export function checkGateways (view: View, registry: DriverRegistry, reporter: Reporter): void {
  const interfaces = interfacesOf(view).map((path) => ({ gateway: view.at<string>([...path, 'gateway']), name: view.at<string>([...path, 'interface']) }))
  const used = new Set(interfaces.map(({ gateway }) => gateway))
  const urls = new Map<string, string>()
  const listens = new Map<string, string>()
  let reminded = false
  for (const id of view.keys(['gateways'])) {
    const path = ['gateways', id]
    if (!used.has(id)) reporter.warn(path, `no trunk uses the gateway "${id}"`, null, 'key')
    const gateway = view.at<GatewayFile>(path)
    if (gateway === null) continue
    checkThresholds(path, gateway.observe.fall, reporter, 'observe')
    if (ms(gateway.timeout) > ms(gateway.observe.interval)) {
      reporter.error([...path, 'timeout'], `"timeout" is longer than the interval of "observe" (${gateway.observe.interval})`, 'a read must end before the next one starts')
    }
    checkAccount(path, gateway, reporter)
    const names = interfaces.flatMap(({ gateway, name }) => gateway === id && name !== null ? [name] : [])
    for (const { path: at, message, hint } of registry.get(gateway.driver)?.check?.(gateway, names) ?? []) reporter.error([...path, ...at], message, hint)
    if (Number(gateway['priority'] ?? 10) >= Number(gateway['behind'] ?? 100)) {
      reporter.error([...path, gateway['priority'] === undefined ? 'behind' : 'priority'], '"priority" must be less than "behind"', 'callers go to the lowest priority')
    }
    const { zone, records } = gateway as { readonly zone?: unknown; readonly records?: readonly string[] }
    for (const [index, name] of typeof zone === 'string' && Array.isArray(records) ? records.entries() : []) {
      const [inner, outer] = [name, zone].map((text) => `.${String(text).replace(/\.$/, '').toLowerCase()}`)
      if (!inner!.endsWith(outer!)) reporter.error([...path, 'records', index], `"${name}" is not in the zone "${String(zone)}"`, 'a full name, which ends with the zone\'s')
    }
    if (gateway['insecure_tls'] === true) {
      reporter.warn([...path, 'insecure_tls'], 'the gateway\'s certificate is not checked, so anybody on the way can read the password', 'give ca_file instead')
    }
    checkUrl(path, id, gateway, urls, reporter)
    if (gateway.driver === 'beacon') checkBeacon(path, id, gateway, listens, reporter)
    // Always true for Kamailio, and it can't be seen from here: said once, however many there are.
    if (gateway.driver === 'kamailio' && !reminded) {
      reminded = true
      reporter.warn([...path, 'driver'], 'a restart of Kamailio enables its registrations and destinations again', 'set flags to 1 in the uacreg records of the standby, to 4 in its dispatcher list')
    }
  }
}

/** Shortest lifetime in which a restart fits twice. */
const SHORT_MS = 30_000

function checkBeacon (path: Path, id: string, gateway: GatewayFile, listens: Map<string, string>, reporter: Reporter): void {
  const { listen = [], second = [], expires } = gateway as { readonly listen?: readonly string[]; readonly second?: readonly string[]; readonly expires?: string }
  for (const [key, index, text] of [...listen.map((each, at) => ['listen', at, each] as const), ...second.map((each, at) => ['second', at, each] as const)]) {
    const owner = listens.get(text)
    if (owner !== undefined) reporter.error([...path, key, index], owner === id ? `"${text}" is listed twice` : `the beacon "${owner}" listens there already`, 'each has its own address')
    listens.set(text, owner ?? id)
  }
  if (second.length === 0) reporter.warn(path, `the beacon "${id}" has no second one: when it can't be reached, its standby takes over`, 'run `pointsman beacon` on another machine, and give its address as "second"', 'key')
  if (expires !== undefined && ms(expires) < SHORT_MS) reporter.warn([...path, 'expires'], '"expires" is so short that a restart of Pointsman may let the standby take over', 'at least 30s')
}

function checkUrl (path: Path, id: string, gateway: GatewayFile, urls: Map<string, string>, reporter: Reporter): void {
  if (typeof gateway['url'] !== 'string') return
  const at = [...path, 'url']
  const url = parseHttpUrl(gateway['url'])
  if (!url.ok) { reporter.error(at, `"url" ${url.message}`, url.hint); return }
  warnClearText(at, url.value, gateway, reporter)
  // Of gateways behind one Devices App.
  const { device } = gateway
  const key = `${url.value.href} ${typeof device === 'string' ? device.toLowerCase() : ''}`
  const other = urls.get(key)
  if (other !== undefined) reporter.warn(at, `the gateways "${other}" and "${id}" have the same url`, 'their changes would get in each other\'s way; use one gateway')
  urls.set(key, id)
}

/** A user name needs a password, and the other way round; a token stands alone. */
export function checkAccount (path: Path, settings: Readonly<Record<string, unknown>>, reporter: Reporter): void {
  const password = ['password_file', 'password_env'].find((key) => settings[key] !== undefined)
  if (settings['username'] !== undefined && password === undefined) {
    reporter.error([...path, 'username'], '"username" has no password', 'add password_file or password_env')
  }
  if (settings['username'] === undefined && password !== undefined) {
    reporter.error([...path, password], `"${password}" has no user name`, 'add username')
  }
  const token = ['token_file', 'token_env'].find((key) => settings[key] !== undefined)
  if (token !== undefined && (password ?? settings['username']) !== undefined) {
    reporter.error([...path, token], 'both an account and a token are given', 'keep one of them')
  }
}

/** @param at - where the URL is written */
export function warnClearText (at: Path, url: URL, settings: Readonly<Record<string, unknown>>, reporter: Reporter): void {
  const hasSecret = Object.keys(settings).some((key) => /^(?:password|token)_(?:file|env)$/.test(key))
  if (!hasSecret || url.protocol !== 'http:' || isLoopback(url.hostname)) return
  reporter.warn(at, 'the credentials are sent in clear text', 'use https')
}

export function checkThresholds (path: Path, fall: number, reporter: Reporter, section?: string): void {
  if (fall > 1) return
  reporter.warn([...path, ...(section === undefined ? [] : [section]), 'fall'], 'with "fall: 1" a single lost packet counts as down', 'use at least 2')
}

/** Paths of all interfaces of all trunks. */
export function interfacesOf (view: View): readonly Path[] {
  return view.keys(['trunks']).flatMap((trunk) => {
    const list = ['trunks', trunk, 'interfaces']
    return view.indexes(list).map((index) => [...list, index])
  })
}
