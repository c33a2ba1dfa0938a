/** TCP and TLS flows: one connection to one peer, with the time that its set-up took and the end of the peer's certificate. */
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { checkServerIdentity, connect as connectTls, type ConnectionOptions, type DetailedPeerCertificate, type PeerCertificate, type TLSSocket } from 'node:tls'
import type { Clock, SipTrace, SipTransport, TlsSettings } from '../ports.ts'
import { Dispatcher, errorCode, NO_SET_UP, type Endpoint, type Flow, type FlowFailure, type FlowOpened, type SetUp } from './flow.ts'
import { createFramer } from './framing.ts'
import type { Limit } from './limit.ts'
import type { LocalSide } from './udp-transport.ts'

export interface StreamOptions {
  readonly transport: Exclude<SipTransport, 'udp'>
  /** Name that the certificate must have. */
  readonly serverName: string
  readonly tls: TlsSettings
  readonly local: LocalSide
  readonly trace?: SipTrace
}

/** A kept connection sends this after so long without anything [ms], so that no NAT forgets it (RFC 5626 §4.4.1). */
const KEEP_ALIVE_MS = 90_000
const PING = Buffer.from('\r\n\r\n', 'latin1')
const PONG = Buffer.from('\r\n', 'latin1')
/** A peer that sends this many messages that nobody asked for is no peer. */
const MAX_STRAYS = 100

/** Opens a connection before `limit` is over. Never throws. */
export const openStreamFlow = (clock: Clock, remote: Endpoint, options: StreamOptions, limit: Limit): Promise<FlowOpened> => new Promise((resolve) => {
  if (limit.isOver()) {
    resolve({ ok: false, failure: { kind: 'network', code: 'NO_CONNECTION' }, setUp: NO_SET_UP })
    return
  }
  const startedMs = clock.monotonicMs()
  let setUp = NO_SET_UP
  let socket: Socket | TLSSocket
  const fail = (failure: FlowFailure): void => {
    stopWaiting()
    socket?.destroy()
    resolve({ ok: false, failure, setUp })
  }
  const onConnect = (): void => { setUp = { ...setUp, connectMs: clock.monotonicMs() - startedMs } }
  const onError = (error: unknown): void => { fail(toFailure(error)) }
  const onClose = (): void => { fail({ kind: 'network', code: 'CLOSED' }) }
  const done = (): void => {
    stopWaiting()
    socket.removeListener('error', onError)
    socket.removeListener('close', onClose)
    const { localAddress = '', localPort = 0 } = socket
    resolve({ ok: true, flow: createFlow(clock, socket, { address: localAddress, port: localPort }, remote, setUp, options) })
  }
  const stopWaiting = limit.onOver(() => { fail({ kind: 'network', code: setUp.connectMs === null ? 'NO_CONNECTION' : 'NO_HANDSHAKE' }) })
  try {
    const where = { host: remote.address, port: remote.port, ...options.local.address === undefined ? {} : { localAddress: options.local.address }, ...options.local.port === undefined ? {} : { localPort: options.local.port } }
    socket = options.transport === 'tcp' ? connectTcp({ ...where, noDelay: true }) : connectTls({ ...where, ...tlsOptions(options) })
  } catch (error) {
    // A CA file or a key that OpenSSL can't read.
    stopWaiting()
    resolve({ ok: false, failure: toFailure(error), setUp })
    return
  }
  socket.on('connect', onConnect)
  socket.on('error', onError)
  socket.on('close', onClose)
  if (options.transport === 'tcp') {
    socket.once('connect', done)
    return
  }
  const secure = socket as TLSSocket
  secure.once('secureConnect', () => {
    setUp = { ...setUp, tlsMs: clock.monotonicMs() - startedMs - (setUp.connectMs ?? 0), certificateExpiresAtMs: earliestEnd(secure.getPeerCertificate(true)) }
    if (secure.authorized || options.tls.insecure === true) done()
    else fail({ kind: 'tls', detail: `the certificate is not accepted: ${plainCode(secure.authorizationError)}` })
  })
})

