/** Real DNS servers of the lab: PowerDNS with its API, and BIND that takes signed updates. Each holds the zone lab.test. */
import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { Resolver } from 'node:dns/promises'
import { join } from 'node:path'
import { acceptsTcp } from './processes.ts'
import type { Running, Stage } from './processes.ts'

export const ZONE = 'lab.test'
export const API_KEY = 'lab-api-key'
/** Base64 of the TSIG key. */
export const TSIG_SECRET = randomBytes(32).toString('base64')
export const TSIG_NAME = 'pointsman'

export interface SrvLine {
  /** Full name without the final dot. */
  readonly name: string
  readonly priority: number
  readonly port: number
  readonly target: string
}

export interface DnsServerPlan {
  readonly ip: string
  readonly ttl: number
  readonly srv: readonly SrvLine[]
  /** Host names (without the zone) and their addresses. */
  readonly hosts: Readonly<Record<string, string>>
}

const zoneLines = ({ ip, ttl, srv, hosts }: DnsServerPlan): readonly string[] => [
  `@ ${ttl} IN SOA ns.${ZONE}. hostmaster.${ZONE}. 1 3600 600 86400 ${ttl}`,
  `@ ${ttl} IN NS ns.${ZONE}.`,
  `ns ${ttl} IN A ${ip}`,
  ...Object.entries(hosts).map(([name, address]) => `${name} ${ttl} IN A ${address}`),
  ...srv.map(({ name, priority, port, target }) => `${name}. ${ttl} IN SRV ${priority} 100 ${port} ${target}.`)
]

const run = (command: string, args: readonly string[], input?: string): void => {
  const { status, stderr, stdout } = spawnSync(command, [...args], { encoding: 'utf8', ...(input === undefined ? {} : { input }) })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`)
}

/** Starts PowerDNS: DNS at port 53, its API at 8081. */
export const startPowerdns = async (stage: Stage, plan: DnsServerPlan): Promise<Running> => {
  const folder = stage.folder('pdns')
  const database = join(folder, 'pdns.sqlite3')
  writeFileSync(join(folder, 'pdns.conf'), [
    'launch=gsqlite3', `gsqlite3-database=${database}`, `local-address=${plan.ip}`, 'local-port=53', 'api=yes', `api-key=${API_KEY}`, 'webserver=yes',
    `webserver-address=${plan.ip}`, 'webserver-port=8081', 'webserver-allow-from=127.0.0.0/8', `socket-dir=${folder}`, 'daemon=no', 'guardian=no', 'setuid=', 'setgid=', ''
  ].join('\n'))
  run('sqlite3', [database], `.read /usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql\n`)
  const zoneFile = join(folder, 'zone')
  writeFileSync(zoneFile, `$ORIGIN ${ZONE}.\n${zoneLines(plan).join('\n')}\n`)
  run('pdnsutil', [`--config-dir=${folder}`, 'load-zone', ZONE, zoneFile])
  return stage.start({
    name: 'pdns', command: 'pdns_server', args: [`--config-dir=${folder}`],
    ready: async () => await acceptsTcp(plan.ip, 53) && await acceptsTcp(plan.ip, 8081)
  })
}

/** Starts BIND, whose zone may be updated with the TSIG key. */
export const startBind = async (stage: Stage, plan: DnsServerPlan): Promise<Running> => {
  const folder = stage.folder('bind')
  // It listens only at addresses that an interface has by name.
  run('ip', ['address', 'replace', `${plan.ip}/32`, 'dev', 'lo'])
  writeFileSync(join(folder, 'zone'), `$ORIGIN ${ZONE}.\n${zoneLines(plan).join('\n')}\n`)
  writeFileSync(join(folder, 'named.conf'), `
options { directory "${folder}"; listen-on port 53 { ${plan.ip}; }; listen-on-v6 { none; }; recursion no; pid-file "${folder}/named.pid"; session-keyfile "${folder}/session.key"; dnssec-validation no; };
controls { };
key "${TSIG_NAME}" { algorithm hmac-sha256; secret "${TSIG_SECRET}"; };
key "reader" { algorithm hmac-sha256; secret "${TSIG_SECRET}"; };
zone "${ZONE}" { type primary; file "${folder}/zone"; allow-update { key "${TSIG_NAME}"; }; };
`)
  return stage.start({ name: 'bind', command: 'named', args: ['-g', '-c', join(folder, 'named.conf')], ready: () => acceptsTcp(plan.ip, 53) })
}

/** Targets of the name as callers are sent to them, best first, asked by DNS itself. */
export const srvOrder = async (server: string, name: string): Promise<readonly string[]> => {
  const resolver = new Resolver({ timeout: 500, tries: 1 })
  resolver.setServers([server])
  const records = await resolver.resolveSrv(name)
  return records.toSorted((a, b) => a.priority - b.priority).map(({ name: target }) => target)
}

