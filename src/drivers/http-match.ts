/** What an answer of a device says by the `http` driver's rules, pure: a value by its path in JSON, or a regular expression. */
import { escapeRegExp, fill } from './http-template.ts'
import type { Variables } from './http-template.ts'

/** What has to be in an answer. Without `json` the expression is about the whole text. */
export interface Match {
  /** `data.state`, `list[0].state` or `list[name=acme].state`. */
  readonly json?: string
  /** The value, as text. Without it and `regex`: that there is one. */
  readonly equals?: string | number | boolean
  readonly regex?: string
  /** True: that it is not so. Only of a JSON value, whose place must be there: a strange answer proves nothing. */
  readonly not?: boolean
}

type Step = string | { readonly index: number } | { readonly key: string; readonly value: string }

/** Steps of a path; null: it is none. */
export function parsePath (path: string): readonly Step[] | null {
  const steps: Step[] = []
  let rest = path
  while (rest !== '') {
    const [all, name, index, key, value] = /^(?:\.?([^.[\]]+)|\[(\d+)\]|\[([^=\]]+)=([^\]]*)\])/.exec(rest) ?? []
    if (all === undefined || (steps.length === 0 && all.startsWith('.'))) return null
    steps.push(name ?? (index === undefined ? { key: key!, value: value! } : { index: Number(index) }))
    rest = rest.slice(all.length)
  }
  return steps.length === 0 ? null : steps
}

function stepInto (value: unknown, step: Step): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  if (typeof step === 'string') return !Array.isArray(value) && Object.hasOwn(value, step) ? (value as Readonly<Record<string, unknown>>)[step] : undefined
  if (!Array.isArray(value)) return undefined
  if ('index' in step) return value[step.index]
  return value.find((each) => textOf(stepInto(each, step.key)) === step.value)
}

/** Text of a plain value; a list or a mapping has none. */
function textOf (value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : null
}

/** The value and what holds it; undefined: there is none. */
function lookUp (body: string, path: string): { readonly value: unknown; readonly holder: unknown } | null {
  const steps = parsePath(path)
  if (steps === null) return null
  let holder: unknown
  try {
    holder = JSON.parse(body)
  } catch {
    return null // no JSON: nothing is to be found in it
  }
  for (const step of steps.slice(0, -1)) holder = stepInto(holder, step)
  return { value: stepInto(holder, steps.at(-1)!), holder }
}

/** Whether an answer is as asked for. */
export function matches ({ json, equals, regex, not = false }: Match, variables: Variables, body: string): boolean {
  if (json === undefined) return !not && regex !== undefined && compile(regex, variables).test(body)
  const found = lookUp(body, fill(json, variables, (value) => value))
  if (found === null || typeof found.holder !== 'object' || found.holder === null) return false
  const text = textOf(found.value)
  const isSo = equals !== undefined
    ? text === fill(String(equals), variables, (value) => value)
    : regex !== undefined ? text !== null && compile(regex, variables).test(text) : found.value !== undefined
  return isSo !== not
}

/** The part of an answer that is meant: the value, or the expression's first group; null: there is none. */
export function capture ({ json, regex }: Match, variables: Variables, body: string): string | null {
  const text = json === undefined ? body : textOf(lookUp(body, fill(json, variables, (value) => value))?.value)
  if (text === null || regex === undefined) return text
  const found = compile(regex, variables).exec(text)
  return found === null ? null : found[1] ?? found[0]
}

/** `^` and `$` are those of a line. */
function compile (regex: string, variables: Variables): RegExp {
  return new RegExp(fill(regex, variables, escapeRegExp), 'm')
}

/** What is wrong with an expression, as the rest of a sentence; null: it can be used, here and by a person's `grep -E`. */
export function regexProblem (regex: string): string | null {
  if (/\(\?|[*+?}][?+]|\\[bBpPkuxc1-9]|\[[^\]]*\\[dDsSwW]/.test(regex)) return 'uses look-around, a lazy quantifier, a back reference or a special class'
  try {
    return RegExp(regex.replaceAll(/\{\{\s*\w+\s*\}\}/g, 'x'), 'm').test('') ? 'fits every answer' : null
  } catch {
    return 'is no regular expression'
  }
}
