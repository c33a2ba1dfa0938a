/**
 * The kill -9 test: `node test/crash/run.ts [kills] [seed]`. Kills the real process at random and at chosen instants under
 * a stream of notifications and switchovers, restarts it at once, and counts what must not happen. CRASH_KEEP=1 keeps stores
 * and logs of a good run.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runCampaign } from './campaign.ts'
import { isGood, printReport } from './report.ts'

const kills = Number(process.argv[2] ?? 200)
const seed = Number(process.argv[3] ?? Date.now() % 1_000_000)
if (!Number.isInteger(kills) || kills < 1 || kills > 5000 || !Number.isInteger(seed)) {
  console.error('usage: node test/crash/run.ts [kills, at most 5000] [seed]')
  process.exit(2)
}

// Whoever stops the test stops its victims with it.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.once(signal, () => { process.exit(1) })

const directory = await mkdtemp(join(tmpdir(), 'crash-'))
console.log(`seed ${seed}, ${kills} kills`)
const report = await runCampaign({ directory, kills, lanes: kills < 2 ? 1 : 2, seed, progress: (line) => { console.log(line) } })
printReport(report, (line) => { console.log(line) })
const keep = process.env['CRASH_KEEP'] === '1'
const good = isGood(report)
if (good && !keep) await rm(directory, { recursive: true })
else console.log(`stores and logs: ${directory}`)
process.exit(good ? 0 : 1)
