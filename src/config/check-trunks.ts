/** Cross checks of trunks: their interfaces, registration, and what an emergency trunk needs. */
import { parseSipUri } from './address.ts'
import { interfacesOf, ms } from './check-gateways.ts'
import { checkFailback } from './check-failback.ts'
import { contactPattern } from './contact.ts'
import { formatDuration } from './duration.ts'
import { capabilitiesOf, type DriverRegistry, interfaceKindOf } from './kinds.ts'
import { strictest } from '../core/mode.ts'
import type { Mode } from '../core/topology.ts'
import { type Path, type Reporter, suggest } from './problems.ts'
import type { GatewayFile, InterfaceFile, RuleFile, TrunkFile } from './schema.ts'
import { nameOf } from './validate.ts'
import type { View } from './view.ts'

type Registration = NonNullable<TrunkFile['registration']>

interface InterfaceAt { readonly path: Path; readonly value: InterfaceFile }

export function checkTrunks (view: View, registry: DriverRegistry, reporter: Reporter): void {
  checkOwners(view, reporter)
  for (const id of view.keys(['trunks'])) {
    const path = ['trunks', id]
    const interfaces = view.indexes([...path, 'interfaces']).flatMap((index): readonly InterfaceAt[] => {
      const at = [...path, 'interfaces', index]
      const value = view.at<InterfaceFile>(at)
      return value === null ? [] : [{ path: at, value }]
    })
    const registration = view.at<Registration>([...path, 'registration'])
    const registers = view.at([...path, 'type']) !== 'shared' && registration?.auth === 'register'
    for (const each of interfaces) {
      checkInterface(view, registry, each, reporter)
      checkCapabilities(view, registry, each, registers, reporter)
    }
    checkTogether(view, registry, interfaces, reporter)
    checkNumber(view, path, reporter)
    checkBeacons(view, path, interfaces, registration, reporter)
    checkMode(view, path, reporter)
    if (view.at([...path, 'type']) === 'shared') {
      checkShared(view, path, registration, reporter)
      continue
    }
    checkFailback(view, registry, path, interfaces.map(({ value }) => value), reporter)
    if (!view.keys(path).includes('registration')) {
      reporter.error([...path, 'registration'], '"registration" is missing', 'how gateways register at the carrier: auth, on_second, expires')
    }
    if (registration === null) continue
    if (registration.auth === 'ip') {
      checkNothingRegistered(path, registration, reporter)
      continue
    }
    checkRegistration(view, path, registration, interfaces, reporter)
    if (registration.expires === undefined) continue
    if (registration.query === undefined && registration.unproven === undefined) warnUnproven(id, registration, reporter)
    warnVetoedFailback(view, registry, path, registration, interfaces, reporter)
  }
}

/** A name that its gateway can have; and what is to be registered must be able to register. */
function checkCapabilities (view: View, registry: DriverRegistry, { path, value }: InterfaceAt, registers: boolean, reporter: Reporter): void {
  const gateway = view.at<GatewayFile>(['gateways', value.gateway])
  const driver = registry.get(gateway?.driver ?? '')
  if (driver === undefined) return
  if (interfaceKindOf(registry, driver.name, value.interface) === null) {
    reporter.error([...path, 'interface'], `a gateway of the driver "${driver.name}" has no interface that is named so`, driver.interfaces.map(({ named }) => named).join(', or '))
  } else if (view.at(['trunks', String(path[1]), 'type']) !== 'shared' && gateway?.['off'] === 'absent') {
    reporter.error([...path, 'interface'], `${value.gateway}/${value.interface} can't be the only record and be taken out: "off: absent" is for shared trunks`, 'use "off: behind"')
  } else if (registers && capabilitiesOf(registry, gateway, value.interface)?.registers === false) {
    reporter.error([...path, 'interface'], `${value.gateway}/${value.interface} does not register: calls are only sent by it`, 'use "registration: {auth: ip}", or an interface that registers')
  }
}

/** An interface belongs to one trunk, once. */
function checkOwners (view: View, reporter: Reporter): void {
  const owners = new Map<string, string>()
  for (const path of interfacesOf(view)) {
    const value = view.at<InterfaceFile>(path)
    if (value === null) continue
    const trunk = String(path[1])
    const key = `${value.gateway}/${value.interface}`
    const owner = owners.get(key)
    if (owner === trunk) reporter.error(path, `the interface ${key} is listed twice in the trunk "${trunk}"`, 'remove one of them')
    else if (owner !== undefined) reporter.error(path, `the interface ${key} already belongs to the trunk "${owner}"`, 'an interface belongs to one trunk')
    owners.set(key, owner ?? trunk)
  }
}

