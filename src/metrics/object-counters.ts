/** Counters whose series belong to configured objects: they start at 0 with their object and vanish with it. */
import type { CounterDefinition, ObjectLabel } from './catalogue.ts'
import { combinations, type Labels } from './combinations.ts'
import type { Families } from './families.ts'
import { furtherBytes, type LabelBytes } from './label-bytes.ts'

export interface ObjectCounter {
  readonly object: ObjectLabel
  /** @throws when the labels are not those of the catalogue */
  increment(labels: Labels): void
  /** All series of one object. @param own - its label */
  write(id: string, own: LabelBytes, families: Families): void
  /** What was counted for other objects than these is forgotten. */
  keep(ids: ReadonlySet<string>): void
}

export function createObjectCounter ({ name, labels, object, closed }: CounterDefinition & { readonly object: ObjectLabel }): ObjectCounter {
  const rest = labels.filter((label) => label !== object)
  const keyOf = (series: Labels): string => rest.map((label) => series[label] ?? '').join('\n')
  const counts = new Map<string, Map<string, number>>()

  /** Everything but the object. */
  const restOf = (series: Labels): LabelBytes => furtherBytes(Object.fromEntries(rest.map((label) => [label, series[label] ?? ''])))
  /** Of every series, its labels besides the object: made once, not at each scrape. */
  const all = new Map(combinations(closed ?? {}).map((series) => [keyOf(series), restOf(series)]))

  return {
    object,
    increment: (series) => {
      const id = series[object]
      if (id === undefined || Object.keys(series).some((label) => !labels.includes(label))) throw new Error(`${name} has the labels ${labels.join(', ')}`)
      const own = counts.get(id) ?? new Map<string, number>()
      const key = keyOf(series)
      // Nobody listed it: it is shown all the same.
      if (!all.has(key)) all.set(key, restOf(series))
      counts.set(id, own.set(key, (own.get(key) ?? 0) + 1))
    },
    write: (id, own, families) => {
      const counted = counts.get(id)
      for (const [key, further] of all) families.add(name, own, counted?.get(key) ?? 0, further)
    },
    keep: (ids) => {
      for (const id of counts.keys()) if (!ids.has(id)) counts.delete(id)
    }
  }
}
