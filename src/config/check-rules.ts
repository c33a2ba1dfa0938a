/** Cross checks of rules: whether they can match, and whether what they aim at exists. */
import { matches, type Matcher, parseMatcher } from '../core/labels.ts'
import { strictest } from '../core/mode.ts'
import type { Mode } from '../core/topology.ts'
import { interfacesOf } from './check-gateways.ts'
import { type Path, type Reporter, suggest } from './problems.ts'
import type { InterfaceFile, RuleFile } from './schema.ts'
import { templateLabel } from './template.ts'
import type { View } from './view.ts'

type Target = NonNullable<RuleFile['target']>

export function checkRules (view: View, reporter: Reporter): void {
  const indexes = view.indexes(['rules'])
  if (view.at(['rules']) !== null && indexes.length === 0 && view.keys(['trunks']).length > 0) {
    reporter.warn(['rules'], 'there are no rules, so no alert has any effect', 'see deploy/examples')
  }
  const names = new Set<string>()
  for (const index of indexes) {
    const path = ['rules', index]
    const name = view.at<string>([...path, 'name'])
    if (name !== null && names.has(name)) reporter.error([...path, 'name'], `another rule is called "${name}"`, 'names are recorded with each decision')
    if (name !== null) names.add(name)
    checkKind(view, path, reporter)
    checkRuleMode(view, path, reporter)
    const rule = view.at<RuleFile>(path)
    if (rule?.match !== undefined) checkAlertRule(view, path, rule, rule.match, reporter)
    else if (rule?.when !== undefined) checkHealthRule(view, path, rule, reporter)
  }
}

/** A rule can only be more careful than the whole. */
function checkRuleMode (view: View, path: Path, reporter: Reporter): void {
  const [own, global] = [view.at<Mode>([...path, 'mode']), view.at<Mode>(['mode']) ?? 'observe']
  if (own === null || strictest(own, global) === own) return
  reporter.warn([...path, 'mode'], `the global mode is ${global}, and the stricter one counts`, `set the global mode to ${own}`)
}

/** A rule is about alerts or about own health, and one about alerts names a trunk. Also of a rule with other errors. */
function checkKind (view: View, path: Path, reporter: Reporter): void {
  const keys = view.keys(path)
  if (keys.includes('match') && keys.includes('when')) {
    reporter.error([...path, 'when'], 'a rule has "match" or "when", not both', 'write one rule on alerts and one on own health')
  } else if (!keys.includes('match') && !keys.includes('when')) {
    reporter.error([...path, 'match'], '"match" or "when" is missing', 'match: matchers of alerts; when: {health: down, for: 10s} looks at Pointsman\'s own evidence')
  }
  const target = [...path, 'target']
  if (!keys.includes('match') || keys.includes('when') || view.keys(target).includes('trunk')) return
  reporter.error(keys.includes('target') ? [...target, 'trunk'] : target, 'a rule on alerts needs "target" with "trunk"', 'for example target: {trunk: \'{trunk}\', gateway: \'{gateway}\'}')
}

function checkAlertRule (view: View, path: Path, rule: RuleFile, match: readonly string[], reporter: Reporter): void {
  const matchers = match.flatMap((text) => {
    const parsed = parseMatcher(text)
    return parsed.ok ? [parsed.matcher] : []
  })
  if (matchers.every((matcher) => matches(matcher, {}))) {
    reporter.error([...path, 'match'], 'this rule matches every alert', 'at least one must ask for a label, for example alertname="SipTrunkDown"')
  }
  const { target = {} } = rule
  if (rule.demand !== 'disable' && rule.evidence !== undefined) {
    reporter.error([...path, 'evidence'], `"evidence" is for "disable" only, this rule says "${rule.demand}"`, 'remove it')
  }
  if (rule.demand === 'prefer' && target.gateway === undefined) {
    reporter.error([...path, 'target', 'gateway'], '"prefer" needs a "gateway"', 'the one that comes first while the alert fires')
  }
  for (const part of rule.demand === 'freeze' ? ['gateway', 'interface'] as const : []) {
    if (target[part] !== undefined) reporter.error([...path, 'target', part], `"freeze" holds the whole trunk, it needs no "${part}"`, 'remove it')
  }
  checkTarget(view, [...path, 'target'], target, matchers, reporter)
  const shared = view.keys(['trunks']).find((id) => view.at(['trunks', id, 'type']) === 'shared' && (target.trunk === id || templateLabel(target.trunk ?? '') !== null))
  if (rule.demand !== 'disable' || target.gateway !== undefined || shared === undefined) return
  reporter.warn([...path, 'target'], `an alert without a gateway has no effect on the shared trunk "${shared}"`, 'several of its interfaces are enabled, so nobody knows which one it is about: add "gateway"')
}

