/** The other way to do it: Debian's `webhook` (adnanh/webhook), which runs curl for each notification. It stores and checks nothing. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { acceptsTcp } from '../lab/processes.ts'
import type { Stage } from '../lab/processes.ts'

const HOST = '127.0.32.4'
const PORT = 9000
export const DEBIAN_WEBHOOK_URL = `http://${HOST}:${PORT}/hooks/alerts`

const HOOKS = [{
  id: 'alerts',
  'execute-command': '/usr/bin/curl',
  'pass-arguments-to-command': [
    { source: 'string', name: '-sS' },
    { source: 'string', name: '-XPOST' },
    { source: 'payload', name: 'alerts.0.annotations.disable' }
  ]
}]

export const startDebianWebhook = async (stage: Stage): Promise<void> => {
  const file = join(stage.folder('webhook'), 'hooks.json')
  writeFileSync(file, JSON.stringify(HOOKS))
  await stage.start({ name: 'webhook', command: 'webhook', args: ['-hooks', file, '-ip', HOST, '-port', String(PORT)], ready: () => acceptsTcp(HOST, PORT) })
}
