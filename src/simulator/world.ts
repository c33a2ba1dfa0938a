/**
 * A small world on loopback: one carrier, one trunk account, two gateways. Gateway A is enabled, B is disabled.
 *
 *     const pair = await createSimulatedPair({ clock, random, expires: 10 })
 *     pair.a.url, pair.a.sipUri, pair.a.contact, pair.carrier.uri, pair.account.aor      what a configuration needs
 *     pair.carrier.inject({ dropped: [pair.a.contact] })                                 the path between A and the carrier is cut
 *     await pair.a.kill()                                                                A loses power
 *     pair.holders()                                                                     ['a']: whose Contacts are bound now
 *     await pair.stop()
 */
import type { Clock, Random } from '../ports.ts'
import { createSimulatedCarrier } from './carrier.ts'
import type { SimulatedCarrier, SimulatedCarrierOptions } from './carrier.ts'
import { createSimulatedGateway } from './innovaphone-gateway.ts'
import type { SimulatedGateway, SimulatedGatewayOptions } from './innovaphone-gateway.ts'

/** Where something listens; a port of 0, the default, is any free one. */
export interface GatewayAddress {
  readonly host?: string
  readonly httpPort?: number
  readonly sipPort?: number
}

export interface SimulatedPairOptions extends
  Partial<Pick<SimulatedCarrierOptions, 'onSecond' | 'algorithm' | 'nonceLifetimeMs'>>,
  Pick<SimulatedGatewayOptions, 'auth' | 'retryMs' | 'answerMs' | 'unregisterOnDisable' | 'cfgShows'> {
  readonly clock: Clock
  readonly random: Random
  /** Lifetime that the gateways ask for and the carrier grants at most [s]. Default 10. */
  readonly expires?: number
  /** Which gateways are enabled at first. Default: A only. */
  readonly enabled?: { readonly a: boolean; readonly b: boolean }
  /** Value of `/name` on the interface lines. Default `acme`. */
  readonly label?: string
  /** Default host of all: 127.0.0.1. */
  readonly carrier?: { readonly host?: string; readonly port?: number }
  readonly a?: GatewayAddress
  readonly b?: GatewayAddress
}

export interface SimulatedPair {
  readonly carrier: SimulatedCarrier
  readonly a: SimulatedGateway
  readonly b: SimulatedGateway
  /** Name of the trunk's interface on both gateways. */
  readonly interfaceName: string
  /** The trunk's account at the carrier. */
  readonly account: { readonly username: string; readonly password: string; readonly aor: string }
  /** The account of both management interfaces. */
  readonly management: { readonly username: string; readonly password: string }
  /** Whose Contacts are bound at the carrier now. */
  holders(): readonly ('a' | 'b')[]
  stop(): Promise<void>
}

const LOOPBACK = '127.0.0.1'
const REALM = 'acme.example'
const ACCOUNT = { username: '4930123', password: 'trunk-secret', aor: `sip:4930123@${REALM}` }
const MANAGEMENT = { username: 'pointsman', password: 'pbx-secret' }
const INTERFACE_NAME = 'SIP1'

/** Starts the carrier, then both gateways. */
export const createSimulatedPair = async (options: SimulatedPairOptions): Promise<SimulatedPair> => {
  const { clock, random, expires = 10, enabled = { a: true, b: false }, label = 'acme' } = options
  const carrier = await createSimulatedCarrier({
    ...options,
    host: options.carrier?.host ?? LOOPBACK,
    port: options.carrier?.port ?? 0,
    realm: REALM,
    accounts: [ACCOUNT],
    onSecond: options.onSecond ?? 'reject',
    maxExpires: expires
  })
  const createGateway = (name: string, address: GatewayAddress, isEnabled: boolean): Promise<SimulatedGateway> => createSimulatedGateway({
    ...options,
    ...MANAGEMENT,
    ...address,
    name,
    host: address.host ?? LOOPBACK,
    interfaces: [{
      name: INTERFACE_NAME, enabled: isEnabled, label, username: ACCOUNT.username, domain: REALM, password: ACCOUNT.password,
      proxy: `${carrier.host}:${carrier.port}`, expires
    }],
    clock,
    random
  })
  const a = await createGateway('pbx-a', options.a ?? {}, enabled.a)
  const b = await createGateway('pbx-b', options.b ?? {}, enabled.b)
  return {
    carrier,
    a,
    b,
    interfaceName: INTERFACE_NAME,
    account: ACCOUNT,
    management: MANAGEMENT,
    holders: () => {
      const bound = new Set(carrier.bindings(ACCOUNT.aor).map((binding) => binding.hostPort))
      return (['a', 'b'] as const).filter((side) => bound.has((side === 'a' ? a : b).contact))
    },
    stop: async () => {
      await Promise.all([a.stop(), b.stop()])
      await carrier.stop()
    }
  }
}
