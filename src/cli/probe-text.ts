/** What `pointsman probe` says to a person: the verdict, where the time went, and every address. */
import type { BindingAnswer, ListedContact } from '../core/binding.ts'
import { PROBE_REASONS } from '../core/reasons.ts'
import type { AddressOutcome, ProbeOutcome } from '../ports.ts'
import { columns, instant, plain } from './print.ts'

export function outcomeText (uri: string, outcome: ProbeOutcome): string {
  const { reason, detail, durationMs, retransmissions, degraded } = outcome
  const again = retransmissions === 0 ? '' : `, sent again ${retransmissions} times`
  const state = degraded === null || degraded === reason ? reason : `${reason}, ${degraded}`
  return `${uri}: ${state}: ${plain(detail)} (${ms(durationMs)}${again})\n${columns(facts(outcome), '  ')}${addressesText(outcome)}`
}

function facts (outcome: ProbeOutcome): readonly (readonly string[])[] {
  const { phases } = outcome
  const times = [['resolve', phases.resolveMs], ['connect', phases.connectMs], ['TLS', phases.tlsMs], ['first response', phases.firstResponseMs]] as const
  const known = times.flatMap(([name, value]) => value === null ? [] : [`${name} ${ms(value)}`])
  return [
    ['reason', PROBE_REASONS[outcome.reason]],
    ...outcome.address === null ? [] : [['address', `${outcome.address} (${outcome.transport ?? ''})`]],
    ...known.length === 0 ? [] : [['time', known.join(', ')]],
    ...outcome.certificateExpiresAtMs === null ? [] : [['certificate', `ends ${instant(outcome.certificateExpiresAtMs)}`]],
    ...outcome.bindings === null ? [] : [['bindings', String(outcome.bindings)]],
    ...outcome.retryAfterMs === null ? [] : [['pause', `the peer asks for ${outcome.retryAfterMs / 1000} s`]]
  ]
}

/** Every address, when there are several. */
function addressesText ({ addresses }: ProbeOutcome): string {
  if (addresses.length < 2) return ''
  return `  addresses\n${columns(addresses.map((each: AddressOutcome) => [each.address ?? '', each.transport ?? '', each.reason, ms(each.durationMs), each.detail]), '    ')}`
}

function ms (value: number): string {
  return `${value.toFixed(1)} ms`
}

export function bindingsText (answer: BindingAnswer): string {
  if (answer.kind === 'refused') return `refused with ${answer.code}: wrong credentials, or a query is forbidden`
  if (answer.kind === 'unsupported') return `the registrar answered ${answer.code}: it does not answer queries`
  if (answer.kind === 'failed') return `${answer.reason}: ${plain(answer.detail)}`
  return answer.contacts.length === 0 ? 'nobody is registered' : `registered: ${answer.contacts.map(contactText).join('; ')}`
}

function contactText ({ uri, expiresSeconds }: ListedContact): string {
  return `${plain(uri)}${expiresSeconds === null ? '' : `, ${expiresSeconds} s left`}`
}
