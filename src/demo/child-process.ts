/** A program of this machine that runs beside the demo and ends with it. */
import { spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access, open, readFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Clock } from '../ports.ts'
import { DemoError } from './demo-error.ts'

export interface Child {
  /** Ends it by its own process id; resolves when it is gone. */
  stop(): Promise<void>
}

export interface ChildOptions {
  readonly command: string
  readonly args: readonly string[]
  readonly logFile: string
  /** Answers 200 once it serves. */
  readonly readyUrl: string
}

const READY_WITHIN_MS = 15_000
const STOP_WITHIN_MS = 5000

/** The first of these programs that is on the search path; null: none. */
export async function findProgram (names: readonly string[], searchPath: string): Promise<string | null> {
  for (const name of names) {
    for (const folder of searchPath.split(delimiter).filter((part) => part !== '')) {
      const file = join(folder, name)
      if (await access(file, constants.X_OK).then(() => true, () => false)) return file
    }
  }
  return null
}

/** Starts it and waits until it serves. @throws {DemoError} when it doesn't */
export async function startChild (options: ChildOptions, clock: Clock): Promise<Child> {
  const log = await open(options.logFile, 'w')
  const child = spawn(options.command, options.args, { stdio: ['ignore', log.fd, log.fd] })
  let ended: string | null = null
  child.once('error', (error) => { ended ??= error.message })
  child.once('exit', (code, signal) => { ended ??= `exit ${code ?? signal ?? ''}` })
  // If this process ends in a way that leaves no time to stop it in order.
  const kill = (): void => { child.kill('SIGKILL') }
  process.once('exit', kill)
  await log.close()

  const stop = async (): Promise<void> => {
    if (ended === null) {
      const gone = new AbortController()
      child.once('exit', () => { gone.abort() })
      child.kill('SIGTERM')
      await clock.sleep(STOP_WITHIN_MS, gone.signal)
      if (!gone.signal.aborted) kill()
    }
    process.off('exit', kill)
  }
  const deadline = clock.deadline(READY_WITHIN_MS)
  while (!await serves(options.readyUrl, clock)) {
    if (ended === null && !deadline.aborted) {
      await clock.sleep(100)
      continue
    }
    await stop()
    throw new DemoError(`${options.command} does not serve (${ended ?? `not within ${READY_WITHIN_MS / 1000} s`}): ${await lastLine(options.logFile)}`)
  }
  return { stop }
}

function serves (url: string, clock: Clock): Promise<boolean> {
  return fetch(url, { signal: clock.deadline(1000) }).then(async (reply) => {
    await reply.body?.cancel()
    return reply.ok
  }, () => false)
}

async function lastLine (file: string): Promise<string> {
  return (await readFile(file, 'utf8')).trimEnd().split('\n').at(-1) ?? ''
}
