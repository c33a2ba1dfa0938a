/** Computing time of this thread, so that a busy machine makes no input slow. */

/** @returns a function that tells how long this thread has computed since [ms] */
export function startStopwatch (): () => number {
  const started = process.threadCpuUsage()
  return () => {
    const { user, system } = process.threadCpuUsage(started)
    return (user + system) / 1_000
  }
}
