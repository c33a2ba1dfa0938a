/** Cross checks of the HTTP server, its users, and the Alertmanagers. */
import { isLoopback, parseHostPort, parseHttpUrl } from './address.ts'
import { checkAccount, warnClearText } from './check-gateways.ts'
import type { Path, Reporter } from './problems.ts'
import type { AlertmanagerFile, UserFile } from './schema.ts'
import type { View } from './view.ts'

/** Keys that hold a secret of a user or an Alertmanager. */
const SECRET_KEYS = ['password_file', 'password_env', 'token_file', 'token_env'] as const

export function checkWeb (view: View, reporter: Reporter): void {
  const users = view.indexes(['web', 'users'])
  const names = new Set<string>()
  for (const index of users) {
    const path = ['web', 'users', index]
    const user = view.at<UserFile>(path)
    if (user === null) continue
    if (names.has(user.name)) reporter.error([...path, 'name'], `another user is called "${user.name}"`, 'one user can have both a password and a token')
    names.add(user.name)
    if (SECRET_KEYS.every((key) => user[key] === undefined)) {
      reporter.error(path, `the user "${user.name}" has neither a password nor a token`, 'add password_file, password_env, token_file or token_env')
    }
  }
  checkListen(view, new Set(users.map((index) => view.at<string>(['web', 'users', index, 'role']))), reporter)
}

function checkListen (view: View, roles: ReadonlySet<string | null>, reporter: Reporter): void {
  const path = ['web', 'listen']
  const listen = view.at<string>(path)
  const address = listen === null ? null : parseHostPort(listen)
  // A role with an error is a role that somebody wanted: one problem is enough.
  if (address === null || isLoopback(address.host) || roles.has(null)) return
  if (!roles.has('webhook')) {
    reporter.error(path, 'whoever reaches this address could post alerts: there is no user with the role webhook', 'add one to web.users, or listen on 127.0.0.1')
  }
  if (!roles.has('operator')) {
    reporter.warn(path, 'there is no user with the role operator, so commands are impossible', 'add one to web.users')
  }
}

export function checkAlertmanagers (view: View, reporter: Reporter): void {
  const root = ['alertmanagers']
  const indexes = view.indexes(root)
  const rules = view.indexes(['rules'])
  // Who has no trunks only watches.
  const takesNoAlerts = view.keys(['trunks']).length === 0 || (rules.length > 0 && rules.every((index) => view.at(['rules', index, 'when']) !== null))
  if (view.at(root) !== null && indexes.length === 0 && !takesNoAlerts) {
    reporter.warn(root, 'there are no alertmanagers, so alerts can\'t be confirmed by asking for them', 'add the ones that send the alerts')
  }
  const urls = new Set<string>()
  for (const index of indexes) {
    const path = [...root, index]
    const each = view.at<AlertmanagerFile>(path)
    if (each !== null) checkAlertmanager(path, each, urls, reporter)
  }
}

function checkAlertmanager (path: Path, each: AlertmanagerFile, urls: Set<string>, reporter: Reporter): void {
  checkAccount(path, each, reporter)
  const url = parseHttpUrl(each.url)
  if (!url.ok) return
  warnClearText([...path, 'url'], url.value, each, reporter)
  if (/\/api(?:\/|$)/.test(url.value.pathname)) reporter.error([...path, 'url'], '"url" must be the base URL, without /api', 'for example http://127.0.0.1:9093')
  if (urls.has(url.value.href)) reporter.error([...path, 'url'], 'this Alertmanager is listed twice', 'remove one of them')
  urls.add(url.value.href)
}
