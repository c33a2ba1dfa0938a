/** The lab's processes: each in its own group with a log file, and all of them ended at the end, whatever happens. */
import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sleep, until } from './wait.ts'

export interface Running {
  readonly name: string
  readonly pid: number
  /** File with what it wrote to stdout and stderr. */
  readonly log: string
  /** Resolves with its exit code (null: ended by a signal). */
  readonly exited: Promise<number | null>
  alive(): boolean
  /** Sends a signal to the whole process group. */
  signal(signal: NodeJS.Signals): void
  /** SIGTERM, then SIGKILL after 3 s; resolves when it is gone. */
  stop(): Promise<void>
  /** SIGKILL to the whole group; resolves when it is gone. */
  kill(): Promise<void>
}

export interface Program {
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  /** Polled until true; the program counts as started then. */
  readonly ready?: () => Promise<boolean>
  readonly readyWithinMs?: number
}

export interface Stage {
  /** Temporary directory; `keep` decides whether it survives. */
  readonly directory: string
  /** @throws Error - it ended or was not ready in time; the message holds the end of its log */
  start(program: Program): Promise<Running>
  /** Makes (and returns) a directory below `directory`. */
  folder(name: string): string
  /** Ends every process, newest first. */
  stopAll(): Promise<void>
}

/** True when something accepts TCP connections there. */
export const acceptsTcp = (host: string, port: number): Promise<boolean> => new Promise((resolve) => {
  const socket = connect({ host, port })
  const settle = (open: boolean): void => {
    socket.destroy()
    resolve(open)
  }
  socket.setTimeout(500, () => settle(false))
  socket.once('connect', () => settle(true))
  socket.once('error', () => settle(false))
})

/** True when `url` answers 200. */
export const answersOk = async (url: string): Promise<boolean> => {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1000) })
    await response.arrayBuffer()
    return response.status === 200
  } catch {
    return false
  }
}

const tail = (file: string, lines = 15): string => readFileSync(file, 'utf8').trimEnd().split('\n').slice(-lines).join('\n')

const signalGroup = (pid: number, signal: NodeJS.Signals): void => {
  try {
    process.kill(-pid, signal)
  } catch {
    // The group is gone already.
  }
}

const describe = (program: Program, child: ChildProcess, pid: number, log: string): Running => {
  let alive = true
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => {
    alive = false
    resolve(code)
  }))
  const kill = async (): Promise<void> => {
    signalGroup(pid, 'SIGKILL')
    await exited
  }
  const stop = async (): Promise<void> => {
    signalGroup(pid, 'SIGTERM')
    // A stopped (SIGSTOP) process would not see the SIGTERM.
    signalGroup(pid, 'SIGCONT')
    if ((await Promise.race([exited.then(() => 'gone'), sleep(3000, 'late', { ref: false })])) === 'late') await kill()
    // Children that outlive the group's leader.
    signalGroup(pid, 'SIGKILL')
  }
  return { name: program.name, pid, log, exited, alive: () => alive, signal: (signal) => signalGroup(pid, signal), stop, kill }
}

/** @param keep - keeps the temporary directory (logs) after the end */
export const createStage = (keep: () => boolean): Stage => {
  const directory = mkdtempSync(join(tmpdir(), 'pointsman-lab-'))
  const running: Running[] = []
  // Last resort when this process ends by an exception or a signal: no process of the lab may survive it.
  process.once('exit', () => {
    for (const one of running) if (one.alive()) signalGroup(one.pid, 'SIGKILL')
    if (!keep()) rmSync(directory, { recursive: true, force: true })
  })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

  const launch = (program: Program): Running => {
    const log = join(directory, `${program.name}.log`)
    const output = openSync(log, 'a')
    const child = spawn(program.command, [...program.args], {
      detached: true, stdio: ['ignore', output, output], cwd: program.cwd ?? directory, env: { ...process.env, ...program.env }
    })
    closeSync(output)
    if (child.pid === undefined) throw new Error(`${program.name}: ${program.command} could not be started`)
    return describe(program, child, child.pid, log)
  }

  return {
    directory,
    folder: (name) => {
      const path = join(directory, name)
      mkdirSync(path, { recursive: true })
      return path
    },
    start: async (program) => {
      const one = launch(program)
      running.push(one)
      const { ready } = program
      if (ready === undefined) return one
      try {
        await until(`readiness of ${program.name}`, async () => {
          if (!one.alive()) throw new Error(`${program.name} ended at once`)
          return ready()
        }, program.readyWithinMs ?? 10_000)
      } catch (cause) {
        throw new Error(`${(cause as Error).message}\n${tail(one.log)}`, { cause })
      }
      return one
    },
    stopAll: async () => {
      for (const one of running.toReversed()) if (one.alive()) await one.stop()
      running.length = 0
    }
  }
}
