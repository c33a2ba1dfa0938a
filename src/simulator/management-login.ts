/** Who may use a gateway's management interface: Basic, Digest, or nobody by HTTP authentication (form-based login). */
import type { Clock, Random } from '../ports.ts'
import { createDigestAuthority } from '../sip/digest-authority.ts'

/** Whether a request is let in; if not, the value of `WWW-Authenticate`, or null for the form-based login. */
export type Admission = { readonly ok: true } | { readonly ok: false; readonly challenge: string | null }

export interface ManagementLoginOptions {
  readonly auth: 'basic' | 'digest' | 'form'
  readonly username: string
  readonly password: () => string
  readonly clock: Clock
  readonly random: Random
}

/** @returns admits a request by its method, its path as on the wire and its Authorization header */
export type ManagementLogin = (method: string, path: string, authorization: string | undefined) => Admission

/** The realm of a real device is unknown. */
const REALM = 'innovaphone'
const NONCE_LIFETIME_MS = 60_000

export const createManagementLogin = (options: ManagementLoginOptions): ManagementLogin => {
  const { auth, username, password, clock, random } = options
  const digest = createDigestAuthority({ realm: REALM, algorithms: ['MD5'], nonceLifetimeMs: NONCE_LIFETIME_MS, clock, random })
  return (method, path, authorization) => {
    if (auth === 'form') return { ok: false, challenge: null }
    if (auth === 'digest') {
      const verdict = digest.check({ method, uri: path, authorization }, (name) => name === username ? password() : undefined)
      return verdict.kind === 'right' ? { ok: true } : { ok: false, challenge: digest.challenges(verdict.kind === 'stale')[0] }
    }
    const expected = `Basic ${Buffer.from(`${username}:${password()}`).toString('base64')}`
    return authorization === expected ? { ok: true } : { ok: false, challenge: `Basic realm="${REALM}"` }
  }
}
