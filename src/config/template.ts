/** Target templates of rules: a literal name, or one label of the alert in braces. */

/** @returns the label's name of `{label}`; null for a literal */
export function templateLabel (template: string): string | null {
  return /^\{([a-zA-Z_][a-zA-Z0-9_]*)\}$/.exec(template)?.[1] ?? null
}
