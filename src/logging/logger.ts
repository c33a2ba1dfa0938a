/** The program's log: one JSON object per line (pino), or text made from it. Messages are constant, data is in fields. */
import { destination as fileDestination, pino } from 'pino'
import type { Log } from '../ports.ts'
import { redact } from './redaction.ts'
import { renderLine } from './text.ts'

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type LogLevel = typeof LOG_LEVELS[number]

export const LOG_FORMATS = ['json', 'logfmt', 'pretty'] as const
export type LogFormat = typeof LOG_FORMATS[number]

export interface LoggerOptions {
  readonly level: LogLevel
  /** Default: pretty on a terminal, else json. */
  readonly format?: LogFormat
}

/** Where lines go, each with its line break. */
export interface LogDestination {
  write(line: string): void
}

/** @param target - default: standard error, synchronously, so that the last line before a crash is not lost */
export function createLogger (options: LoggerOptions, target?: LogDestination): Log {
  const format = options.format ?? (target === undefined && process.stderr.isTTY ? 'pretty' : 'json')
  const sink = target ?? fileDestination({ fd: 2, sync: true })
  const stream = format === 'json' ? sink : { write: (line: string) => { sink.write(renderLine(line, format)) } }
  return pino({
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    // Errors are cut down by `redact`; pino's own serializer would only see the result.
    serializers: { err: (err: unknown) => err },
    formatters: {
      level: (label) => ({ level: label }),
      bindings: (bindings) => redact(bindings) as Record<string, unknown>,
      log: (fields) => redact(fields) as Record<string, unknown>
    }
  }, stream)
}
