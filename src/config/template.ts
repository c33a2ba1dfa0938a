/** Target templates of rules: a literal name, or one label of the alert in braces. A mix of both could not be checked. */

export function isTemplate (text: string): boolean {
  return /^(?:\{[^{}\s]+\}|[^{}\s]+)$/.test(text)
}

/** @returns the label's name of `{label}`; null for a literal */
export function templateLabel (template: string): string | null {
  return /^\{([^{}\s]+)\}$/.exec(template)?.[1] ?? null
}
