/** The packet filter: takes one gateway's way to the carrier, or its SIP service, away, and nobody else's. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export interface Uplink {
  /** Drops every packet between the two addresses, both ways, and nothing else. */
  cut(): Promise<void>
  restore(): Promise<void>
}

const nft = async (...commands: readonly string[]): Promise<void> => {
  await run('nft', [commands.join('; ')])
}

/** A gateway's SIP service, for everybody; its management stays. */
export const createSipService = (gateway: string): Uplink => {
  const table = `sip_${gateway.replaceAll('.', '_')}`
  return {
    cut: () => nft(
      `add table ip ${table}`,
      `add chain ip ${table} input { type filter hook input priority 0; policy accept; }`,
      `add rule ip ${table} input ip daddr ${gateway} udp dport 5060 counter drop`,
      `add rule ip ${table} input ip saddr ${gateway} udp sport 5060 counter drop`
    ),
    restore: () => nft(`add table ip ${table}`, `delete table ip ${table}`)
  }
}

/** The way between a gateway and the carrier. */
export const createUplink = (gateway: string, carrier: string): Uplink => {
  const table = `uplink_${gateway.replaceAll('.', '_')}`
  return {
    cut: () => nft(
      `add table ip ${table}`,
      `add chain ip ${table} input { type filter hook input priority 0; policy accept; }`,
      `add rule ip ${table} input ip saddr ${gateway} ip daddr ${carrier} counter drop`,
      `add rule ip ${table} input ip saddr ${carrier} ip daddr ${gateway} counter drop`
    ),
    // `add` first: a delete of a table that isn't there is an error.
    restore: () => nft(`add table ip ${table}`, `delete table ip ${table}`)
  }
}

/** An Alertmanager that hears nobody, neither Prometheus nor its peer nor a question, and still can send. */
export const createDeafness = (host: string, ports: readonly number[]): Uplink => {
  const table = `deaf_${host.replaceAll('.', '_')}`
  return {
    cut: () => nft(
      `add table ip ${table}`,
      `add chain ip ${table} input { type filter hook input priority 0; policy accept; }`,
      `add rule ip ${table} input ip daddr ${host} tcp dport { ${ports.join(', ')} } counter drop`,
      `add rule ip ${table} input ip daddr ${host} udp dport { ${ports.join(', ')} } counter drop`
    ),
    restore: () => nft(`add table ip ${table}`, `delete table ip ${table}`)
  }
}
