/** YAML text → plain data, with the line and column of every key and value. */
import { type Alias, type Document, isAlias, isCollection, isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument, type YAMLMap } from 'yaml'
import type { Problem } from './config.ts'
import type { Anchor, Locate, Path, Step } from './problems.ts'

export type ReadResult =
  | { readonly ok: true; readonly value: Record<string, unknown>; readonly locate: Locate }
  | { readonly ok: false; readonly problems: readonly Problem[] }

const NESTED = ['the file is nested too deeply', 'are brackets or dashes repeated?'] as const

/** Own words for the parser's findings: its texts quote the file, which may hold a password by mistake. */
const MESSAGES: Readonly<Record<string, readonly [message: string, hint: string | null]>> = {
  BAD_ALIAS: ['a value starts with "*", which means a reference to an anchor that doesn\'t exist', 'put the value in quotes'],
  BAD_INDENT: ['the indentation doesn\'t fit to the lines above', null],
  BAD_SCALAR_START: ['a value starts with a character that YAML keeps for itself', 'put the value in quotes'],
  BAD_DQ_ESCAPE: ['unknown escape in a double-quoted value', 'use single quotes, or double the backslash'],
  BLOCK_AS_IMPLICIT_KEY: ['a mapping is not allowed on this line', 'put a value that contains ": " in quotes'],
  BLOCK_IN_FLOW: ['lines of a list or mapping inside brackets', 'close the bracket, or write it without brackets'],
  DUPLICATE_KEY: ['the same key is written twice here', 'remove one of them'],
  MISSING_CHAR: ['a closing quote, bracket, comma or colon is missing', 'perhaps in a line above'],
  MULTILINE_IMPLICIT_KEY: ['a key must be on one line and end with ":"', 'is a colon missing, or a quote not closed?'],
  NO_VALUE: ['a key inside braces has no value', 'is a colon missing, or the blank after it?'],
  MULTIPLE_DOCS: ['the file holds more than one document', 'remove the line "---"'],
  ENDLESS_ALIAS: ['references to anchors multiply without end', null],
  RESOURCE_EXHAUSTION: NESTED,
  TAB_AS_INDENT: ['a tab is used for indentation', 'use spaces'],
  TAG_RESOLVE_FAILED: ['a value starts with "!", which means a type that doesn\'t exist', 'put the value in quotes'],
  UNEXPECTED_TOKEN: ['unexpected text', 'is a quote, a comma or a line break missing before it?']
}

/** Reads a whole file's text. All YAML errors are returned at once; nothing of the file's text is in them. */
export function readYaml (text: string): ReadResult {
  try {
    return readDocument(text)
  } catch (error) {
    // The parser calls itself for each level.
    if (!(error instanceof RangeError)) throw error
    const [message, hint] = NESTED
    return { ok: false, problems: [{ severity: 'error', line: 1, column: 1, path: '', message, hint }] }
  }
}

function readDocument (text: string): ReadResult {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true, stringKeys: true, uniqueKeys: false })
  const findings = [...document.errors, ...document.warnings].map(({ code, pos }) => ({ code, offset: pos[0] }))
  const broken = [...findings, ...oddities(document)].map(({ code, offset }): Problem => {
    const [message, hint] = MESSAGES[code] ?? ['this is not valid YAML', null]
    return { severity: 'error', ...position(lines, offset), path: '', message, hint }
  })
  if (broken.length > 0) return { ok: false, problems: broken.sort((a, b) => a.line - b.line || a.column - b.column) }
  const value = toPlain(document)
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { ok: false, problems: [notMapping(value)] }
  return { ok: true, value: value as Record<string, unknown>, locate: createLocate(document, lines) }
}

/** Aliases inside of anchored values; each costs the library a walk through the whole file. */
const MAX_NESTED_ALIASES = 100
/** More of the same tell nothing new. */
const MAX_BAD_ALIASES = 20

interface Oddity { readonly code: keyof typeof MESSAGES; readonly offset: number }

/** What the parser does not notice, or notices only while it builds the data, and then without a place or after minutes. */
function oddities (document: Document.Parsed): readonly Oddity[] {
  const found: Oddity[] = []
  // In the order of the file: an alias means an anchor before it. (Alias.resolve would look through the whole file for each.)
  const anchors = new Set<string>()
  let nested = 0
  let badAliases = 0
  const judgeAlias = (alias: Alias, around: readonly string[]): void => {
    if (around.length > 0) nested++
    const isEndless = around.includes(alias.source) || nested > MAX_NESTED_ALIASES
    if (anchors.has(alias.source) && !isEndless) return
    if (++badAliases <= MAX_BAD_ALIASES) found.push({ code: anchors.has(alias.source) ? 'ENDLESS_ALIAS' : 'BAD_ALIAS', offset: startOf(alias) ?? 0 })
  }
  /** @param around - anchors of the values that hold this one. (The library's `visit` costs the square of the depth.) */
  const walk = (node: unknown, around: readonly string[]): void => {
    if (isAlias(node)) { judgeAlias(node, around); return }
    if (!isCollection(node) && !isScalar(node)) return
    const { anchor } = node
    if (anchor !== undefined) anchors.add(anchor)
    const inside = anchor === undefined ? around : [...around, anchor]
    if (isMap(node)) {
      found.push(...oddKeys(node))
      for (const { key, value } of node.items) for (const part of [key, value]) walk(part, inside)
    }
    if (isSeq(node)) for (const item of node.items) walk(item, inside)
  }
  walk(document.contents, [])
  return found
}

