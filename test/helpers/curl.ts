/**
 * As much of curl as the printed commands need, so that they can be run where curl is not installed:
 * `node curl.ts [-gfsSk] [--anyauth|--basic|--digest] [-u USER:PASSWORD] [-K -] [-X METHOD] [-H HEADER] [-d DATA] [--data-raw DATA] [--cacert FILE] URL`.
 * Its arguments are appended to the file in $CURL_LOG, to see that no secret is among them.
 */
import { appendFileSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { systemRandom } from '../../src/clock.ts'
import { withCredentials } from '../../src/drivers/http-auth.ts'
import { createHttpClient } from '../../src/drivers/http-client.ts'
import type { HttpRequest } from '../../src/drivers/http-client.ts'
import { createSecret } from '../../src/secret.ts'

const args = process.argv.slice(2)
if (process.env['CURL_LOG'] !== undefined) appendFileSync(process.env['CURL_LOG'], `${args.join(' ')}\n`)
const { values, positionals } = parseArgs({
  // A body that starts with a dash is no option.
  args: args.flatMap((arg, index) => args[index - 1] === '--data-raw' ? [] : arg === '--data-raw' ? [`${arg}=${args[index + 1]}`] : [arg]),
  allowPositionals: true,
  options: {
    globoff: { type: 'boolean', short: 'g' }, fail: { type: 'boolean', short: 'f' }, silent: { type: 'boolean', short: 's' }, 'show-error': { type: 'boolean', short: 'S' }, insecure: { type: 'boolean', short: 'k' },
    anyauth: { type: 'boolean' }, basic: { type: 'boolean' }, digest: { type: 'boolean' }, 'connect-timeout': { type: 'string' }, 'max-time': { type: 'string' }, cacert: { type: 'string' },
    user: { type: 'string', short: 'u' }, config: { type: 'string', short: 'K' }, data: { type: 'string', short: 'd' },
    request: { type: 'string', short: 'X' }, header: { type: 'string', short: 'H', multiple: true }, 'data-raw': { type: 'string' }
  }
})

/** `name = "value"` lines with curl's escapes. */
function configured (): Readonly<Record<string, string>> {
  if (values.config !== '-') return {}
  return Object.fromEntries([...readFileSync(0, 'utf8').matchAll(/^(\w+) = "((?:[^"\\]|\\.)*)"$/gm)].map(([, name = '', text = '']) => [name, text.replaceAll(/\\(.)/g, '$1')]))
}

const given = configured()
const account = /^([^:]*):(.*)$/s.exec(given['user'] ?? values.user ?? '')
const [url = ''] = positionals
const client = createHttpClient({ ca: values.cacert === undefined ? undefined : readFileSync(values.cacert, 'utf8'), insecureTls: values.insecure })
const send = withCredentials(client.send, account === null ? { scheme: 'none' } : { scheme: 'auto', username: account[1] ?? '', password: createSecret(account[2] ?? '') }, systemRandom)
const headers = [...given['header'] === undefined ? [] : [given['header']], ...values.header ?? []].map((line) => /^([^:]+): (.*)$/.exec(line) ?? []).map(([, name = '', value = '']) => [name, value])
const body = values.data ?? values['data-raw']
const response = await send({
  method: (values.request ?? (body === undefined ? 'GET' : 'POST')) as HttpRequest['method'], url, headers: Object.fromEntries(headers) as Record<string, string>,
  ...body === undefined ? {} : { body }, reads: true, signal: AbortSignal.timeout(10_000)
})
client.close()
if (!response.ok) {
  console.error(`curl: ${response.detail}`)
  process.exitCode = 7
} else if (values.fail === true && response.status >= 400) {
  console.error(`curl: (22) The requested URL returned error: ${response.status}`)
  process.exitCode = 22
} else process.stdout.write(response.body)
