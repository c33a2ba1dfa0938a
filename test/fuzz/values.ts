/** What programs stumble over: strange texts, numbers and shapes; and changes of JSON values and texts at every level. */
import type { Dice } from './random.ts'

const LONG = [64, 129, 1_000, 5_000, 70_000]

const TEXTS: readonly string[] = [
  '', ' ', '0', '-1', 'null', 'true', 'NaN', '__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', '__defineGetter__',
  '{trunk}', '{}', '{{', '${1}', '$&', '%00', '%s%n', '../../etc/passwd', 'acme', 'pbx-a', 'pbx-a/SIP1', 'SIP1', 'global', 'trunk/', 'trunk/acme/x',
  '\u0000', 'a\u0000b', '\r\nX-Injected: 1', '\u001B[31m', '\u2028', '\uFEFF', '\uD800', '\uDFFF\uD800', '💥', 'e\u0301', 'İ', 'ß', '\u202Ecba', '١٢',
  '<script>alert(1)</script>', '\'; DROP TABLE entries; --', '"', '\\', '\\u0000', '`', '/', '//', '*', '!', '&a', '*a', '- a', 'a: b', '# x', '---', '|', '>',
  '2026-01-01T00:00:00Z', '2026-02-30T00:00:00Z', '0001-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999+14:00', '+275760-09-13T00:00:00Z', '2026-01-01T00:00:00+99:99',
  '2026-01-01T24:00:00Z', '1h', '5s', '99999999999y', '9007199254740991ms', '0s', '1y1y', 'sip:a@b', 'sip:10.0.1.10', 'http://x', 'https://u:p@x/?q#f', '127.0.0.1:0', '[::1]:9', ':99999',
  'a=~"("', 'a=~"(a+)+b"', 'a=~"(?i)x"', 'a="b"', 'a!=""', '"\\x"=b'
]

const NUMBERS: readonly number[] = [0, -0, 1, -1, 0.5, 1e21, 1e308, -1e308, 5e-324, 2 ** 31, 2 ** 32, 2 ** 53, -(2 ** 53), 253402300800000, 8.64e15 + 1]

const KEYS: readonly string[] = ['__proto__', 'constructor', 'prototype', 'toString', 'valueOf', 'hasOwnProperty', 'length', 'then', 'toJSON', 'status', 'labels', 'name', '', ' ', '0', '-1', '\u0000', '💥', 'a b', 'a.b', 'a/b', '~0', '~1']

export function anyText (dice: Dice): string {
  const kind = dice.int(10)
  if (kind < 6) return dice.pick(TEXTS)
  if (kind < 8) return Array.from({ length: dice.int(12) }, () => String.fromCodePoint(codePoint(dice))).join('')
  return dice.pick(['x', 'é', '💥', '\u0000', ' ', 'ab', '"', '\\']).repeat(dice.pick(LONG))
}

function codePoint (dice: Dice): number {
  return dice.chance(0.5) ? dice.int(0x80) : dice.chance(0.7) ? dice.int(0x3000) : dice.int(0x110000)
}

export function anyKey (dice: Dice): string {
  return dice.chance(0.7) ? dice.pick(KEYS) : anyText(dice)
}

export function anyScalar (dice: Dice): unknown {
  const kind = dice.int(8)
  if (kind < 4) return anyText(dice)
  if (kind < 6) return dice.pick(NUMBERS)
  return dice.pick([null, true, false, [], {}])
}

export function anyValue (dice: Dice, depth = 3): unknown {
  if (depth === 0 || dice.chance(0.6)) return anyScalar(dice)
  if (dice.chance(0.1)) return nested(dice.pick([10, 100, 1_000, 4_000]), dice.chance(0.5))
  const members = dice.int(4)
  return dice.chance(0.5)
    ? Array.from({ length: members }, () => anyValue(dice, depth - 1))
    : entries(Array.from({ length: members }, () => [anyKey(dice), anyValue(dice, depth - 1)] as const))
}

