/** A step that could not be stored has not happened. */
import { interfaceRecord } from './world.ts'
import type { InterfaceState, TrunkState } from './world.ts'

/**
 * What the step set, and nobody has changed since, is again as it was before it; what was learned meanwhile stays.
 *
 * @param now - the state as it is now: `planned`, and what has happened since
 */
export function takeBack (before: TrunkState, planned: TrunkState, now: TrunkState): TrunkState {
  const interfaces = Object.entries(now.interfaces).map(([key, own]) => {
    const [its, then] = [before.interfaces[key], planned.interfaces[key]]
    if (its === undefined || then === undefined) return [key, own] as const
    const back = fieldsBack(its, then, own)
    // While a switchover seemed to be under way, what changed at a gateway was nobody's business: the next read judges it.
    const unjudged = before.inFlight === null && planned.inFlight !== null && isOn(its) !== isOn(own)
    return [key, unjudged ? { ...back, observed: its.observed } : back] as const
  })
  return { ...fieldsBack(before, planned, now), interfaces: interfaceRecord(interfaces) }
}

function isOn ({ observed }: InterfaceState): boolean {
  return observed?.present === true && observed.admin !== 'disabled'
}

function fieldsBack<T extends object> (before: T, planned: T, now: T): T {
  const names = Object.keys(now) as (keyof T)[]
  return Object.fromEntries(names.map((name) => [name, same(now[name], planned[name]) ? before[name] : now[name]])) as T
}

function same (one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(one) === JSON.stringify(other)
}
