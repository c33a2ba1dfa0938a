/** `pointsman approve` and `reject`: which proposal is answered. */
import type { ProposalStatus, Status } from '../core/status.ts'
import { askApi } from './api-client.ts'
import type { Command, Invocation } from './command.ts'
import { trunkCommand } from './operate.ts'
import { text } from './options.ts'
import { instant, plain } from './print.ts'

/** Names the proposal, so that no other one is answered by mistake. */
export function proposalCommand (name: 'approve' | 'reject', summary: string, description: string): Command {
  return trunkCommand({
    name,
    summary,
    description,
    options: { decision: { value: 'ID', help: 'The proposal\'s decision id, as `pointsman status` shows it; default: the one that is open now, which is printed.' } },
    body: async (invocation, trunk) => {
      const given = text(invocation.values, 'decision')
      const decision = given ?? await openDecision(invocation, trunk)
      return decision === null ? null : { decision }
    }
  })
}

/** The decision that is open; null: there is none, which has been said. */
async function openDecision (invocation: Invocation, trunk: string): Promise<string | null> {
  const { io } = invocation
  const reply = await askApi(invocation, 'api/v1/status')
  if (!reply.ok) {
    io.stderr(`pointsman: ${plain(reply.message)}\n`)
    return null
  }
  const its = (reply.body as Status).trunks.find(({ id }) => id === trunk)
  if (its?.proposal == null) {
    io.stderr(`pointsman: ${its === undefined ? `there is no trunk ${plain(trunk)}` : `nothing is proposed for ${plain(trunk)}`}\n`)
    return null
  }
  io.stderr(`${plain(describe(its.proposal))}\n`)
  return its.proposal.decision
}

function describe ({ decision, from, to, cause, sinceMs }: ProposalStatus): string {
  return `proposal ${decision}: from ${from ?? 'nothing'} to ${to ?? 'nothing'} (${cause}), since ${instant(sinceMs)}`
}
