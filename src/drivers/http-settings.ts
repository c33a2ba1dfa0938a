/** The keys of the `http` driver, which describe a device: requests, and what their answers say. */
import { Type } from 'typebox'
import type { TProperties } from 'typebox'
import type { Secret } from '../ports.ts'
import type { KeyProblem } from './contract.ts'
import { parsePath, regexProblem } from './http-match.ts'
import type { Match } from './http-match.ts'
import { placeholders, SAFE_VALUE } from './http-template.ts'
import { ACCOUNT_KEYS, text } from './web-access.ts'

export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** One request. Placeholders stand for variables of the interface. */
export interface RequestTemplate {
  readonly method?: Method
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Status codes that count as done; default: every 2xx. */
  readonly status?: readonly number[]
  /** What the answer must hold to count as done. */
  readonly expect?: Match
}

export interface ReadTemplate extends RequestTemplate {
  readonly enabled: Match
  readonly disabled: Match
  /** The device has no such interface; a 404 says so, too. */
  readonly absent?: Match
  readonly registered?: Match
  readonly reaches?: Match
  readonly calls?: Match
}

export interface HttpSettings {
  readonly url: string
  readonly username?: string
  readonly password?: Secret
  readonly auth?: 'auto' | 'basic' | 'digest'
  readonly token?: Secret
  readonly token_header?: string
  readonly ca?: string
  readonly insecure_tls?: boolean
  readonly login?: RequestTemplate & { readonly token: Match }
  readonly interfaces?: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly read: ReadTemplate
  readonly enable: readonly RequestTemplate[]
  readonly disable: readonly RequestTemplate[]
  readonly finally?: readonly RequestTemplate[]
  readonly reregister?: readonly RequestTemplate[]
  readonly running_state?: boolean
  readonly registers?: boolean
  readonly unregisters?: boolean
  readonly persistent?: boolean
}

const closed = <Properties extends TProperties>(properties: Properties, description: string) => Type.Object(properties, { additionalProperties: false, description })
const flag = (description: string) => Type.Optional(Type.Boolean({ description }))

const MATCH = {
  json: text('path of a value in JSON, for example data.state, list[0].state or list[name={{interface}}].state'),
  equals: Type.Optional(Type.Unsafe<string | number | boolean>({ description: 'the value; without it and regex: that there is one' })),
  regex: text('regular expression for the value, without json for the whole text; ^ and $ are those of a line'),
  not: flag('true: that the JSON value is not so; what holds it must be there')
}
const match = (description: string) => closed(MATCH, description)

