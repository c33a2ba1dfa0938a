/** Output for people: columns, and nothing that a terminal could take for a command. */

/** Text from elsewhere (gateways, alerts, journals) on one line, without control characters. */
export function plain (text: string): string {
  // oxlint-disable-next-line no-control-regex -- they are what is removed.
  return text.replaceAll(/[\u0000-\u001F\u007F-\u009F]+/g, ' ')
}

/** Rows as aligned columns, two spaces apart. The last column is not padded. */
export function columns (rows: readonly (readonly string[])[], indent = ''): string {
  const clean = rows.map((row) => row.map(plain))
  const widths = clean.reduce<number[]>((most, row) => row.map((cell, index) => Math.max(most[index] ?? 0, cell.length)), [])
  return clean.map((row) => `${indent}${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ').trimEnd()}\n`).join('')
}

/** `2026-01-31 18:00:00Z`. */
export function instant (atMs: number): string {
  return new Date(atMs).toISOString().replace('T', ' ').replace(/\.\d+Z$/, 'Z')
}

export function json (value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`
}
