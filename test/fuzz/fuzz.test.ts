/** A small part of what `node test/fuzz/run.ts` does, and the inputs that have once been too much. */
import { test } from 'tap'
import { fuzz } from './campaigns.ts'
import { leakIn, SECRETS } from './canary.ts'
import { createDice } from './random.ts'
import { startStopwatch } from './stopwatch.ts'
import { createSubject } from './subject.ts'
import { createTally } from './tally.ts'

for (const [name, inputs] of [['webhook', 500], ['api', 800], ['config', 250], ['beacon', 5_000], ['sockets', 10_000]] as const) {
  test(`${name}: whatever comes is answered, quickly, and shows no secret`, async (t) => {
    const tally = await fuzz(name, t.testdir(), inputs, 1)
    t.ok(tally.inputs() >= inputs / 100)
    t.same(tally.failures, [])
  })
}

test('a planted secret is found in every spelling', async (t) => {
  for (const before of ['', 'a', 'ab', 'anna:', 'pointsman:']) t.ok(leakIn(`x ${Buffer.from(before + SECRETS.gateway).toString('base64')} y`), before)
  t.ok(leakIn(encodeURIComponent(SECRETS.stranger)))
  t.equal(leakIn(Buffer.from('nothing to be found here, however long it is').toString('base64')), null)
})

const MiB = 2 ** 20
const LABELS = { alertname: 'SipTrunkDown', trunk: 'acme', gateway: 'pbx-a' }
const alert = (labels: object, more: object = {}): object => ({ status: 'firing', labels, startsAt: '2026-01-01T00:00:00Z', endsAt: '0001-01-01T00:00:00Z', ...more })
const notification = (alerts: readonly unknown[]): string => JSON.stringify({ version: '4', alerts })

const LARGE: readonly { name: string, body: () => string, status: number, says: RegExp }[] = [
  { name: 'a label of 20 MiB without a fingerprint', body: () => notification([alert({ ...LABELS, x: 'x'.repeat(20 * MiB) })]), status: 200, says: /malformed/ },
  { name: 'a label of 20 MiB that a rule\'s pattern looks at', body: () => notification([alert({ ...LABELS, alertname: 'sip'.repeat(6 * MiB) }, { fingerprint: 'f' })]), status: 200, says: /malformed/ },
  { name: 'an annotation of 20 MiB', body: () => notification([alert(LABELS, { annotations: { text: 'x'.repeat(20 * MiB) } })]), status: 200, says: /stored/ },
  { name: '10,000 alerts, of which 5,000 are read', body: () => notification(Array.from({ length: 10_000 }, (_, n) => alert({ ...LABELS, n: String(n) }))), status: 200, says: /stored/ },
  { name: 'millions of values', body: () => notification(Array.from({ length: 3_000_000 }, () => 7)), status: 413, says: /values/ },
  { name: 'ten million brackets', body: () => '['.repeat(10 * MiB), status: 413, says: /values/ },
  { name: 'brackets in a text', body: () => notification([alert(LABELS, { annotations: { text: '[,"\\{'.repeat(MiB) } })]), status: 200, says: /stored/ }
]

test('a notification that is too much takes less than a second', async (t) => {
  for (const { name, body, status, says } of LARGE) {
    const tally = createTally(name)
    const subject = await createSubject(t.testdir(), createDice(1), tally)
    const payload = body()
    const elapsedMs = startStopwatch()
    const reply = await subject.http().app.inject({ method: 'POST', url: '/api/v1/alerts', headers: { authorization: `Bearer ${SECRETS.webhook}`, 'content-type': 'application/json' }, payload })
    const durationMs = elapsedMs()
    t.equal(reply.statusCode, status, name)
    t.match(reply.body, says, name)
    t.ok(durationMs < 1_000, `${name}: ${durationMs.toFixed(0)} ms`)
    t.same(tally.failures, [])
    await subject.stop()
  }
})
