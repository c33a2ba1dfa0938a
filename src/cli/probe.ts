/** `pointsman probe`: one probe, now, from this machine. */
import type { ProbeConfig } from '../config/config.ts'
import { collectCodes, parseCodes } from '../config/codes.ts'
import { ALIVE_PRESETS, DEFAULT_POLICY, type AlivePolicy } from '../core/judgement.ts'
import { ALIVE_PROBE_REASONS } from '../core/reasons.ts'
import type { DurationMs } from '../core/topology.ts'
import type { SipClient, SipCredentials, SipProbe, SipTarget } from '../ports.ts'
import { createSecret } from '../secret.ts'
import { FAILED, OK, UsageError } from './command.ts'
import type { Command, ExitCode, Invocation } from './command.ts'
import { duration, operands, OUTPUT, readSecretFile, requiredText, text } from './options.ts'
import { json } from './print.ts'
import { nagiosLine, nagiosState } from './probe-nagios.ts'
import { bindingsText, outcomeText } from './probe-text.ts'
import { readTarget, SENDING, sipUri } from './probe-target.ts'
import { createTracer } from './probe-trace.ts'

export const probe: Command = {
  name: 'probe',
  operands: 'TARGET',
  summary: 'Probe a SIP address once.',
  description: `TARGET is a SIP URI like sip:10.0.1.10, or only its address. OPTIONS asks whether it lives. REGISTER asks the registrar,
without a Contact, who holds the binding of an account; it changes nothing. Nothing is bound from here.
Exit code 0 when the peer lives, 1 when it doesn't or nobody can tell; with --nagios 0 OK, 1 WARNING (alive, but slow or
only after a retransmission), 2 CRITICAL, 3 UNKNOWN (the probe says nothing about the peer).`,
  options: {
    method: { value: 'OPTIONS|REGISTER', help: 'What to send.', default: 'OPTIONS' },
    timeout: { value: 'DURATION', help: 'Deadline of the whole probe; default 2s.' },
    alive: { value: 'CODES', help: 'Codes that count as alive, like default, strict, 2xx,404 or any-response,!503.' },
    slow: { value: 'DURATION', help: 'A probe that takes longer is degraded.' },
    aor: { value: 'URI', help: 'From and To; of REGISTER the account; default: the user name at the target.' },
    username: { value: 'NAME', help: 'User name for digest authentication.' },
    'password-file': { value: 'FILE', help: 'File with the password.' },
    ...SENDING,
    probe: { value: 'NAME', help: 'Take everything else from this probe of the configuration.' },
    'config.file': { value: 'FILE', help: 'The configuration of --probe.', default: 'pointsman.yaml' },
    trace: { help: 'Print what is sent and received, without secrets.' },
    nagios: { help: 'One line and exit codes as monitoring plugins have them.' },
    ...OUTPUT
  },
  run: async (invocation) => {
    const { values, deps, io } = invocation
    const plan = await readPlan(invocation)
    const tracer = values['trace'] === true ? createTracer(deps.clock, io) : undefined
    const client = deps.createSipClient(tracer)
    try {
      return plan.probe.request.method === 'REGISTER' ? await askBindings(client, plan, invocation) : await sendProbe(client, plan, invocation)
    } finally {
      await client.close()
    }
  }
}

interface Plan {
  readonly probe: SipProbe
  readonly timeoutMs: DurationMs
}

const DEFAULT_TIMEOUT_MS = 2000

async function readPlan (invocation: Invocation): Promise<Plan> {
  const { values, positionals } = invocation
  const [given] = operands(positionals, 1)
  if (given === undefined) throw new UsageError('TARGET is missing')
  const uri = sipUri(/^sips?:/i.test(given) ? given : `sip:${given}`, 'TARGET')
  const timeoutMs = values['timeout'] === undefined ? null : duration(values, 'timeout')
  const name = text(values, 'probe')
  if (name !== undefined) return fromConfiguration(name, uri, timeoutMs, invocation)
  const method = requiredText(values, 'method').toUpperCase()
  if (method !== 'OPTIONS' && method !== 'REGISTER') throw new UsageError('--method must be OPTIONS or REGISTER')
  const target: SipTarget = { ...await readTarget(values), uri }
  const policy = readPolicy(invocation, method)
  const credentials = await readCredentials(invocation, method)
  const request: SipProbe['request'] = method === 'OPTIONS'
    ? { method, ...credentials === null ? {} : { credentials } }
    : { method, operation: 'query', credentials: credentials ?? nobody() }
  return { probe: { target, request, policy }, timeoutMs: timeoutMs ?? DEFAULT_TIMEOUT_MS }
}

