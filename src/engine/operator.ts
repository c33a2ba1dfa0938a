/** The operator's verbs: judged, stored with actor and reason, then carried out by the controller. */
import { adopt, failback } from '../core/operator.ts'
import { planTrunk } from '../core/planner.ts'
import type { PauseStatus } from '../core/status.ts'
import type { InterfaceKey, TrunkId, TrunkTopology } from '../core/topology.ts'
import { interfaceState } from '../core/world.ts'
import type { TrunkState } from '../core/world.ts'
import type { Clock, JournalRecord, Revision, Store } from '../ports.ts'
import type { OperatorCommand, OperatorResult } from './contract.ts'
import type { Controller } from './controller.ts'
import type { WorldHolder } from './world-holder.ts'

export interface Operator {
  /** Reads stored pauses. */
  load(): Promise<void>
  operate(command: OperatorCommand, actor: string, reason: string): Promise<OperatorResult>
}

export function createOperator (holder: WorldHolder, controller: Controller, ports: { readonly store: Store; readonly clock: Clock }): Operator {
  const { store, clock } = ports
  const pauses = new Map<string, { readonly pause: PauseStatus; readonly revision: Revision }>()
  const publish = (): void => {
    holder.setPauses([...pauses.values()].map((entry) => entry.pause))
    controller.markAll()
  }
  const record = (decision: string, trunk: TrunkId | null, data: Readonly<Record<string, unknown>>): JournalRecord => ({ decision, atMs: clock.now(), trunk, type: 'operator', data })

  const setPause = async (scope: string, pause: PauseStatus | null, line: JournalRecord): Promise<OperatorResult> => {
    const key = `pause/${scope}`
    const result = await store.commit([{ key, value: pause, expect: pauses.get(scope)?.revision ?? 0 }], [line])
    if (!result.ok) return { ok: false, kind: 'unavailable', detail: 'the store did not take it; nothing was changed', vetoes: [] }
    if (pause === null) pauses.delete(scope)
    else pauses.set(scope, { pause, revision: result.revision })
    publish()
    return { ok: true, decision: line.decision, detail: pause === null ? `${scope} runs again` : `${scope} is paused; what was admitted goes on to its end` }
  }

  const scopeExists = (scope: string): boolean => {
    const [kind, name] = scope.split('/', 2)
    const { topology } = holder.world
    return scope === 'global' || (kind === 'trunk' && topology.trunks.has(name ?? '')) || (kind === 'gateway' && topology.gateways.has(name ?? ''))
  }
  const unknown = (what: string): OperatorResult => ({ ok: false, kind: 'unknown', detail: `${what} is not in the configuration`, vetoes: [] })

  /** Would it be admitted now? Planned on the state as if it were given; nothing is stored. */
  const tryFailback = (id: TrunkId, decision: string, actor: string, reason: string): OperatorResult => {
    const trunk = holder.world.topology.trunks.get(id)
    const state = holder.world.trunks.get(id)
    if (trunk === undefined || state === undefined) return unknown(`trunk ${id}`)
    if (state.inFlight !== null) return { ok: false, kind: 'refused', detail: `a switchover of ${id} is under way`, vetoes: [] }
    const asked = failback(trunk, state, decision, actor, reason, clock.now())
    if (asked === null) return { ok: false, kind: 'refused', detail: `${id} is on its preferred interface already`, vetoes: [] }
    const trial = planTrunk({ ...holder.world, trunks: new Map([[id, asked]]) }, id, decision, clock.now())
    if (trial.vetoes.length > 0) {
      return { ok: false, kind: 'refused', detail: trial.vetoes.map((v) => `${v.interlock}: ${v.detail}`).join('; '), vetoes: trial.vetoes.map((v) => v.interlock) }
    }
    holder.setTrunk(id, asked)
    return { ok: true, decision, detail: `moving to ${asked.request?.to ?? ''}${pathIsKnown(trunk, trial.state, asked.request?.to) ? '' : '; nothing tells whether it reaches the carrier while it is off'}` }
  }

  const tryAdopt = (id: TrunkId, decision: string): OperatorResult => {
    const trunk = holder.world.topology.trunks.get(id)
    const state = holder.world.trunks.get(id)
    if (trunk === undefined || state === undefined) return unknown(`trunk ${id}`)
    if (state.inFlight !== null) return { ok: false, kind: 'refused', detail: `a switchover of ${id} is under way`, vetoes: [] }
    const adopted = adopt(trunk, state, decision, clock.now())
    holder.setTrunk(id, adopted)
    return { ok: true, decision, detail: `${adopted.wanted ?? 'nothing'} is now what should be on` }
  }

  const operate = async (command: OperatorCommand, actor: string, reason: string): Promise<OperatorResult> => {
    const decision = controller.newDecision()
    const data = { ...command, actor, reason }
    switch (command.verb) {
      case 'pause': {
        if (!scopeExists(command.scope)) return unknown(command.scope)
        const pause: PauseStatus = { scope: command.scope, actor, reason, atMs: clock.now(), untilMs: command.untilMs }
        return await setPause(command.scope, pause, record(decision, trunkOfScope(command.scope), data))
      }
      case 'resume': {
        if (!pauses.has(command.scope)) return { ok: false, kind: 'unknown', detail: `${command.scope} is not paused`, vetoes: [] }
        return await setPause(command.scope, null, record(decision, trunkOfScope(command.scope), data))
      }
      case 'failback': case 'adopt': {
        const result = command.verb === 'failback' ? tryFailback(command.trunk, decision, actor, reason) : tryAdopt(command.trunk, decision)
        if (holder.world.topology.trunks.has(command.trunk)) {
          controller.note(command.trunk, { decision, type: 'operator', data: { ...data, result: result.ok ? 'taken' : 'refused', detail: result.detail } })
        }
        return result
      }
    }
  }

  return {
    load: async () => {
      for (const entry of await store.read('pause/')) {
        pauses.set(entry.key.slice('pause/'.length), { pause: entry.value as PauseStatus, revision: entry.revision })
      }
      publish()
    },
    operate
  }
}

function trunkOfScope (scope: string): TrunkId | null {
  return scope.startsWith('trunk/') ? scope.slice('trunk/'.length) : null
}

function pathIsKnown (trunk: TrunkTopology, state: TrunkState, key: InterfaceKey | undefined): boolean {
  return trunk.interfaces.some((iface) => iface.key === key && interfaceState(state, iface.key).observed?.path != null)
}
