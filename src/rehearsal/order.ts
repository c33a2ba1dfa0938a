/** An operator's order in a story, written as on the command line, with letters for interfaces. */
import type { OperatorCommand } from '../engine/contract.ts'
import type { ModelWorld } from './model-world.ts'

const TRUNK = 'acme'

/** Gives it, as anna. What a person knows or takes for right the watching invariants have to know, too. */
export async function giveOrder (world: ModelWorld, text: string): Promise<void> {
  const [verb = '', ...words] = text.split(' ')
  const command = commandOf(world, verb, words)
  const answer = await world.engine()?.operate(command, 'anna', 'scenario')
  if (answer?.ok !== true) return
  if (verb === 'adopt' || verb === 'reassert') world.invariants.adopted()
  if (command.verb === 'switchover') for (const key of command.knownOff) world.invariants.vouched(key)
}

function commandOf (world: ModelWorld, verb: string, words: readonly string[]): OperatorCommand {
  const key = (letter: string): string => {
    const gateway = world.gateways.get(letter)
    if (gateway === undefined) throw new Error(`no gateway ${letter}`)
    return gateway.id
  }
  const list = (option: string): readonly string[] => words.includes(option) ? words[words.indexOf(option) + 1]?.split(',') ?? [] : []
  const first = words[0]?.startsWith('--') === false ? words[0] : undefined
  switch (verb) {
    case 'pause': return { verb, scope: 'global', untilMs: null }
    case 'resume': return { verb, scope: first ?? 'global' }
    case 'release': return { verb }
    case 'pin': return { verb, trunk: TRUNK, interface: key(first ?? ''), untilMs: null }
    case 'switchover': return { verb, trunk: TRUNK, to: first === undefined ? null : key(first), override: list('--override'), knownOff: list('--i-know').map(key), force: words.includes('--force') }
    case 'approve': case 'reject': return { verb, trunk: TRUNK, decision: first ?? world.engine()?.status().trunks[0]?.proposal?.decision ?? 'none' }
    case 'unpin': case 'abort': case 'failback': case 'ack': case 'adopt': case 'reassert': return { verb, trunk: TRUNK }
    default: throw new Error(`not an order: ${verb}`)
  }
}
