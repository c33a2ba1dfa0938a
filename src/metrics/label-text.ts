/** Labels in the form in which both exposition formats write them: made once for an object, used in many series. */

/** For example `trunk="acme",gateway="pbx-a"`; empty: no labels. */
export type LabelText = string & { readonly labelText: true }

export function labelText (labels: Readonly<Record<string, string>>): LabelText {
  return Object.entries(labels).map(([name, value]) => `${name}="${escape(value)}"`).join(',') as LabelText
}

/** One more label. */
export function also (own: LabelText, name: string, value: string): LabelText {
  return `${own === '' ? '' : `${own},`}${name}="${escape(value)}"` as LabelText
}

function escape (value: string): string {
  return /[\\"\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value
}
