/**
 * The store's thread. While one transaction is being synced, requests queue at the port; all that wait then are taken
 * together, and their commits share the next transaction (group commit). No timer: a lone commit starts at once.
 */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import type { MessagePort } from 'node:worker_threads'
import { openDatabase } from './database.ts'
import type { Database } from './database.ts'
import type { Answer, Opened, Question, Reply, Request } from './protocol.ts'

/** Most requests that are taken at once; bounds the time of one transaction. */
const MOST_AT_ONCE = 1000

function main (port: MessagePort, path: string): void {
  const opened = openDatabase(path)
  const hello: Opened = opened.ok ? { ok: true, durability: opened.database.durability } : opened
  port.postMessage(hello)
  if (!opened.ok) return
  port.on('message', (first: Request) => {
    const requests = [first, ...waiting(port)]
    port.postMessage(answerAll(opened.database, requests))
    if (requests.some((request) => request.question.kind === 'close')) port.close()
    else opened.database.checkpoint()
  })
}

function waiting (port: MessagePort): readonly Request[] {
  const requests: Request[] = []
  while (requests.length < MOST_AT_ONCE) {
    const next = receiveMessageOnPort(port)
    if (next === undefined) break
    requests.push(next.message as Request)
  }
  return requests
}

/** Commits first, so that a read that was asked after a commit sees it. */
function answerAll (database: Database, requests: readonly Request[]): readonly Reply[] {
  const commits = requests.flatMap(({ id, question }) => question.kind === 'commit' ? [{ id, batch: question.batch }] : [])
  const results = commits.length === 0 ? [] : database.commit(commits.map(({ batch }) => batch))
  const committed = results.map((result, index): Reply => ({ id: commits[index]?.id ?? -1, answer: { kind: 'committed', result } }))
  const rest = requests.flatMap(({ id, question }) => question.kind === 'commit' ? [] : [{ id, answer: answer(database, question) }])
  return [...committed, ...rest]
}

function answer (database: Database, question: Exclude<Question, { kind: 'commit' }>): Answer {
  try {
    if (question.kind === 'read') return { kind: 'entries', entries: database.read(question.prefix) }
    if (question.kind === 'journal') return { kind: 'records', page: database.journal(question.query) }
    if (question.kind === 'prune') return { kind: 'pruned', count: database.prune(question.retention) }
    database.close()
    return { kind: 'closed' }
  } catch (error) {
    return { kind: 'failed', detail: error instanceof Error ? error.message : String(error) }
  }
}

if (parentPort !== null) main(parentPort, String(workerData))
