/** SRV records by hand: dig and nsupdate do what the driver does. */
import { shellQuoted } from '../shell.ts'
import type { ByHand, Login } from './contract.ts'
import { serverOf } from './dns-exchange.ts'
import { READING, changeNote, policyOf, recordNames } from './srv-driver.ts'
import type { SrvSettings } from './srv-driver.ts'
import { defaultPort, parseTarget } from './srv-records.ts'

/** @param settings - those of the driver, in the file's spelling */
export function rfc2136ByHand (settings: Readonly<Record<string, unknown>>, login: string): ByHand {
  const srv = settings as unknown as SrvSettings
  const policy = policyOf(srv)
  const { host, port } = serverOf(String(settings['server']))
  const dig = (name: string, options: string): string => `dig +tcp ${options} @${shellQuoted(host)} -p ${port} ${shellQuoted(name)} SRV`
  const send = (name: string, program: string): string => `${dig(name, '+noall +answer')} | awk ${shellQuoted(program)} | ${login}`
  const selected = (interfaceName: string): string => {
    const target = parseTarget(interfaceName)
    return `$4=="SRV" && tolower($8)=="${target.host}."${target.port === null ? '' : ` && $7==${target.port}`}`
  }
  const ttl = policy.ttl === null ? '$2' : `"${policy.ttl}"`
  const removal = 'print "update delete " $1 " SRV " $5 " " $6 " " $7 " " $8'
  const program = (interfaceName: string, priority: number): string => `${selected(interfaceName)} { ${removal}; print "update add " $1 " " ${ttl} " SRV ${priority} " $6 " " $7 " " $8 }`
  const addition = (name: string, interfaceName: string): string => {
    const target = parseTarget(interfaceName)
    return String.raw`printf 'update add %s %s SRV %s %s %s %s.\n' ${[name, policy.ttl ?? 60, policy.priority, policy.weight, target.port ?? defaultPort(name), target.host].map((part) => shellQuoted(String(part))).join(' ')} | ${login}`
  }
  return {
    login: loginOf(settings, srv.zone, login),
    observe: () => ({ commands: recordNames(srv).map((name) => dig(name, '+short')), note: READING }),
    apply: (interfaceName, desired) => ({
      commands: recordNames(srv).map((name) => {
        if (policy.off === 'absent') return desired === 'enabled' ? addition(name, interfaceName) : send(name, `${selected(interfaceName)} { ${removal} }`)
        return send(name, program(interfaceName, desired === 'enabled' ? policy.priority : policy.behind))
      }),
      note: changeNote('Prints nothing when it worked.')
    })
  }
}

function loginOf (settings: Readonly<Record<string, unknown>>, zone: string, login: string): Login {
  const { host, port } = serverOf(String(settings['server']))
  const { key_name: keyName, algorithm = 'hmac-sha256' } = settings as { readonly key_name: string; readonly algorithm?: string }
  const key = `${algorithm}:${keyName}`
  const head = String.raw`printf 'server %s %s\nzone %s\nkey %s ' ${[host, String(port), zone, key].map(shellQuoted).join(' ')}`
  const asks = String.raw`${login}() { { ${head}; printf 'TSIG key: ' >/dev/tty; stty -echo </dev/tty; read -r key </dev/tty; stty echo </dev/tty; printf '%s\n' "$key"; cat; echo send; } | nsupdate -v; }`
  const source = sourceOf(settings)
  return source === null ? { defines: asks, asks: null } : { defines: `${login}() { { ${head}; ${source}; cat; echo send; } | nsupdate -v; }`, asks }
}

/** The command that prints the key; null: nobody knows where it is. */
function sourceOf (settings: Readonly<Record<string, unknown>>): string | null {
  const [file, variable] = [settings['key_file'], settings['key_env']]
  if (typeof file === 'string') return String.raw`tr -d '\r\n' < ${shellQuoted(file)}; echo`
  return typeof variable === 'string' && /^[A-Za-z_]\w*$/.test(variable) ? `printf '%s\\n' "\${${variable}:?}"` : null
}
