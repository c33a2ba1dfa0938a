/** innovaphone's interfaces by hand: what the driver does, with curl and awk. */
import type { AdminState } from '../core/observation.ts'
import { shellQuoted } from '../shell.ts'
import type { ByHand, HandStep } from './contract.ts'
import { curlLogin } from './curl-login.ts'
import { commandPath } from './innovaphone-config-line.ts'
import type { InnovaphoneSettings } from './innovaphone.ts'

/** Characters that a URL can't hold as they are; `%` first. */
const ESCAPED = '% ?#&+=;"<>\\[]{}|^`()'
const ESCAPE = [...new Set(ESCAPED)].map((character) => `s/${character.replace(/[\\[\]^.*$]/, '\\$&')}/${commandPath(character).slice(2)}/g`).join('; ')

/** @param settings - those of the driver, in the file's spelling */
export function innovaphoneByHand (settings: Readonly<Record<string, unknown>>, login: string): ByHand {
  const { device } = settings
  if (typeof device === 'string') return throughDevicesApp(device, login)
  const base = String(settings['url']).replace(/\/+$/, '')
  const url = (path: string): string => shellQuoted(`${base}${path}`)
  const awk = (program: string): string => `${login} ${url('/cfg.txt')} | tr -d '\\r' | LC_ALL=C awk ${shellQuoted(program)}`
  const method = settings['auth'] === 'basic' || settings['auth'] === 'digest' ? `--${settings['auth']}` : '--anyauth'
  const edit = (name: string, desired: AdminState): HandStep => {
    const raw = (settings['raw'] as InnovaphoneSettings['raw'])?.[name]
    if (raw !== undefined) return { commands: [`${login} -o /dev/null ${url(desired === 'disabled' ? raw.disable : raw.enable)}`], note: 'The first one is the captured request of the administration page.' }
    if (settings['edit'] === 'add-rem') {
      const verb = desired === 'disabled' ? 'add' : 'rem'
      return { commands: [`${login} ${url(commandPath(`config ${verb} RELAY0 ${name} /disabled`))}`], note: 'Only the flag /disabled is sent. "?" is the answer to a command that the gateway does not know.' }
    }
    return {
      commands: [
        `line=$(${awk(rewritten(name, desired))})`,
        `[ -n "$line" ] && ${login} ${url('/!')}"$(printf %s "$line" | LC_ALL=C sed ${shellQuoted(ESCAPE)})"`
      ],
      note: 'The whole line of the interface is sent back, with or without /disabled. Where the first command says STOP, change it on the web page of the gateway.'
    }
  }
  return {
    login: curlLogin(login, '-gfsS', settings, { username: String(settings['username']), secret: 'password', option: method }),
    observe: (name) => ({
      commands: [awk(`${lineOf(name)} { state="enabled"; for (i=5; i<=NF; i++) if ($i=="/disabled") state="disabled"; print $4 ": " state }`)],
      note: `Prints "${name}: enabled" or "${name}: disabled". Nothing: no answer, or no such interface. It is what is stored; it runs after an "activate".`
    }),
    apply: (name, desired) => {
      const { commands, note } = edit(name, desired)
      return { commands: [...commands, `${login} ${url(commandPath('config write'))}`, `${login} ${url(commandPath('config activate'))}`], note }
    }
  }
}

/** Its session needs a browser: nothing for a shell. */
function throughDevicesApp (device: string, login: string): ByHand {
  const page = `In the Devices App open the device ${device}, Gateway, Interfaces, SIP`
  return {
    login: { defines: `${login}() { :; }`, asks: null },
    observe: (name) => ({ commands: [], note: `${page}: ${name} shows whether "Disable" is ticked.` }),
    apply: (name, desired) => ({ commands: [], note: `${page}: ${desired === 'disabled' ? 'tick' : 'untick'} "Disable" of ${name}, then OK.` })
  }
}

/** Selects the line of an interface. */
function lineOf (name: string): string {
  return `$1=="config" && $2=="change" && $3=="RELAY0" && $4=="${name.replaceAll(/[\\"]/g, '\\$&')}"`
}

/** Prints the line as it has to be; nothing where the driver would refuse as well: several lines, or a value of asterisks. */
function rewritten (name: string, desired: AdminState): string {
  const start = `"config change RELAY0 " name${desired === 'disabled' ? ' " /disabled"' : ''}`
  return `${lineOf(name)} { n++; name=$4; for (i=5; i<=NF; i++) { if ($i ~ /^\\*+$/) masked=1; if ($i!="/disabled") rest=rest " " $i } } ` +
    `END { if (n==1 && masked!=1) print ${start} rest; else print "STOP: there is not exactly one line, or it hides a value" > "/dev/stderr" }`
}
