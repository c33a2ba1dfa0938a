/**
 * UDP flows: one connected socket per peer.
 *
 * Why not one socket for all peers: only a connected socket is told of ICMP errors (`ECONNREFUSED` within a millisecond
 * instead of a timeout); the kernel then drops packets of any other source; and a burst for one peer can't fill the receive
 * buffer of the others. It is no dearer either: measured at 2,000 exchanges/s, 26 µs of CPU each with kept connected
 * sockets, 30 µs with a shared one, 49 µs with a new one each time; 10,000 kept ones take 33 MiB.
 * So a socket is kept while it brings answers (see flow-pool.ts) and thrown away after the first failure: a changed route or
 * address of this machine doesn't stick.
 */
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'
import type { SipTrace } from '../ports.ts'
import { Dispatcher, errorCode, NO_SET_UP, type Endpoint, type Flow, type FlowListener, type FlowOpened } from './flow.ts'

/** Where to send from; undefined: as the routing table and the system choose. */
export interface LocalSide {
  readonly address?: string
  readonly port?: number
}

/**
 * Opens a flow to `remote`. Never throws: an address that is not ours, no route, no free socket come back as their
 * `errno` name.
 */
export const openUdpFlow = async (remote: Endpoint, local: LocalSide, trace?: SipTrace): Promise<FlowOpened> => {
  let socket: Socket | null = null
  try {
    // Several peers may be probed from the one port that is written down: the kernel tells connected sockets apart by peer.
    socket = createSocket({ type: isIPv6(remote.address) ? 'udp6' : 'udp4', reuseAddr: local.port !== undefined })
    await bind(socket, local)
    await connect(socket, remote)
    const { address, port } = socket.address()
    return { ok: true, flow: new UdpFlow(socket, { address, port }, remote, trace) }
  } catch (error) {
    socket?.close()
    return { ok: false, failure: { kind: 'network', code: errorCode(error) }, setUp: NO_SET_UP }
  }
}

const bind = (socket: Socket, local: LocalSide): Promise<void> => new Promise((resolve, reject) => {
  socket.once('error', reject)
  socket.bind(local.port ?? 0, local.address, () => {
    socket.removeListener('error', reject)
    resolve()
  })
})

const connect = (socket: Socket, remote: Endpoint): Promise<void> => new Promise((resolve, reject) => {
  const onConnect = (): void => { socket.removeListener('error', onError); resolve() }
  const onError = (error: Error): void => { socket.removeListener('connect', onConnect); reject(error) }
  socket.once('connect', onConnect)
  socket.once('error', onError)
  socket.connect(remote.port, remote.address)
})

class UdpFlow implements Flow {
  readonly transport = 'udp'
  readonly local: Endpoint
  readonly remote: Endpoint
  readonly setUp = NO_SET_UP
  sent: Flow['sent'] = null
  readonly #socket: Socket
  readonly #trace: SipTrace | undefined
  readonly #dispatcher = new Dispatcher()
  readonly #fail = (error: Error | null): void => { if (error !== null && this.#isOpen) this.#dispatcher.fail({ kind: 'network', code: errorCode(error) }) }
  #isOpen = true

  constructor (socket: Socket, local: Endpoint, remote: Endpoint, trace?: SipTrace) {
    this.local = local
    this.remote = remote
    this.#socket = socket
    this.#trace = trace
    socket.on('message', (bytes) => { this.#receive(bytes) })
    socket.on('error', this.#fail)
  }

  send (bytes: Uint8Array): void {
    if (!this.#isOpen) return
    this.#trace?.('sent', this, bytes)
    this.#socket.send(bytes, this.#fail)
  }

  attach (branch: string, listener: FlowListener): () => void {
    return this.#dispatcher.attach(branch, listener)
  }

  strays (): number {
    return this.#dispatcher.strays()
  }

  isOpen (): boolean {
    return this.#isOpen
  }

  close (): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    this.#socket.close()
  }

  #receive (bytes: Uint8Array): void {
    if (!this.#isOpen) return
    this.#trace?.('received', this, bytes)
    this.#dispatcher.deliver(bytes)
  }
}
