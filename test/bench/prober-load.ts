/** Ten thousand targets: what they cost, whether each is probed in time, and what happens when all of them fall silent. */
import { startPointsman } from '../lab/pointsman.ts'
import type { Stage } from '../lab/processes.ts'
import { sleep, until } from '../lab/wait.ts'
import { createGapMeter, worstGap, type Gap } from './gaps.ts'
import { cpuSeconds, residentMiB } from './process-usage.ts'
import { startUas, targetAddress, type UasReport } from './uas.ts'

const TARGETS = Number(process.env['BENCH_TARGETS'] ?? 10_000)
const SECONDS = Number(process.env['BENCH_SECONDS'] ?? 120)
const INTERVAL_MS = 10_000
const JITTER = 0.05
const LATE_MS = 100
const AIMS = { cores: 0.35, residentMiB: 300, lateOrLost: 0, gapMs: 50, growthMiB: 10 }
const AT = { host: '127.0.32.6', port: 9867 }

const configuration = (): Record<string, unknown> => ({
  probes: { options: { method: 'OPTIONS', interval: '10s', timeout: '2s' } },
  targets: Array.from({ length: TARGETS }, (_, index) => ({ uri: `sip:${targetAddress(index)}`, probe: 'options' }))
})

/** Samples memory every second until stopped; [MiB]. */
const watchMemory = (pid: number): { readonly stop: () => readonly number[] } => {
  const samples: number[] = []
  const timer = setInterval(() => samples.push(residentMiB(pid)), 1000)
  return { stop: () => { clearInterval(timer); return samples } }
}

/** Probes that ended otherwise than alive, since its start. */
const failures = async (): Promise<number> => {
  const text = await (await fetch(`http://${AT.host}:${AT.port}/metrics`)).text()
  return [...text.matchAll(/^pointsman_probe_results_total\{.*reason="(?!alive)[^"]+"\} (\d+)$/gm)].reduce((sum, [, count]) => sum + Number(count), 0)
}

const isEach = (requests: readonly number[], least: number): boolean => requests.length === TARGETS && requests.every((count) => count >= least)

const line = (name: string, value: string, aim: string, isMet: boolean): boolean => {
  console.log(`${name.padEnd(34)} ${value.padStart(24)}   ${aim}: ${isMet ? 'met' : 'missed'}`)
  return isMet
}

const judgeLoad = (used: { readonly cpu: number, readonly wallMs: number, readonly memory: readonly number[], readonly failed: number }, seen: UasReport): boolean => {
  const probes = seen.requests.reduce((a, b) => a + b, 0)
  const late = seen.gaps.filter((gap) => gap > INTERVAL_MS * (1 + JITTER) + LATE_MS).length
  // A target that was asked less often than its longest interval allows.
  const expected = Math.floor(used.wallMs / (INTERVAL_MS * (1 + JITTER))) - 1
  const missing = seen.requests.filter((count) => count < expected).length
  const cores = used.cpu * 1000 / used.wallMs
  console.log(`${probes} probes of ${TARGETS} targets in ${(used.wallMs / 1000).toFixed(0)} s; ${(used.cpu / probes * 1e6).toFixed(0)} µs CPU each, all of Pointsman included`)
  return [
    line('CPU', `${(cores * 100).toFixed(1)} % of one core`, `at most ${AIMS.cores * 100} %`, cores <= AIMS.cores),
    line('memory (RSS)', `${Math.max(...used.memory).toFixed(0)} MiB`, `at most ${AIMS.residentMiB} MiB`, Math.max(...used.memory) <= AIMS.residentMiB),
    line('not answered as sent first', `${used.failed} (sent again: ${seen.retransmissions})`, 'none', used.failed === AIMS.lateOrLost),
    line(`later than ${LATE_MS} ms, or left out`, `${late}, ${missing}`, 'none', late + missing === AIMS.lateOrLost),
    line('longest distance of two probes', `${Math.max(...seen.gaps).toFixed(0)} ms`, `at most ${INTERVAL_MS * (1 + JITTER) + LATE_MS} ms`, late === 0)
  ].every(Boolean)
}

/** The server stops answering between two probes; Pointsman must not notice it in its memory or its loop. */
const judgeSilence = (memory: readonly number[], gaps: readonly Gap[]): boolean => {
  const interval = INTERVAL_MS / 1000 * 2
  const { wall, own } = worstGap(gaps)
  const [first, later] = [Math.max(...memory.slice(0, interval)), Math.max(...memory.slice(interval))]
  return [
    line('memory in the first two intervals', `${first.toFixed(0)} MiB`, 'printed', true),
    line('memory after them', `${later.toFixed(0)} MiB`, `at most ${AIMS.growthMiB} MiB more`, later <= first + AIMS.growthMiB),
    line('largest gap of the event loop', `${wall.toFixed(1)} ms`, `at most ${AIMS.gapMs} ms`, wall <= AIMS.gapMs),
    line('own CPU in one turn', `${own.toFixed(1)} ms`, 'printed', true)
  ].every(Boolean)
}

export const benchLoad = async (stage: Stage): Promise<boolean> => {
  console.log(`\n## ${TARGETS} targets at an interval of 10 s, against SIP servers in another process`)
  const meter = createGapMeter(stage.folder('load'))
  const uas = await startUas(0, TARGETS)
  const pointsman = await startPointsman(stage, 'prober', AT, configuration(), meter)
  const { pid } = pointsman.process
  try {
    await until('two probes of every target', async () => isEach((await uas.ask('report')).requests, 2), 60_000, 1000)
    const failedBefore = await failures()
    await uas.ask('reset')
    const memory = watchMemory(pid)
    const [cpu, start] = [cpuSeconds(pid), performance.now()]
    await sleep(SECONDS * 1000)
    const used = { cpu: cpuSeconds(pid) - cpu, wallMs: performance.now() - start, memory: memory.stop(), failed: await failures() - failedBefore }
    const isLoadMet = judgeLoad(used, await uas.ask('report'))

    console.log('\n## all of them fall silent at once')
    meter.read()
    await uas.ask('mute')
    const silentMemory = watchMemory(pid)
    await sleep(Math.max(60_000, SECONDS * 500))
    const silence = silentMemory.stop()
    const gaps = meter.read()
    const failed = await failures() - failedBefore
    if (failed < TARGETS) throw new Error(`only ${failed} probes noticed the silence`)
    return [isLoadMet, judgeSilence(silence, gaps)].every(Boolean)
  } finally {
    await pointsman.process.stop()
    await uas.stop()
  }
}
