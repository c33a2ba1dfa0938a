/** The configuration of a scenario: only what has no default, what the failure matrix fixes, and the story's own deviations. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Config } from '../../src/config/config.ts'
import { loadConfig } from '../../src/config/load.ts'
import { drivers } from '../../src/drivers/registry.ts'
import { EXPIRES_S, GATEWAYS, INTERFACE } from '../../src/rehearsal/model-world.ts'
import type { Kind } from '../../src/rehearsal/model-world.ts'

export interface Setting {
  readonly kind: Kind
  /** A binding query is configured. */
  readonly query: boolean
  /** Deviations from the default configuration, merged key by key. */
  readonly configuration: object
  /** An empty folder. */
  readonly directory: string
}

export function gatewayEntry (kind: Kind, address: string): object {
  return kind === 'innovaphone'
    ? { driver: kind, url: `https://${address}`, username: 'pointsman', password_file: 'secret' }
    : { driver: kind, url: `http://${address}:8080/RPC`, token_file: 'secret', dispatcher_group: 1 }
}

/** Only what has no default, and what the failure matrix fixes: automatic, reject, 300 s. */
function fileOf ({ kind, query }: Setting): object {
  return {
    mode: 'automatic',
    alertmanagers: [{ url: 'http://127.0.0.1:9093' }],
    gateways: Object.fromEntries(GATEWAYS.map(({ id, address }) => [id, gatewayEntry(kind, address)])),
    probes: {
      options: { method: 'OPTIONS' },
      ...(!query ? {} : { binding: { method: 'REGISTER', operation: 'query', username: '4930123', password_file: 'secret' } })
    },
    trunks: {
      acme: {
        type: 'exclusive',
        registration: { auth: 'register', on_second: 'reject', expires: `${EXPIRES_S}s`, aor: 'sip:4930123@acme.example', ...(!query ? {} : { query: 'binding' }) },
        interfaces: GATEWAYS.map(({ id, address }) => ({ gateway: id, interface: INTERFACE, sip: `sip:${address}`, contact: `${address}:5060`, carrier: 'sip:sbc.acme.example', probe: 'options' }))
      }
    },
    rules: [{ name: 'trunk-down', match: ['alertname="SipTrunkDown"', 'severity=~"critical|page"'], target: { trunk: '{trunk}', gateway: '{gateway}' }, demand: 'disable' }]
  }
}

function merge (base: object, change: object): object {
  const merged: Record<string, unknown> = { ...base }
  for (const [key, value] of Object.entries(change)) {
    const old = merged[key]
    // A key of the base that this story does without.
    if (value === null) { Reflect.deleteProperty(merged, key); continue }
    const both = typeof old === 'object' && old !== null && typeof value === 'object' && value !== null && !Array.isArray(value)
    merged[key] = both ? merge(old, value as object) : value
  }
  return merged
}

export function configure (setting: Setting): Promise<Config> {
  return load(setting.directory, fileOf(setting), setting.configuration)
}

/** Writes the file and loads it as the server does. */
export async function load (directory: string, base: object, deviations: object): Promise<Config> {
  const file = join(directory, 'pointsman.yaml')
  await mkdir(directory, { recursive: true })
  await writeFile(join(directory, 'secret'), 'secret')
  await writeFile(file, stringify(merge(base, deviations)))
  const loaded = await loadConfig(file, drivers)
  if (!loaded.ok) throw new Error(loaded.problems.map((p) => `${p.path}: ${p.message}`).join('\n'))
  return loaded.config
}
