/** A process that posts notifications at a steady rate, tells each alert before, and when asked how long each answer took. */
import { Agent, request } from 'node:http'
import { alertFor, notificationFor } from './configuration.ts'

const [url = '', token = '', trunks = '', perSecond = ''] = process.argv.slice(2)
const agent = new Agent({ keepAlive: true })
let times: number[] = []
let refused = 0

const post = (body: string): Promise<number> => new Promise((resolve, reject) => {
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
  readonly refused: number
}

let index = 0
setInterval(() => {
  const alert = alertFor(index++ % Number(trunks))
  process.send?.({ kind: 'alert', alert } satisfies PosterAlert)
  const body = JSON.stringify(notificationFor(alert))
  const start = performance.now()
  post(body).then((code) => {
    times.push(performance.now() - start)
    if (code !== 200) refused++
  }, () => { refused++ })
}, 1000 / Number(perSecond))

process.on('message', () => {
  process.send?.({ kind: 'report', times, refused } satisfies PosterReport)
  times = []
  refused = 0
})
process.on('disconnect', () => process.exit(0))
