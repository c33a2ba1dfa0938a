/** Closed sets of labels: every series that there can be, so that each exists from the start. */

export type Labels = Readonly<Record<string, string>>

/** Every combination of the given values; one empty set of labels when there are no labels. */
export function combinations (closed: Readonly<Record<string, readonly string[]>>): readonly Labels[] {
  return Object.entries(closed).reduce<readonly Labels[]>(
    (sets, [label, values]) => sets.flatMap((set) => values.map((value) => ({ ...set, [label]: value }))), [{}])
}
