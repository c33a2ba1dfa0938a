/** The whole lab in two lanes side by side, each in processes and a network of its own: most of its time is waiting. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'

/** What measures switchovers against a limit, and the rest. */
export const LANES = [
  ['killed', 'uplink', 'handover', 'innovaphone', 'dispatcher', 'wave'],
  ['smoke', 'adapters', 'exporter', 'prober', 'pair', 'asterisk', 'srv', 'beacon']
] as const

interface Lane { readonly code: number | null; readonly output: string }

/** @param tell - gets the output as it comes */
const playLane = (sections: readonly string[], options: readonly string[], tell: (text: string) => void): Promise<Lane> => new Promise((resolve, reject) => {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'run.ts'), ...options, ...sections], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    tell(text)
  })
  child.once('error', reject)
  child.once('close', (code) => { resolve({ code, output }) })
})

/** Plays all sections; the second lane is printed when it has ended. @returns the exit code */
export const playLanes = async (options: readonly string[]): Promise<number> => {
  console.log('two lanes side by side; what the second one says comes at the end')
  const [first, second] = await Promise.all([
    playLane(LANES[0], options, (text) => { process.stdout.write(text) }),
    playLane(LANES[1], options, () => {})
  ])
  console.log(second.output)
  const counts = [first, second].map(({ code, output }) => {
    const last = [...output.matchAll(/^(\d+) passed, (\d+) failed$/gm)].at(-1)
    // A lane that broke off has failed, whatever it had counted.
    return last === undefined ? { passed: 0, failed: 1 } : { passed: Number(last[1]), failed: Math.max(Number(last[2]), code === 0 ? 0 : 1) }
  })
  const [passed, failed] = [counts.reduce((sum, one) => sum + one.passed, 0), counts.reduce((sum, one) => sum + one.failed, 0)]
  console.log(`\n${passed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}