/** It has no alert whose labels could name anything, and its evidence is what it looks at. */
function checkHealthRule (view: View, path: Path, rule: RuleFile, reporter: Reporter): void {
  if (rule.evidence !== undefined) reporter.error([...path, 'evidence'], 'a rule on own health has no "evidence"', 'its evidence is Pointsman\'s own')
  if (rule.demand !== 'disable') reporter.error([...path, 'demand'], `a rule on own health can't say "${rule.demand}"`, 'it can only disable what is down')
  const { target = {} } = rule
  for (const [part, template] of Object.entries(target)) {
    if (templateLabel(template) === null) continue
    reporter.error([...path, 'target', part], `"${part}" must be a name: a rule on own health has no alert with labels`, `leave it out for every ${part}`)
  }
  checkTarget(view, [...path, 'target'], target, [], reporter)
}

function checkTarget (view: View, path: Path, target: Target, matchers: readonly Matcher[], reporter: Reporter): void {
  const interfaces = interfacesOf(view).map((at) => ({ trunk: String(at[1]), value: view.at<InterfaceFile>(at) }))
  const trunk = target.trunk === undefined ? null : checkPart([...path, 'trunk'], target.trunk, 'trunk', view.keys(['trunks']), matchers, reporter)
  let gateway: string | null = null
  if (target.gateway !== undefined) {
    gateway = checkPart([...path, 'gateway'], target.gateway, 'gateway', view.keys(['gateways']), matchers, reporter)
    const inTrunk = interfaces.some((each) => each.trunk === trunk && (each.value === null || each.value.gateway === gateway))
    if (trunk !== null && gateway !== null && !inTrunk) {
      reporter.error([...path, 'gateway'], `the trunk "${trunk}" has no interface on the gateway "${gateway}"`)
    }
  }
  if (target.interface === undefined) return
  if (target.gateway === undefined) {
    reporter.error([...path, 'interface'], '"interface" needs "gateway"', 'the name of an interface says nothing without its gateway')
  }
  const fitting = interfaces.filter(({ value, ...at }) => (trunk ?? at.trunk) === at.trunk && (gateway ?? value?.gateway) === value?.gateway)
  checkPart([...path, 'interface'], target.interface, 'interface', fitting.flatMap(({ value }) => value?.interface ?? []), matchers, reporter)
}

/**
 * A literal must exist; a label that the matchers fix to one value, too.
 * @returns the name that the part always has, if it exists; null: it depends on the alert
 */
function checkPart (path: Path, template: string, word: string, known: readonly string[], matchers: readonly Matcher[], reporter: Reporter): string | null {
  const label = templateLabel(template)
  if (label === null) return existing(path, template, word, known, '', reporter)
  const fixed = matchers.find((matcher) => matcher.name === label && matcher.operator === '=')
  if (fixed === undefined) return null
  if (fixed.value !== '') return existing(path, fixed.value, word, known, `, which is what "match" asks for in the label "${label}"`, reporter)
  reporter.error(path, `"match" asks for alerts without the label "${label}", so it can't name the ${word}`)
  return null
}

function existing (path: Path, name: string, word: string, known: readonly string[], why: string, reporter: Reporter): string | null {
  if (known.includes(name)) return name
  const names = [...new Set(known)]
  reporter.error(path, `no ${word} is called "${name}"${why}`, suggest(name, names) ?? `to use a label of the alert, write {${word}}`)
  return null
}
