/**
 * A fleet as a configuration with the defaults: gateways in pairs, each the standby of the other one's trunks, and each trunk
 * an account of its own at one of a few carriers.
 */
import type { Config } from '../../../src/config/config.ts'
import { gatewayEntry, load } from '../configuration.ts'
import type { FleetStory } from './story.ts'
import type { Kind } from '../../../src/rehearsal/model-world.ts'

export interface FleetSetting extends Pick<FleetStory, 'fleet' | 'configuration'> {
  readonly kind: Kind
  /** A binding query is configured. */
  readonly query: boolean
  /** An empty folder. */
  readonly directory: string
}

const two = (number: number): string => String(number + 1).padStart(2, '0')
export const gatewayId = (number: number): string => `pbx-${two(number)}`
const address = (number: number): string => `10.0.${number + 1}.10`
const sbc = (number: number): string => `sip:sbc.carrier-${number + 1}.example`

/** Trunk `number`: its pair of gateways takes turns in being the preferred one. */
function placeOf (number: number, gateways: number): { readonly preferred: number; readonly standby: number } {
  const pairs = gateways / 2
  const pair = number % pairs
  const side = Math.floor(number / pairs) % 2
  return { preferred: 2 * pair + side, standby: 2 * pair + 1 - side }
}

export async function configureFleet ({ fleet, kind, query, configuration, directory }: FleetSetting): Promise<Config> {
  const { gateways, carriers, trunks, standby_carrier: standbyCarrier = 'same' } = fleet
  const lines = Array.from({ length: gateways }, () => 0)
  const interfaceAt = (gateway: number, carrier: number): object => {
    const line = (lines[gateway] ?? 0) + 1
    lines[gateway] = line
    return { gateway: gatewayId(gateway), interface: `SIP${line}`, sip: `sip:${address(gateway)}`, contact: `${address(gateway)}:5060`, carrier: sbc(carrier), probe: 'options' }
  }
  const trunkAt = (number: number): object => {
    const { preferred, standby } = placeOf(number, gateways)
    const carrier = number % carriers
    return {
      type: 'exclusive',
      registration: { auth: 'register', on_second: 'reject', expires: '300s', aor: `sip:${account(number)}@carrier-${carrier + 1}.example`, ...(query ? { query: `binding-${account(number)}` } : {}) },
      interfaces: [interfaceAt(preferred, carrier), interfaceAt(standby, standbyCarrier === 'same' ? carrier : (carrier + 1) % carriers)]
    }
  }
  const all = Array.from({ length: trunks }, (_, number) => number)
  return await load(directory, {
    mode: 'automatic',
    alertmanagers: [{ url: 'http://127.0.0.1:9093' }],
    gateways: Object.fromEntries(lines.map((_, number) => [gatewayId(number), gatewayEntry(kind, address(number))])),
    probes: {
      options: { method: 'OPTIONS' },
      ...(query ? Object.fromEntries(all.map((number) => [`binding-${account(number)}`, { method: 'REGISTER', operation: 'query', username: account(number), password_file: 'secret' }])) : {})
    },
    trunks: Object.fromEntries(all.map((number) => [`trunk-${account(number)}`, trunkAt(number)])),
    rules: [{ name: 'trunk-down', match: ['alertname="SipTrunkDown"', 'severity=~"critical|page"'], target: { trunk: '{trunk}', gateway: '{gateway}' }, demand: 'disable' }]
  }, configuration ?? {})
}

function account (number: number): string {
  return String(4_930_000 + number)
}
