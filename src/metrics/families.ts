/**
 * What is read at a scrape, as text. prom-client keeps each series as an object and prints a family in one go: with ten
 * thousand trunks that holds up everything else for half a second and more. Here a series is a line at once, and who adds
 * lines may pause between two objects; lines of one family come together in the end, as the formats demand.
 */
import { CHUNK_BYTES, type ChunkPool } from './chunk-pool.ts'
import type { LabelText } from './label-text.ts'

export interface FamilyDefinition {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
}

export interface Families {
  /** One series. @throws when the catalogue has no such metric */
  add(name: string, labels: LabelText, value: number): void
  /** Series that are lines already, each with its end. @throws as `add` */
  addLines(name: string, lines: string): void
  /** Everything, in the order of the definitions; valid until `release`. */
  chunks(format: 'text' | 'openmetrics'): readonly Buffer[]
  /** Its memory goes back to the pool. */
  release(): void
}

/** Text is turned into bytes at this length, while it is young. */
const TEXT_LENGTH = 4096
/** Of UTF-8, for one unit of text. */
const MOST_BYTES = 3

interface Family {
  readonly definition: FamilyDefinition
  /** Full ones, as far as they are written. */
  readonly written: Buffer[]
  chunk: Buffer | null
  /** Bytes of `chunk`. */
  used: number
  text: string
}

export function createFamilies (definitions: readonly FamilyDefinition[], pool: ChunkPool): Families {
  const families = new Map(definitions.map((definition): readonly [string, Family] => [definition.name, { definition, written: [], chunk: null, used: 0, text: '' }]))
  const taken: Buffer[] = []

  const endChunk = (family: Family): void => {
    if (family.chunk !== null) family.written.push(family.chunk.subarray(0, family.used))
    Object.assign(family, { chunk: null, used: 0 })
  }

  const flush = (family: Family): void => {
    const { text } = family
    family.text = ''
    const isSmall = family.chunk === null && text.length <= TEXT_LENGTH
    // A short family needs no chunk; a line that is longer than one doesn't fit.
    if (isSmall || MOST_BYTES * text.length > CHUNK_BYTES) {
      endChunk(family)
      family.written.push(Buffer.from(text))
      return
    }
    if (family.used + MOST_BYTES * text.length > CHUNK_BYTES) endChunk(family)
    if (family.chunk === null) {
      family.chunk = pool.take()
      taken.push(family.chunk)
    }
    family.used += family.chunk.write(text, family.used)
  }

  const addLines = (name: string, lines: string): void => {
    const family = families.get(name)
    if (family === undefined) throw new Error(`the catalogue has no metric ${name} that is read at a scrape`)
    family.text += lines
    if (family.text.length > TEXT_LENGTH) flush(family)
  }

  return {
    add: (name, labels, value) => { addLines(name, labels === '' ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`) },
    addLines,
    chunks: (format) => [...families.values()].flatMap((family) => {
      flush(family)
      endChunk(family)
      return [Buffer.from(head(family.definition, format)), ...family.written]
    }),
    release: () => { pool.give(taken.splice(0)) }
  }
}

/** OpenMetrics names a counter's family without `_total`. */
function head ({ name, help, type }: FamilyDefinition, format: 'text' | 'openmetrics'): string {
  const shown = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name
  return `# HELP ${shown} ${help}\n# TYPE ${shown} ${type}\n`
}
