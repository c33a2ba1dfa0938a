/**
 * Ends one probe early. One is made for each of a thousand probes a second: an AbortController with its event target would
 * cost more CPU than reading the response.
 */
import type { StopSignal } from '../ports.ts'

export class ProbeStop implements StopSignal {
  aborted = false
  readonly #listeners: (() => void)[] = []

  abort (): void {
    if (this.aborted) return
    this.aborted = true
    for (const run of this.#listeners.splice(0)) run()
  }

  addEventListener (_type: 'abort', run: () => void): void {
    this.#listeners.push(run)
  }

  removeEventListener (_type: 'abort', run: () => void): void {
    const index = this.#listeners.indexOf(run)
    if (index >= 0) this.#listeners.splice(index, 1)
  }
}
