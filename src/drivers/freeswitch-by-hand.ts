/** FreeSWITCH's gateways by hand: the commands of the driver, for curl. */
import type { AdminState } from '../core/observation.ts'
import { shellQuoted } from '../shell.ts'
import type { ByHand } from './contract.ts'
import { curlLogin } from './curl-login.ts'
import { commandPath } from './freeswitch-gateway.ts'
import { curlAccountOf } from './web-access.ts'

const READING = 'Prints the state: DOWN is disabled, REGED is enabled and registered, any other one is enabled and not registered. Nothing: no answer, or no such gateway.'
const NOTES: Readonly<Record<AdminState, string>> = {
  disabled: 'It is answered with "+OK" and done within a second or two. A restart of FreeSWITCH or of the profile undoes it.',
  enabled: 'It is answered with "+OK" and done within a second or two.'
}

/** @param settings - those of the driver, in the file's spelling */
export function freeswitchByHand (settings: Readonly<Record<string, unknown>>, login: string): ByHand {
  const base = String(settings['url']).replace(/\/+$/, '')
  const get = (path: string): string => `${login} ${shellQuoted(`${base}${path}`)}`
  const status = (name: string): string => get(commandPath('sofia', 'xmlstatus', 'gateway', name))
  return {
    login: curlLogin(login, '-gfsS', settings, curlAccountOf(settings)),
    observe: (name) => ({ commands: [`${status(name)} | sed -n 's/.*<state>\\(.*\\)<.state>.*/${name}: \\1/p'`], note: READING }),
    apply: (name, desired) => {
      // The command needs the profile, which the status tells.
      const [before = '', after = ''] = commandPath('sofia', 'profile', '@profile@', desired === 'enabled' ? 'register' : 'unregister', name.split('::').at(-1)!).split('%40profile%40')
      return {
        commands: [
          `profile=$(${status(name)} | sed -n 's/.*<profile>\\(.*\\)<.profile>.*/\\1/p')`,
          `[ -n "$profile" ] && ${login} ${shellQuoted(`${base}${before}`)}"$profile"${shellQuoted(after)}`
        ],
        note: NOTES[desired]
      }
    }
  }
}
