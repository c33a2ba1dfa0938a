/** Answers "what would happen, and why" on a copy of the world. */
import { laterWorld, prospectOf } from '../core/prospect.ts'
import type { EpochMs, TrunkId } from '../core/topology.ts'
import type { World } from '../core/world.ts'
import type { ExplainQuery, ExplainResult } from './contract.ts'
import type { Inbox } from './inbox.ts'

export function explain (world: World, inbox: Inbox, { notification, trunk, atMs }: ExplainQuery, nowMs: EpochMs): ExplainResult {
  if (trunk !== undefined && !world.topology.trunks.has(trunk)) return { ok: false, kind: 'unknown', detail: `trunk ${trunk} is not in the configuration` }
  const preview = notification === undefined ? null : inbox.preview(notification)
  if (preview !== null && !preview.ok) return { ok: false, kind: 'malformed', detail: preview.detail }
  const told: World = { ...world, alertsByTrunk: preview?.byTrunk ?? world.alertsByTrunk }
  const judgedAtMs = atMs ?? nowMs
  const judged = atMs === undefined ? told : laterWorld(told, atMs - nowMs)
  const concerned: Iterable<TrunkId> = trunk !== undefined ? [trunk] : preview === null ? world.topology.trunks.keys() : new Set(preview.alerts.flatMap((alert) => alert.trunks))
  return {
    ok: true,
    atMs: judgedAtMs,
    alerts: preview?.alerts ?? [],
    trunks: [...concerned].filter((id) => judged.trunks.has(id)).map((id) => prospectOf(judged, id, judgedAtMs))
  }
}
