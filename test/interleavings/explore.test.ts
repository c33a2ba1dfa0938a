/**
 * Sequences of what may happen while a switchover is under way, random with fixed seeds, on the whole engine in the model
 * world. What must never happen is watched at every step; at the end of the quiet tail the trunk carries calls again. More of
 * them, and every short one: `node test/interleavings/run.ts`.
 */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { t, test } from 'tap'

// Some 20 s on an idle core; other tests may run beside it. A process of its own: the test runner's hooks slow each promise.
t.setTimeout(240_000)

const SEQUENCES = 120

test('sequences of what may happen', async (t) => {
  const output = await new Promise<string>((resolve) => {
    execFile(process.execPath, [join(import.meta.dirname, 'run.ts'), String(SEQUENCES), '1'], { env: {}, timeout: 230_000 }, (error, stdout, stderr) => { resolve(error === null ? stdout : `${stdout}${stderr}`) })
  })
  const last = output.trimEnd().split('\n').at(-1) ?? ''
  t.match(last, new RegExp(`^${SEQUENCES} sequences .*, 0 went wrong`), output)
  const [, switchovers = 0, states = 0] = /(\d+) switchovers, (\d+) distinct states/.exec(last)?.map(Number) ?? []
  t.ok(switchovers > SEQUENCES / 2, 'most of them see a switchover')
  t.ok(states > SEQUENCES, 'they come through many states')
})
