/** Two senders: one looks at the status and posts as the shipped alert rules would, one posts a stream of anything. */
import { evaluate } from '../../src/demo/stand-in.ts'
import type { HeldAlert } from '../../src/demo/stand-in.ts'
import { sleep } from '../lab/wait.ts'
import type { Dice } from './dice.ts'
import type { Ledger } from './ledger.ts'
import type { Victim } from './victim.ts'

const LOOK_MS = 150
const STREAM_MS = 30

/** Posts SipTrunkDown while an enabled interface is down, and its end, until `signal` aborts. Repeats what was not acknowledged. */
export async function monitor (victim: Victim, ledger: Ledger, dice: Dice, signal: AbortSignal): Promise<void> {
  let alerts: readonly HeldAlert[] = []
  while (!signal.aborted) {
    const status = await victim.status()
    if (status !== null) {
      alerts = evaluate(alerts, status.trunks, victim.url, Date.now())
      const sent = await Promise.all(alerts.map(async (alert) => alert.delivered || await ledger.post(alert, dice.chance(0.2) ? 2 : 1)))
      alerts = alerts.map((alert, index) => ({ ...alert, delivered: sent[index] === true }))
    }
    await sleep(LOOK_MS)
  }
}

/** Posts alerts with a name of their own, some twice, some resolved later; a few name a gateway that is well. */
export async function stream (gateways: readonly { readonly trunk: string; readonly gateway: string }[], ledger: Ledger, dice: Dice, signal: AbortSignal): Promise<void> {
  let number = 0
  const open: HeldAlert[] = []
  const pending = new Set<Promise<unknown>>()
  while (!signal.aborted) {
    number += 1
    const target = dice.pick(gateways)
    const resolves = open.length > 0 && dice.chance(0.4)
    const fresh: HeldAlert = {
      labels: { alertname: dice.chance(0.05) ? 'SipTrunkDown' : 'Noise', number: String(number), ...target }, startsAtMs: Date.now(), endsAtMs: null, delivered: false
    }
    const alert = resolves ? { ...open.shift()!, endsAtMs: Date.now() } : fresh
    const work = ledger.post(alert, dice.chance(0.2) ? 2 : 1).then((all) => { if (all && !resolves) open.push(alert) })
    pending.add(work)
    void work.finally(() => { pending.delete(work) })
    await sleep(STREAM_MS)
  }
  await Promise.all(pending)
}
