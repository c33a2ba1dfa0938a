/**
 * Fuzzes the webhook, the API, the configuration loader and the beacon, real sockets of the server with a hundredth of the
 * inputs, and those of the SIP client with streams and ten times as many datagrams:
 *
 *     npm run fuzz -- [inputs] [seed] [webhook|api|config|datagrams|streams|beacon|sockets …]
 *
 * With V8's garbage collection as Pointsman sets it. Default 100,000 inputs of each kind, seed 1. An input is found
 * again by its number under the same seed. Exit code 1 when anything failed: a crash, an unhandled rejection, a 5xx, a second
 * of computing, a secret in any output.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { tuneGarbageCollection } from '../../src/garbage-collection.ts'
import { CAMPAIGNS, fuzz } from './campaigns.ts'

tuneGarbageCollection()

const [inputs = 100_000, seed = 1] = process.argv.slice(2, 4).map(Number)
if (!Number.isSafeInteger(inputs) || !Number.isSafeInteger(seed) || inputs < 1) throw new Error('usage: node test/fuzz/run.ts [inputs] [seed] [campaign …]')
const chosen = process.argv.slice(4)
let failures = 0
for (const name of Object.keys(CAMPAIGNS).filter((each) => chosen.length === 0 || chosen.includes(each))) {
  const directory = mkdtempSync(join(tmpdir(), 'pointsman-fuzz-'))
  const startedMs = performance.now()
  const tally = await fuzz(name, directory, inputs, seed)
  console.log(`${tally.report()}  ${((performance.now() - startedMs) / 1_000).toFixed(0)} s, seed ${seed}\n`)
  for (const failure of tally.failures) console.log(`FAILED ${failure}`)
  failures += tally.failures.length
  rmSync(directory, { recursive: true })
}
console.log(failures === 0 ? 'nothing failed' : `${failures} failures`)
process.exitCode = failures === 0 ? 0 : 1
