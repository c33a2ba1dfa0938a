/**
 * Texts of the `http` driver with placeholders, pure: `{{name}}` stands for a variable of the interface, `{{interface}}` for its
 * name. Both come from the configuration alone, and a value is escaped for the place where it is put.
 */

/** Variables of one interface, `interface` among them. */
export type Variables = Readonly<Record<string, string>>

const PLACEHOLDER = /\{\{\s*(\w+)\s*\}\}/g

/** Names in a text's placeholders, each once. */
export function placeholders (text: string): readonly string[] {
  return [...new Set([...text.matchAll(PLACEHOLDER)].map(([, name = '']) => name))]
}

/**
 * @param escape - for the place
 * @throws Error - a placeholder has no variable; the configuration's check finds that before
 */
export function fill (text: string, variables: Variables, escape: (value: string) => string): string {
  return text.replaceAll(PLACEHOLDER, (_, name: string) => {
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined
    if (value === undefined) throw new Error(`no variable ${name}`)
    return escape(value)
  })
}

/** Values that mean nothing else in JSON, XML, a command line of a device, or a header. */
export const SAFE_VALUE = '^[A-Za-z0-9 _.,:;@+*=/~()!-]*$'

export function escapeRegExp (value: string): string {
  return value.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`)
}

export const asIs = (value: string): string => value
