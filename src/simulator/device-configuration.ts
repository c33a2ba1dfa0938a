/** The three copies of a device's configuration: stored (edited, shown by cfg.txt), in flash (survives a reboot) and running. */
import { edited, hasFlag, lineName } from './cfg-text.ts'
import type { ConfigCommand, ConfigLine } from './cfg-text.ts'

export interface DeviceConfiguration {
  stored(): readonly ConfigLine[]
  flash(): readonly ConfigLine[]
  running(): readonly ConfigLine[]
  /** `change`, `add` and `rem` edit the stored copy; `write` saves it to flash; `activate` makes it run. */
  execute(command: ConfigCommand): void
  /** What was not written is lost; what is in flash runs. */
  reboot(): void
}

export const createDeviceConfiguration = (initial: readonly ConfigLine[]): DeviceConfiguration => {
  let stored = initial
  let flash = initial
  let running = initial
  return {
    stored: () => stored,
    flash: () => flash,
    running: () => running,
    execute: (command) => {
      switch (command.verb) {
        case 'write': flash = stored; break
        case 'activate': running = stored; break
        case 'change':
        case 'add':
        case 'rem': stored = edited(stored, command.verb, command.line)
      }
    },
    reboot: () => {
      stored = flash
      running = flash
    }
  }
}

export type LineState = 'enabled' | 'disabled' | 'absent'

/** What one copy says about an interface. */
export const lineState = (lines: readonly ConfigLine[], name: string): LineState => {
  const line = lines.find((candidate) => lineName(candidate) === name)
  return line === undefined ? 'absent' : hasFlag(line, 'disabled') ? 'disabled' : 'enabled'
}
