/** Fills the store until a commit fails, and prints what then is there. Run by store.test.ts under a file size limit. */
import { systemClock } from '../../src/clock.ts'
import { createSqliteStore } from '../../src/store/sqlite-store.ts'

// With the signal handled, a write beyond the limit returns an error.
process.on('SIGXFSZ', () => {})

const opened = await createSqliteStore({ path: process.argv[2] ?? '', clock: systemClock })
if (!opened.ok) throw new Error(opened.detail)
const { store } = opened

let stored = 0
let failure = null
while (failure === null && stored < 1000) {
  const result = await store.commit([{ key: `k/${stored}`, value: 'x'.repeat(20_000), expect: 0 }], [])
  if (result.ok) stored += 1
  else failure = result
}
const kept = (await store.read('k/')).length
process.stdout.write(JSON.stringify({ stored, failure, kept }))
await store.close()
