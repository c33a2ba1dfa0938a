/** A process that makes OPTIONS transactions with one peer, ours or by hand, and tells what CPU they took. */
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { systemClock, systemRandom } from '../../src/clock.ts'
import { DEFAULT_POLICY } from '../../src/core/judgement.ts'
import { ProbeStop } from '../../src/probes/probe-stop.ts'
import { createSipClient } from '../../src/sip/client.ts'

/** One transaction; whether it was answered 200. */
type Transact = () => Promise<boolean>

const ours = (target: string): Transact => {
  const client = createSipClient({ clock: systemClock, random: systemRandom })
  const probe = { target: { uri: `sip:${target}` }, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY } as const
  return async () => (await client.probe(probe, 2000, new ProbeStop())).code === 200
}

/** What there is below any library: a socket, a string, a timer, a search for the branch. */
const bare = async (target: string): Promise<Transact> => {
  const socket = createSocket('udp4')
  const waiting = new Map<string, { readonly resolve: (isGood: boolean) => void, readonly timer: NodeJS.Timeout }>()
  socket.on('message', (bytes) => {
    const text = bytes.toString('latin1')
    const at = text.indexOf('branch=') + 7
    const branch = text.slice(at, at + 23)
    const found = waiting.get(branch)
    if (found === undefined) return
    waiting.delete(branch)
    clearTimeout(found.timer)
    found.resolve(text.startsWith('SIP/2.0 200'))
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  const local = `127.0.0.1:${socket.address().port}`
  return () => new Promise((resolve) => {
    const branch = `z9hG4bK${randomBytes(8).toString('hex')}`
    const timer = setTimeout(() => { waiting.delete(branch); resolve(false) }, 2000)
    waiting.set(branch, { resolve, timer })
    socket.send(`OPTIONS sip:${target} SIP/2.0\r\nVia: SIP/2.0/UDP ${local};branch=${branch};rport\r\nMax-Forwards: 70\r\nFrom: <sip:bare@${local}>;tag=${branch}\r\n` +
      `To: <sip:${target}>\r\nCall-ID: ${branch}\r\nCSeq: 1 OPTIONS\r\nContact: <sip:bare@${local}>\r\nAccept: application/sdp\r\nUser-Agent: bare\r\nContent-Length: 0\r\n\r\n`, 5060, target)
  })
}

/** Always so many under way. */
const closedLoop = async (transact: Transact, count: number, window: number): Promise<number> => {
  let left = count
  let good = 0
  await Promise.all(Array.from({ length: window }, async () => {
    while (left-- > 0) if (await transact()) good++
  }))
  return good
}

/** So many a second, whatever the answers do. */
const openLoop = async (transact: Transact, count: number, perSecond: number): Promise<number> => {
  const running: Promise<boolean>[] = []
  const start = performance.now()
  while (running.length < count) {
    const due = Math.min(count, Math.floor((performance.now() - start) * perSecond / 1000))
    while (running.length < due) running.push(transact())
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return (await Promise.all(running)).filter(Boolean).length
}

export interface CostReport {
  readonly good: number
  /** CPU of each transaction, user and system [µs]. */
  readonly microseconds: number
}

const WARM_UP_WINDOW = 100

const [who = '', target = '', kind = '', count = '', size = '', warmUp = ''] = process.argv.slice(2)
const transact = who === 'ours' ? ours(target) : await bare(target)
const loop = kind === 'closed' ? closedLoop : openLoop
await closedLoop(transact, Number(warmUp), WARM_UP_WINDOW)
const before = process.cpuUsage()
const good = await loop(transact, Number(count), Number(size))
const { user, system } = process.cpuUsage(before)
process.stdout.write(`${JSON.stringify({ good, microseconds: (user + system) / Number(count) } satisfies CostReport)}\n`, () => process.exit(0))
