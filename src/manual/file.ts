/** The guide in a file next to the store: at hand when the configuration is broken and Pointsman doesn't start any more. */
import { open, rename, rm } from 'node:fs/promises'
import { parse, join } from 'node:path'
import type { Config } from '../config/config.ts'
import type { Log } from '../ports.ts'
import { buildLogins, buildTrunkGuide } from './guide.ts'
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
  const trunks = [...config.topology.trunks.values()]
  const text = renderHead(config.file) + renderLogins(buildLogins(config, byHandOf, trunks)) + trunks.map((trunk) => renderTrunk(buildTrunkGuide(config, byHandOf, trunk))).join('')
  try {
    // What an earlier crash left may have another mode, or be a link.
    await rm(temporary, { force: true })
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    log.warn({ path, code: (error as NodeJS.ErrnoException).code ?? 'unknown error' }, 'the manual could not be written')
  }
}
