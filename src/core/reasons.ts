/**
 * The closed list of reasons. The same code is the log field, the metric label, the API value and the row in the docs;
 * a test holds README's table against this file.
 */

/** Why a probe ended as it did. */
export const PROBE_REASONS = {
  alive: 'the peer answered with a code that counts as alive',
  busy: 'the peer answered 503 with Retry-After, and its probe takes that as busy, not dead',
  'bad-code': 'the peer answered with a code that does not count as alive',
  redirected: 'the peer answered with a redirect, which is never followed and does not count as alive',
  timeout: 'no final response before the deadline',
  refused: 'the peer\'s host refused the packet (ICMP port unreachable or TCP reset)',
  reset: 'the connection broke before the answer was complete',
  unreachable: 'the network reported that the peer can\'t be reached',
  malformed: 'the peer\'s response could not be read',
  tls: 'the TLS handshake failed: one side does not accept the other\'s certificate or parameters',
  'auth-failed': 'the peer refused the credentials',
  'held-back': 'nothing was sent: the credentials were refused before, or the peer asked for a pause',
  dns: 'the name could not be resolved',
  'local-error': 'the probe failed on this machine'
} as const
export type ProbeReason = keyof typeof PROBE_REASONS

/** The peer lives. */
export const ALIVE_PROBE_REASONS: ReadonlySet<ProbeReason> = new Set(['alive', 'busy'])

/**
 * Reasons that say nothing about the peer: they never count as a failure. A failed TLS handshake is one of them, since it
 * is as often our CA file or our certificate as the peer's; it has its own reason and its own metric to be alerted on.
 */
export const INCONCLUSIVE_PROBE_REASONS: ReadonlySet<ProbeReason> = new Set(['dns', 'local-error', 'auth-failed', 'tls', 'held-back'])

/** Why a driver's attempt failed. */
export const DRIVER_REASONS = {
  refused: 'the gateway refused the connection',
  timeout: 'the gateway did not answer before the deadline',
  unreachable: 'the gateway can\'t be reached',
  reset: 'the connection broke before the answer was complete',
  tls: 'the gateway\'s certificate was not accepted',
  'auth-failed': 'the gateway refused the account',
  'login-form': 'the gateway offers its login form only and takes no account by HTTP authentication',
  'not-data': 'the gateway answered with a page or text instead of data',
  truncated: 'the gateway\'s answer was cut off',
  redirect: 'the gateway answered with a redirect, which is never followed',
  'http-status': 'the gateway answered with an unexpected HTTP status',
  'rpc-error': 'the gateway refused the command',
  'no-interface': 'the gateway has no such interface',
  'line-masked': 'the gateway masks values of the configuration line, so it can\'t be written back',
  conflict: 'the configuration line changed between reading and writing',
  'no-effect': 'the gateway accepted the command but did not change',
  aborted: 'the attempt was cancelled',
  'local-error': 'the attempt failed on this machine'
} as const
export type DriverReason = keyof typeof DRIVER_REASONS

/** Interlocks: why a switchover is not admitted. */
export const VETOES = {
  mode: 'the mode is observe (recorded only) or approve (a person has to agree first)',
  paused: 'automation is paused',
  pin: 'an operator has pinned the trunk',
  'baseline-unclear': 'the gateways\' first state was not a legal resting state; look at them, then adopt it',
  drift: 'somebody changed a gateway; look at it, then adopt the new state',
  freeze: 'a rule freezes the trunk, or the monitoring has not confirmed its alerts for three minutes',
  'warm-up': 'the trunk\'s probes have no verdict yet',
  confirm: 'the alert is not confirmed by Pointsman\'s own evidence',
  exclusive: 'the other interface is not proven off',
  'gateway-alive': 'the gateway\'s voice path lives; only its management is lost',
  'owner-unproven': 'nobody can say whether the unreachable gateway still holds the registration',
  'no-better': 'no other interface is usable',
  'last-usable': 'an alert names the last usable interface, whose own evidence is up',
  'min-enabled': 'too few interfaces would stay enabled',
  emergency: 'an emergency trunk would stay without an enabled interface for too long',
  'standby-not-ready': 'the standby did not answer its pre-flight read',
  brake: 'too many incidents: everything is frozen until a person releases it',
  panic: 'Pointsman\'s own view of the world is not to be trusted',
  leader: 'another replica leads',
  cooldown: 'the last switchover was too short ago',
  hold: 'the interface to return to has not been well for long enough',
  'flap-latch': 'the trunk has moved too often; look at it, then acknowledge it'
} as const
export type VetoReason = keyof typeof VETOES

/** Waits that end by themselves. */
export const WAITS = {
  'waiting-for-proof': 'waiting until the old registration is proven gone',
  'waiting-for-registration': 'waiting until the new interface is registered',
  'waiting-for-answer': 'waiting until it is clear whether the gateway answers',
  'pre-flight': 'reading the standby before the first write',
  'read-back': 'reading the gateways back',
  spacing: 'switchovers of one trunk keep a distance',
  draining: 'waiting for a moment without calls',
  window: 'the trunk goes back within its window only'
} as const
export type WaitReason = keyof typeof WAITS

/** What became of an alert that arrived. */
export const ALERT_REASONS = {
  stored: 'stored in the alert book',
  repeated: 'known already; its last arrival was renewed',
  outdated: 'older than what is known about it; its state did not change',
  disputed: 'it fires with a start that is not after its last end',
  'unknown-trunk': 'no configured trunk has this name',
  'unknown-gateway': 'the trunk has no interface on this gateway',
  malformed: 'the alert could not be read'
} as const
export type AlertReason = keyof typeof ALERT_REASONS
