/** `pointsman probe`: one probe, now, from this machine. */
import { parseSipUri } from '../config/address.ts'
import { DEFAULT_POLICY } from '../core/judgement.ts'
import type { BindingAnswer, ListedContact } from '../core/binding.ts'
import type { ProbeOutcome, SipClient, SipTarget } from '../ports.ts'
import { createSecret } from '../secret.ts'
import { FAILED, OK, UsageError } from './command.ts'
import type { Command, ExitCode, Invocation } from './command.ts'
import { duration, operands, OUTPUT, readSecretFile, requiredText, text } from './options.ts'
import { json, plain } from './print.ts'

export const probe: Command = {
  name: 'probe',
  operands: 'TARGET',
  summary: 'Probe a SIP address once.',
  description: `TARGET is a SIP URI like sip:10.0.1.10. OPTIONS asks whether it lives. REGISTER asks the registrar, without
a Contact, who holds the binding of an account; it changes nothing. Exit code 0 when the peer answered well, 1 when not.`,
  options: {
    method: { value: 'OPTIONS|REGISTER', help: 'What to send.', default: 'OPTIONS' },
    timeout: { value: 'DURATION', help: 'Deadline of the whole probe.', default: '2s' },
    'local-address': { value: 'ADDRESS', help: 'Address to send from.' },
    aor: { value: 'URI', help: 'REGISTER: the account; default: the user name at the target.' },
    username: { value: 'NAME', help: 'REGISTER: the user name.' },
    'password-file': { value: 'FILE', help: 'REGISTER: file with the password.' },
    ...OUTPUT
  },
  run: async (invocation) => {
    const { values, deps } = invocation
    const method = requiredText(values, 'method').toUpperCase()
    if (method !== 'OPTIONS' && method !== 'REGISTER') throw new UsageError('--method must be OPTIONS or REGISTER')
    const target = targetOf(invocation)
    const timeoutMs = duration(values, 'timeout')
    const send = method === 'OPTIONS' ? sendOptions(target, timeoutMs, invocation) : await queryBindings(target, timeoutMs, invocation)
    const client = deps.createSipClient()
    try {
      return await send(client)
    } finally {
      await client.close()
    }
  }
}

type Send = (client: SipClient) => Promise<ExitCode>

function targetOf ({ values, positionals }: Invocation): SipTarget {
  const [given] = operands(positionals, 1)
  if (given === undefined) throw new UsageError('TARGET is missing')
  const uri = sipUri(given.includes(':') && /^sips?:/i.test(given) ? given : `sip:${given}`, 'TARGET')
  const aor = text(values, 'aor')
  const localAddress = text(values, 'local-address')
  return { uri, ...(aor === undefined ? {} : { aor: sipUri(aor, '--aor') }), ...(localAddress === undefined ? {} : { localAddress }) }
}

function sipUri (given: string, what: string): string {
  const parsed = parseSipUri(given)
  if (!parsed.ok) throw new UsageError(`${what} ${parsed.message} (${parsed.hint})`)
  return parsed.value.uri
}

function sendOptions (target: SipTarget, timeoutMs: number, { values, io }: Invocation): Send {
  return async (client) => {
    const outcome = await client.probe({ target, request: { method: 'OPTIONS' }, policy: DEFAULT_POLICY }, timeoutMs, new AbortController().signal)
    io.stdout(values['output'] === 'json' ? json({ target: target.uri, ...outcome }) : optionsText(target, outcome))
    return outcome.reason === 'alive' ? OK : FAILED
  }
}

function optionsText ({ uri }: SipTarget, { reason, detail, durationMs, retransmissions }: ProbeOutcome): string {
  const again = retransmissions === 0 ? '' : `, sent again ${retransmissions} times`
  return `${uri}: ${reason}: ${plain(detail)} (${durationMs.toFixed(1)} ms${again})\n`
}

async function queryBindings (target: SipTarget, timeoutMs: number, { values, io }: Invocation): Promise<Send> {
  const username = requiredText(values, 'username')
  const password = createSecret(await readSecretFile(requiredText(values, 'password-file')))
  const aor = target.aor ?? `sip:${username}@${target.uri.replace(/^sip:([^@]*@)?/i, '')}`
  return async (client) => {
    const answer = await client.queryBindings({ ...target, aor }, { username, password }, timeoutMs, new AbortController().signal)
    io.stdout(values['output'] === 'json' ? json({ target: target.uri, aor, ...answer }) : `${aor}: ${bindingText(answer)}\n`)
    return answer.kind === 'listed' ? OK : FAILED
  }
}

function bindingText (answer: BindingAnswer): string {
  if (answer.kind === 'refused') return `refused with ${answer.code}: wrong credentials, or a query is forbidden`
  if (answer.kind === 'unsupported') return `the registrar answered ${answer.code}: it does not answer queries`
  if (answer.kind === 'failed') return `${answer.reason}: ${plain(answer.detail)}`
  return answer.contacts.length === 0 ? 'nobody is registered' : `registered: ${answer.contacts.map(contactText).join('; ')}`
}

function contactText ({ uri, expiresSeconds }: ListedContact): string {
  return `${plain(uri)}${expiresSeconds === null ? '' : `, ${expiresSeconds} s left`}`
}
