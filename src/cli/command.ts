/** What a command is, and what it is given. */
import type { GatewayConfig } from '../config/config.ts'
import type { LoadResult } from '../config/load.ts'
import type { ByHandOf } from '../manual/guide.ts'
import type { Clock, GatewayDriver, SipClient, SipTrace } from '../ports.ts'
import type { Rehearsed } from '../rehearsal/rehearse.ts'
import type { TestReport } from '../rehearsal/run-tests.ts'

/** 0 done; 1 failed; 2 wrong usage; 3 the command worked and found problems. */
export type ExitCode = 0 | 1 | 2 | 3
export const OK = 0
export const FAILED = 1
export const USAGE = 2
export const PROBLEMS = 3

/** Where the output goes. */
export interface Io {
  stdout(text: string): void
  stderr(text: string): void
  readonly env: Readonly<Record<string, string | undefined>>
}

export interface RunOptions {
  readonly configFile: string
  /** Overrides `web.listen` of the file; null: as there. */
  readonly listen: { readonly host: string; readonly port: number } | null
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error'
  /** null: for people on a terminal, else JSON. */
  readonly logFormat: 'json' | 'pretty' | null
}

/** What the composition root lends to the commands. */
export interface CliDependencies {
  readonly version: string
  readonly clock: Clock
  /** @param secrets - `optional`: one that can't be read is a warning */
  loadConfig(file: string, secrets?: 'needed' | 'optional'): Promise<LoadResult>
  readonly byHand: ByHandOf
  /** Makes no connection yet. Null: it is no device, but a part of Pointsman itself. */
  createDriver(gateway: GatewayConfig): GatewayDriver | null
  /** @param trace - is shown every message */
  createSipClient(trace?: SipTrace): SipClient
  /** Serves until it is told to stop; resolves with the exit code. */
  run(options: RunOptions): Promise<ExitCode>
  /** A second beacon, until it is told to stop. @param follow - web server of the Pointsman that decides */
  runBeacon(options: { readonly gateway: GatewayConfig; readonly listen: readonly string[]; readonly follow: URL }): Promise<ExitCode>
  /** Plays the stories of a file. @param told - called after each */
  testRules(file: string, told: (test: Rehearsed) => void): Promise<TestReport>
  /** The demo on loopback. @param once - end after one switchover and its failback */
  demo(options: { readonly once: boolean }): Promise<ExitCode>
}

/** One `--name`. With `value` (its placeholder in the help) it takes one, without it is a switch. */
export interface Option {
  readonly value?: string
  readonly help: string
  readonly default?: string
}

export type Values = Readonly<Record<string, string | boolean | undefined>>

export interface Invocation {
  readonly values: Values
  readonly positionals: readonly string[]
  readonly io: Io
  readonly deps: CliDependencies
}

export interface Command {
  readonly name: string
  /** What follows the name, for example `TRUNK`. */
  readonly operands: string
  /** One line for the list of commands. */
  readonly summary: string
  /** Further lines of its help. */
  readonly description?: string
  readonly options: Readonly<Record<string, Option>>
  /** @throws {UsageError} when it is called wrongly */
  run(invocation: Invocation): Promise<ExitCode>
}

/** The command line is wrong: the message says how, the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}
