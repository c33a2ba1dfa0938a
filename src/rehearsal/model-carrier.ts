/** A carrier as a model: the simulator's registrar without a wire, with faults. */
import type { BindingAnswer } from '../core/binding.ts'
import type { Clock } from '../ports.ts'
import { createRegistrar } from '../simulator/registrar.ts'
import type { SecondContactPolicy } from '../simulator/registrar.ts'

/** What a query without Contact gets. */
export type QueryAnswer = 'lists' | 'nothing' | 'unsupported' | 'refused'

export interface ModelCarrier {
  /** The edge: OPTIONS, REGISTER and queries get no answer while it is dead. */
  setAlive (alive: boolean): void
  alive(): boolean
  /** This contact's account is refused, whatever is bound. */
  setRejects (hostPort: string, rejects: boolean): void
  setQueryAnswer (answer: QueryAnswer): void
  /** A gateway's REGISTER; lifetime 0 removes. */
  register(hostPort: string, expiresSeconds: number): 'bound' | 'refused' | 'silent'
  /** Contacts bound now. */
  bound(): readonly string[]
  query(): BindingAnswer | 'silent'
  /** How often two contacts came to be bound at once. */
  overlaps(): number
  /** Contacts that were refused because another one was bound, in order. */
  rivals(): readonly string[]
}

const AOR = 'sip:4930123@acme.example'

export function createModelCarrier (clock: Clock, onSecond: SecondContactPolicy, maxExpires: number): ModelCarrier {
  const registrar = createRegistrar({ onSecond, minExpires: 1, maxExpires, clock })
  const rejected = new Set<string>()
  const rivals: string[] = []
  let alive = true
  let answer: QueryAnswer = 'lists'
  let cseq = 0

  return {
    setAlive: (value) => { alive = value },
    alive: () => alive,
    setRejects: (hostPort, rejects) => {
      if (rejects) rejected.add(hostPort)
      else rejected.delete(hostPort)
    },
    setQueryAnswer: (value) => { answer = value },
    register: (hostPort, expiresSeconds) => {
      if (!alive) return 'silent'
      if (rejected.has(hostPort)) return 'refused'
      const result = registrar.register({ aor: AOR, callId: hostPort, cseq: ++cseq, contacts: [{ uri: `sip:4930123@${hostPort}`, hostPort, expiresSeconds }] })
      if (!result.ok) rivals.push(hostPort)
      return result.ok ? 'bound' : 'refused'
    },
    bound: () => registrar.bindings(AOR).map((binding) => binding.hostPort),
    query: () => {
      if (!alive) return 'silent'
      if (answer === 'unsupported') return { kind: 'unsupported', code: 405, retryAfterMs: null }
      if (answer === 'refused') return { kind: 'refused', code: 403 }
      const bindings = answer === 'nothing' ? [] : registrar.bindings(AOR)
      return {
        kind: 'listed',
        contacts: bindings.map(({ uri, hostPort, expiresAtMs }) => ({ uri, user: '4930123', hostPort, instance: null, expiresSeconds: Math.ceil((expiresAtMs - clock.now()) / 1000) }))
      }
    },
    overlaps: () => registrar.overlaps(),
    rivals: () => rivals
  }
}
