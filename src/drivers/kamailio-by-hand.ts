/** Kamailio's uac records and destinations by hand: the calls of the driver, for curl. */
import type { AdminState } from '../core/observation.ts'
import { shellQuoted } from '../shell.ts'
import type { ByHand, HandStep } from './contract.ts'
import { curlLogin } from './curl-login.ts'
import { destinationId, setStateParams } from './kamailio-dispatcher.ts'
import type { DestinationId } from './kamailio-dispatcher.ts'
import { paramsOf } from './kamailio-registration.ts'
import type { WriteMethod } from './kamailio-registration.ts'
import { curlAccountOf } from './web-access.ts'

const READING = 'Prints "flags" and "expires" of the record. flags 20: enabled and registered; odd (1, 17, 21): disabled; other even numbers: enabled, not registered (yet). Nothing: no answer, or no such record.'
const DESTINATION_READING = 'Prints the FLAGS of the destination. First letter D: disabled; A, T: enabled; I: enabled, and it does not answer. Nothing: no answer, or no such destination.'

const METHODS: Readonly<Record<AdminState, readonly WriteMethod[]>> = {
  // In this order: in between, the lifetime of 0 keeps the timer from registering again.
  disabled: ['uac.reg_unregister', 'uac.reg_disable'],
  enabled: ['uac.reg_refresh', 'uac.reg_enable']
}
const NOTES: Readonly<Record<AdminState, string>> = {
  disabled: 'Each is answered with "result". Leave reg_unregister out for a record that was not registered. A restart of Kamailio undoes it, unless the record has flags 1 in the database.',
  enabled: 'Each is answered with "result". It registers at the next tick of reg_timer_interval (default 90 s).'
}
const DESTINATION_NOTE = 'It is answered "Ok. Dispatcher state updated.". A restart of Kamailio, or dispatcher.reload, undoes it.'

/** @param settings - those of the driver, in the file's spelling */
export function kamailioByHand (settings: Readonly<Record<string, unknown>>, login: string): ByHand {
  const call = (method: string, params: readonly (string | number)[]): string =>
    `${login} -d ${shellQuoted(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }))} ${shellQuoted(String(settings['url']))}`
  const ofRecord = (uuid: string) => ({
    // The rest of the record is not shown: it holds the account's password.
    observe: (): HandStep => ({ commands: [`${call('uac.reg_info', ['l_uuid', uuid])} | tr '{,}' '\\n' | grep -E '^ *"(flags|expires)":'`], note: READING }),
    apply: (desired: AdminState): HandStep => ({ commands: METHODS[desired].map((method) => call(method, paramsOf(method, uuid))), note: NOTES[desired] })
  })
  const ofDestination = (id: DestinationId) => ({
    observe: (): HandStep => ({ commands: [`${call('dispatcher.list', [])} | tr -d ' \\n\\t' | tr '{' '\\n' | awk ${shellQuoted(flagsOf(id))}`], note: DESTINATION_READING }),
    apply: (desired: AdminState): HandStep => ({ commands: [call('dispatcher.set_state', setStateParams(id, desired))], note: DESTINATION_NOTE })
  })
  const of = (name: string): ReturnType<typeof ofRecord> => {
    const id = destinationId(name)
    return id === null ? ofRecord(name) : ofDestination(id)
  }
  return {
    login: curlLogin(login, '-gsS', settings, curlAccountOf(settings)),
    observe: (name) => of(name).observe(),
    apply: (name, desired) => of(name).apply(desired)
  }
}

/** An awk program for one opening brace per line: prints the flags of the destination in its set. */
function flagsOf ({ group, uri }: DestinationId): string {
  const wanted = `"uri":"${uri.toLowerCase()}"`.replaceAll(/[\\"]/g, String.raw`\$&`)
  return `/^"ID":/ { set=$0; sub(/^[^0-9]*/, "", set); set+=0 } set==${group} && index(tolower($0), "${wanted}") { match($0, /"FLAGS":"[A-Z]+"/); print substr($0, RSTART, RLENGTH) }`
}