function checkInterface (view: View, registry: DriverRegistry, { path, value }: InterfaceAt, reporter: Reporter): void {
  checkName(view, [...path, 'gateway'], 'gateways', 'gateway', value.gateway, reporter)
  checkProbeName(view, [...path, 'probe'], value.probe, 'OPTIONS', reporter)
  if (value.carrier === undefined) {
    // The target of a record is the carrier.
    if (!isSignpost(view, registry, value)) reporter.warn(path, `the interface ${value.gateway}/${value.interface} has no "carrier", so the carrier is not probed`, 'add "carrier"')
  } else if (canonical(value.carrier) === canonical(value.sip)) {
    reporter.error([...path, 'carrier'], '"carrier" is the same address as "sip"', 'sip is the gateway\'s own address, carrier is the carrier\'s')
  }
}

/** No call runs through its gateway. */
function isSignpost (view: View, registry: DriverRegistry, { gateway }: InterfaceFile): boolean {
  return registry.get(view.at<string>(['gateways', gateway, 'driver']) ?? '')?.isSignpost === true
}

/** @returns whether the name exists */
function checkName (view: View, path: Path, section: string, word: string, name: string, reporter: Reporter): boolean {
  if (view.has([section], name)) return true
  const known = view.keys([section])
  reporter.error(path, `no ${word} is called "${name}"`, suggest(name, known) ?? `known: ${known.join(', ')}`)
  return false
}

/** The probe exists and sends what is needed here; null: whatever it sends. */
export function checkProbeName (view: View, path: Path, name: string, method: string | null, reporter: Reporter): void {
  if (!checkName(view, path, 'probes', 'probe', name, reporter) || method === null) return
  const found = view.at<string>(['probes', name, 'method'])
  if (found !== null && found !== method) {
    reporter.error(path, `the probe "${name}" sends ${found}, ${nameOf(path)} needs one that sends ${method}`)
  }
}

/** What may not be the same for two interfaces of a trunk. */
function checkTogether (view: View, registry: DriverRegistry, interfaces: readonly InterfaceAt[], reporter: Reporter): void {
  const seenAddresses = new Map<string, string>()
  const seenContacts = new Set<string>()
  for (const { path, value } of interfaces) {
    const address = canonical(value.sip)
    const other = seenAddresses.get(address)
    if (other !== undefined && other !== value.gateway) {
      reporter.error([...path, 'sip'], `the gateways "${other}" and "${value.gateway}" have the same "sip" address`, 'each gateway has its own')
    }
    seenAddresses.set(address, value.gateway)
    for (const [part, text] of Object.entries(contactPattern(value.contact) ?? {})) {
      const key = `${part} ${text}`
      if (seenContacts.has(key)) {
        reporter.error([...path, 'contact'], `another interface of this trunk has the same contact (${part === 'hostPort' ? 'host_port' : part})`, 'the carrier\'s list could not tell them apart')
      }
      seenContacts.add(key)
    }
  }
  const gateways = new Set(interfaces.map(({ value }) => value.gateway))
  const [first, second] = interfaces
  if (first !== undefined && second !== undefined && gateways.size === 1 && !isSignpost(view, registry, first.value)) {
    reporter.warn([...second.path, 'gateway'], `all interfaces of this trunk are on the gateway "${first.value.gateway}"`, 'the trunk dies with it')
  }
}

function checkNumber (view: View, path: Path, reporter: Reporter): void {
  const at = [...path, 'interfaces']
  const count = view.indexes(at).length
  const leastEnabled = view.at<number>([...path, 'min_enabled']) ?? 1
  // A list that is missing, or no list, is reported already.
  if (count === 1 || (count === 0 && view.at(at) !== null)) {
    reporter.error(at, `${view.at([...path, 'type']) === 'shared' ? 'a shared' : 'an exclusive'} trunk needs at least two interfaces, ${count === 0 ? 'there are none' : 'this one has one'}`, 'with one there is nothing to switch to')
  }
  if (leastEnabled > Math.max(count, 1)) {
    reporter.error([...path, 'min_enabled'], `"min_enabled" is ${leastEnabled}, the trunk has ${count} interfaces`)
  } else if (view.at([...path, 'type']) === 'shared') {
    if (leastEnabled === count) reporter.warn([...path, 'min_enabled'], `"min_enabled" is ${leastEnabled} of ${count}, so no interface is ever taken out`, 'leave at least one')
  } else if (leastEnabled > 1) {
    reporter.error([...path, 'min_enabled'], '"min_enabled" is more than one, an exclusive trunk has exactly one enabled interface', 'remove it')
  }
  if (leastEnabled === 0 && view.at([...path, 'emergency']) === true) {
    reporter.error([...path, 'min_enabled'], 'an emergency trunk can\'t have "min_enabled: 0"', 'it carries emergency calls')
  }
}

