/** A value that nothing prints. */
import { inspect } from 'node:util'
import type { Secret } from './ports.ts'

/** Shows `<secret>` wherever it is printed, concatenated, inspected or turned into JSON. */
class HiddenValue implements Secret {
  readonly #value: string

  constructor (value: string) {
    this.#value = value
  }

  reveal (): string {
    return this.#value
  }

  toString (): '<secret>' {
    return '<secret>'
  }

  toJSON (): '<secret>' {
    return '<secret>'
  }

  [inspect.custom] (): '<secret>' {
    return '<secret>'
  }
}

/** Wraps a value that no log, metric, reply or error may show. */
export function createSecret (value: string): Secret {
  return new HiddenValue(value)
}
