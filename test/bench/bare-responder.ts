/** The limit beside the measurement: a responder that decides nothing (bare-child.ts). */
import { join } from 'node:path'
import { acceptsTcp } from '../lab/processes.ts'
import type { Stage } from '../lab/processes.ts'
import type { GapMeter } from './gaps.ts'

const HOST = '127.0.32.6'
const PORT = 9001
export const BARE_RESPONDER_URL = `http://${HOST}:${PORT}/`

/** @param meter - measures its event loop */
export const startBareResponder = async (stage: Stage, meter?: GapMeter): Promise<void> => {
  const store = join(stage.folder('bare'), 'bare.db')
  await stage.start({ name: 'bare', command: process.execPath, env: meter?.env ?? {}, args: [...meter?.options ?? [], join(import.meta.dirname, 'bare-child.ts'), store, HOST, String(PORT)], ready: () => acceptsTcp(HOST, PORT) })
}
