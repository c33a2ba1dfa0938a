/** `pointsman manual`: what to type when Pointsman is down. */
import { renderProblems } from '../config/problems.ts'
import { createGuide } from '../manual/guide.ts'
import { renderHead, renderLogins, renderTrunk } from '../manual/text.ts'
import { FAILED, OK, PROBLEMS, UsageError } from './command.ts'
import type { Command } from './command.ts'
import { operands, OUTPUT, requiredText } from './options.ts'
import { json } from './print.ts'

export const manual: Command = {
  name: 'manual',
  operands: 'TRUNK',
  summary: 'How to move a trunk by hand, while Pointsman is down.',
  description: `Reads the configuration only: no server, no connection; secrets need not be readable. The server keeps the same text
for all trunks in a file next to its store (pointsman.db: pointsman-manual.txt), for the day when the configuration is broken.`,
  options: { 'config.file': { value: 'FILE', help: 'The configuration.', default: 'pointsman.yaml' }, ...OUTPUT },
  run: async ({ values, positionals, io, deps }) => {
    const [id] = operands(positionals, 1)
    if (id === undefined) throw new UsageError('TRUNK is missing')
    const file = requiredText(values, 'config.file')
    const loaded = await deps.loadConfig(file, 'optional')
    if (!loaded.ok) {
      io.stderr(renderProblems(file, loaded.problems))
      io.stderr('pointsman: the configuration is not in order; the text of its last good load is next to the store, in …-manual.txt\n')
      return PROBLEMS
    }
    const { config } = loaded
    const trunk = config.topology.trunks.get(id)
    if (trunk === undefined) {
      io.stderr(`pointsman: ${file} has no trunk of that name; it has: ${[...config.topology.trunks.keys()].join(', ')}\n`)
      return FAILED
    }
    // Those of the API's users don't matter here.
    const unreadable = loaded.warnings.filter(({ path }) => /^(?:gateways|probes)\..*_(?:file|env)$/.test(path))
    io.stderr(renderProblems(file, unreadable))
    const guide = createGuide(config, deps.byHand)
    const logins = guide.logins([trunk])
    const shown = guide.trunk(trunk)
    io.stdout(values['output'] === 'json' ? json({ ...shown, logins, unreadable }) : renderHead(file) + renderLogins(logins) + renderTrunk(shown))
    return OK
  }
}
