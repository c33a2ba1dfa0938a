/** Kamailio's uac records by hand: the calls of the driver, for curl. */
import type { AdminState } from '../core/observation.ts'
import { shellQuoted } from '../shell.ts'
import type { ByHand } from './contract.ts'
import { curlLogin } from './curl-login.ts'
import type { CurlAccount } from './curl-login.ts'
import { paramsOf } from './kamailio-registration.ts'
import type { WriteMethod } from './kamailio-registration.ts'

const READING = 'Prints "flags" and "expires" of the record. flags 20: enabled and registered; odd (1, 17, 21): disabled; other even numbers: enabled, not registered (yet). Nothing: no answer, or no such record.'

const METHODS: Readonly<Record<AdminState, readonly WriteMethod[]>> = {
  // In this order: in between, the lifetime of 0 keeps the timer from registering again.
  disabled: ['uac.reg_unregister', 'uac.reg_disable'],
  enabled: ['uac.reg_refresh', 'uac.reg_enable']
}
const NOTES: Readonly<Record<AdminState, string>> = {
  disabled: 'Each is answered with "result". Leave reg_unregister out for a record that was not registered. A restart of Kamailio undoes it, unless the record has flags 1 in the database.',
  enabled: 'Each is answered with "result". It registers at the next tick of reg_timer_interval (default 90 s).'
}

/** @param settings - those of the driver, in the file's spelling */
export function kamailioByHand (settings: Readonly<Record<string, unknown>>, login: string): ByHand {
  const call = (method: WriteMethod | 'uac.reg_info', params: readonly string[]): string =>
    `${login} -d ${shellQuoted(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))} ${shellQuoted(String(settings['url']))}`
  return {
    login: curlLogin(login, '-gsS', settings, accountOf(settings)),
    // The rest of the record is not shown: it holds the account's password.
    observe: (uuid) => ({ commands: [`${call('uac.reg_info', ['l_uuid', uuid])} | tr '{,}' '\\n' | grep -E '^ *"(flags|expires)":'`], note: READING }),
    apply: (uuid, desired) => ({ commands: METHODS[desired].map((method) => call(method, paramsOf(method, uuid))), note: NOTES[desired] })
  }
}

function accountOf (settings: Readonly<Record<string, unknown>>): CurlAccount | null {
  if (settings['token_file'] !== undefined || settings['token_env'] !== undefined) return { username: null, secret: 'token', option: '' }
  const username = settings['username']
  return typeof username === 'string' ? { username, secret: 'password', option: '--anyauth' } : null
}
