/**
 * A gateway as a model: stored and running state apart, a registration client with the kind's timers, and faults. It knows
 * nothing of Pointsman; `model-driver.ts` puts it behind the driver port.
 */
import type { AdminState, Observation } from '../core/observation.ts'
import type { Clock } from '../ports.ts'
import type { ModelCarrier } from './model-carrier.ts'

/**
 * `dead` no power: nothing answers, registers or keeps its running state · `frozen` accepts commands, answers nothing, and
 * executes them after the thaw; its voice stands still too · `uplink-cut` no way between it and the carrier · `unseen` no way
 * between it and Pointsman · `management-dead` / `sip-dead` only that service · `account-refused` 401 on every call ·
 * `no-interface` the interface was removed from its configuration · `refuses-commands` reads work, commands get an error ·
 * `lies` commands are answered well and not executed · `slow` every answer takes seconds.
 */
export type Fault = 'dead' | 'frozen' | 'uplink-cut' | 'unseen' | 'management-dead' | 'sip-dead' | 'account-refused' | 'no-interface' | 'refuses-commands' | 'lies' | 'slow'

/** How one kind of gateway behaves towards the carrier. */
export interface Behaviour {
  /** Registers only at the ticks of a timer [s]; null: at once. */
  readonly tickSeconds: number | null
  /** Refreshes when less than this is left of the lifetime. [s] */
  readonly refreshSeconds: number
  /** Tries again after a failure; null: gives the interface up. [s] */
  readonly retrySeconds: number | null
  /** Disabling sends an un-REGISTER. */
  readonly unregisters: boolean
  /** Says whether it is registered and whether it reaches the carrier. */
  readonly tells: boolean
  /** State after a boot; `stored`: as last written. */
  readonly boots: AdminState | 'stored'
}

export interface ModelGateway {
  readonly id: string
  readonly contact: string
  inject(fault: Fault): void
  heal(fault: Fault): void
  has(fault: Fault): boolean
  /** State of the next boot; default by kind. */
  setBoots(boots: AdminState | 'stored'): void
  /** Its SIP address answers OPTIONS. */
  voiceLives(): boolean
  /** Enabled by its running state; a gateway without power has none. A self-disabled one counts. */
  runs(): boolean
  /** It is meant to carry the trunk: running, or stored while it is without power. */
  intends(): boolean
  read(): Observation
  /** Executes a command now; a frozen one does it after the thaw. */
  write(desired: AdminState): void
  reregister(): void
  /** Calls in progress, where its kind tells them. */
  setCalls(calls: number): void
  /** Lets its timers run up to now. */
  tick(): void
}

export interface GatewayOptions {
  readonly id: string
  readonly contact: string
  readonly behaviour: Behaviour
  readonly enabled: boolean
  /** Lifetime that it asks for; null: the carrier knows it by its address, and it registers nothing. [s] */
  readonly expires: number | null
  readonly clock: Clock
  readonly carrier: ModelCarrier
}

/** The dispatcher's pings need this long to turn their mind. [ms] */
const PATH_MS = 10_000

export function createModelGateway (options: GatewayOptions): ModelGateway {
  const { id, contact, behaviour, clock, carrier } = options
  const faults = new Set<Fault>()
  const late: (() => void)[] = []
  const startMs = clock.monotonicMs()
  let boots = behaviour.boots
  let stored: AdminState = options.enabled ? 'enabled' : 'disabled'
  let running = stored
  let gaveUp = false
  let calls = 0
  /** End of the lifetime that it believes in; 0: not registered. */
  let boundUntilMs = 0
  let dueMs = startMs
  let lastTick = 0
  let path: 'up' | 'down' = 'up'
  let pathTurnsMs: number | null = null

  const powered = (): boolean => !faults.has('dead')
  const reaches = (): boolean => powered() && !faults.has('uplink-cut') && carrier.alive()

  const attempt = (nowMs: number): void => {
    if (options.expires === null) return
    const result = reaches() ? carrier.register(contact, options.expires) : 'silent'
    if (result === 'bound') {
      boundUntilMs = nowMs + options.expires * 1000
      dueMs = boundUntilMs - behaviour.refreshSeconds * 1000
      return
    }
    if (result === 'refused') boundUntilMs = 0
    if (behaviour.retrySeconds === null) { gaveUp = true; boundUntilMs = 0 } else dueMs = nowMs + behaviour.retrySeconds * 1000
  }
  const execute = (desired: AdminState): void => {
    stored = desired
    running = desired
    gaveUp = false
    if (desired === 'enabled') dueMs = clock.monotonicMs()
    else if (behaviour.unregisters && boundUntilMs > 0 && reaches()) carrier.register(contact, 0)
    if (desired === 'disabled') boundUntilMs = 0
  }
  const boot = (): void => {
    running = boots === 'stored' ? stored : boots
    if (!behaviour.tells) stored = running
    gaveUp = false
    boundUntilMs = 0
    dueMs = clock.monotonicMs()
  }
  const watchPath = (nowMs: number): void => {
    const seen = reaches() ? 'up' : 'down'
    if (seen === path) { pathTurnsMs = null; return }
    pathTurnsMs ??= nowMs + PATH_MS
    if (nowMs < pathTurnsMs) return
    path = seen
    pathTurnsMs = null
  }

  return {
    id,
    contact,
    inject: (fault) => { faults.add(fault) },
    heal: (fault) => {
      if (!faults.delete(fault)) return
      if (fault === 'dead') boot()
      if (fault === 'frozen') for (const command of late.splice(0)) command()
    },
    has: (fault) => faults.has(fault),
    setBoots: (value) => { boots = value },
    voiceLives: () => powered() && !faults.has('frozen') && !faults.has('sip-dead'),
    runs: () => powered() && !faults.has('no-interface') && running === 'enabled',
    intends: () => !faults.has('no-interface') && running === 'enabled',
    read: () => {
      if (faults.has('no-interface')) return { present: false, admin: 'disabled', registered: null, path: null }
      const admin = behaviour.tells ? running : stored
      return {
        present: true,
        admin: admin === 'enabled' && gaveUp ? 'self-disabled' : admin,
        registered: behaviour.tells ? admin === 'enabled' && !gaveUp && boundUntilMs > clock.monotonicMs() : null,
        path: behaviour.tells ? path : null,
        ...(behaviour.tells ? { calls } : {})
      }
    },
    write: (desired) => {
      if (faults.has('frozen')) late.push(() => { execute(desired) })
      else if (powered()) execute(desired)
    },
    setCalls: (number) => { calls = number },
    reregister: () => { if (powered() && running === 'enabled') { gaveUp = false; dueMs = clock.monotonicMs() } },
    tick: () => {
      const nowMs = clock.monotonicMs()
      if (!powered() || faults.has('frozen')) return
      watchPath(nowMs)
      const count = behaviour.tickSeconds === null ? 0 : Math.floor((nowMs - startMs) / (behaviour.tickSeconds * 1000))
      const ticks = behaviour.tickSeconds === null || count > lastTick || nowMs === startMs
      lastTick = count
      if (ticks && running === 'enabled' && !gaveUp && !faults.has('sip-dead') && !faults.has('no-interface') && nowMs >= dueMs) attempt(nowMs)
    }
  }
}
