/** Shows by the system calls of the running program that a notification is on disk before it is answered. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Stage } from '../lab/processes.ts'
import { until } from '../lab/wait.ts'

/** What strace saw: how many 2xx answers, and how many of them had an fsync that ended after the answer before them. */
export interface Durability {
  readonly answers: number
  readonly afterSync: number
  /** Calls around the first answer, as strace printed them. */
  readonly excerpt: readonly string[]
}

/** A finished fsync or fdatasync: on one line, or the end of one that was interrupted in the listing by another thread. */
const SYNCED = /\b(?:fsync|fdatasync)\(\d+\)\s+= 0|<\.\.\. (?:fsync|fdatasync) resumed>\)\s+= 0/
const ANSWERED = /\b(?:write|writev|sendto)\(.*HTTP\/1\.1 2\d\d/

/** Reads strace's listing. */
export const readTrace = (listing: string): Durability => {
  const lines = listing.split('\n')
  let synced = false
  let answers = 0
  let afterSync = 0
  let first = -1
  lines.forEach((line, number) => {
    if (SYNCED.test(line)) synced = true
    if (!ANSWERED.test(line)) return
    if (first < 0) first = number
    answers += 1
    if (synced) afterSync += 1
    synced = false
  })
  const calls = lines.slice(Math.max(0, first - 40), first + 1).filter((line) => SYNCED.test(line) || ANSWERED.test(line))
  return { answers, afterSync, excerpt: calls.slice(-3).map((line) => line.slice(0, 110)) }
}

/** Attaches strace to a process while `action` runs. */
export const traceDuring = async (stage: Stage, pid: number, action: () => Promise<void>): Promise<Durability> => {
  const file = join(stage.folder('strace'), 'trace.txt')
  const tracer = spawn('strace', ['-f', '-tt', '-s', '64', '-e', 'trace=fsync,fdatasync,write,writev,sendto', '-o', file, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] })
  let messages = ''
  tracer.stderr.setEncoding('utf8').on('data', (text: string) => {
    messages += text
  })
  const ended = once(tracer, 'exit')
  try {
    await until('attached strace', () => {
      if (tracer.exitCode !== null) throw new Error(`strace: ${messages}`)
      return messages.includes('attached')
    }, 5000)
    await action()
  } finally {
    tracer.kill('SIGINT')
    await ended
  }
  return readTrace(readFileSync(file, 'utf8'))
}