/**
 * `rejectUnauthorized` is off only so that the end of a bad certificate can be told: `secureConnect` above checks
 * `authorized`, name included, before anything is sent.
 */
const tlsOptions = ({ serverName, tls }: StreamOptions): ConnectionOptions => ({
  rejectUnauthorized: false,
  minVersion: tls.minVersion ?? 'TLSv1.2',
  checkServerIdentity: (_host, certificate) => checkName(serverName, certificate),
  // An address is never sent as SNI (RFC 6066 §3).
  ...isIP(serverName) === 0 ? { servername: serverName } : {},
  ...tls.ca === undefined ? {} : { ca: tls.ca },
  ...tls.certificate === undefined ? {} : { cert: tls.certificate },
  ...tls.key === undefined ? {} : { key: tls.key.reveal() }
})

/** DNS names and addresses as for HTTPS, and the SIP URI of the domain (RFC 5922 §7.1). */
const checkName = (name: string, certificate: PeerCertificate): Error | undefined => {
  const names = (certificate.subjectaltname ?? '').split(', ').map((each) => each.toLowerCase())
  return names.includes(`uri:sip:${name.toLowerCase()}`) ? undefined : checkServerIdentity(name, certificate)
}

/** The first end of the certificates in the chain; null: none was sent. */
const earliestEnd = (leaf: DetailedPeerCertificate | null): number | null => {
  let earliest: number | null = null
  const seen = new Set<string>()
  for (let at = leaf; at?.valid_to !== undefined && !seen.has(at.fingerprint256); at = at.issuerCertificate) {
    seen.add(at.fingerprint256)
    const endMs = Date.parse(at.valid_to)
    if (!Number.isNaN(endMs)) earliest = Math.min(earliest ?? endMs, endMs)
  }
  return earliest
}

const plainCode = (error: unknown): string => error instanceof Error ? errorCode(error) : String(error).slice(0, 80)

const TLS_CODES = /^(?:ERR_SSL|ERR_TLS|ERR_OSSL|ERR_CRYPTO|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|EPROTO$)/

const toFailure = (error: unknown): FlowFailure => {
  const code = errorCode(error)
  return TLS_CODES.test(code) ? { kind: 'tls', detail: code } : { kind: 'network', code }
}

const createFlow = (clock: Clock, socket: Socket, local: Endpoint, remote: Endpoint, setUp: SetUp, { transport, trace }: StreamOptions): Flow => {
  const dispatcher = new Dispatcher()
  const framer = createFramer()
  let isOpen = true
  let stopPing = (): void => { /* none is planned yet */ }
  const planPing = (): void => {
    stopPing()
    stopPing = clock.after(KEEP_ALIVE_MS, () => { socket.write(PING); planPing() })
  }
  const close = (): void => {
    if (!isOpen) return
    isOpen = false
    stopPing()
    socket.destroy()
  }
  const fail = (failure: FlowFailure): void => {
    if (!isOpen) return
    close()
    dispatcher.fail(failure)
  }
  const flow: Flow = {
    transport, local, remote, setUp, sent: null,
    send: (bytes) => {
      if (!isOpen) return
      trace?.('sent', flow, bytes)
      socket.write(bytes)
      planPing()
    },
    attach: (branch, listener) => dispatcher.attach(branch, listener),
    strays: () => dispatcher.strays(),
    isOpen: () => isOpen,
    close
  }
  socket.on('data', (chunk: Buffer) => {
    for (const framed of framer.push(chunk)) {
      if (!isOpen) return
      if (framed.kind === 'ping') socket.write(PONG)
      else if (framed.kind === 'broken') fail({ kind: 'malformed', detail: framed.detail })
      else {
        trace?.('received', flow, framed.bytes)
        dispatcher.deliver(framed.bytes)
        if (dispatcher.strays() > MAX_STRAYS) fail({ kind: 'malformed', detail: 'too many messages that are no answer' })
      }
    }
  })
  socket.on('error', (error) => { fail(toFailure(error)) })
  socket.on('close', () => { fail({ kind: 'network', code: 'CLOSED' }) })
  planPing()
  return flow
}