/** A probe that binds asks only, when it is sent from here. */
async function fromConfiguration (name: string, uri: string, timeoutMs: DurationMs | null, { values, deps }: Invocation): Promise<Plan> {
  const file = requiredText(values, 'config.file')
  const loaded = await deps.loadConfig(file)
  if (!loaded.ok) throw new UsageError(`${file} has problems; pointsman check-config tells them`)
  const module = loaded.config.modules.get(name) ?? loaded.config.probes.find((each: ProbeConfig) => each.module === name)
  if (module === undefined) throw new UsageError(`${file} has no probe "${name}" that can be sent to any address`)
  const sender = 'sender' in module ? module.sender : module.target
  const request: SipProbe['request'] = module.request.method === 'REGISTER' ? { method: 'REGISTER', operation: 'query', credentials: module.request.credentials } : module.request
  return { probe: { target: { ...sender, uri }, request, policy: module.policy }, timeoutMs: timeoutMs ?? module.thresholds.timeoutMs }
}

function readPolicy ({ values }: Invocation, method: 'OPTIONS' | 'REGISTER'): AlivePolicy {
  const list = text(values, 'alive')?.split(',')
  const unknown = list?.find((code) => parseCodes(code) === null)
  if (unknown !== undefined) throw new UsageError('--alive must be presets, codes or ranges like default, strict, 2xx, 404, 480-489, !503, with commas between them')
  const usual = method === 'OPTIONS' ? ALIVE_PRESETS.default : ALIVE_PRESETS['2xx']
  return { ...DEFAULT_POLICY, alive: list === undefined ? usual : collectCodes(list), retransmitted: 1, slowMs: values['slow'] === undefined ? null : duration(values, 'slow') }
}

async function readCredentials ({ values }: Invocation, method: 'OPTIONS' | 'REGISTER'): Promise<SipCredentials | null> {
  if (method === 'OPTIONS' && values['username'] === undefined) return null
  const username = requiredText(values, 'username')
  return { username, password: createSecret(await readSecretFile(requiredText(values, 'password-file'))) }
}

/** readCredentials has thrown before. */
function nobody (): never {
  throw new UsageError('--username is required')
}

async function sendProbe (client: SipClient, { probe, timeoutMs }: Plan, { values, io }: Invocation): Promise<ExitCode> {
  const outcome = await client.probe(probe, timeoutMs, new AbortController().signal)
  const { uri } = probe.target
  if (values['nagios'] === true) {
    io.stdout(nagiosLine(outcome, probe.policy))
    return nagiosState(outcome)
  }
  io.stdout(values['output'] === 'json' ? json({ target: uri, ...outcome }) : outcomeText(uri, outcome))
  return ALIVE_PROBE_REASONS.has(outcome.reason) ? OK : FAILED
}

/** A query is a probe, too; its text tells the holders, which a probe only counts. */
async function askBindings (client: SipClient, plan: Plan, invocation: Invocation): Promise<ExitCode> {
  const { values, io } = invocation
  const { probe: { target, request }, timeoutMs } = plan
  if (values['nagios'] === true || request.credentials === undefined) return sendProbe(client, plan, invocation)
  const { credentials } = request
  const aor = target.aor ?? `${/^sips?/i.exec(target.uri)?.[0] ?? 'sip'}:${credentials.username}@${target.uri.replace(/^sips?:([^@]*@)?/i, '').replace(/;.*$/, '')}`
  const answer = await client.queryBindings({ ...target, aor }, credentials, timeoutMs, new AbortController().signal)
  io.stdout(values['output'] === 'json' ? json({ target: target.uri, aor, ...answer }) : `${aor}: ${bindingsText(answer)}\n`)
  return answer.kind === 'listed' ? OK : FAILED
}
