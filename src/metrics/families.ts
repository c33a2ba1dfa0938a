/**
 * What is read at a scrape, as bytes. prom-client keeps each series as an object and prints a family in one go: with ten
 * thousand trunks that holds up everything else for half a second and more, and so would the collection of its garbage.
 * Here a series is bytes at once, and who adds series may pause between two objects; those of one family come together in
 * the end, as the formats demand.
 */
import { CHUNK_BYTES, type ChunkPool } from './chunk-pool.ts'
import { NO_LABELS, type LabelBytes } from './label-bytes.ts'

export interface FamilyDefinition {
  readonly name: string
  readonly help: string
  readonly type: 'gauge' | 'counter'
}

export interface Families {
  /**
   * One series. @throws when the catalogue has no such metric
   * @param further - more labels
   */
  add(name: string, labels: LabelBytes, value: number, further?: LabelBytes): void
  /** Everything, in the order of the definitions; valid until `release`. */
  chunks(format: 'text' | 'openmetrics'): readonly Buffer[]
  /** Its memory goes back to the pool. */
  release(): void
}

interface Family {
  readonly definition: FamilyDefinition
  /** `name{` and `name`. */
  readonly withLabels: Buffer
  readonly without: Buffer
  /** Full ones, as far as they are written. */
  readonly written: Buffer[]
  chunk: Buffer | null
  /** Bytes of `chunk`. */
  used: number
}

const ZERO = Buffer.from('} 0\n')
const ONE = Buffer.from('} 1\n')

export function createFamilies (definitions: readonly FamilyDefinition[], pool: ChunkPool): Families {
  const families = new Map(definitions.map((definition) => [definition.name, createFamily(definition)]))
  const taken: Buffer[] = []

  const endChunk = (family: Family): void => {
    if (family.chunk !== null) family.written.push(family.chunk.subarray(0, family.used))
    Object.assign(family, { chunk: null, used: 0 })
  }

  /** A chunk with so much room. */
  const roomFor = (family: Family, bytes: number): Buffer => {
    if (family.chunk !== null && family.used + bytes <= family.chunk.length) return family.chunk
    endChunk(family)
    family.chunk = bytes > CHUNK_BYTES ? Buffer.allocUnsafeSlow(bytes) : pool.take()
    if (bytes <= CHUNK_BYTES) taken.push(family.chunk)
    return family.chunk
  }

  return {
    add: (name, labels, value, further = NO_LABELS) => {
      const family = families.get(name)
      if (family === undefined) throw new Error(`the catalogue has no metric ${name} that is read at a scrape`)
      // The first label has no comma before it.
      const first = labels.length > 0 ? labels : further.subarray(1)
      const rest = labels.length > 0 ? further : NO_LABELS
      const isBare = first.length === 0
      const start = isBare ? family.without : family.withLabels
      // Most values are 0 or 1; the others are numbers as text, without a buffer made for each.
      const end = isBare ? ` ${value}\n` : value === 0 ? ZERO : value === 1 ? ONE : `} ${value}\n`
      const chunk = roomFor(family, start.length + first.length + rest.length + end.length)
      chunk.set(start, family.used)
      chunk.set(first, family.used + start.length)
      chunk.set(rest, family.used + start.length + first.length)
      family.used += start.length + first.length + rest.length
      if (typeof end === 'string') chunk.write(end, family.used, 'latin1')
      else chunk.set(end, family.used)
      family.used += end.length
    },
    chunks: (format) => [...families.values()].flatMap((family) => {
      endChunk(family)
      return [Buffer.from(head(family.definition, format)), ...family.written]
    }),
    release: () => { pool.give(taken.splice(0)) }
  }
}

function createFamily (definition: FamilyDefinition): Family {
  return { definition, withLabels: Buffer.from(`${definition.name}{`), without: Buffer.from(definition.name), written: [], chunk: null, used: 0 }
}

/** OpenMetrics names a counter's family without `_total`. */
function head ({ name, help, type }: FamilyDefinition, format: 'text' | 'openmetrics'): string {
  const shown = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name
  return `# HELP ${shown} ${help}\n# TYPE ${shown} ${type}\n`
}
