/**
 * Loads the configuration of the running server. A file of ten thousand trunks takes seconds and half a gigabyte to read:
 * a large one is read in a thread of its own, so that nothing else waits for it, and its memory goes back when it ends.
 */
import { stat } from 'node:fs/promises'
import { isMainThread, parentPort, type ResourceLimits, Worker, workerData } from 'node:worker_threads'
import { checkConfig, type CheckedFile, completeLoad, loadConfig, type LoadResult } from './config/load.ts'
import { drivers } from './drivers/registry.ts'
import type { Secret } from './ports.ts'
import { createSecret } from './secret.ts'

/** A smaller file is read sooner than a thread has started [bytes]. */
const LARGE_BYTES = 256 * 1024

type Failed = Extract<LoadResult, { ok: false }>
/** What the thread sends: a secret is an object that shows nothing, not even to another thread. */
type Sent = Failed | (Omit<CheckedFile, 'references'> & { readonly references: ReadonlyMap<string, ReadonlyMap<string, string | Revealed>> })
interface Revealed { readonly secret: string }

/**
 * @param file - its path
 * @param memory - what the thread may take; default: as much as the process
 */
export async function loadApart (file: string, memory: ResourceLimits = {}): Promise<LoadResult> {
  const size = await stat(file).then((found) => found.size, () => 0)
  if (size < LARGE_BYTES) return loadConfig(file, drivers)
  const thread = new Worker(new URL(import.meta.url), { workerData: { configFile: file }, resourceLimits: memory })
  const sent = await new Promise<Sent>((resolve) => {
    thread.once('message', resolve)
    thread.once('error', (error: NodeJS.ErrnoException) => { resolve(hasDied(error.code ?? error.name)) })
    // A reload that never ends would hold up all that come after it.
    thread.once('exit', () => { resolve(hasDied('without an answer')) })
  })
  return sent.ok ? completeLoad({ ...sent, references: mapped(sent.references, (value) => typeof value === 'string' ? value : createSecret(value.secret)) }, file, drivers) : sent
}

/** For example without memory. */
function hasDied (why: string): Failed {
  return { ok: false, problems: [{ severity: 'error', line: 1, column: 1, path: '', message: `the file can't be read: the thread that did it has ended (${why})`, hint: null }] }
}

function mapped<From, To> (table: ReadonlyMap<string, ReadonlyMap<string, From>>, change: (value: From) => To): ReadonlyMap<string, ReadonlyMap<string, To>> {
  return new Map([...table].map(([path, values]) => [path, new Map([...values].map(([name, value]) => [name, change(value)]))]))
}

async function readInThread (file: string): Promise<Sent> {
  const checked = await checkConfig(file, drivers, process.env, 'needed')
  return checked.ok ? { ...checked, references: mapped(checked.references, (value: string | Secret) => typeof value === 'string' ? value : { secret: value.reveal() }) } : checked
}

/** Other threads import this file, too. */
function isTask (data: unknown): data is { readonly configFile: string } {
  return typeof data === 'object' && data !== null && 'configFile' in data
}

if (!isMainThread && parentPort !== null && isTask(workerData)) {
  const port = parentPort
  const sent = await readInThread(workerData.configFile)
  port.postMessage(sent)
}
