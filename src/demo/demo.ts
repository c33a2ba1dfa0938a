/**
 * `pointsman demo`: a failover that you can watch on one machine. The carrier and both gateways are simulated; Pointsman is
 * the real one, and so are Prometheus and Alertmanager where they are installed. All times that it prints are measured.
 */
import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { systemClock, systemRandom } from '../clock.ts'
import { formatDuration } from '../config/duration.ts'
import { mend, showFailback, showFailover } from './acts.ts'
import type { Problems } from './acts.ts'
import { DemoError } from './demo-error.ts'
import { follow } from './follow.ts'
import { createScreen, differenceRows } from './screen.ts'
import type { Screen } from './screen.ts'
import { httpUrl } from './setup.ts'
import { prepareStage } from './stage.ts'
import type { Stage } from './stage.ts'
import { seconds } from './timeline.ts'

export interface DemoOptions {
  /** End after one switchover and its failback; the exit code tells whether all was observed. */
  readonly once: boolean
  readonly version: string
  /** Resolves when the demo has to end. */
  readonly stopped: Promise<unknown>
  /** Default: deploy/examples/demo.yaml. */
  readonly file?: string
  /** Where programs are looked for. Default: the environment's. */
  readonly searchPath?: string
  /** Default: standard output. */
  readonly write?: (text: string) => void
  /** Default: only on a terminal. */
  readonly colors?: boolean
}

const DEPLOY = join(import.meta.dirname, '../../deploy')
/** `once` ends within this, whatever happens. */
const ONCE_WITHIN_MS = 80_000

/** Plays the demo. @returns 0 only if everything was observed */
export async function runDemo (options: DemoOptions): Promise<0 | 1> {
  const clock = systemClock
  const stop = new AbortController()
  void options.stopped.then(() => { stop.abort() })
  const signal = options.once ? clock.deadline(ONCE_WITHIN_MS, stop.signal) : stop.signal
  const screen = createScreen(options.write ?? ((text) => { process.stdout.write(text) }), options.colors ?? process.stdout.isTTY)
  const data = await mkdtemp(join(tmpdir(), 'pointsman-demo-'))
  let stage: Stage | null = null
  let problems: Problems = ['the demo broke off']
  let isKept = false
  try {
    stage = await prepareStage({
      file: options.file ?? join(DEPLOY, 'examples/demo.yaml'),
      deploy: DEPLOY,
      data,
      searchPath: options.searchPath ?? process.env['PATH'] ?? '',
      version: options.version,
      clock,
      random: systemRandom
    })
    introduce(stage, options, screen)
    problems = await play(stage, options.once, screen, signal)
  } catch (error) {
    if (!(error instanceof DemoError)) throw error
    problems = error.message.split('\n')
  } finally {
    await stage?.stop()
    isKept = problems.length > 0 && !stop.signal.aborted && (await readdir(data)).length > 0
    if (!isKept) await rm(data, { recursive: true })
  }
  if (problems.length === 0) return 0
  screen.title(stop.signal.aborted ? 'Stopped before all was observed' : 'The demo failed')
  for (const problem of problems) screen.problem(`  ${problem}`)
  if (isKept) screen.line(`\n  Logs and data are kept in ${data}`)
  return 1
}

function introduce (stage: Stage, { version, file }: DemoOptions, screen: Screen): void {
  const { setup: { differences }, monitoring } = stage
  screen.line(`Pointsman ${version}: one trunk on two gateways at one carrier, all simulated, all on this machine.`)
  screen.title(`What ${relative('.', file ?? join(DEPLOY, 'examples/demo.yaml'))} sets that is not the default`)
  screen.table(differenceRows(differences))
  screen.title('Who sends the alerts')
  screen.line(monitoring.sentence.replaceAll(/^/gm, '  '))
  if (monitoring.differences.length > 0) {
    screen.line('  Their times that are not as in deploy/prometheus and deploy/alertmanager:\n')
    screen.table(differenceRows(monitoring.differences))
  }
}

async function play (stage: Stage, once: boolean, screen: Screen, signal: AbortSignal): Promise<Problems> {
  const { setup: { a, b, pointsman }, monitoring, clock } = stage
  screen.line('\nStarting. A registration counts as evidence only after the `registers_within` of its gateway.')
  const startMs = clock.now()
  await stage.start(signal)
  const url = httpUrl(pointsman)
  screen.title('Where to look')
  screen.table([
    ['Pointsman', `${url}/`], ['Status', `${url}/api/v1/status`], ['Decisions', `${url}/api/v1/decisions`], ['Metrics', `${url}/metrics`],
    ...monitoring.urls
  ])
  screen.title('Failover')
  screen.line(`After ${seconds(clock.now() - startMs)} all evidence is there: ${a.key} carries the trunk, ${b.key} is off and usable.`)
  screen.line(whyItTakesTime(stage))
  const failed = await showFailover(stage, screen, signal)
  if (failed.length > 0 && (once || signal.aborted)) return failed
  if (!once) return await keepRunning(stage, failed, screen, signal)
  screen.title('Failback')
  const problems = await showFailback(stage, screen, signal)
  if (problems.length === 0) screen.line(`\nAll was observed; ${a.key} carries the trunk again, and the carrier never had to refuse a second registration.`)
  return problems
}

function whyItTakesTime ({ setup: { a, trunk } }: Stage): string {
  const { expiresMs, query } = trunk.registration
  const asked = query === null ? '' : ` (asked every ${formatDuration(query.doubtIntervalMs)})`
  return `Now ${a.gateway} loses its path to the carrier; its management and its SIP address still answer Pointsman. This kind of gateway
can't say whether it is registered. What shows the fault is the carrier's registrar${asked}: it lists the registration
until ${formatDuration(expiresMs)} (\`expires\`) after the last refresh.\n`
}

/** The path is mended, and what a person does now is told until the end. */
async function keepRunning (stage: Stage, failed: Problems, screen: Screen, signal: AbortSignal): Promise<Problems> {
  const { setup, client, clock } = stage
  for (const problem of failed) screen.problem(`  ${problem}`)
  await mend(stage)
  screen.title('The path is whole again; the demo runs until Ctrl-C')
  screen.line('Failback is manual. To move the trunk back, in another terminal:\n')
  screen.line(`  npm run pointsman -- failback ${setup.trunk.id} --reason "the path is whole again" --url ${httpUrl(setup.pointsman)} --token-file ${setup.operatorTokenFile}\n`)
  const first = { key: 'mended', atMs: clock.now(), name: 'note', subject: setup.a.key, text: `the path between ${setup.a.gateway} and the carrier is whole again` } as const
  await follow({ first, tell: (step) => { screen.step(step, first.atMs) }, isEnd: () => false }, { setup, client, clock, pair: stage.pair() }, signal)
  screen.line('\nStopped.')
  return failed
}
