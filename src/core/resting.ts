/** Which interfaces of a trunk should be on, and which are seen enabled. */
import type { InterfaceKey, TrunkTopology } from './topology.ts'
import { interfaceState } from './world.ts'
import type { TrunkState } from './world.ts'

/** Interfaces observed enabled, in order of preference. */
export function enabledInterfaces (trunk: TrunkTopology, state: TrunkState): InterfaceKey[] {
  return trunk.interfaces.map((i) => i.key).filter((key) => {
    const { observed } = interfaceState(state, key)
    return observed?.present === true && observed.admin !== 'disabled'
  })
}

/** What Pointsman wants of an interface while nothing is under way. */
export function shouldBeOn (state: TrunkState, key: InterfaceKey): boolean {
  return state.members === null ? key === state.wanted : state.members.includes(key) && !state.out.includes(key)
}
