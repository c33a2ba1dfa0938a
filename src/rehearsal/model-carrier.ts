/** A carrier as a model: the simulator's registrar without a wire, with faults. */
import type { BindingAnswer, ContactChange } from '../core/binding.ts'
import type { Clock } from '../ports.ts'
import { createRegistrar } from '../simulator/registrar.ts'
import type { Binding, SecondContactPolicy } from '../simulator/registrar.ts'

/** What a query without Contact gets. */
export type QueryAnswer = 'lists' | 'nothing' | 'unsupported' | 'refused'

/** What a message that changes bindings gets: as a registrar should, 403, a 200 that changes nothing, or nothing at all. */
export type ChangeAnswer = 'obeys' | 'refuses' | 'lies' | 'silent'

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
  setChangeAnswer (answer: ChangeAnswer): void
  /** A REGISTER by somebody who is no gateway: all of its Contacts or none. */
  change(changes: readonly ContactChange[]): BindingAnswer | 'silent'
  /** How often two contacts came to be bound at once. */
  overlaps(): number
  /** Contacts that were refused because another one was bound, in order. */
  rivals(): readonly string[]
}

const AOR = 'sip:4930123@acme.example'

/** @param pointsmans - clock of the world; when Pointsman's is set, the carrier's is not */
export function createModelCarrier (pointsmans: Clock, onSecond: SecondContactPolicy, maxExpires: number): ModelCarrier {
  const startMs = pointsmans.now() - pointsmans.monotonicMs()
  const clock: Clock = { ...pointsmans, now: () => startMs + pointsmans.monotonicMs() }
  const registrar = createRegistrar({ onSecond, minExpires: 1, maxExpires, clock })
  const rejected = new Set<string>()
  const rivals: string[] = []
  let alive = true
  let answer: QueryAnswer = 'lists'
  let changeAnswer: ChangeAnswer = 'obeys'
  let cseq = 0

  const listed = (bindings: readonly Binding[]): BindingAnswer => ({
    kind: 'listed',
    contacts: bindings.map(({ uri, hostPort, expiresAtMs }) => ({ uri, user: '4930123', hostPort, instance: null, expiresSeconds: Math.ceil((expiresAtMs - clock.now()) / 1000) }))
  })

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
      return listed(answer === 'nothing' ? [] : registrar.bindings(AOR))
    },
    setChangeAnswer: (value) => { changeAnswer = value },
    change: (changes) => {
      if (!alive || changeAnswer === 'silent') return 'silent'
      if (changeAnswer === 'refuses') return { kind: 'refused', code: 403 }
      if (changeAnswer === 'lies') return listed(registrar.bindings(AOR))
      const result = registrar.register({ aor: AOR, callId: 'pointsman', cseq: ++cseq, contacts: changes.map(({ uri, expiresSeconds }) => ({ uri, hostPort: uri.replace(/^.*@/, ''), expiresSeconds })) })
      return result.ok ? listed(result.bindings) : { kind: 'refused', code: 403 }
    },
    overlaps: () => registrar.overlaps(),
    rivals: () => rivals
  }
}
