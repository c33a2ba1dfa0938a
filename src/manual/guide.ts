/**
 * How a person does by hand what Pointsman does: to look at a trunk's gateways, and to move the trunk from each interface
 * to each other one, with the waits that the carrier's behaviour asks for. Pure, from the configuration alone: it is for
 * the hour in which Pointsman is down.
 */
import type { BindingConfig, Config, GatewayConfig } from '../config/config.ts'
import { formatDuration } from '../config/duration.ts'
import type { ContactPattern, InterfaceTopology, TrunkTopology } from '../core/topology.ts'
import type { ByHand } from '../drivers/contract.ts'
import { shellQuoted } from '../shell.ts'

export interface GuideStep {
  readonly title: string
  /** Sentences to read before the commands. */
  readonly text: readonly string[]
  /** Lines for a POSIX shell. */
  readonly commands: readonly string[]
}

export interface GuideLogin {
  readonly gateway: string
  readonly driver: string
  /** Defines the shell function that the commands call. */
  readonly command: string
  /** Instead of it, where the secret can't be read: it asks. */
  readonly asks: string | null
}

/** What a person may have to do, and how. */
export interface Move { readonly title: string; readonly steps: readonly GuideStep[] }

export interface TrunkGuide {
  readonly trunk: string
  readonly look: readonly GuideStep[]
  readonly moves: readonly Move[]
  /** What Pointsman has to be told when it runs again. */
  readonly after: GuideStep
}

/** The driver's part for a gateway. @param login - name of the shell function */
export type ByHandOf = (gateway: GatewayConfig, login: string) => ByHand

/** An interface with what is needed to speak about it. */
interface Place {
  readonly iface: InterfaceTopology
  readonly byHand: ByHand
}

/** Of one configuration. */
export interface Guide {
  /** Logins of the gateways that the trunks use, each once. */
  logins(trunks: readonly TrunkTopology[]): readonly GuideLogin[]
  trunk(trunk: TrunkTopology): TrunkGuide
}

export function createGuide (config: Config, byHandOf: ByHandOf): Guide {
  const names = loginNames(config.gateways)
  const gateways = new Map(config.gateways.map((gateway) => [gateway.id, { gateway, byHand: byHandOf(gateway, names.get(gateway.id) ?? '') }]))
  const bindings = new Map(config.bindings.map((binding) => [binding.trunk, binding]))
  const placeOf = (iface: InterfaceTopology): Place => {
    const known = gateways.get(iface.gateway)
    if (known === undefined) throw new Error(`no gateway ${iface.gateway}`)
    return { iface, byHand: known.byHand }
  }
  return {
    logins: (trunks) => {
      const used = new Set(trunks.flatMap((trunk) => trunk.interfaces.map((iface) => iface.gateway)))
      return [...gateways.values()].filter(({ gateway }) => used.has(gateway.id)).map(({ gateway, byHand }) =>
        ({ gateway: gateway.id, driver: gateway.driver, command: byHand.login.defines, asks: byHand.login.asks }))
    },
    trunk: (trunk) => trunkGuide(trunk, trunk.interfaces.map(placeOf), queryOf(bindings.get(trunk.id)))
  }
}

/** Names that a shell takes and no command has; gateways whose names differ in punctuation only are numbered. */
function loginNames (gateways: readonly GatewayConfig[]): ReadonlyMap<string, string> {
  const taken = new Set<string>()
  return new Map(gateways.map(({ id }) => {
    const plain = `gw_${id.replaceAll(/\W/g, '_')}`
    let name = plain
    for (let number = 2; taken.has(name); number++) name = `${plain}_${number}x`
    taken.add(name)
    return [id, name]
  }))
}

function trunkGuide (trunk: TrunkTopology, places: readonly Place[], query: Query): TrunkGuide {
  const look = places.map(({ iface, byHand }) => {
    const { commands, note } = byHand.observe(iface.name)
    return { title: `Look at ${iface.key}`, text: [note], commands }
  })
  const asks: readonly GuideStep[] = query === null ? [] : [{ title: 'Ask the carrier who is registered', text: [query.text, ...trunk.interfaces.map(contactSentence)], commands: [query.command] }]
  return {
    trunk: trunk.id,
    look: [...look, ...asks],
    moves: trunk.type === 'shared'
      ? places.flatMap((place) => [takeOut(trunk, place), putIn(trunk, place)])
      : places.flatMap((from) => places.filter((to) => to !== from).map((to) => ({ title: `from ${from.iface.key} to ${to.iface.key}`, steps: move(trunk, from, to, query) }))),
    after: {
      title: 'When Pointsman runs again',
      text: ['It finds a change that it did not make and holds the trunk (drift) until it is told that this is right. Was it paused? Then also: pointsman resume --reason=\'done\''],
      commands: [`pointsman adopt ${shellQuoted(trunk.id)} --reason='moved by hand'`]
    }
  }
}

/** All interfaces of a shared trunk are on: one may go while another one carries the calls. */
function takeOut (trunk: TrunkTopology, { iface, byHand }: Place): Move {
  const off = byHand.apply(iface.name, 'disabled')
  const others = trunk.interfaces.filter(({ key }) => key !== iface.key).map(({ key }) => key)
  return {
    title: `take ${iface.key} out`,
    steps: [{ title: `Disable ${iface.key}`, text: [`Only while ${others.join(' or ')} is enabled and carries calls.`, off.note], commands: [...off.commands, ...byHand.observe(iface.name).commands] }]
  }
}