/**
 * Keys that are written twice: the library compares each with all others, which takes seconds for thousands of trunks. And
 * what stands alone inside braces: it may be a value, which must not be shown as an unknown key.
 */
function oddKeys (map: YAMLMap): readonly Oddity[] {
  const found: Oddity[] = []
  const seen = new Set<string>()
  for (const pair of map.items) {
    const offset = startOf(pair.key) ?? 0
    if (seen.has(keyText(pair))) found.push({ code: 'DUPLICATE_KEY', offset })
    if (map.flow === true && pair.value === null) found.push({ code: 'NO_VALUE', offset })
    seen.add(keyText(pair))
  }
  return found
}

/** @returns the data; every use of an anchor is a copy of its own. Undefined for references without end */
function toPlain (document: Document.Parsed): unknown {
  try {
    return JSON.parse(JSON.stringify(document.toJS({ maxAliasCount: 1000 })))
  } catch (error) {
    if (error instanceof RangeError) throw error
    return undefined
  }
}

function notMapping (value: unknown): Problem {
  const at = { severity: 'error', line: 1, column: 1, path: '' } as const
  if (value === null) return { ...at, message: 'the file is empty', hint: 'see deploy/examples' }
  if (value === undefined) return { ...at, message: 'references to anchors multiply without end', hint: null }
  return { ...at, message: 'the file must hold a mapping with keys such as "gateways" and "trunks"', hint: 'see deploy/examples' }
}

function createLocate (document: Document.Parsed, lines: LineCounter): Locate {
  return (path, anchor) => position(lines, offsetOf(document, path, anchor))
}

function position (lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset)
  return { line: Math.max(line, 1), column: Math.max(col, 1) }
}

function offsetOf (document: Document.Parsed, path: Path, anchor: Anchor): number {
  let node: unknown = document.contents
  let key: unknown = null
  let offset = startOf(node) ?? 0
  for (const [depth, step] of path.entries()) {
    const found = child(document, resolve(document, node), step)
    // Not in the file (a missing key, or a default): the nearest parent's key is where a person has to look.
    if (found === null) return startOf(key) ?? offset
    key = found.key
    node = found.value
    const wantsKey = anchor === 'key' && depth === path.length - 1
    offset = (wantsKey ? startOf(key) : null) ?? startOf(node) ?? startOf(key) ?? offset
  }
  return offset
}

function child (document: Document.Parsed, parent: unknown, step: Step): { key: unknown; value: unknown } | null {
  if (isSeq(parent) && typeof step === 'number') {
    return step < parent.items.length ? { key: null, value: parent.items[step] } : null
  }
  if (!isMap(parent)) return null
  const pair = findPair(document, parent, String(step))
  return pair === null ? null : { key: pair.key, value: pair.value }
}

function findPair (document: Document.Parsed, map: YAMLMap, key: string): Pair | null {
  const own = pairsOf(map).get(key)
  if (own !== undefined) return own
  const merged = map.items.filter((pair) => keyText(pair) === '<<').flatMap((pair) => {
    const source = resolve(document, pair.value)
    return isSeq(source) ? source.items.map((item) => resolve(document, item)) : [source]
  })
  for (const source of merged) {
    const pair = isMap(source) ? findPair(document, source, key) : null
    if (pair !== null) return pair
  }
  return null
}

/** Each problem is looked up here, and thousands of trunks may have one each. */
const indexed = new WeakMap<YAMLMap, ReadonlyMap<string, Pair>>()

function pairsOf (map: YAMLMap): ReadonlyMap<string, Pair> {
  const pairs = indexed.get(map) ?? new Map(map.items.map((pair) => [keyText(pair), pair]))
  indexed.set(map, pairs)
  return pairs
}

function keyText (pair: Pair): string {
  if (!isScalar(pair.key)) return ''
  // The merge key's value is a symbol.
  return typeof pair.key.value === 'symbol' ? '<<' : String(pair.key.value)
}

function resolve (document: Document.Parsed, node: unknown): unknown {
  return isAlias(node) ? node.resolve(document) : node
}

function startOf (node: unknown): number | null {
  return (node as Node | null | undefined)?.range?.[0] ?? null
}
