/** The options of `pointsman probe` that say how and from where it is sent. */
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { parseSipUri } from '../config/address.ts'
import type { SipTarget, TlsSettings } from '../ports.ts'
import { createSecret } from '../secret.ts'
import { UsageError } from './command.ts'
import type { Option, Values } from './command.ts'
import { text } from './options.ts'

export const SENDING: Readonly<Record<string, Option>> = {
  transport: { value: 'udp|tcp|tls', help: 'Default: by the address, and for a name by NAPTR and SRV.' },
  resolve: { value: 'all|first', help: 'Probe all addresses of a name, or only the first one; default all.' },
  health: { value: 'any|all', help: 'With several addresses, alive when any or all of them are; default any.' },
  'local-address': { value: 'ADDRESS', help: 'Address to send from.' },
  'local-port': { value: 'PORT', help: 'Port to send from.' },
  'server-name': { value: 'NAME', help: 'TLS: name that the certificate must have; default: the host of TARGET.' },
  'ca-file': { value: 'FILE', help: 'TLS: issuers that are trusted (PEM).' },
  'certificate-file': { value: 'FILE', help: 'TLS: our own certificate (PEM).' },
  'key-file': { value: 'FILE', help: 'TLS: its key (PEM).' },
  'insecure-tls': { help: 'TLS: the certificate is not checked.' },
  from: { value: 'URI', help: 'URI in From.' },
  to: { value: 'URI', help: 'URI in To.' },
  'user-agent': { value: 'TEXT', help: 'Value of User-Agent.' }
}

/** @throws {UsageError} */
export function sipUri (given: string, what: string): string {
  const parsed = parseSipUri(given)
  if (!parsed.ok) throw new UsageError(`${what} ${parsed.message} (${parsed.hint})`)
  return parsed.value.uri
}

/** @throws {UsageError} when an option is wrong or a file can't be read */
export async function readTarget (values: Values): Promise<Omit<SipTarget, 'uri'>> {
  const tls = await readTls(values)
  const uri = (name: string): string | undefined => {
    const given = text(values, name)
    return given === undefined ? undefined : sipUri(given, `--${name}`)
  }
  return Object.fromEntries(Object.entries({
    transport: oneOf(values, 'transport', ['udp', 'tcp', 'tls']),
    resolve: oneOf(values, 'resolve', ['all', 'first']),
    health: oneOf(values, 'health', ['any', 'all']),
    localAddress: localAddress(values),
    localPort: localPort(values),
    aor: uri('aor'),
    from: uri('from'),
    to: uri('to'),
    userAgent: text(values, 'user-agent'),
    tls: Object.keys(tls).length === 0 ? undefined : tls
  }).filter(([, value]) => value !== undefined))
}

function oneOf (values: Values, name: string, known: readonly string[]): string | undefined {
  const given = text(values, name)
  if (given !== undefined && !known.includes(given)) throw new UsageError(`--${name} must be one of: ${known.join(', ')}`)
  return given
}

function localAddress (values: Values): string | undefined {
  const given = text(values, 'local-address')
  if (given !== undefined && isIP(given) === 0) throw new UsageError('--local-address must be an IP address')
  return given
}

function localPort (values: Values): number | undefined {
  const given = text(values, 'local-port')
  if (given === undefined) return undefined
  const port = Number(given)
  if (!/^\d{1,5}$/.test(given) || port < 1 || port > 65_535) throw new UsageError('--local-port must be a port')
  return port
}

async function readTls (values: Values): Promise<TlsSettings> {
  const file = async (name: string): Promise<string | undefined> => {
    const given = text(values, name)
    return given === undefined ? undefined : readFile(given, 'utf8').catch((error: NodeJS.ErrnoException) => { throw new UsageError(`${given} can't be read (${error.code ?? 'unknown error'})`) })
  }
  const key = await file('key-file')
  return Object.fromEntries(Object.entries({
    serverName: text(values, 'server-name'),
    ca: await file('ca-file'),
    certificate: await file('certificate-file'),
    key: key === undefined ? undefined : createSecret(key),
    insecure: values['insecure-tls'] === true ? true : undefined
  }).filter(([, value]) => value !== undefined))
}
