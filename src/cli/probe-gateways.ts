/** `check-config --probe-gateways`: does each driver understand its gateway? It only reads, with the account that would write. */
import type { Config, GatewayConfig } from '../config/config.ts'
import type { ConditionResult, GatewayCondition, Observation, ObserveResult } from '../core/observation.ts'
import { DRIVER_REASONS } from '../core/reasons.ts'
import type { DriverReason } from '../core/reasons.ts'
import type { Clock, GatewayDriver } from '../ports.ts'
import { columns, plain } from './print.ts'

/** What one gateway said. */
export interface ProbedGateway {
  readonly gateway: string
  readonly driver: string
  /** Everything that the configuration names was found, and could be switched. */
  readonly ok: boolean
  readonly durationMs: number
  /** Null: it was read. */
  readonly failure: { readonly reason: DriverReason; readonly detail: string } | null
  readonly interfaces: readonly (Observation & { readonly name: string; readonly ok: boolean })[]
  /** Null: its kind tells none, or it could not be read, which is no failure. */
  readonly condition: GatewayCondition | null
}

/** Gateways that are read at a time. */
const AT_ONCE = 20

export async function probeGateways (config: Config, createDriver: (gateway: GatewayConfig) => GatewayDriver | null, clock: Clock): Promise<readonly ProbedGateway[]> {
  const probed: ProbedGateway[] = []
  for (let first = 0; first < config.gateways.length; first += AT_ONCE) {
    probed.push(...await Promise.all(config.gateways.slice(first, first + AT_ONCE).flatMap((gateway) => {
      const driver = createDriver(gateway)
      return driver === null ? [] : [probeGateway(config, gateway, driver, clock)]
    })))
  }
  return probed
}

async function probeGateway (config: Config, gateway: GatewayConfig, driver: GatewayDriver, clock: Clock): Promise<ProbedGateway> {
  const { id, driver: kind, timeoutMs } = gateway
  const names = [...config.topology.trunks.values()].flatMap(({ interfaces }) => interfaces).filter((iface) => iface.gateway === id).map(({ name }) => name)
  const startMs = clock.monotonicMs()
  try {
    const read: ObserveResult = await driver.observe(names, clock.deadline(timeoutMs))
    const durationMs = clock.monotonicMs() - startMs
    const told: ConditionResult | undefined = read.ok ? await driver.condition?.(clock.deadline(timeoutMs)) : undefined
    const interfaces = read.ok ? names.map((name) => ({ name, ok: isFine(read.interfaces.get(name)), ...read.interfaces.get(name) ?? ABSENT })) : []
    return {
      gateway: id, driver: kind, durationMs, interfaces,
      ok: read.ok && interfaces.every(({ ok }) => ok),
      failure: read.ok ? null : { reason: read.reason, detail: read.detail },
      condition: told?.ok === true ? told.condition : null
    }
  } finally {
    await driver.close()
  }
}

const ABSENT: Observation = { present: false, admin: 'disabled', registered: null, path: null }

function isFine (seen: Observation | undefined): boolean {
  return seen?.present === true && seen.obstacle === undefined
}

export function renderProbed (probed: readonly ProbedGateway[]): string {
  const failed = probed.filter(({ ok }) => !ok).length
  const end = failed === 0 ? `all ${probed.length} gateways were understood; nothing was changed` : `${failed} of ${probed.length} gateways were NOT understood; nothing was changed`
  return `${probed.map(renderGateway).join('')}${end}\n`
}

function renderGateway ({ gateway, driver, ok, durationMs, failure, interfaces, condition }: ProbedGateway): string {
  const head = failure === null
    ? `${ok ? 'understood' : 'NOT as configured'}, read in ${(durationMs / 1000).toFixed(2)} s${conditionText(condition)}`
    : `FAILED, ${failure.reason}: ${DRIVER_REASONS[failure.reason]} (${plain(failure.detail)})`
  return `${gateway} (${driver}): ${head}\n${columns(interfaces.map((seen) => [seen.name, ...stateText(seen)]), '  ')}`
}

function stateText ({ present, admin, registered, path, calls, obstacle }: Observation): readonly string[] {
  if (!present) return [`NOT FOUND: ${DRIVER_REASONS['no-interface']}`]
  return [
    admin,
    [
      ...registered === null ? [] : [registered ? 'registered' : 'not registered'],
      ...path === null ? [] : [`carrier ${path}`],
      ...calls === undefined ? [] : [`${calls} calls`],
      ...obstacle === undefined ? [] : [`COULD NOT BE SWITCHED, ${obstacle}: ${DRIVER_REASONS[obstacle]}`]
    ].join(', ')
  ]
}

function conditionText (condition: GatewayCondition | null): string {
  if (condition === null) return ''
  const { alarms, resetRequired, role } = condition
  return `${role === null ? '' : `, ${role} PBX`}, ${alarms} ${alarms === 1 ? 'alarm' : 'alarms'}${resetRequired === true ? ', a change waits for its restart' : ''}`
}
