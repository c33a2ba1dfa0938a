/**
 * A process that posts notifications at a steady rate, tells each alert before, and when asked how long each answer took.
 * Between two of them it posts one to a bare responder: what is slow at both is the machine.
 */
import { Agent, request } from 'node:http'
import { alertFor, notificationFor } from './configuration.ts'
import { BARE_SINK_IP } from './world.ts'

const [url = '', bareUrl = '', token = '', trunks = '', perSecond = ''] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true })
let times: number[] = []
let bareTimes: number[] = []
let refused = 0

const post = (url: string, body: string): Promise<number> => new Promise((resolve, reject) => {
  const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body), authorization: `Bearer ${token}` }
  const sent = request(url, { method: 'POST', agent, headers }, (response) => {
    response.resume()
    response.once('end', () => resolve(response.statusCode ?? 0))
  })
  sent.once('error', reject)
  sent.end(body)
})

/** What fires from now on: a real Alertmanager lists it, too. */
export interface PosterAlert {
  readonly kind: 'alert'
  readonly alert: object
}

export interface PosterReport {
  readonly kind: 'report'
  /** Time of each answer since the last report [ms]. */
  readonly times: readonly number[]
  /** The same of the bare responder. */
  readonly bareTimes: readonly number[]
  readonly refused: number
}

/** Counts a refusal, wherever it comes from. */
const postTimed = async (to: string, body: string, into: (ms: number) => void): Promise<void> => {
  const start = performance.now()
  try {
    const code = await post(to, body)
    into(performance.now() - start)
    if (code !== 200) refused++
  } catch {
    refused++
  }
}

let index = 0
setInterval(() => {
  const alert = alertFor(index % Number(trunks))
  process.send?.({ kind: 'alert', alert } satisfies PosterAlert)
  void postTimed(url, JSON.stringify(notificationFor(alert)), (ms) => { times.push(ms) })
  // Its store takes each key once.
  const bare = { ...alertFor(index % Number(trunks), BARE_SINK_IP), fingerprint: `bare${index}` }
  setTimeout(() => { void postTimed(bareUrl, JSON.stringify(notificationFor(bare)), (ms) => { bareTimes.push(ms) }) }, 500 / Number(perSecond))
  index += 1
}, 1000 / Number(perSecond))

process.on('message', () => {
  process.send?.({ kind: 'report', times, bareTimes, refused } satisfies PosterReport)
  times = []
  bareTimes = []
  refused = 0
})
process.on('disconnect', () => process.exit(0))
