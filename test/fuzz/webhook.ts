/** Notifications: valid ones, changed at every level, as bytes that may be no JSON; and lists for the resync. */
import { gzipSync } from 'node:zlib'
import { fingerprintOf } from '../../src/core/fingerprint.ts'
import { SECRETS } from './canary.ts'
import { createDice } from './random.ts'
import type { Dice } from './random.ts'
import { ask, checkViews } from './replies.ts'
import type { Input } from './replies.ts'
import { createSubject, GATEWAYS, TRUNKS } from './subject.ts'
import type { Subject } from './subject.ts'
import type { Tally } from './tally.ts'
import { anyText, mutate, mutateBytes, mutateText, toJson } from './values.ts'

function labelsOf (dice: Dice): Record<string, string> {
  const labels: Record<string, string> = {
    alertname: dice.pick(['SipTrunkDown', 'SIPTRUNKDOWN', 'SipTrunkSick', 'SipInterfaceDown', 'Watchdog', 'HostDown']),
    trunk: dice.chance(0.1) ? 'nobody' : dice.pick(TRUNKS),
    severity: dice.pick(['critical', 'page', 'info'])
  }
  if (dice.chance(0.8)) labels['gateway'] = dice.chance(0.1) ? 'nobody' : dice.pick(GATEWAYS)
  if (dice.chance(0.3)) labels['interface'] = dice.pick(['SIP1', 'SIP2', 'pbx-a/SIP1', 'SIP9'])
  if (dice.chance(0.1)) labels['instance'] = anyText(dice)
  return labels
}

/** An alert as the webhook or the list (`state`) shows it. */
function alertOf (dice: Dice, nowMs: number): Record<string, unknown> {
  const labels = labelsOf(dice)
  const startsAtMs = Math.floor(nowMs / 60_000 - dice.int(4)) * 60_000
  const status = dice.pick(['firing', 'firing', 'resolved'])
  const time = (ms: number): string => new Date(ms).toISOString()
  return {
    status,
    labels,
    annotations: { description: anyText(dice) },
    startsAt: time(startsAtMs),
    endsAt: status === 'firing' ? '0001-01-01T00:00:00Z' : time(startsAtMs + dice.int(180_000)),
    generatorURL: 'http://prometheus/graph',
    ...dice.chance(0.9) ? { fingerprint: fingerprintOf(labels) } : {}
  }
}

function notificationOf (dice: Dice, nowMs: number): object {
  const alerts = Array.from({ length: dice.pick([0, 1, 1, 2, 3, 8]) }, () => alertOf(dice, nowMs))
  return {
    version: '4', groupKey: '{}', truncatedAlerts: dice.chance(0.05) ? 3 : 0, status: 'firing', receiver: 'pointsman', groupLabels: {},
    commonLabels: {}, commonAnnotations: {}, externalURL: 'http://alertmanager', notification_reason: 'first notification', alerts
  }
}

/** `GET /api/v2/alerts`, mostly in order. */
function listOf (dice: Dice, nowMs: number): readonly unknown[] {
  const list = Array.from({ length: dice.int(5) }, () => ({ ...alertOf(dice, nowMs), status: { state: dice.pick(['active', 'suppressed', 'unprocessed']), silencedBy: [], inhibitedBy: [] } }))
  return dice.chance(0.4) ? [mutate(dice, list)].flat() : list
}

function bodyOf (dice: Dice, nowMs: number): Buffer {
  const valid = notificationOf(dice, nowMs)
  const kind = dice.int(20)
  if (kind < 3) return Buffer.from(JSON.stringify(valid))
  if (kind < 14) return Buffer.from(toJson(mutate(dice, valid)))
  const text = JSON.stringify(valid)
  if (kind < 17) return Buffer.from(mutateText(dice, text))
  if (kind < 19) return mutateBytes(dice, Buffer.from(text))
  return dice.pick([
    () => Buffer.from(text, 'utf16le'), () => gzipSync(text), () => Buffer.alloc(0), () => Buffer.from(JSON.stringify(valid, null, 2)),
    () => Buffer.from(`\uFEFF${text}`), () => Buffer.from(`${'['.repeat(50_000)}${']'.repeat(50_000)}`), () => Buffer.from('{"a":'.repeat(50_000)),
    () => Buffer.from(text.replace('"alerts":', '"alerts":[],"alerts":')), () => Buffer.from(`${text.slice(0, -1)},"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`),
    () => Buffer.from(text.replace('"truncatedAlerts":0', `"truncatedAlerts":${'9'.repeat(400)}`))
  ])()
}

const TYPES = ['application/json', 'application/json; charset=utf-8', 'application/vnd.grafana+json', 'APPLICATION/JSON', 'text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=utf-16', 'multipart/form-data; boundary=x', 'json', '']

function headersOf (dice: Dice): Record<string, string> {
  const headers: Record<string, string> = {
    authorization: `Bearer ${SECRETS.webhook}`,
    'content-type': dice.chance(0.95) ? 'application/json' : dice.pick(TYPES)
  }
  if (dice.chance(0.03)) headers['authorization'] = dice.pick([`Bearer ${SECRETS.stranger}`, `Basic ${Buffer.from(`anna:${SECRETS.stranger}`).toString('base64')}`, SECRETS.stranger, `Bearer  ${SECRETS.webhook} `])
  if (dice.chance(0.03)) delete headers['authorization']
  if (dice.chance(0.05)) headers['cookie'] = SECRETS.stranger
  if (dice.chance(0.02)) headers['content-encoding'] = 'gzip'
  return headers
}

/** A book of this many alerts is no slower to copy than a real one; then the subject starts anew. */
const INPUTS_PER_SUBJECT = 1_500

/** Sends `inputs` notifications, each to be found again by its number under the same seed. */
export async function fuzzWebhook (directory: string, inputs: number, seed: number, tally: Tally): Promise<void> {
  let subject: Subject | null = null
  for (let number = 0; number < inputs; number++) {
    const dice = createDice(seed + number)
    if (subject === null || number % INPUTS_PER_SUBJECT === 0) {
      await subject?.stop()
      subject = await createSubject(directory, createDice(seed), tally)
    } else if (number % 500 === 0) await subject.restart()
    if (number % 25 === 0) {
      subject.list(listOf(dice, subject.clock.now()))
      await subject.live(1 + dice.int(3))
    }
    if (number % 500 === 0) await checkViews(subject, tally)
    const input: Input = { method: 'POST', url: '/api/v1/alerts', headers: headersOf(dice), body: bodyOf(dice, subject.clock.now()) }
    await ask(subject, tally, number, input)
  }
  if (subject !== null) await checkViews(subject, tally)
  await subject?.stop()
}
