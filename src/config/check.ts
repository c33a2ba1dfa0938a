/** What an operator gets wrong although every key is right: cross references and unsafe combinations. */
import { checkCanaries, checkHeartbeat, checkInterlocks, checkLimits, checkWatchdog } from './check-fleet.ts'
import { checkGateways } from './check-gateways.ts'
import { checkProbes } from './check-probes.ts'
import { checkRules } from './check-rules.ts'
import { checkTargets } from './check-targets.ts'
import { checkTrunks } from './check-trunks.ts'
import { checkAlertmanagers, checkWeb } from './check-web.ts'
import type { DriverRegistry } from './kinds.ts'
import type { Reporter } from './problems.ts'
import type { View } from './view.ts'

/** Looks at every sound part of the file; reports errors (refused) and warnings (allowed, but probably not meant). */
export function checkFile (view: View, registry: DriverRegistry, reporter: Reporter): void {
  checkWeb(view, reporter)
  checkAlertmanagers(view, reporter)
  checkGateways(view, registry, reporter)
  checkProbes(view, reporter)
  checkTrunks(view, registry, reporter)
  checkTargets(view, reporter)
  checkRules(view, reporter)
  checkWatchdog(view, reporter)
  checkCanaries(view, reporter)
  checkHeartbeat(view, reporter)
  checkInterlocks(view, reporter)
  checkLimits(view, reporter)
}