/** Also with `__proto__` as a key of its own, as JSON.parse makes it. */
function entries (list: readonly (readonly [string, unknown])[]): object {
  return Object.fromEntries(list)
}

function nested (depth: number, isList: boolean): unknown {
  let value: unknown = 0
  for (let level = 0; level < depth; level++) value = isList ? [value] : { a: value }
  return value
}

/** The value as JSON. Parts that were copied into one another may be deeper than can be written: then only the depth is left. */
export function toJson (value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    return `${'['.repeat(9_000)}${']'.repeat(9_000)}`
  }
}

type Container = unknown[] | Record<string, unknown>

function isContainer (value: unknown): value is Container {
  return typeof value === 'object' && value !== null
}

/** All lists and mappings in `value`, itself first; not those that were made deep on purpose. */
function containers (value: unknown): Container[] {
  const found: Container[] = isContainer(value) ? [value] : []
  for (let at = 0; at < found.length && found.length < 500; at++) found.push(...Object.values(found[at]!).filter(isContainer))
  return found
}

/** Changes a JSON value in place at some of its levels, and returns it (or what stands for it now). */
export function mutate (dice: Dice, value: unknown): unknown {
  if (dice.chance(0.02)) return anyValue(dice)
  const count = dice.pick([1, 1, 1, 2, 3, 6])
  for (let change = 0; change < count; change++) {
    const all = containers(value)
    if (all.length === 0) return anyValue(dice)
    mutateContainer(dice, dice.pick(all), all)
  }
  return value
}

function mutateContainer (dice: Dice, container: Container, all: readonly Container[]): void {
  const keys = Object.keys(container)
  const set = (key: string, value: unknown): void => { Object.defineProperty(container, key, { value, enumerable: true, configurable: true, writable: true }) }
  const action = keys.length === 0 ? 0 : dice.int(6)
  if (action === 0) {
    if (Array.isArray(container)) container.push(anyValue(dice, 2))
    else set(anyKey(dice), anyValue(dice, 2))
    return
  }
  const key = dice.pick(keys)
  const value = (container as Record<string, unknown>)[key]
  if (action === 1) {
    if (Array.isArray(container)) container.splice(Number(key), 1)
    else delete container[key]
  } else if (action === 2) set(key, anyValue(dice, 2))
  else if (action === 3) set(key, typeof value === 'string' ? mutateText(dice, value) : anyScalar(dice))
  else if (action === 4) {
    // A part of the value itself at another place; a copy, so that no cycle comes about.
    set(key, JSON.parse(toJson(dice.pick(all))))
  } else if (Array.isArray(container)) container.push(...Array.from({ length: dice.int(4) }, () => value))
  else {
    delete container[key]
    set(anyKey(dice), value)
  }
}

/** Changes single characters or stretches of a text. */
export function mutateText (dice: Dice, text: string): string {
  const at = dice.int(text.length + 1)
  const length = dice.pick([1, 1, 1, 2, 5, 40])
  switch (dice.int(6)) {
    case 0: return text.slice(0, at) + text.slice(at + length)
    case 1: return text.slice(0, at) + anyText(dice) + text.slice(at)
    case 2: return text.slice(0, at) + dice.pick(' \t\n\r:{}[],&*#?|-<>=!%@`"\'\\~0a'.split('')) + text.slice(at)
    case 3: return text.slice(0, at) + text.slice(at, at + length).repeat(dice.pick([2, 3, 50])) + text.slice(at)
    case 4: return text.slice(0, at) + anyText(dice) + text.slice(at + length)
    default: return text.slice(0, at)
  }
}

/** Changes bytes, mostly so that they are no UTF-8 any more. */
export function mutateBytes (dice: Dice, bytes: Buffer): Buffer {
  const at = dice.int(bytes.length + 1)
  const bad = dice.pick([[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF8, 0x88], [0x80], [0xE2, 0x82], [0x00], [0xEF, 0xBB, 0xBF], [dice.int(256)]])
  return Buffer.concat([bytes.subarray(0, at), Buffer.from(bad), bytes.subarray(at + dice.int(3))])
}
