/** `pointsman approve`. */
import { proposalCommand } from './proposal.ts'

export const approve = proposalCommand('approve', 'Let a proposed switchover go on (mode approve).',
  'Refused when the proposal has changed meanwhile, and while another interlock says no.')
