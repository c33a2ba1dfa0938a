/**
 * What is read at a scrape, as text. prom-client keeps each series as an object and prints a family in one go: with ten
 * thousand trunks that holds up everything else for half a second and more. Here a series is a line at once, and who adds
 * lines may pause between two objects; lines of one family come together in the end, as the formats demand.
 */
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
  /** Everything, in the order of the definitions. */
  chunks(format: 'text' | 'openmetrics'): readonly Buffer[]
}

/** Text is turned into bytes at this length, while it is warm. */
const CHUNK_LENGTH = 32_768

interface Family {
  readonly definition: FamilyDefinition
  readonly chunks: Buffer[]
  text: string
}

export function createFamilies (definitions: readonly FamilyDefinition[]): Families {
  const families = new Map(definitions.map((definition): readonly [string, Family] => [definition.name, { definition, chunks: [], text: '' }]))

  const flush = (family: Family): void => {
    family.chunks.push(Buffer.from(family.text))
    family.text = ''
  }

  const addLines = (name: string, lines: string): void => {
    const family = families.get(name)
    if (family === undefined) throw new Error(`the catalogue has no metric ${name} that is read at a scrape`)
    family.text += lines
    if (family.text.length > CHUNK_LENGTH) flush(family)
  }

  return {
    add: (name, labels, value) => { addLines(name, labels === '' ? `${name} ${value}\n` : `${name}{${labels}} ${value}\n`) },
    addLines,
    chunks: (format) => [...families.values()].flatMap((family) => {
      flush(family)
      return [Buffer.from(head(family.definition, format)), ...family.chunks]
    })
  }
}

/** OpenMetrics names a counter's family without `_total`. */
function head ({ name, help, type }: FamilyDefinition, format: 'text' | 'openmetrics'): string {
  const shown = format === 'openmetrics' && type === 'counter' ? name.replace(/_total$/, '') : name
  return `# HELP ${shown} ${help}\n# TYPE ${shown} ${type}\n`
}
