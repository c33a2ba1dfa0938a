/** What a process takes, as the kernel counts it (Linux). */
import { readFileSync } from 'node:fs'

/** The unit of /proc/PID/stat, the same on every Linux that runs Node.js. */
const TICKS_PER_SECOND = 100

/** CPU time since its start, user and system [s]. */
export const cpuSeconds = (pid: number): number => {
  // The name of the program may hold blanks and parentheses.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/^.*\) /s, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND
}

/** Resident memory [MiB]. */
export const residentMiB = (pid: number): number => Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? NaN) / 1024