function checkMode (view: View, path: Path, reporter: Reporter): void {
  const [own, global] = [view.at<Mode>([...path, 'mode']), view.at<Mode>(['mode']) ?? 'observe']
  if (own === null || strictest(own, global) === own) return
  reporter.warn([...path, 'mode'], `the global mode is ${global}, so this trunk is ${global === 'observe' ? 'only observed' : 'moved only when a person agrees'}`, `set the global mode to ${own}`)
}

/** Where a standby registers at a beacon, its own trunk type says so: that only one interface is registered is then not in Pointsman's hand alone. */
function checkBeacons (view: View, trunk: Path, interfaces: readonly InterfaceAt[], registration: Registration | null, reporter: Reporter): void {
  const type = view.at([...trunk, 'type'])
  const atBeacons = interfaces.filter(({ value }) => view.at(['gateways', value.gateway, 'driver']) === 'beacon')
  if (type !== 'srv') {
    for (const { path, value } of atBeacons) reporter.error([...path, 'gateway'], `"${value.gateway}" is a beacon, which needs a trunk of "type: srv"`, 'a beacon that dies lets its standby go, so nobody can promise that only one interface is registered')
    return
  }
  if (interfaces.length > 0 && atBeacons.length !== 1) {
    reporter.error([...trunk, 'type'], `a trunk of type srv has one interface at a beacon, this one has ${atBeacons.length === 0 ? 'none' : atBeacons.length}`, 'a gateway with "driver: beacon"')
  } else if (atBeacons[0] !== undefined && atBeacons[0].path.at(-1) !== interfaces.length - 1) {
    reporter.error(atBeacons[0].path, 'the standby at the beacon must be the last interface', 'it takes over when the others can\'t')
  }
  if (registration?.auth === 'ip') reporter.error([...trunk, 'registration', 'auth'], 'the standby of a trunk of type srv registers', 'auth: register')
  if (registration?.handover === 'swap') reporter.error([...trunk, 'registration', 'handover'], '"handover: swap" has no use here: the standby registers by itself, at its next turn', 'remove it')
}

/** Beside the others nothing has to be proven: what else is said about registrations would have no effect. */
function checkShared (view: View, trunk: Path, registration: Registration | null, reporter: Reporter): void {
  const path = [...trunk, 'registration']
  for (const key of Object.keys(registration ?? {})) {
    if (key !== 'auth' && key !== 'on_second') reporter.error([...path, key], `"${key}" has no effect on a shared trunk`, 'remove it')
  }
  if (registration?.on_second !== undefined && registration.on_second !== 'coexist') {
    reporter.error([...path, 'on_second'], `a shared trunk needs a carrier that takes several registrations, not one that would ${registration.on_second} the second`, 'use "type: exclusive", or "on_second: coexist"')
  }
  const policy = view.at([...trunk, 'failback', 'policy'])
  if (view.at([...trunk, 'failback', 'window']) !== null && policy !== null && policy !== 'automatic') {
    reporter.error([...trunk, 'failback', 'window'], '"window" is for "policy: automatic" only', 'remove it, or let what was taken out be put back by itself')
  }
  const onAlerts = view.indexes(['rules']).some((index) => view.at<RuleFile>(['rules', index])?.match !== undefined)
  const confirmed = view.indexes(['alertmanagers']).length > 0 || view.at(['watchdog']) !== null
  if ((policy ?? 'automatic') === 'automatic' && onAlerts && !confirmed) {
    reporter.warn(trunk, 'what is taken out is put back by command only: without "alertmanagers" nobody can be asked whether an alert is over', 'add them, or "failback: {policy: manual}"')
  }
}

/** The carrier knows the gateway by its address: what else is said about registrations would have no effect. */
function checkNothingRegistered (trunk: Path, registration: Registration, reporter: Reporter): void {
  for (const key of Object.keys(registration)) {
    if (key !== 'auth') reporter.error([...trunk, 'registration', key], `"${key}" has no effect with "auth: ip", which registers nothing`, 'remove it')
  }
}

