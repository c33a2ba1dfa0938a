/** Daily windows (`02:00-05:00`) and the zones of their clocks. */

/** Minutes since midnight of both ends; null: no window. */
export function parseDailyWindow (text: string): { readonly fromMinute: number; readonly toMinute: number } | null {
  const [, fromHour, fromPast, toHour, toPast] = /^([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)$/.exec(text) ?? []
  if (toPast === undefined) return null
  const fromMinute = Number(fromHour) * 60 + Number(fromPast)
  const toMinute = Number(toHour) * 60 + Number(toPast)
  return fromMinute === toMinute ? null : { fromMinute, toMinute }
}

/** An IANA name that this Node.js knows. An offset such as +02:00 has no daylight saving, so it is none. */
export function isTimezone (text: string): boolean {
  if (/^[+-]/.test(text)) return false
  try {
    return new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

export function systemTimezone (): string {
  return new Intl.DateTimeFormat().resolvedOptions().timeZone
}
