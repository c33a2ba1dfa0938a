/** The probes of the configuration file: one schema for each method. */
import { type Static, type TObject, Type } from 'typebox'
import { choice, closed, count, duration, FALL, RISE, secret, text } from './schema-parts.ts'

const optional = (format: string, description: string) => Type.Optional(text(format, description))

/** How and from where a request is sent, whatever its method. */
const SENDING = {
  transport: choice(['auto', 'udp', 'tcp', 'tls'], { description: 'auto (default): by the address, and for a name without a port by its NAPTR and SRV records', default: 'auto' }),
  connection: Type.Optional(choice(['fresh', 'reuse'], { description: 'fresh: a new connection for each probe, so that its set-up is probed, too (default of TCP and TLS); reuse: kept while it works (default of UDP)' })),
  local_address: optional('ip-address', 'local IP address to send from; default: chosen by the system'),
  local_port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535, description: 'local port to send from; default: chosen by the system' })),
  server_name: optional('host-name', 'TLS: name that the peer\'s certificate must have; default: the host of the address'),
  ca_file: Type.Optional(Type.String({ minLength: 1, description: 'TLS: file with the certificates of the issuers that are trusted (PEM), relative to the configuration file; default: those of Node.js' })),
  certificate_file: Type.Optional(Type.String({ minLength: 1, description: 'TLS: file with our own certificate (PEM), for peers that want one' })),
  key_file: Type.Optional(Type.String({ minLength: 1, description: 'TLS: file with the key of our own certificate (PEM)' })),
  min_tls_version: Type.Optional(choice(['1.2', '1.3'], { description: 'TLS: least version; default 1.2' })),
  insecure_tls: Type.Boolean({ description: 'TLS: true: the peer\'s certificate is not checked; default false', default: false }),
  user_agent: optional('header-value', 'value of User-Agent; default Pointsman'),
  headers: Type.Unsafe<Record<string, string>>({ type: 'object', additionalProperties: { type: 'string', format: 'header-value', description: 'value of a further header field with this name' }, description: 'further header fields by name; default: none', default: {} })
}

/** When it is sent, and how results add up. */
const COUNTING = {
  timeout: duration('how long to wait for the answer; default 2s', '2s'),
  fall: count(FALL, 3),
  rise: count(RISE, 2),
  fast_interval: optional('positive-duration', 'time between two probes while the last results contradict the verdict; default: as interval')
}

const DEGRADED = closed({
  slow: optional('positive-duration', 'a probe that takes longer is degraded; default: none is'),
  retransmissions: Type.Optional(Type.Integer({ minimum: 1, maximum: 10, description: 'a probe with so many retransmissions is degraded; default: none is' }))
}, { description: 'what is alive but not well', default: {} })

const CODES = 'default (all but 408, 500, 503, 504), strict (200), 2xx, any-response, freeswitch, cube, audiocodes, or codes, classes and ranges like 404, 4xx, 480-489; with ! before it, one that doesn\'t count'

/** A plain number is no text in YAML. */
const CODE = Type.Unsafe<string | number>({ type: ['string', 'integer'], format: 'codes', minimum: 200, maximum: 699, description: CODES })

export const OptionsProbe = closed({
  method: choice(['OPTIONS'], { description: 'SIP method that is sent' }),
  interval: duration('time between two probes of one target; default 5s', '5s'),
  ...COUNTING,
  alive: Type.Array(CODE, { minItems: 1, description: `final responses that count as alive: ${CODES}; default [default]`, default: ['default'] }),
  busy: Type.Boolean({ description: 'true: a 503 with Retry-After is a busy peer (alive and degraded), not a dead one; default false', default: false }),
  degraded: DEGRADED,
  resolve: choice(['all', 'first'], { description: 'all (default): every address of a name is probed; first: only the first one', default: 'all' }),
  health: choice(['any', 'all'], { description: 'with several addresses, alive when any (default) or all of them are', default: 'any' }),
  from: optional('sip-uri', 'URI in From; default: this machine. Carriers may refuse strangers'),
  to: optional('sip-uri', 'URI in To; default: the target'),
  contact: optional('sip-uri', 'URI in Contact; default: this machine'),
  username: Type.Optional(Type.String({ minLength: 1, description: 'user name for digest authentication, when the peer asks' })),
  ...secret('password', 'password for digest authentication, when the peer asks'),
  ...SENDING
})

export const RegisterProbe = closed({
  method: choice(['REGISTER'], { description: 'SIP method that is sent' }),
  operation: choice(['query', 'bind'], { description: 'query: ask the registrar who holds the binding; changes nothing. bind: register a test account, refresh it with each probe, and un-register it at the end' }),
  username: Type.String({ minLength: 1, description: 'user name for digest authentication at the registrar' }),
  ...secret('password', 'password for digest authentication at the registrar'),
  aor: optional('sip-uri', 'address of record; default: the user name at the host of the target (of a trunk\'s query: the trunk\'s own)'),
  interval: duration('time between two queries while all is well, at most half of the binding\'s lifetime; default 5m', '5m'),
  doubt_interval: duration('time between two queries of a trunk on doubt and around a switchover; default 5s', '5s'),
  ...COUNTING,
  expires: duration('bind: lifetime that is asked for; default 15m', '15m'),
  takes_the_trunks_registration: Type.Boolean({ description: 'true: bind may use the account of a trunk, whose gateway then loses its calls; default false', default: false }),
  alive: Type.Array(CODE, { minItems: 1, description: 'final responses that count as alive, as for OPTIONS; default [2xx]', default: ['2xx'] }),
  degraded: DEGRADED,
  ...SENDING
})

/** Schemas of a probe by its `method`. */
export const PROBE_SCHEMAS: ReadonlyMap<string, TObject> = new Map<string, TObject>([['OPTIONS', OptionsProbe], ['REGISTER', RegisterProbe]])

/** All keys of probes: some of them name secrets and certificates. */
export const ProbeKeys = [...new Set([...Object.keys(OptionsProbe.properties), ...Object.keys(RegisterProbe.properties)])]

export type OptionsProbeFile = Static<typeof OptionsProbe>
export type RegisterProbeFile = Static<typeof RegisterProbe>
export type ProbeFile = OptionsProbeFile | RegisterProbeFile
