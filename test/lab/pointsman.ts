/** Pointsman itself: started as a user starts it, asked and commanded only through its API. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stringify } from 'yaml'
import type { Status, TrunkStatus } from '../../src/core/status.ts'
import type { DecisionSummary } from '../../src/engine/contract.ts'
import type { JournalRecord } from '../../src/ports.ts'
import type { Address } from './monitoring.ts'
import { answersOk } from './processes.ts'
import type { Running, Stage } from './processes.ts'

export const WEBHOOK_TOKEN = 'lab-webhook'
export const OPERATOR_TOKEN = 'lab-operator'

const MAIN = join(import.meta.dirname, '../../src/main.ts')

export interface Pointsman {
  readonly at: Address
  readonly process: Running
  status(): Promise<Status>
  /** @throws Error - no such trunk */
  trunk(id: string): Promise<TrunkStatus>
  decisions(trunk: string): Promise<readonly DecisionSummary[]>
  decision(id: string): Promise<readonly JournalRecord[]>
  metrics(): Promise<string>
  /** Posts a webhook body as Alertmanager would; returns the HTTP status. */
  deliver(body: unknown): Promise<number>
  /** Gives an operator's command; returns HTTP status and answer. */
  command(verb: string, body: Readonly<Record<string, unknown>>): Promise<{ readonly code: number, readonly answer: string }>
}

/** Writes a secret of the lab and returns its file. */
export const writeSecret = (stage: Stage, name: string, value: string): string => {
  const file = join(stage.folder('secrets'), name)
  writeFileSync(file, `${value}\n`, { mode: 0o600 })
  return file
}

/** Users of the API, for the configuration. */
export const apiUsers = (stage: Stage): readonly object[] => [
  { name: 'alertmanager', role: 'webhook', token_file: writeSecret(stage, 'webhook', WEBHOOK_TOKEN) },
  { name: 'lab', role: 'operator', token_file: writeSecret(stage, 'operator', OPERATOR_TOKEN) }
]

/**
 * Starts Pointsman.
 * @param name - separates the store and log of several runs on one stage
 * @param more - what is started (default: the source), options of Node, and further environment variables
 */
export const startPointsman = async (stage: Stage, name: string, at: Address, config: Readonly<Record<string, unknown>>, more: { readonly main?: string; readonly options?: readonly string[]; readonly env?: Readonly<Record<string, string>> } = {}): Promise<Pointsman> => {
  const folder = stage.folder(name)
  const file = join(folder, 'pointsman.yaml')
  writeFileSync(file, stringify({ ...config, store: { path: join(folder, 'pointsman.db') } }))
  const base = `http://${at.host}:${at.port}`
  const server = await stage.start({
    name,
    command: process.execPath,
    env: more.env ?? {},
    args: [...more.options ?? [], more.main ?? MAIN, 'run', '--config.file', file, '--web.listen-address', `${at.host}:${at.port}`],
    ready: () => answersOk(`${base}/-/ready`),
    // Ten thousand trunks on a busy machine.
    readyWithinMs: 180_000
  })
  const ask = async (path: string, token: string, body?: unknown): Promise<Response> => fetch(`${base}${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(5000)
  })
  const read = async <T>(path: string): Promise<T> => {
    const response = await ask(path, OPERATOR_TOKEN)
    if (response.status !== 200) throw new Error(`GET ${path}: ${response.status} ${await response.text()}`)
    return await response.json() as T
  }
  const status = (): Promise<Status> => read('/api/v1/status')
  return {
    at,
    process: server,
    status,
    trunk: async (id) => {
      const trunk = (await status()).trunks.find((one) => one.id === id)
      if (trunk === undefined) throw new Error(`Pointsman has no trunk ${id}`)
      return trunk
    },
    decisions: async (trunk) => {
      const answer = await read<readonly DecisionSummary[] | { readonly decisions: readonly DecisionSummary[] }>(`/api/v1/decisions?trunk=${trunk}`)
      return 'decisions' in answer ? answer.decisions : answer
    },
    decision: async (id) => {
      const answer = await read<readonly JournalRecord[] | { readonly records: readonly JournalRecord[] }>(`/api/v1/decisions/${id}`)
      return 'records' in answer ? answer.records : answer
    },
    metrics: async () => (await ask('/metrics', OPERATOR_TOKEN)).text(),
    deliver: async (body) => {
      const response = await ask('/api/v1/alerts', WEBHOOK_TOKEN, body)
      await response.arrayBuffer()
      return response.status
    },
    command: async (verb, body) => {
      const response = await ask(`/api/v1/commands/${verb}`, OPERATOR_TOKEN, body)
      return { code: response.status, answer: await response.text() }
    }
  }
}
