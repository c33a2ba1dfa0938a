/** A described device by hand: the requests of the configuration, for curl. */
import type { AdminState } from '../core/observation.ts'
import { shellQuoted } from '../shell.ts'
import type { ByHand, HandStep, Login } from './contract.ts'
import { curlLogin } from './curl-login.ts'
import { parsePath } from './http-match.ts'
import type { Match } from './http-match.ts'
import type { HttpSettings, RequestTemplate } from './http-settings.ts'
import { asIs, escapeRegExp, fill } from './http-template.ts'
import type { Variables } from './http-template.ts'
import { curlAccountOf } from './web-access.ts'

/** @param settings - those of the driver, in the file's spelling */
export function httpByHand (settings: Readonly<Record<string, unknown>>, login: string): ByHand {
  const device = settings as unknown as HttpSettings
  const { read, interfaces = {}, finally: last = [] } = device
  const base = device.url.replace(/\/+$/, '')
  const variablesOf = (name: string): Variables => ({ ...Object.hasOwn(interfaces, name) ? interfaces[name] : {}, interface: name })
  const call = (template: RequestTemplate, variables: Variables): string => `${login} ${requestOf(template, variables)} ${shellQuoted(`${base}${fill(template.path, variables, encodeURIComponent)}`)}`
  const session = device.login === undefined ? [] : [`${login}_token=$(${login}_account ${requestOf(device.login, {})} ${shellQuoted(`${base}${device.login.path}`)} | ${captured(device.login.token)})`]

  const seen = (name: string): HandStep => {
    const variables = variablesOf(name)
    const found = [...new Set([read.enabled, read.disabled].map((match) => shown(match, variables)))]
    return {
      commands: [...session, `${call(read, variables)} | tr '\\r\\n' '  ' | grep -oE ${found.map((expression) => `-e ${shellQuoted(expression)}`).join(' ')}`],
      note: `Enabled: ${meaning(read.enabled, variables)}. Disabled: ${meaning(read.disabled, variables)}. Nothing: no answer, no such interface${read.disabled.not === true || read.enabled.not === true ? ', or no such value' : ''}.`
    }
  }
  const apply = (name: string, desired: AdminState): HandStep => {
    const variables = variablesOf(name)
    const steps = [...desired === 'enabled' ? device.enable : device.disable, ...last]
    const codes = steps.map(({ status }) => status?.join(' or ') ?? '2xx').join(', ')
    return { commands: [...session, ...steps.map((step) => call(step, variables))], note: `The requests of the configuration, in their order; they are answered with ${codes}.${last.length > 0 ? ' Send the last one also when one before it failed.' : ''}` }
  }
  return { login: loginOf(settings, login, device), observe: seen, apply }
}

function loginOf (settings: Readonly<Record<string, unknown>>, name: string, { login, auth, token_header: header }: HttpSettings): Login {
  const flags = '-gsS'
  const account = curlAccountOf(settings)
  const own = account !== null && account.username !== null && auth !== undefined && auth !== 'auto' ? { ...account, option: `--${auth}` } : account
  // A token in a header of its own: the same function, with the other header.
  const inHeader = (text: string): string => header === undefined ? text : text.replaceAll('Authorization: Bearer ', `${header}: `)
  if (login === undefined) {
    const made = curlLogin(name, flags, settings, own)
    return { defines: inHeader(made.defines), asks: made.asks === null ? null : inHeader(made.asks) }
  }
  const made = curlLogin(`${name}_account`, flags, settings, own)
  const bare = curlLogin(name, `${flags} -K -`, settings, null).defines.replace('{ curl', `{ printf 'header = "Authorization: Bearer %s"\\n' "$${name}_token" | curl`)
  return { defines: `${made.defines}; ${bare}`, asks: made.asks === null ? null : `${made.asks}; ${bare}` }
}

/** curl's options of a request. */
function requestOf ({ method = 'GET', headers = {}, body }: RequestTemplate, variables: Variables): string {
  const lines = Object.entries(headers).map(([name, value]) => `-H ${shellQuoted(`${name}: ${fill(value, variables, asIs)}`)}`)
  const text = body === undefined ? null : fill(body, variables, asIs)
  const data = text === null ? [] : [`--data-raw ${/[\r\n]/.test(text) ? printed(text) : shellQuoted(text)}`]
  return [`-X ${method}`, ...lines, ...data].join(' ')
}

/** A text of several lines in one line for the shell. Its last line breaks get lost there, which no format minds. */
function printed (text: string): string {
  const escaped = text.replaceAll('\\', String.raw`\\`).replaceAll('\r', String.raw`\r`).replaceAll('\n', String.raw`\n`)
  return `"$(printf '%b' ${shellQuoted(escaped)})"`
}

/** What `grep -oE` shows of an answer. */
function shown ({ json, regex }: Match, variables: Variables): string {
  if (json === undefined) return extended(fill(regex ?? '', variables, escapeRegExp))
  return `"${escapeRegExp(leafOf(json))}"[[:space:]]*:[[:space:]]*("[^"]*"|[^],}[:space:]]+)`
}

function meaning ({ json, equals, regex, not = false }: Match, variables: Variables): string {
  const fits = regex === undefined ? 'there' : fill(regex, variables, escapeRegExp)
  if (json === undefined) return `the answer has ${fits}`
  const value = equals === undefined ? fits : fill(String(equals), variables, asIs)
  return `${fill(json, variables, asIs)} is ${not ? 'not ' : ''}${value}`
}

/** Prints the token of an answer. */
function captured ({ json, regex }: Match): string {
  const expression = json === undefined ? extended(regex ?? '') : `"${escapeRegExp(leafOf(json))}"[[:space:]]*:[[:space:]]*"([^"]*)"`
  const mark = ['|', '#', '~', ',', ';', '@', '%'].find((character) => !expression.includes(character)) ?? '|'
  return `tr '\\r\\n' '  ' | sed -nE ${shellQuoted(['s', `.*${expression}.*`, String.raw`\1`, 'p'].join(mark))}`
}

function leafOf (json: string): string {
  const last = parsePath(json)?.findLast((step) => typeof step === 'string')
  return typeof last === 'string' ? last : json
}

/** The expression in grep's words. */
function extended (regex: string): string {
  return regex.replaceAll('\\d', '[0-9]').replaceAll('\\D', '[^0-9]').replaceAll('\\s', '[[:space:]]').replaceAll('\\S', '[^[:space:]]').replaceAll('\\w', '[[:alnum:]_]').replaceAll('\\W', '[^[:alnum:]_]')
}
