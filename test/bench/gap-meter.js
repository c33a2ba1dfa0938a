/**
 * Loaded into Pointsman by the bench (`--import`): writes each second how long its event loop stood still at most, and the
 * CPU that its thread used in the worst of these gaps. On a busy machine a gap is often only a process that had to wait;
 * its own CPU shows what it did itself. JavaScript, since Node's compiler for TypeScript would take memory in the process that is measured.
 */
import { appendFileSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

const file = process.env['POINTSMAN_BENCH_GAPS']
/** Distance of the looks [ms]. */
const LOOK_MS = 2

const cpuMs = () => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

if (file !== undefined && isMainThread) {
  let [atMs, usedMs, gapMs, ownMs] = [performance.now(), cpuMs(), 0, 0]
  setInterval(() => {
    const [nowMs, nowUsedMs] = [performance.now(), cpuMs()]
    gapMs = Math.max(gapMs, nowMs - atMs - LOOK_MS)
    ownMs = Math.max(ownMs, nowUsedMs - usedMs)
    atMs = nowMs
    usedMs = nowUsedMs
  }, LOOK_MS).unref()
  setInterval(() => {
    appendFileSync(file, `${gapMs.toFixed(1)} ${ownMs.toFixed(1)}\n`)
    gapMs = 0
    ownMs = 0
  }, 1000).unref()
}
