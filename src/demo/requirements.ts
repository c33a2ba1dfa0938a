/** Was all observed that a switchover must show, in an order that is allowed? Pure. */
import type { EpochMs, InterfaceKey } from '../core/topology.ts'
import type { Milestone, Step, StepName } from './timeline.ts'
import { seconds } from './timeline.ts'

export interface Required {
  readonly name: Milestone
  /** null: whichever. */
  readonly subject: InterfaceKey | null
}

/** The steps of a move, in the order in which they are told. @param first - what begins it */
export function requiredSteps (first: readonly Required[], from: InterfaceKey, to: InterfaceKey): readonly Required[] {
  return [
    ...first,
    { name: 'decision', subject: to },
    { name: 'off', subject: from },
    { name: 'proof', subject: null },
    { name: 'on', subject: to },
    { name: 'registered', subject: to },
    { name: 'verified', subject: to }
  ]
}

/** Steps that must not be the other way round: break before make. `registered` may be seen before the read-back. */
const ORDER: readonly (readonly [Milestone, Milestone])[] = [
  ['fault', 'down'], ['down', 'alert'], ['alert', 'decision'], ['command', 'decision'],
  ['decision', 'off'], ['off', 'proof'], ['proof', 'on'], ['off', 'registered'], ['registered', 'verified'], ['on', 'verified']
]

/** What is missing or in a wrong order; empty: all is as it must be. */
export function missing (steps: readonly Step[], required: readonly Required[]): readonly string[] {
  const at = new Map<Milestone, EpochMs>()
  const absent = required.flatMap(({ name, subject }) => {
    const found = steps.find((step) => step.name === name && (subject === null || step.subject === subject))
    if (found !== undefined) at.set(name, found.atMs)
    return found === undefined ? [`not seen: ${name}${subject === null ? '' : ` ${subject}`}`] : []
  })
  const reversed = ORDER.flatMap(([first, second]) => {
    const [x, y] = [at.get(first), at.get(second)]
    return x !== undefined && y !== undefined && x > y ? [`${second} was before ${first}`] : []
  })
  return [...absent, ...reversed]
}

/** What the time until the new registration is made of, told by the step that ends each part. */
const PARTS: Readonly<Partial<Record<StepName, string>>> = {
  expired: 'until the old registration ended at the carrier',
  down: 'until Pointsman was sure',
  alert: 'until the alert had arrived',
  off: 'until the old interface was off',
  proof: 'until the old registration was proven gone',
  registered: 'until the new interface was registered'
}

/** How the time from the first step until the new registration came about; empty without a registration. */
export function summary (steps: readonly Step[], to: InterfaceKey): string {
  const [first] = steps
  const end = steps.find((step) => step.name === 'registered' && step.subject === to)
  if (first === undefined || end === undefined) return ''
  let atMs = first.atMs
  const told = new Set<StepName>()
  const lines = steps.slice(0, steps.indexOf(end) + 1).flatMap((step) => {
    const words = PARTS[step.name]
    if (words === undefined || told.has(step.name)) return []
    told.add(step.name)
    const line = `${seconds(step.atMs - atMs).padStart(9)}  ${words}`
    atMs = step.atMs
    return [line]
  })
  return [`${first.name} → ${to} registered: ${seconds(end.atMs - first.atMs)}`, ...lines].join('\n')
}
