/** Secrets that are planted everywhere: none of them may come out again, in whatever spelling. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const MARK = 'c4n4ry'
/** Name of a secret (also of its file) → its value. */
export const SECRETS = {
  webhook: `${MARK}-webhook-token`,
  operator: `${MARK}-operator-token`,
  password: `${MARK}-operator-password`,
  gateway: `${MARK}-gateway-password`,
  carrier: `${MARK}-carrier-password`,
  alertmanager: `${MARK}-alertmanager-token`,
  /** Credentials and cookies of callers that are nobody. */
  stranger: `${MARK}-stranger`
} as const

/** Where the mark begins 0, 1 or 2 bytes after a group of base64 does, the digits that depend on the mark alone. */
const BASE64 = ['', 'x', 'xx'].map((before) => {
  const digits = Buffer.from(`${before}${MARK}xx`).toString('base64')
  return digits.slice(Math.ceil(before.length * 8 / 6), Math.floor((before.length + MARK.length) * 8 / 6))
})

/** What must not be found in any output. */
const NEEDLES: readonly string[] = [MARK, ...BASE64, Buffer.from(MARK).toString('hex')]

/** The spelling of a secret that `text` shows; null: none. */
export function leakIn (text: string): string | null {
  return NEEDLES.find((needle) => text.includes(needle)) ?? null
}

/** Writes each secret into a file of its own, in `secrets/` of the folder. */
export function writeSecrets (directory: string): void {
  mkdirSync(join(directory, 'secrets'), { recursive: true })
  for (const [name, value] of Object.entries(SECRETS)) writeFileSync(join(directory, 'secrets', name), `${value}\n`)
}
