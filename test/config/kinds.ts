/** Stand-in kinds of gateways: the loader must work for any kind, not only for those that exist. */
import { Type } from 'typebox'
import type { DriverCapabilities } from '../../src/core/topology.ts'
import type { DriverKind } from '../../src/drivers/contract.ts'
import { beacon } from '../../src/drivers/beacon.ts'
import { powerdns } from '../../src/drivers/powerdns.ts'

const secret = Type.Optional(Type.String({ minLength: 1 }))
const capabilities = { registers: true, reportsAlarms: false, reportsRegistration: true, reportsPath: false, reportsCalls: false, readsRunningState: true, reregisters: true, unregisters: false, persistent: true, registersWithinMs: 30_000 }
const closed = { additionalProperties: false }

const kind = (name: string, schema: DriverKind['schema'], more: Partial<DriverCapabilities> = {}): [string, DriverKind] => [name, {
  name, schema, create: () => { throw new Error('the loader must not make drivers') }, byHand: () => { throw new Error('the loader tells nobody') },
  interfaces: [{ named: 'any', takes: (text) => text !== 'untaken', switches: '', readBack: '', confirmed: '', capabilities: () => ({ ...capabilities, ...more }) }]
}]

export const kinds: ReadonlyMap<string, DriverKind> = new Map([
  kind('box', Type.Object({
    url: Type.String({ format: 'http-url', description: 'URL of the box' }),
    username: Type.String({ minLength: 1 }),
    password_file: secret,
    password_env: secret,
    ca_file: secret,
    insecure_tls: Type.Optional(Type.Boolean({ default: false })),
    auth: Type.Optional(Type.Union([Type.Literal('basic'), Type.Literal('digest')], { default: 'basic' }))
  }, closed)),
  kind('kamailio', Type.Object({
    url: Type.String({ format: 'http-url' }),
    token_file: secret,
    token_env: secret,
    dispatcher_group: Type.Optional(Type.Integer({ minimum: 0 }))
  }, { ...closed, anyOf: [Type.Object({ token_file: Type.String() }), Type.Object({ token_env: Type.String() })] }), { reportsPath: true, reportsCalls: true }),
  kind('mute', Type.Object({}, closed), { reportsRegistration: false }),
  kind('sender', Type.Object({}, closed), { registers: false, reportsRegistration: false }),
  kind('plain', Type.Object({}, closed)),
  ['powerdns', powerdns as unknown as DriverKind],
  ['beacon', beacon as unknown as DriverKind]
])

/** Environment of the fixtures. */
export const ENV = {
  ANNA_PASSWORD: 'canary-anna-7f3a', AM_PASSWORD: 'canary-am-7f3a', AM_TOKEN: 'canary-am-bearer-7f3a', ACME_PASSWORD: 'canary-acme-env-7f3a', HEARTBEAT_URL: 'https://hc.example/canary-heartbeat-7f3a', EMPTY: ''
}
