/** The bindings that probes with `bind` hold for their test accounts: one per account and registrar, removed when we go. */
import type { ProbeRequest, SipCredentials, SipProbe, SipTarget } from '../ports.ts'
import { attempt, type SipPorts } from './attempt.ts'
import { createAuthorizer, type Authenticated } from './authorization.ts'
import { createIdentity, failure } from './conversation.ts'
import { createLimit, type Limit } from './limit.ts'
import { bindingUser, sendBind, type Binding } from './register.ts'
import { findTarget } from './target.ts'

export interface Bindings {
  /** The binding of this target and account; new credentials keep it, with a new answer to the next challenge. */
  of(target: SipTarget, credentials: SipCredentials): Binding
  /** Un-binds what the probe bound. Never throws. */
  release(probe: SipProbe): Promise<void>
  releaseAll(): Promise<void>
}

/** Time for one un-binding [ms]. */
const RELEASE_MS = 2000

interface Held {
  readonly target: SipTarget
  binding: Binding
}

export const createBindings = (ports: SipPorts): Bindings => {
  const held = new Map<string, Held>()
  const keyOf = (target: SipTarget, { username }: SipCredentials): string => `${target.uri} ${target.aor ?? ''} ${username}`

  /** A registrar that doesn't answer forgets the binding at its end. */
  const unbind = async ({ target, binding }: Held): Promise<void> => {
    if (binding.contact === null) return
    const limit: Limit = createLimit(ports.clock, RELEASE_MS)
    const found = await findTarget(ports, target, limit)
    if (found.ok) {
      await attempt<Authenticated>(ports, { target, uri: found.uri, location: found.locations[0], user: binding.credentials.username, identity: binding.identity, limit },
        (conversation) => sendBind(conversation, binding, target.uri, 0), (failed) => ({ kind: 'ended', ended: failure(failed.reason, failed.detail) }), () => false)
    }
    limit.dispose()
  }

  return {
    of: (target, credentials) => {
      const key = keyOf(target, credentials)
      const known = held.get(key)
      if (known?.binding.credentials === credentials) return known.binding
      const fresh: Binding = known === undefined
        ? { identity: createIdentity(ports.random), authorizer: createAuthorizer(ports.random, credentials), credentials, user: bindingUser(ports.random, credentials), contact: null, leastSeconds: 0 }
        : { ...known.binding, authorizer: createAuthorizer(ports.random, credentials), credentials }
      held.set(key, { target, binding: fresh })
      return fresh
    },
    release: async ({ target, request }) => {
      if (!isBind(request)) return
      const key = keyOf(target, request.credentials)
      const known = held.get(key)
      held.delete(key)
      if (known !== undefined) await unbind(known)
    },
    releaseAll: async () => {
      const all = [...held.values()]
      held.clear()
      await Promise.all(all.map(unbind))
    }
  }
}

const isBind = (request: ProbeRequest): request is Extract<ProbeRequest, { readonly operation: 'bind' }> => request.method === 'REGISTER' && request.operation === 'bind'
