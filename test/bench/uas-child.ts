/** A process that answers OPTIONS on many addresses and notes when each request came. */
import { createSocket, type Socket } from 'node:dgram'
import { targetAddress, type UasOrder, type UasReport } from './uas.ts'

interface Seen {
  branch: string
  /** Arrival of the last first transmission. */
  atMs: number
  requests: number
}

let isMute = false
let seen: Seen[] = []
let gaps: number[] = []
let retransmissions = 0

const [first = '', count = ''] = process.argv.slice(2)

const note = (index: number, branch: string): void => {
  const atMs = performance.now()
  const before = seen[index]
  if (before?.branch === branch) { retransmissions++; return }
  if (before !== undefined) gaps.push(atMs - before.atMs)
  seen[index] = { branch, atMs, requests: (before?.requests ?? 0) + 1 }
}

const answer = (socket: Socket, index: number, bytes: Buffer, port: number, address: string): void => {
  const text = bytes.toString('latin1')
  const at = text.indexOf('branch=') + 7
  note(index, text.slice(at, text.indexOf(';', at)))
  if (isMute) return
  const headers = text.split('\r\n').filter((line) => /^(?:via|from|to|call-id|cseq):/i.test(line)).map((line) => /^to:/i.test(line) ? `${line};tag=uas` : line)
  socket.send(['SIP/2.0 200 OK', ...headers, 'Content-Length: 0', '', ''].join('\r\n'), port, address)
}

const open = (index: number): Promise<void> => new Promise((resolve, reject) => {
  const socket = createSocket('udp4')
  socket.on('message', (bytes, { port, address }) => { answer(socket, index, bytes, port, address) })
  socket.once('error', reject)
  socket.bind(5060, targetAddress(Number(first) + index), () => resolve())
})

for (let index = 0; index < Number(count); index++) await open(index)

process.on('message', (order: UasOrder) => {
  if (order === 'mute') isMute = true
  if (order === 'reset') {
    gaps = []
    retransmissions = 0
    seen = seen.map((each) => ({ ...each, requests: 0 }))
  }
  const requests = seen.map((each) => each.requests)
  process.send?.({ targets: requests.length, requests, gaps, retransmissions, silentMs: performance.now() - Math.min(...seen.map(({ atMs }) => atMs)) } satisfies UasReport)
})
process.on('disconnect', () => process.exit(0))
process.send?.('ready')
