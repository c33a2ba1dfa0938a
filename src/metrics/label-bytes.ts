/** Labels in the form in which both exposition formats write them: made once for an object, copied into each of its series. */

/** UTF-8, for example `trunk="acme",gateway="pbx-a"`; empty: no labels. */
export type LabelBytes = Buffer & { readonly labelBytes: true }

export function labelBytes (labels: Readonly<Record<string, string>>): LabelBytes {
  return Buffer.from(textOf(labels)) as LabelBytes
}

/** What follows other labels, with the comma between them; empty: nothing. */
export function furtherBytes (labels: Readonly<Record<string, string>>): LabelBytes {
  const text = textOf(labels)
  return Buffer.from(text === '' ? '' : `,${text}`) as LabelBytes
}

/** The same for a label whose values are few: each is made once. */
export function furtherLabel (label: string): (value: string) => LabelBytes {
  const made = new Map<string, LabelBytes>()
  return (value) => {
    const bytes = made.get(value) ?? furtherBytes({ [label]: value })
    made.set(value, bytes)
    return bytes
  }
}

export const NO_LABELS = labelBytes({})

function textOf (labels: Readonly<Record<string, string>>): string {
  let text = ''
  for (const name of Object.keys(labels)) text += `${text === '' ? '' : ','}${name}="${escape(labels[name] ?? '')}"`
  return text
}

function escape (value: string): string {
  return /[\\"\n]/.test(value) ? value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n') : value
}
