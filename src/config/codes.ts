/** Lists of SIP status codes as they are written: `[default]`, `[2xx, 404]`, `[any-response, '!503']`. */
import { ALIVE_PRESETS, type AlivePreset, type CodeRanges } from '../core/judgement.ts'

interface Item {
  readonly ranges: CodeRanges
  /** These don't count. */
  readonly isExcluded: boolean
}

const isPreset = (text: string): text is AlivePreset => Object.hasOwn(ALIVE_PRESETS, text)

/** One entry; null: none. */
export function parseCodes (text: string): Item | null {
  const isExcluded = text.startsWith('!')
  const written = isExcluded ? text.slice(1) : text
  if (isPreset(written)) return { ranges: ALIVE_PRESETS[written], isExcluded }
  const found = /^(?:([2-6])xx|([2-6]\d\d)(?:-([2-6]\d\d))?)$/.exec(written)
  if (found === null) return null
  const [, category, from, to = from] = found
  const [first, last] = category === undefined ? [Number(from), Number(to)] : [Number(category) * 100, Number(category) * 100 + 99]
  return first > last ? null : { ranges: [[first, last]], isExcluded }
}

/** What a list counts; one of exclusions only takes them from `default`. Entries that can't be read are skipped. */
export function collectCodes (list: readonly (string | number)[]): CodeRanges {
  const items = list.flatMap((entry) => parseCodes(String(entry)) ?? [])
  const counts = (code: number, of: readonly Item[]): boolean => of.some(({ ranges }) => ranges.some(([first, last]) => code >= first && code <= last))
  const named = items.filter(({ isExcluded }) => !isExcluded)
  const included = named.length > 0 ? named : [{ ranges: ALIVE_PRESETS.default, isExcluded: false }]
  const excluded = items.filter(({ isExcluded }) => isExcluded)
  const collected: [number, number][] = []
  for (let code = 200; code <= 699; code++) {
    if (!counts(code, included) || counts(code, excluded)) continue
    const last = collected.at(-1)
    if (last?.[1] === code - 1) last[1] = code
    else collected.push([code, code])
  }
  return collected
}
