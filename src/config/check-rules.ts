/** Cross checks of rules: whether they can match, and whether what they aim at exists. */
import { matches, type Matcher, parseMatcher } from '../core/labels.ts'
import { interfacesOf } from './check-gateways.ts'
import { type Path, type Reporter, suggest } from './problems.ts'
import type { InterfaceFile, RuleFile } from './schema.ts'
import { templateLabel } from './template.ts'
import type { View } from './view.ts'

export function checkRules (view: View, reporter: Reporter): void {
  const indexes = view.indexes(['rules'])
  if (view.at(['rules']) !== null && indexes.length === 0) {
    reporter.warn(['rules'], 'there are no rules, so no alert has any effect', 'see deploy/examples')
  }
  const names = new Set<string>()
  for (const index of indexes) {
    const path = ['rules', index]
    const name = view.at<string>([...path, 'name'])
    if (name !== null && names.has(name)) reporter.error([...path, 'name'], `another rule is called "${name}"`, 'names are recorded with each decision')
    if (name !== null) names.add(name)
    const rule = view.at<RuleFile>(path)
    if (rule !== null) checkRule(view, path, rule, reporter)
  }
}

function checkRule (view: View, path: Path, rule: RuleFile, reporter: Reporter): void {
  const matchers = rule.match.flatMap((text) => {
    const parsed = parseMatcher(text)
    return parsed.ok ? [parsed.matcher] : []
  })
  if (matchers.every((matcher) => matches(matcher, {}))) {
    reporter.error([...path, 'match'], 'this rule matches every alert', 'at least one must ask for a label, for example alertname="SipTrunkDown"')
  }
  checkTarget(view, [...path, 'target'], rule, matchers, reporter)
}

function checkTarget (view: View, target: Path, rule: RuleFile, matchers: readonly Matcher[], reporter: Reporter): void {
  const interfaces = interfacesOf(view).map((at) => ({ trunk: String(at[1]), value: view.at<InterfaceFile>(at) }))
  const trunk = checkPart([...target, 'trunk'], rule.target.trunk, 'trunk', view.keys(['trunks']), matchers, reporter)
  let gateway: string | null = null
  if (rule.target.gateway !== undefined) {
    gateway = checkPart([...target, 'gateway'], rule.target.gateway, 'gateway', view.keys(['gateways']), matchers, reporter)
    const inTrunk = interfaces.some((each) => each.trunk === trunk && (each.value === null || each.value.gateway === gateway))
    if (trunk !== null && gateway !== null && !inTrunk) {
      reporter.error([...target, 'gateway'], `the trunk "${trunk}" has no interface on the gateway "${gateway}"`)
    }
  }
  if (rule.target.interface === undefined) return
  if (rule.target.gateway === undefined) {
    reporter.error([...target, 'interface'], '"interface" needs "gateway"', 'the name of an interface says nothing without its gateway')
  }
  const fitting = interfaces.filter(({ value, ...at }) => (trunk ?? at.trunk) === at.trunk && (gateway ?? value?.gateway) === value?.gateway)
  checkPart([...target, 'interface'], rule.target.interface, 'interface', fitting.flatMap(({ value }) => value?.interface ?? []), matchers, reporter)
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
