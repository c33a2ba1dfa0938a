/**
 * UDP flows: one connected socket per exchange, on a port of its own, closed when the exchange ends.
 *
 * Why not one shared socket per local address: only a connected socket is told of ICMP errors (`ECONNREFUSED` within a
 * millisecond instead of a timeout); the kernel then drops packets of any other source; a burst for one target can't
 * fill the receive buffer of the others; and the source address is chosen anew each time, so a changed route or address
 * of this machine never sticks. The number of open sockets is bounded by the exchanges in flight, each of which ends
 * by its deadline.
 */
import { createSocket, type Socket } from 'node:dgram'
import { isIPv6 } from 'node:net'

export interface Endpoint {
  /** Literal IP address, IPv6 without brackets. */
  readonly address: string
  readonly port: number
}

/** What a flow tells. `error`: an `errno` name of the socket, for example `ECONNREFUSED`; the flow stays open. */
export interface FlowListener {
  readonly onDatagram: (bytes: Uint8Array) => void
  readonly onError: (code: string) => void
}

export interface UdpFlow {
  /** The address and port that the peer sees (before any NAT). */
  readonly local: Endpoint
  /** Failures come through the listener. */
  send(bytes: Uint8Array): void
  /** Sets the one listener; null: datagrams and errors are dropped. */
  listen(listener: FlowListener | null): void
  /** May be called twice. */
  close(): void
}

export type FlowOpened = { readonly ok: true; readonly flow: UdpFlow } | { readonly ok: false; readonly code: string }

/** `errno` name of an error of the socket layer. */
const errorCode = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? error.code : null
  return typeof code === 'string' ? code : 'EUNKNOWN'
}

/**
 * Opens a flow to `remote`, from `localAddress` or the address that the routing table chooses. Never throws: an address
 * that is not ours, no route, no free socket come back as their `errno` name.
 */
export const openUdpFlow = async (remote: Endpoint, localAddress: string | undefined): Promise<FlowOpened> => {
  let socket: Socket | null = null
  try {
    socket = createSocket(isIPv6(remote.address) ? 'udp6' : 'udp4')
    await bind(socket, localAddress)
    await connect(socket, remote)
    const { address, port } = socket.address()
    return { ok: true, flow: createFlow(socket, { address, port }) }
  } catch (error) {
    socket?.close()
    return { ok: false, code: errorCode(error) }
  }
}

const bind = (socket: Socket, address: string | undefined): Promise<void> => new Promise((resolve, reject) => {
  socket.once('error', reject)
  socket.bind(0, address, () => {
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

const createFlow = (socket: Socket, local: Endpoint): UdpFlow => {
  let listener: FlowListener | null = null
  let isOpen = true
  const report = (error: Error): void => { if (isOpen) listener?.onError(errorCode(error)) }
  socket.on('message', (bytes) => { if (isOpen) listener?.onDatagram(bytes) })
  socket.on('error', report)
  return {
    local,
    send: (bytes) => {
      if (isOpen) socket.send(bytes, (error) => { if (error !== null) report(error) })
    },
    listen: (next) => { listener = next },
    close: () => {
      if (!isOpen) return
      isOpen = false
      listener = null
      socket.close()
    }
  }
}