function checkRegistration (view: View, trunk: Path, registration: Registration, interfaces: readonly InterfaceAt[], reporter: Reporter): void {
  const path = [...trunk, 'registration']
  if (registration.on_second === undefined) {
    reporter.warn([...path, 'on_second'], '"on_second" is missing and counts as reject', 'ask the carrier what it does with a second registration: reject, replace or coexist')
  }
  if (registration.expires === undefined) reporter.error([...path, 'expires'], '"expires" is missing', 'longest lifetime of a registration that the carrier grants, for example 300s')
  if (registration.unproven !== undefined && (registration.on_second ?? 'reject') === 'reject') {
    reporter.error([...path, 'unproven'], '"unproven" has no effect with "on_second: reject": there time proves that a silent gateway\'s registration is gone', 'remove it')
  }
  checkRebinding(path, registration, reporter)
  if (registration.aor !== undefined && !registration.aor.includes('@')) {
    reporter.error([...path, 'aor'], '"aor" has no user part', 'for example sip:4930123@acme.example')
  }
  if (registration.query === undefined) return
  checkProbeName(view, [...path, 'query'], registration.query, 'REGISTER', reporter)
  if (view.at(['probes', registration.query, 'operation']) === 'bind') {
    reporter.error([...path, 'query'], `the probe "${registration.query}" binds, "query" needs one that asks only`, 'operation: query')
  }
  if (registration.aor === undefined) reporter.error([...path, 'aor'], '"aor" is missing, "query" needs it', 'the address of record that is registered, for example sip:4930123@acme.example')
  const [first] = interfaces
  if (registration.registrar === undefined && first !== undefined && first.value.carrier === undefined) {
    reporter.error([...path, 'registrar'], '"query" has nobody to ask', 'give "registrar", or "carrier" of the first interface')
  }
  for (const { path, value } of interfaces) {
    if (contactPattern(value.contact) !== null) continue
    reporter.error([...path, 'contact'], '"contact" is missing, "query" needs it', 'how the carrier lists this interface, for example 10.0.1.10:5060')
  }
}

/** What is written to the carrier's registrar is judged by what it lists. */
function checkRebinding (path: Path, registration: Registration, reporter: Reporter): void {
  const swaps = registration.handover === 'swap'
  if (registration.fencing === true && registration.on_second !== 'reject') {
    reporter.error([...path, 'fencing'], '"fencing" needs "on_second: reject"', 'with replace or coexist a gateway that is not quite dead takes the registration back')
  }
  if (registration.query !== undefined) return
  if (registration.fencing === true) reporter.error([...path, 'fencing'], '"fencing" needs "query"', 'only what the carrier lists can be taken off its list; add "query" with a REGISTER probe')
  if (swaps) reporter.error([...path, 'handover'], '"handover: swap" needs "query"', 'the Contacts are learned from the carrier\'s list; add "query" with a REGISTER probe')
}

/** Without a query only time proves that the old registration is gone. */
function warnUnproven (id: string, registration: Registration, reporter: Reporter): void {
  const wait = formatDuration(timerMs(registration))
  const rejects = (registration.on_second ?? 'reject') === 'reject'
  const consequence = rejects ? `only ${wait} (expires + 10 %) can prove that the old registration is gone` : 'nothing can prove that a dead gateway\'s registration is gone'
  const hint = rejects ? 'add "query" with a REGISTER probe' : 'add "query" with a REGISTER probe, or say by "unproven" what is to be done'
  reporter.warn(['trunks', id, 'registration'], `the trunk "${id}" has no query: ${consequence}`, hint, 'key')
}

/** The way back leaves an interface that works: an emergency trunk may not wait longer than max_gap for the proof that it is off. */
function warnVetoedFailback (view: View, registry: DriverRegistry, trunk: Path, registration: Registration, interfaces: readonly InterfaceAt[], reporter: Reporter): void {
  const maxGap = view.at<string>(['interlocks', 'max_gap'])
  const waits = view.at([...trunk, 'emergency']) === true && view.at([...trunk, 'failback', 'policy']) !== 'never' && (registration.on_second ?? 'reject') === 'reject'
  // In one message: the old registration need not run out.
  if (!waits || maxGap === null || registration.handover === 'swap' || timerMs(registration) <= ms(maxGap)) return
  const silent = interfaces.slice(1).find(({ value }) => capabilitiesOf(registry, view.at<GatewayFile>(['gateways', value.gateway]), value.interface)?.unregisters === false)
  // A gateway that unregisters when it is disabled, and a query that sees it: the proof comes at once.
  if (registration.query !== undefined && silent === undefined) return
  const hint = silent === undefined ? 'add "query", or raise max_gap' : `add "handover: swap" if the carrier takes it, or raise max_gap, since the gateway "${silent.value.gateway}" keeps its registration when it is disabled`
  reporter.warn([...trunk, 'failback'], `failback of this emergency trunk will be vetoed: it would take ${formatDuration(timerMs(registration))}, max_gap is ${maxGap}`, hint)
}

/** Longest life of a registration that nobody refreshes any more, and a tenth, since clocks differ. */
function timerMs (registration: Registration): number {
  return Math.ceil(ms(registration.expires ?? '') * 1.1)
}

/** One spelling per address; by which transport it is reached makes no other machine of it. */
function canonical (uri: string): string {
  const parsed = parseSipUri(uri)
  return (parsed.ok ? parsed.value.uri : uri).replace(/;.*$/, '')
}