const REQUEST = {
  method: Type.Optional(Type.Unsafe<Method>({ ...Type.Enum(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']), description: 'default GET' })),
  path: Type.String({ pattern: '^/\\S*$', description: 'path and query below url, percent-encoded; {{interface}} and variables are encoded by themselves' }),
  headers: Type.Optional(Type.Unsafe<Record<string, string>>({ type: 'object', additionalProperties: { type: 'string', format: 'header-value' }, description: 'further header fields, for example Content-Type' })),
  body: text('what is sent'),
  status: Type.Optional(Type.Array(Type.Integer({ minimum: 200, maximum: 599 }), { minItems: 1, description: 'status codes that count as done; default: every 2xx' })),
  expect: Type.Optional(match('what the answer must hold to count as done'))
}
const requests = (description: string) => Type.Array(Type.Object(REQUEST, { additionalProperties: false }), { minItems: 1, description })

export const HTTP_SCHEMA = Type.Object({
  url: Type.String({ format: 'http-url', description: 'web server of the device, for example https://10.0.6.10' }),
  ...ACCOUNT_KEYS,
  auth: Type.Optional(Type.Unsafe<'auto' | 'basic' | 'digest'>({ ...Type.Enum(['auto', 'basic', 'digest']), description: 'HTTP authentication; auto (default): what the device asks for; digest: never sends the password' })),
  token_file: text('file that holds a token, instead of an account'),
  token_env: text('environment variable that holds the token'),
  token_header: Type.Optional(Type.String({ pattern: '^[A-Za-z][A-Za-z0-9-]*$', description: 'header field that carries the token, for example X-API-Key; default: Authorization, as bearer token' })),
  login: Type.Optional(closed({ ...REQUEST, token: match('where its answer has the token') }, 'request with the account whose answer holds a bearer token for all others; made anew after a 401')),
  interfaces: Type.Optional(Type.Unsafe<Record<string, Record<string, string>>>({
    type: 'object', additionalProperties: { type: 'object', additionalProperties: { type: 'string', pattern: SAFE_VALUE } },
    description: 'variables of each interface, by its name; without it every name is one, and {{interface}} its only variable'
  })),
  read: closed({
    ...REQUEST,
    enabled: match('what its answer holds when the interface is enabled'),
    disabled: match('what its answer holds when it is disabled; both or neither is a failure'),
    absent: Type.Optional(match('what its answer holds when there is no such interface; a 404 says so, too')),
    registered: Type.Optional(match('what its answer holds when the interface is registered at the carrier')),
    reaches: Type.Optional(match('what its answer holds when the device reaches the carrier, also of a disabled interface')),
    calls: Type.Optional(match('where its answer has the number of calls'))
  }, 'request that reads an interface; it must change nothing'),
  enable: requests('requests that enable an interface, one after the other'),
  disable: requests('requests that disable it'),
  finally: Type.Optional(requests('requests after those of enable and disable, also when one of them failed, for example to unlock')),
  reregister: Type.Optional(requests('requests that make an enabled interface register anew')),
  running_state: flag('true: "read" shows what runs; false (default): what is stored, so an interface counts as off only after "disable" was answered'),
  registers: flag('false: the interface registers nowhere, calls are only sent by it; default true'),
  unregisters: flag('true: disabling sends an un-REGISTER; default false'),
  persistent: flag('false: a restart of the device undoes a change; default true')
}, { additionalProperties: false })

/** What the schema can't see: placeholders without a variable, expressions and paths that are none. */
export function checkHttpSettings (settings: Readonly<Record<string, unknown>>, names: readonly string[]): readonly KeyProblem[] {
  const { interfaces } = settings as { readonly interfaces?: HttpSettings['interfaces'] }
  const strangers = interfaces === undefined ? [] : names.filter((name) => !Object.hasOwn(interfaces, name))
  const sets = interfaces === undefined ? [[]] : Object.values(interfaces).map(Object.keys)
  const [first = [], ...others] = sets
  // A variable that one interface lacks is none.
  const known = new Set(['interface', ...first.filter((name) => others.every((set) => set.includes(name)))])
  return [
    ...strangers.map((name) => ({ path: ['interfaces'], message: `"interfaces" has no "${name}", which a trunk uses`, hint: 'add it with its variables, or with {} for none' })),
    ...['login', 'read', 'enable', 'disable', 'finally', 'reregister'].flatMap((key) => problemsIn(settings[key], [key], key === 'login' ? new Set() : known))
  ]
}

function problemsIn (value: unknown, path: readonly (string | number)[], known: ReadonlySet<string>): readonly KeyProblem[] {
  if (Array.isArray(value)) return value.flatMap((each, index) => problemsIn(each, [...path, index], known))
  if (typeof value === 'object' && value !== null) return [...matchProblems(value, path), ...Object.entries(value).flatMap(([key, each]) => problemsIn(each, [...path, key], known))]
  if (typeof value !== 'string') return []
  const key = path.at(-1)
  const unknown = placeholders(value).find((name) => !known.has(name))
  if (unknown !== undefined) return [{ path, message: `there is no variable "${unknown}"`, hint: known.size === 0 ? 'no interface is meant here' : `variables that every interface has: ${[...known].join(', ')}` }]
  if (key === 'json' && parsePath(value) === null) return [{ path, message: 'is no path', hint: 'for example data.state, list[0].state or list[name=acme].state' }]
  const problem = key === 'regex' ? regexProblem(value) : null
  return problem === null ? [] : [{ path, message: problem, hint: null }]
}

/** A match without any condition would fit every answer. */
function matchProblems (value: object, path: readonly (string | number)[]): readonly KeyProblem[] {
  const isMatch = ['expect', 'token', 'enabled', 'disabled', 'absent', 'registered', 'reaches', 'calls'].includes(String(path.at(-1)))
  if (!isMatch) return []
  if (!('json' in value) && !('regex' in value)) return [{ path, message: 'has neither "json" nor "regex"', hint: null }]
  if ('not' in value && !('json' in value)) return [{ path, message: '"not" needs "json"', hint: 'an expression that is not found proves nothing: any error page would do' }]
  return 'equals' in value && !('json' in value) ? [{ path, message: '"equals" needs "json"', hint: null }] : []
}
