/** One piece of work at a time; what waits meanwhile goes together into the next one. */

/**
 * @param run - works on the jobs in the order in which they were submitted; all of them share its result
 * @returns a function that submits one job; rejects when `run` throws
 */
export function createBatcher<Job, Result> (run: (jobs: readonly Job[]) => Promise<Result>): (job: Job) => Promise<Result> {
  let waiting: { readonly jobs: Job[]; readonly result: Promise<Result> } | null = null
  let running: Promise<unknown> = Promise.resolve()

  return (job) => {
    if (waiting !== null) {
      waiting.jobs.push(job)
      return waiting.result
    }
    const jobs = [job]
    const start = (): Promise<Result> => {
      waiting = null
      return run(jobs)
    }
    // Whatever became of the work before, it says nothing about this one.
    const result = running.then(start, start)
    running = result
    waiting = { jobs, result }
    return result
  }
}
