/** Pointsman as it is installed: built, with the options of Node that the unit of deploy/ sets; and with the gap meter in it. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Gap {
  /** How long its event loop stood still [ms]. */
  readonly wall: number
  /** CPU that its main thread used between two looks [ms]. */
  readonly own: number
}

export interface GapMeter {
  /** The built program. */
  readonly main: string
  /** To start Pointsman with. */
  readonly options: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** The largest of each second since the last call. */
  read(): readonly Gap[]
}

/** What `npm run build` makes. */
export const BUILT = join(import.meta.dirname, '../../dist/main.js')
const UNIT = join(import.meta.dirname, '../../deploy/systemd/pointsman.service')

/** Options of Node in the unit of deploy/. */
export const unitOptions = (): readonly string[] => {
  const [, options] = /^ExecStart=\/usr\/bin\/env node ((?:--\S+ )+)/m.exec(readFileSync(UNIT, 'utf8')) ?? []
  if (options === undefined) throw new Error(`${UNIT} starts node without options`)
  return options.trim().split(' ')
}

/** @param folder - for its file */
export const createGapMeter = (folder: string): GapMeter => {
  const file = join(folder, 'gaps.txt')
  writeFileSync(file, '')
  let count = 0
  return {
    main: BUILT,
    options: [...unitOptions(), `--import=${join(import.meta.dirname, 'gap-meter.js')}`],
    env: { POINTSMAN_BENCH_GAPS: file },
    read: () => {
      const lines = readFileSync(file, 'utf8').split('\n').filter((line) => line !== '')
      const fresh = lines.slice(count).map((line): Gap => {
        const [wall = NaN, own = NaN] = line.split(' ').map(Number)
        return { wall, own }
      })
      count = lines.length
      return fresh
    }
  }
}

export const worstGap = (gaps: readonly Gap[]): Gap => ({ wall: Math.max(...gaps.map(({ wall }) => wall)), own: Math.max(...gaps.map(({ own }) => own)) })
