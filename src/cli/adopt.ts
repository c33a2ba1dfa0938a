/** `pointsman adopt`. */
import { trunkCommand } from './operate.ts'

export const adopt = trunkCommand({
  name: 'adopt',
  summary: 'Accept what a trunk\'s gateways show now as right.',
  description: 'Look at the gateways first. It ends a hold by drift or by an unclear first state.'
})
