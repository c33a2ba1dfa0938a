/** The two acts of the demo: a failover, and the way back. */
import type { InterfaceKey } from '../core/topology.ts'
import { follow } from './follow.ts'
import { missing, requiredSteps, summary } from './requirements.ts'
import type { Required } from './requirements.ts'
import type { Screen } from './screen.ts'
import type { Side } from './setup.ts'
import type { Stage } from './stage.ts'
import { seconds } from './timeline.ts'
import type { Step } from './timeline.ts'

/** What was not as it must be; empty: all was observed. */
export type Problems = readonly string[]

interface Move {
  readonly first: Step
  readonly from: Side
  readonly to: Side
  readonly begins: readonly Required[]
}

/** Cuts the path between the first gateway and the carrier and watches the trunk move. */
export async function showFailover (stage: Stage, screen: Screen, signal: AbortSignal): Promise<Problems> {
  const { setup: { a, b }, clock } = stage
  const first: Step = { key: 'fault', atMs: clock.now(), name: 'fault', subject: a.key, text: `the path between ${a.gateway} and the carrier is cut, both ways` }
  await stage.pair().a.inject({ uplink: 'cut' })
  const begins: readonly Required[] = (['fault', 'down', 'alert'] as const).map((name) => ({ name, subject: a.key }))
  return await watch(stage, screen, { first, from: a, to: b, begins }, signal)
}

/** Mends the path, waits until Pointsman would take the first gateway again, asks for the failback, and watches it. */
export async function showFailback (stage: Stage, screen: Screen, signal: AbortSignal): Promise<Problems> {
  const { setup: { a, b, trunk }, client, clock } = stage
  const mendedMs = clock.now()
  await mend(stage)
  screen.line('The path is whole again. Failback is manual, so nothing moves by itself.')
  if (!await untilUsable(stage, signal)) return [`${a.key} did not become usable again, or its alert did not end`]
  screen.line(`Waited ${seconds(clock.now() - mendedMs)} until ${a.key} was usable and its alert had ended.\n`)
  let refusal = ''
  while (!signal.aborted) {
    const atMs = clock.now()
    const answer = await client.command('failback', { trunk: trunk.id, reason: 'the path is whole again' })
    if (answer.ok) {
      const first: Step = { key: 'command', atMs, name: 'command', subject: null, text: 'POST /api/v1/commands/failback with the operator\'s token' }
      return await watch(stage, screen, { first, from: b, to: a, begins: [{ name: 'command', subject: null }] }, signal)
    }
    if (answer.message !== refusal) screen.line(`Failback is refused: ${answer.message}`)
    refusal = answer.message
    await clock.sleep(1000, signal)
  }
  return [`failback was refused: ${refusal}`]
}

/** Ends the fault. */
export async function mend (stage: Stage): Promise<void> {
  await stage.pair().a.clear()
}

async function watch (stage: Stage, screen: Screen, { first, from, to, begins }: Move, signal: AbortSignal): Promise<Problems> {
  const { setup, client, clock } = stage
  const steps = await follow({
    first,
    tell: (step) => { screen.step(step, first.atMs) },
    isEnd: (all) => all.some(({ name }) => name === 'verified' || name === 'ended')
  }, { setup, client, clock, pair: stage.pair() }, signal)
  const text = summary(steps, to.key)
  if (text !== '') screen.line(`\n${text.replaceAll(/^/gm, '  ')}`)
  return [
    ...missing(steps, requiredSteps(begins, from.key, to.key)),
    ...steps.filter(({ name }) => name === 'refused').map((step) => step.text),
    ...await wrongEnd(stage, from, to.key)
  ]
}

/** How the world differs from what it must be after a move. */
async function wrongEnd (stage: Stage, from: Side, to: InterfaceKey): Promise<Problems> {
  const { setup: { a, b, trunk }, client } = stage
  const pair = stage.pair()
  const state = { [a.key]: pair.a.state(pair.interfaceName).running, [b.key]: pair.b.state(pair.interfaceName).running }
  const holders = pair.holders().map((side) => side === 'a' ? a.key : b.key)
  const active = (await client.status()).trunks.find(({ id }) => id === trunk.id)?.active
  return [
    ...(state[from.key] === 'disabled' ? [] : [`${from.key} is ${state[from.key]} in the end`]),
    ...(state[to] === 'enabled' ? [] : [`${to} is ${state[to]} in the end`]),
    ...(holders.join() === to ? [] : [`the carrier has registered ${holders.join(', ') || 'nobody'} in the end`]),
    ...(active === to ? [] : [`Pointsman shows ${active ?? 'nothing'} as active in the end`]),
    ...(pair.carrier.overlaps() === 0 ? [] : ['two registrations were alive at the carrier at once'])
  ]
}

async function untilUsable ({ setup: { a, trunk }, client, clock }: Stage, signal: AbortSignal): Promise<boolean> {
  while (!signal.aborted) {
    const now = (await client.status()).trunks.find(({ id }) => id === trunk.id)
    if (now?.alerts.length === 0 && now.interfaces.find(({ key }) => key === a.key)?.usable === true) return true
    await clock.sleep(100, signal)
  }
  return false
}