function putIn (trunk: TrunkTopology, { iface, byHand }: Place): Move {
  const on = byHand.apply(iface.name, 'enabled')
  const seen = byHand.observe(iface.name)
  const state = trunk.registration.auth === 'ip' ? 'enabled' : `registered within ${formatDuration(iface.registersWithinMs)}`
  return {
    title: `put ${iface.key} in again`,
    steps: [
      { title: `Enable ${iface.key}`, text: [on.note], commands: on.commands },
      { title: 'Check', text: [seen.note, `${iface.key} has to be ${state}. Then call in and out.`], commands: seen.commands }
    ]
  }
}

type Query = { readonly text: string; readonly command: string } | null

function move (trunk: TrunkTopology, from: Place, to: Place, query: Query): readonly GuideStep[] {
  const off = from.byHand.apply(from.iface.name, 'disabled')
  const on = to.byHand.apply(to.iface.name, 'enabled')
  const seen = to.byHand.observe(to.iface.name)
  const others = trunk.interfaces.filter(({ key }) => key !== from.iface.key && key !== to.iface.key).map(({ key }) => key)
  return [
    { title: `Disable ${from.iface.key}`, text: [`If ${from.iface.gateway} does not answer, go on to the next step and come back here as soon as it answers.`, off.note], commands: [...off.commands, ...from.byHand.observe(from.iface.name).commands] },
    { title: 'Wait', text: waitText(trunk, from.iface, query), commands: query === null ? [] : [query.command] },
    { title: `Enable ${to.iface.key}`, text: [...others.length === 0 ? [] : [`Only when ${others.join(' and ')} is disabled, too.`], on.note], commands: on.commands },
    {
      title: 'Check',
      text: [
        seen.note,
        `${trunk.registration.auth === 'ip' ? `${to.iface.key} has to be enabled.` : `${to.iface.key} has to be registered within ${formatDuration(to.iface.registersWithinMs)}.`}${query === null ? '' : ` ${contactSentence(to.iface)} has to be listed.`} Then call in and out.`,
        ...trunk.registration.auth === 'ip' ? [] : [trunk.registration.onSecond === 'reject' ? `Not registered? Perhaps the old registration still lives: disable ${to.iface.key}, wait ${timer(trunk)}, enable it again.` : 'Not registered? Look at the gateway\'s own log, then move back.']
      ],
      commands: [...seen.commands, ...query === null ? [] : [query.command]]
    }
  ]
}

/** What proves that the old interface is off, as for Pointsman itself. */
function waitText (trunk: TrunkTopology, from: InterfaceTopology, query: Query): readonly string[] {
  const { auth, onSecond, expiresMs } = trunk.registration
  if (auth === 'ip') {
    return [
      `The carrier knows the gateways by their addresses, nothing is registered: once ${from.key} is seen disabled, go on at once.`,
      `${from.gateway} does not answer? Go on when its management and its SIP address have both been silent for a minute.`
    ]
  }
  if (onSecond !== 'reject') {
    return [
      `The carrier lets a second registration in (on_second: ${onSecond}): once ${from.key} is seen disabled, go on at once.`,
      `${from.gateway} does not answer? Nothing proves then that it is off, and when it lives it takes calls or the registration back. Make sure first: switch it off or pull its network cable.`
    ]
  }
  const unregisters = from.capabilities.unregisters
  return [
    'The carrier rejects a second registration (on_second: reject). Enabled too early, the next interface is refused. ' +
      `Wait ${timer(trunk)} (expires ${formatDuration(expiresMs)} + 10 %) from the disabling, or, if ${from.gateway} does not answer, from its last sign of life; its SIP address (${from.sipProbe.split(' ')[1] ?? ''}) counts as one.`,
    ...unregisters ? [`${from.gateway} unregisters when it is disabled, so the registration is mostly gone at once; its answer can't be seen.`] : [],
    query === null
      ? 'There is no query in the configuration that could show earlier that it is gone.'
      : `Or until it is gone from the carrier's list: ${contactSentence(from)} was listed before and is not any more. A list that never showed it proves nothing.`
  ]
}

function timer (trunk: TrunkTopology): string {
  return formatDuration(Math.ceil(trunk.registration.expiresMs * 1.1 / 1000) * 1000)
}

function contactSentence ({ key, contact }: InterfaceTopology): string {
  return contact === null ? `${key}, whose contact is not in the configuration` : `${key} (${contactText(contact)})`
}

function contactText ({ hostPort, user, instance }: ContactPattern): string {
  return [hostPort ?? [], user === undefined ? [] : `user ${user}`, instance === undefined ? [] : `instance ${instance}`].flat().join(', ')
}

/** `pointsman probe` asks by itself; it needs no running server. */
function queryOf (binding: BindingConfig | undefined): Query {
  if (binding === undefined) return null
  const { target, credentials, sources, timeoutMs } = binding
  const { password_file: file, password_env: variable } = sources
  const from = variable === undefined ? '' : /^[A-Za-z_]\w*$/.test(variable) ? `printf '%s\\n' "\${${variable}:?}" | ` : ''
  const options = [
    '--method=REGISTER', `--username=${shellQuoted(credentials.username)}`, `--password-file=${shellQuoted(file ?? '/dev/stdin')}`, `--timeout=${formatDuration(timeoutMs)}`,
    ...target.aor === undefined ? [] : [`--aor=${shellQuoted(target.aor)}`], ...target.localAddress === undefined ? [] : [`--local-address=${shellQuoted(target.localAddress)}`]
  ]
  return { text: 'It changes nothing, and needs no running Pointsman.', command: `${from}pointsman probe ${options.join(' ')} ${shellQuoted(target.uri)}` }
}
