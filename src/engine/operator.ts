/** The operator's verbs: judged, stored with actor and reason before they count, then carried out by the controller. */
import { releaseBrake } from '../core/fleet.ts'
import { giveOrder } from '../core/operator.ts'
import type { Answer, Author, TrunkOrder } from '../core/operator.ts'
import type { PauseStatus } from '../core/status.ts'
import type { TrunkId } from '../core/topology.ts'
import type { Clock, JournalRecord, Revision, Store, StoreWrite } from '../ports.ts'
import type { OperatorCommand, OperatorResult } from './contract.ts'
import type { Controller } from './controller.ts'
import type { FleetDesk } from './fleet-desk.ts'
import type { WorldHolder } from './world-holder.ts'

export interface Operator {
  /** Reads stored pauses. */
  load(): Promise<void>
  operate(command: OperatorCommand, actor: string, reason: string): Promise<OperatorResult>
}

type Refusal = Extract<OperatorResult, { ok: false }>

const UNAVAILABLE: Refusal = { ok: false, kind: 'unavailable', detail: 'the store did not take it; nothing was changed', vetoes: [], release: null }

export function createOperator (holder: WorldHolder, fleet: Pick<FleetDesk, 'change'>, controller: Controller, ports: { readonly store: Store; readonly clock: Clock }): Operator {
  const { store, clock } = ports
  const pauses = new Map<string, { readonly pause: PauseStatus; readonly revision: Revision }>()
  const publish = (): void => {
    holder.setPauses([...pauses.values()].map((entry) => entry.pause))
    controller.markAll()
  }

  const pauseWrite = (scope: string, pause: PauseStatus | null): StoreWrite => ({ key: `pause/${scope}`, value: pause, expect: pauses.get(scope)?.revision ?? 0 })
  const pauseStored = (scope: string, pause: PauseStatus | null, revision: Revision): void => {
    if (pause === null) pauses.delete(scope)
    else pauses.set(scope, { pause, revision })
    publish()
  }
  /** It may have reached the disk all the same: before the next order the pauses are read again. */
  let isDoubtful = false
  const notTaken = (): Refusal => {
    isDoubtful = true
    return UNAVAILABLE
  }
  const refuse = async (line: JournalRecord, refusal: Refusal): Promise<OperatorResult> => {
    const result = await store.commit([], [withResult(line, refusal)])
    return result.ok ? refusal : UNAVAILABLE
  }
  const unknown = (what: string): Refusal => ({ ok: false, kind: 'unknown', detail: `${what} is not in the configuration`, vetoes: [], release: null })

  /** A pause without an end is on: another one adds nothing. */
  const standsForGood = (scope: string): boolean => pauses.get(scope)?.pause.untilMs === null

  const scopeExists = (scope: string): boolean => {
    const [kind, name] = scope.split('/', 2)
    const { topology } = holder.world
    return scope === 'global' || (kind === 'trunk' && topology.trunks.has(name ?? '')) || (kind === 'gateway' && topology.gateways.has(name ?? ''))
  }

  const setPause = async (command: Extract<OperatorCommand, { verb: 'pause' | 'resume' }>, author: Author): Promise<OperatorResult> => {
    const { verb, scope } = command
    const line = record(command, author, trunkOfScope(scope))
    if (verb === 'pause' && !scopeExists(scope)) return await refuse(line, unknown(scope))
    if (verb === 'resume' && !pauses.has(scope)) return await refuse(line, { ...unknown(scope), detail: `${scope} is not paused` })
    const pause: PauseStatus | null = verb === 'resume' ? null : { scope, actor: author.actor, reason: author.reason, atMs: author.atMs, untilMs: command.untilMs }
    const taken: OperatorResult = { ok: true, decision: author.decision, detail: pause === null ? `${scope} runs again` : `${scope} is paused; what was admitted goes on to its end` }
    const result = await store.commit([pauseWrite(scope, pause)], [withResult(line, taken)])
    if (!result.ok) return notTaken()
    pauseStored(scope, pause, result.revision)
    return taken
  }

  const release = async (author: Author): Promise<OperatorResult> => {
    const line = record({ verb: 'release' }, author, null)
    const { brake } = holder.world.fleet
    if (brake === null) return await refuse(line, { ok: false, kind: 'refused', detail: 'the brake is not engaged', vetoes: [], release: null })
    const taken: OperatorResult = { ok: true, decision: author.decision, detail: `the brake is released; it had engaged because of ${brake.causes.join(', ')}` }
    if (!await fleet.change((state) => releaseBrake(state, author.atMs), withResult(line, taken))) return UNAVAILABLE
    controller.markAll()
    return taken
  }

  const orderTrunk = async (order: TrunkOrder, author: Author): Promise<OperatorResult> => {
    const line = record(order, author, order.trunk)
    if (!holder.world.topology.trunks.has(order.trunk)) return await refuse({ ...line, trunk: null }, unknown(`trunk ${order.trunk}`))
    const heard: { result: OperatorResult; pause: PauseStatus | null } = { result: UNAVAILABLE, pause: null }
    const scope = `trunk/${order.trunk}`
    const stored = await controller.order(order.trunk, () => {
      // A reload may have taken the trunk away while the order waited for its turn.
      const answer = giveOrder(holder.world, order, author)
      heard.result = answer === null ? unknown(`trunk ${order.trunk}`) : resultOf(answer, author)
      const isNew = answer?.ok === true && answer.pauses && !standsForGood(scope)
      heard.pause = isNew ? { scope, actor: author.actor, reason: `${order.verb}: ${author.reason}`, atMs: author.atMs, untilMs: null } : null
      return { change: answer?.ok === true ? answer.change : null, line: withResult(line, heard.result), writes: heard.pause === null ? [] : [pauseWrite(scope, heard.pause)] }
    })
    if (!stored.ok) return notTaken()
    if (heard.pause !== null) pauseStored(scope, heard.pause, stored.revision)
    return heard.result
  }

  const load = async (): Promise<void> => {
    const entries = await store.read('pause/')
    pauses.clear()
    for (const entry of entries) pauses.set(entry.key.slice('pause/'.length), { pause: entry.value as PauseStatus, revision: entry.revision })
    isDoubtful = false
    publish()
  }

  return {
    load,
    operate: async (command, actor, reason) => {
      if (isDoubtful) await load()
      const author: Author = { decision: controller.newDecision(), actor, reason, atMs: clock.now() }
      switch (command.verb) {
        case 'pause': case 'resume': return await setPause(command, author)
        case 'release': return await release(author)
        default: return await orderTrunk(command, author)
      }
    }
  }
}

function record (command: OperatorCommand, { decision, actor, reason, atMs }: Author, trunk: TrunkId | null): JournalRecord {
  return { decision, atMs, trunk, type: 'operator', data: { ...command, actor, reason } }
}

function withResult (line: JournalRecord, result: OperatorResult): JournalRecord {
  const told = result.ok ? { result: 'taken', detail: result.detail } : { result: 'refused', detail: result.detail, vetoes: result.vetoes }
  return { ...line, data: { ...line.data, ...told } }
}

function resultOf (answer: Answer, { decision }: Author): OperatorResult {
  if (answer.ok) return { ok: true, decision, detail: answer.detail }
  return { ok: false, kind: 'refused', detail: answer.detail, vetoes: answer.vetoes.map((v) => v.interlock), release: answer.release }
}

function trunkOfScope (scope: string): TrunkId | null {
  return scope.startsWith('trunk/') ? scope.slice('trunk/'.length) : null
}
