/** Cross checks of the way back: an automatic one needs to know where it goes, and should not end anybody's call. */
import type { DriverCapabilities } from '../core/topology.ts'
import { capabilitiesOf, type DriverRegistry } from './kinds.ts'
import type { Path, Reporter } from './problems.ts'
import type { GatewayFile, InterfaceFile, RuleFile, TrunkFile } from './schema.ts'
import type { View } from './view.ts'

export function checkFailback (view: View, registry: DriverRegistry, trunk: Path, interfaces: readonly InterfaceFile[], reporter: Reporter): void {
  const path = [...trunk, 'failback']
  const failback = view.at<TrunkFile['failback']>(path)
  if (failback === null) return
  const can = (iface: InterfaceFile): DriverCapabilities | null => capabilitiesOf(registry, view.at<GatewayFile>(['gateways', iface.gateway]), iface.interface)
  if (failback.timezone !== undefined && failback.window === undefined) reporter.error([...path, 'timezone'], '"timezone" needs "window"', 'it is the zone of its clock')
  if (failback.drain !== undefined) checkDrain(path, interfaces, can, reporter)
  if (failback.policy !== 'automatic') {
    if (failback.window !== undefined) reporter.error([...path, 'window'], '"window" is for "policy: automatic" only', 'remove it, or let the trunk go back by itself')
    return
  }
  if (failback.window === undefined && failback.drain === undefined) {
    reporter.error(path, '"policy: automatic" needs "window" or "drain"', 'a move ends calls: say when few are lost, for example window: 02:00-05:00')
  }
  const [first] = interfaces
  if (first !== undefined) checkGoal(view, [...path, 'policy'], trunk, first, can(first), reporter)
  const onAlerts = view.indexes(['rules']).some((index) => view.at<RuleFile>(['rules', index])?.match !== undefined)
  const confirmed = view.indexes(['alertmanagers']).length > 0 || view.at(['watchdog']) !== null
  if (onAlerts && !confirmed) {
    reporter.error([...path, 'policy'], '"policy: automatic" needs "alertmanagers" where rules use alerts', 'a resolved alert may only mean that the monitoring died')
  }
}

/** Where it goes back to has to be seen well while it is off, and seen registered after it. */
function checkGoal (view: View, path: Path, trunk: Path, first: InterfaceFile, capabilities: DriverCapabilities | null, reporter: Reporter): void {
  if (capabilities === null) return
  const name = `${first.gateway}/${first.interface}`
  const manual = 'use "policy: manual"'
  if (capabilities.reportsPath !== true) reporter.error(path, `nothing tells whether ${name} reaches the carrier while it is off (its kind of gateway can't), so the trunk can't go back by itself`, manual)
  const asksRegistrar = view.at([...trunk, 'registration', 'query']) !== null || view.at([...trunk, 'registration', 'auth']) === 'ip'
  if (!capabilities.reportsRegistration && !asksRegistrar) reporter.error(path, `nothing tells whether ${name} is registered, so each failback would be taken back`, `add "query", or ${manual}`)
}

function checkDrain (path: Path, interfaces: readonly InterfaceFile[], can: (iface: InterfaceFile) => DriverCapabilities | null, reporter: Reporter): void {
  const mute = interfaces.filter((iface) => can(iface)?.reportsCalls === false)
  const [first] = mute
  if (first === undefined) return
  if (mute.length === interfaces.length) reporter.error([...path, 'drain'], 'no gateway of this trunk tells its calls, so there is nothing to wait for', 'remove "drain"')
  else reporter.warn([...path, 'drain'], `the gateway "${first.gateway}" does not tell its calls: leaving it waits for nothing`)
}
