/**
 * Peers that answer every request with garbage before they answer it properly; in a thread of their own, so that they cost
 * the client's loop nothing. Told by `workerData`; the shared counter tells how many mutated inputs were sent.
 */
import { createSocket } from 'node:dgram'
import { createServer, type Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { createDice, type Dice } from './random.ts'
import { anyResponse, mutateSip } from './sip-messages.ts'

export interface AttackerData {
  readonly kind: 'datagrams' | 'streams'
  readonly peers: number
  readonly seed: number
  readonly counter: SharedArrayBuffer
}

const { kind, peers, seed, counter } = workerData as AttackerData
const sent = new Int32Array(counter)

const nextDice = (): Dice => createDice(seed + Atomics.add(sent, 0, 1))

/** The fields of a request that its responses repeat. */
const headOf = (request: string): string => request.split('\r\n').filter((line) => /^(?:via|from|to|call-id|cseq):/i.test(line)).map((line) => `${line}\r\n`).join('')

const proper = (head: string): string => `SIP/2.0 200 OK\r\n${head}Content-Length: 0\r\n\r\n`

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

/** Mostly strays, one that reaches the parser, and then the answer. */
function answerDatagram (request: string, send: (text: string) => void): void {
  const head = headOf(request)
  for (let turn = 0; turn < 9; turn++) {
    const dice = nextDice()
    const mutated = mutateSip(dice, anyResponse(dice, head))
    // Without the branch the next ones are read, too; with it a broken one ends the probe.
    send(turn < 8 && dice.chance(0.9) ? mutated.replace('z9hG4bK', 'z9hG4bL') : mutated)
  }
  const dice = nextDice()
  send(mutateSip(dice, anyResponse(dice, head)))
  send(proper(head))
}

function answerStream (request: string, socket: Socket): void {
  const dice = nextDice()
  const head = headOf(request)
  const texts = Array.from({ length: 1 + dice.int(3) }, () => dice.chance(0.3) ? anyResponse(dice, head) : mutateSip(dice, anyResponse(dice, dice.chance(0.4) ? head.replace('z9hG4bK', 'z9hG4bL') : head)))
  const all = bytes(dice.chance(0.02) ? dice.pick(['x\r\n\r\n', '\r\n', 'SIP/2.0 200\r\n\r\n', 'a']).repeat(20_000) : texts.join(dice.chance(0.2) ? '\r\n\r\n' : ''))
  const cut = dice.chance(0.5) ? dice.int(all.length + 1) : all.length
  socket.write(all.subarray(0, cut))
  const finish = (): void => {
    if (socket.destroyed) return
    socket.write(all.subarray(cut))
    if (dice.chance(0.5)) socket.write(proper(head))
    if (dice.chance(0.2)) socket.resetAndDestroy()
    else socket.end()
  }
  if (dice.chance(0.3)) setImmediate(finish)
  else finish()
}

const addresses = await Promise.all(Array.from({ length: peers }, (_, index) => new Promise<{ address: string; port: number }>((resolve) => {
  // Different addresses: the ports of closed connections are used up for a minute at each of them.
  const address = `127.0.${Math.floor(index / 200)}.${1 + index % 200}`
  if (kind === 'datagrams') {
    const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 })
    socket.on('message', (request, source) => { answerDatagram(request.toString('latin1'), (text) => { socket.send(bytes(text), source.port, source.address, () => { /* full buffers drop */ }) }) })
    socket.bind(0, address, () => { resolve({ address, port: socket.address().port }) })
    return
  }
  const server = createServer((socket) => {
    let request = ''
    socket.on('error', () => { /* the client went away */ })
    socket.on('data', (chunk) => {
      request += chunk.toString('latin1')
      if (!request.includes('\r\n\r\n')) return
      answerStream(request, socket)
      request = ''
    })
  })
  server.listen(0, address, () => {
    const bound = server.address()
    resolve({ address, port: typeof bound === 'object' && bound !== null ? bound.port : 0 })
  })
})))
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(addresses)
