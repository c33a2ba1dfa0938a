/** `pointsman reject`. */
import { proposalCommand } from './proposal.ts'

export const reject = proposalCommand('reject', 'Refuse a proposed switchover (mode approve).',
  'It is not asked for again while its evidence stands.')
