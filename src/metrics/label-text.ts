/** Labels in the form in which both exposition formats write them: made once for an object, used in many series. */

/** For example `trunk="acme",gateway="pbx-a"`; empty: no labels. */
export type LabelText = string & { readonly labelText: true }

export function labelText (labels: Readonly<Record<string, string>>): LabelText {
  return Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`).join(',') as LabelText
}

/** Both, where `own` has labels. */
export function joined (own: LabelText, rest: LabelText): LabelText {
  return (rest === '' ? own : `${own},${rest}`) as LabelText
}

/** One more label. */
export function also (own: LabelText, name: string, value: string): LabelText {
  return `${own === '' ? '' : `${own},`}${name}="${escape(value)}"` as LabelText
}

/**
 * Series of one object that are all 0 (its vetoes, what was never counted), as lines in which only the object's own labels
 * are put in: most of a scrape is made of them.
 *
 * @param rest - the further labels of each series; empty: none
 */
export function zeroLines (name: string, rest: readonly LabelText[]): (own: LabelText) => string {
  const ends = rest.map((labels) => `${labels === '' ? '' : `,${labels}`}} 0\n`)
  const parts = [`${name}{`, ...ends.map((end, index) => index === ends.length - 1 ? end : `${end}${name}{`)]
  return (own) => rest.length === 0 ? '' : parts.join(own)
}

function escape (value: string): string {
  return /[\\"\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value
}
