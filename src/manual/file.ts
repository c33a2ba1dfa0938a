/** The guide in a file next to the store: at hand when the configuration is broken and Pointsman doesn't start any more. */
import { open, rename, rm } from 'node:fs/promises'
import { parse, join } from 'node:path'
import type { Config } from '../config/config.ts'
import type { Log } from '../ports.ts'
import { createGuide } from './guide.ts'
import type { ByHandOf } from './guide.ts'
import { renderHead, renderLogins, renderTrunk } from './text.ts'

/** `pointsman.db` → `pointsman-manual.txt`. */
export function manualPath (storePath: string): string {
  const { dir, name } = parse(storePath)
  return join(dir, `${name}-manual.txt`)
}

/** Writes it anew, as a whole or not at all. A failure is a warning: everything else goes on without it. */
export async function writeManual (config: Config, byHandOf: ByHandOf, log: Log): Promise<void> {
  const path = manualPath(config.storePath)
  const temporary = `${path}.new`
  try {
    // What an earlier crash left may have another mode, or be a link.
    await rm(temporary, { force: true })
    const file = await open(temporary, 'wx', 0o600)
    try {
      for (const part of manualParts(config, byHandOf)) await file.writeFile(part)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    log.warn({ path, code: (error as NodeJS.ErrnoException).code ?? 'unknown error' }, 'the manual could not be written')
  }
}

/** So many trunks are written down without a break: everything else has its turn in between. */
const TRUNKS_AT_ONCE = 10

function * manualParts (config: Config, byHandOf: ByHandOf): Generator<string> {
  const guide = createGuide(config, byHandOf)
  const trunks = [...config.topology.trunks.values()]
  yield renderHead(config.file) + renderLogins(guide.logins(trunks))
  for (let from = 0; from < trunks.length; from += TRUNKS_AT_ONCE) {
    yield trunks.slice(from, from + TRUNKS_AT_ONCE).map((trunk) => renderTrunk(guide.trunk(trunk))).join('')
  }
}
