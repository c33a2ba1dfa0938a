/** The real process: started from its sources, killed by its process id, started again on the same files. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Status } from '../../src/core/status.ts'
import { sleep, until } from '../lab/wait.ts'
import { TOKENS } from './configuration.ts'

export interface Victim {
  readonly url: string
  start(): void
  /** Serves. @throws when it doesn't within a minute, or ended by itself */
  ready(): Promise<void>
  /** SIGKILL to its process id, at once. */
  strike(): void
  /** Resolves when the struck process is gone. */
  gone(): Promise<void>
  /** In order; for the end. */
  stop(): Promise<void>
  /** Null: nobody answers now. */
  status(): Promise<Status | null>
  /** Posts a notification; true: acknowledged with 2xx. `acknowledged` runs in the same turn as the answer's arrival. */
  post(body: string, acknowledged: () => void): Promise<boolean>
  /** Ends of the process that nobody asked for. */
  readonly surprises: readonly string[]
}

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const ANSWER_WITHIN_MS = 2000
/** Some seconds; a busy machine takes longer. */
const READY_WITHIN_MS = 60_000

export interface VictimOptions {
  readonly configFile: string
  readonly url: string
  readonly logFile: string
  /** Where node keeps compiled sources between starts. */
  readonly compileCache: string
}

export function createVictim ({ configFile, url, logFile, compileCache }: VictimOptions): Victim {
  const surprises: string[] = []
  let child: ChildProcess | null = null
  let ended: Promise<void> = Promise.resolve()
  let expected = false

  const strike = (): void => {
    expected = true
    child?.kill('SIGKILL')
  }
  process.once('exit', strike)

  return {
    url,
    surprises,
    start: () => {
      expected = false
      const log = openSync(logFile, 'a')
      const born = spawn(process.execPath, [MAIN, 'run', `--config.file=${configFile}`, '--log.level=info', '--log.format=json'], {
        stdio: ['ignore', log, log], env: { ...process.env, NODE_COMPILE_CACHE: compileCache }
      })
      closeSync(log)
      child = born
      ended = new Promise((resolve) => {
        born.once('exit', (code, signal) => {
          if (!expected) surprises.push(`ended by itself with ${code ?? signal}`)
          resolve()
        })
      })
    },
    ready: async () => {
      await until('ready Pointsman', async () => {
        if (surprises.length > 0) throw new Error(surprises.join('; '))
        const reply = await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) }).catch(() => null)
        await reply?.body?.cancel()
        return reply?.ok === true
      }, READY_WITHIN_MS, 10)
    },
    strike,
    gone: () => ended,
    stop: async () => {
      expected = true
      child?.kill('SIGTERM')
      await Promise.race([ended, sleep(5000, undefined, { ref: false })])
      child?.kill('SIGKILL')
      await ended
      process.off('exit', strike)
    },
    status: async () => {
      try {
        const reply = await fetch(`${url}/api/v1/status`, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) })
        return reply.ok ? await reply.json() as Status : null
      } catch {
        return null
      }
    },
    post: async (body, acknowledged) => {
      try {
        const reply = await fetch(`${url}/api/v1/alerts`, {
          method: 'POST', body, signal: AbortSignal.timeout(ANSWER_WITHIN_MS), headers: { authorization: `Bearer ${TOKENS.webhook}`, 'content-type': 'application/json' }
        })
        if (reply.ok) acknowledged()
        await reply.body?.cancel()
        return reply.ok
      } catch {
        return false
      }
    }
  }
}
