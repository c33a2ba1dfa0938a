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
  /** What was counted before the last call, for objects that were not written since, is forgotten. */
  forgetUnwritten(): void
}

interface Counted {
  /** In the order of `all`; short when the last ones are 0. Numbers, for thousands of objects have them. */
  readonly bySeries: number[]
  /** It was written, or began, since the last `forgetUnwritten`: a scrape takes a second, and its object may be written already. */
  stays: boolean
}

export function createObjectCounter ({ name, labels, object, closed }: CounterDefinition & { readonly object: ObjectLabel }): ObjectCounter {
  const rest = labels.filter((label) => label !== object)
  const keyOf = (series: Labels): string => rest.map((label) => series[label] ?? '').join('\n')
  const counts = new Map<string, Counted>()

  /** Everything but the object. */
  const restOf = (series: Labels): LabelBytes => furtherBytes(Object.fromEntries(rest.map((label) => [label, series[label] ?? ''])))
  /** Of every series, its labels besides the object: made once, not at each scrape. */
  const all = combinations(closed ?? {}).map(restOf)
  const indexes = new Map(combinations(closed ?? {}).map((series, index) => [keyOf(series), index]))

  return {
    object,
    increment: (series) => {
      const id = series[object]
      if (id === undefined || Object.keys(series).some((label) => !labels.includes(label))) throw new Error(`${name} has the labels ${labels.join(', ')}`)
      const own = counts.get(id) ?? { bySeries: [], stays: true }
      const key = keyOf(series)
      // Nobody listed it: it is shown all the same.
      const index = indexes.get(key) ?? all.push(restOf(series)) - 1
      indexes.set(key, index)
      while (own.bySeries.length <= index) own.bySeries.push(0)
      own.bySeries[index] = (own.bySeries[index] ?? 0) + 1
      counts.set(id, own)
    },
    write: (id, own, families) => {
      const counted = counts.get(id)
      if (counted !== undefined) counted.stays = true
      all.forEach((further, index) => { families.add(name, own, counted?.bySeries[index] ?? 0, further) })
    },
    forgetUnwritten: () => {
      for (const [id, counted] of counts) {
        if (!counted.stays) counts.delete(id)
        counted.stays = false
      }
    }
  }
}
