/** The lab: real servers, measured switchovers. Run it with `node test/lab/run.ts [--rounds=N] [SECTION...]`; see README.md here. */
import { checkAdapters } from './adapters.ts'
import { ASTERISK_RELEASES } from './asterisk-server.ts'
import { playAsterisk } from './asterisk.ts'
import { playBeacon } from './beacon.ts'
import { playDispatcher } from './dispatcher.ts'
import { checkExporter } from './exporter.ts'
import { createReport } from './report.ts'
import type { Report } from './report.ts'
import { playInnovaphone } from './innovaphone.ts'
import { LAB_PACKAGES, requirePackages } from './install.ts'
import { LANES, playLanes } from './lanes.ts'
import { INTERVALS } from './monitoring.ts'
import { enterNamespace } from './namespace.ts'
import { checkNotifications } from './notifications.ts'
import { playPair } from './pair.ts'
import { checkProber } from './prober.ts'
import { createStage } from './processes.ts'
import { playHandovers } from './handover.ts'
import { GATEWAY_KILLED, playTable, UPLINK_CUT } from './rounds.ts'
import { INTERLOCKS, startScene } from './scene.ts'
import { smoke } from './smoke.ts'
import { playSrv } from './srv.ts'
import { checkTools } from './tools.ts'
import { requireUnpacked } from './unpacked.ts'
import { playWave } from './wave.ts'

/** Six, so that each of the two pairs of gateways plays three. */
const ROUNDS = 6

/** Each section has its own processes and ends them. */
type Section = (report: Report) => Promise<void>

const onStage = (play: (report: Report, stage: ReturnType<typeof createStage>) => Promise<void>): Section => async (report) => {
  const failedBefore = report.counts().failed
  let finished = false
  const stage = createStage(() => !finished)
  try {
    await play(report, stage)
    finished = report.counts().failed === failedBefore
  } catch (error) {
    report.check(false, `the section could be played to its end: ${error instanceof Error ? error.message : String(error)}`)
  } finally {
    await stage.stopAll()
    if (!finished) report.note(`logs: ${stage.directory}`)
  }
}

const SECTIONS: Readonly<Record<string, Section>> = {
  smoke: onStage(smoke),
  adapters: onStage(checkAdapters),
  exporter: onStage(checkExporter),
  prober: onStage(checkProber),
  killed: onStage(async (report, stage) => {
    const scene = await startScene(stage, 'reject')
    await playTable(report, scene, GATEWAY_KILLED, ROUNDS)
    await checkNotifications(report, scene)
    checkTools(report, await scene.pointsman.metrics())
  }),
  uplink: onStage(async (report, stage) => {
    await playTable(report, await startScene(stage, 'replace'), UPLINK_CUT, ROUNDS)
  }),
  pair: onStage(playPair),
  handover: onStage((report, stage) => playHandovers(report, stage, roundsAsked())),
  innovaphone: onStage(playInnovaphone),
  dispatcher: onStage(playDispatcher),
  wave: onStage(playWave),
  asterisk: onStage(playAsterisk),
  srv: onStage(playSrv),
  beacon: onStage(playBeacon)
}

const left = Object.keys(SECTIONS).filter((name) => !LANES.flat().some((known) => known === name))
if (left.length > 0) throw new Error(`no lane plays ${left.join(', ')}`)

/** `--rounds=N`: rounds of each kind of handover; null: a few. @throws Error - another option, or no number */
function roundsAsked (): number | null {
  const options = process.argv.slice(2).filter((argument) => argument.startsWith('--'))
  const numbers = options.map((option) => /^--rounds=([1-9]\d{0,2})$/.exec(option)?.[1])
  if (numbers.length > 1 || numbers.includes(undefined)) throw new Error(`unknown option ${options.join(' ')}; there is --rounds=N`)
  return numbers[0] === undefined ? null : Number(numbers[0])
}

const main = async (): Promise<number> => {
  requirePackages(LAB_PACKAGES)
  const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
  if (wanted.length === 0 || wanted.includes('asterisk')) requireUnpacked('asterisk', ASTERISK_RELEASES)
  if (wanted.length === 0) return playLanes(process.argv.slice(2))
  const outer = enterNamespace()
  if (outer !== null) return outer
  const report = createReport((line) => console.log(line))
  report.note(`differs from deploy/: ${JSON.stringify(INTERVALS)}; differs from Pointsman's defaults: interlocks ${JSON.stringify(INTERLOCKS)}`)
  roundsAsked()
  for (const name of wanted) if (SECTIONS[name] === undefined) throw new Error(`no section ${name}; there are: ${Object.keys(SECTIONS).join(', ')}`)
  for (const [name, section] of Object.entries(SECTIONS)) if (wanted.includes(name)) await section(report)
  const { passed, failed } = report.counts()
  console.log(`\n${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0 ? 0 : 1
}

try {
  process.exit(await main())
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
