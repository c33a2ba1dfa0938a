/** Asterisk's outbound registrations by hand: the actions of the driver, for curl. */
import type { AdminState } from '../core/observation.ts'
import { shellQuoted } from '../shell.ts'
import { amiPath } from './asterisk-ami.ts'
import { nameOf } from './asterisk-registration.ts'
import type { ByHand } from './contract.ts'
import { curlLogin } from './curl-login.ts'

const READING = 'Prints the name and Registered, Unregistered or Rejected. Unregistered is off, unless it was told to register within the last seconds. ' +
  'Rejected: it tries again after its retry_interval. Nothing: no answer, or no such registration.'
const NOTES: Readonly<Record<AdminState, string>> = {
  disabled: 'It is answered with "Unregistration sent". Look again: Rejected means that the carrier did not take it, and that Asterisk registers again after its retry_interval; repeat it before that. A restart of Asterisk undoes it.',
  enabled: 'It is answered with "Reregistration sent". It registers within max_random_initial_delay (default 10 s).'
}

/** @param settings - those of the driver, in the file's spelling */
export function asteriskByHand (settings: Readonly<Record<string, unknown>>, login: string): ByHand {
  const base = String(settings['url']).replace(/\/+$/, '')
  const get = (action: string, parameters?: Readonly<Record<string, string>>): string => `${login} ${shellQuoted(`${base}${amiPath(action, parameters)}`)}`
  return {
    login: curlLogin(login, '-gfsS', settings, { username: String(settings['username']), secret: 'password', option: '--digest' }),
    observe: (name) => ({
      // The list holds the accounts' passwords.
      commands: [`${get('PJSIPShowRegistrationsOutbound')} | tr -d '\\r' | awk -F': ' ${shellQuoted(program(nameOf(name).registration))}`],
      note: READING
    }),
    apply: (name, desired) => ({
      commands: [get(desired === 'enabled' ? 'PJSIPRegister' : 'PJSIPUnregister', { registration: nameOf(name).registration })],
      note: NOTES[desired]
    })
  }
}

/** Prints the status of one registration. */
function program (registration: string): string {
  return `$1=="Event" { own=0 } $1=="ObjectName" { own=($2=="${registration.replaceAll(/[\\"]/g, String.raw`\$&`)}") } $1=="Status" && own { print "${registration.replaceAll(/[\\"%]/g, '')}: " $2 }`
}
