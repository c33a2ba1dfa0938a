/** SRV records of PowerDNS by hand: the set is read, rewritten by sed, and put back, with curl. */
import { shellQuoted } from '../shell.ts'
import type { ByHand } from './contract.ts'
import { curlLogin } from './curl-login.ts'
import { zoneUrl } from './powerdns-zone.ts'
import { READING, changeNote, policyOf, recordNames } from './srv-driver.ts'
import type { SrvSettings } from './srv-driver.ts'
import { defaultPort, parseTarget } from './srv-records.ts'

/** One too many, before the end of the list. */
const COMMA = String.raw`s/, *\]/]/g`

/** @param settings - those of the driver, in the file's spelling */
export function powerdnsByHand (settings: Readonly<Record<string, unknown>>, login: string): ByHand {
  const srv = settings as unknown as SrvSettings & { readonly url: string }
  const policy = policyOf(srv)
  const url = zoneUrl(srv)
  const get = (name: string): string => `${login} ${shellQuoted(`${url}?rrset_name=${name}.&rrset_type=SRV`)}`
  const patch = (name: string, rewriting: readonly string[]): string => {
    // Only the sets of the answer, each as one to be replaced.
    const sets = [String.raw`s/.*"rrsets": *(\[.*\]), *"serial".*/{"rrsets":\1}/`, 's/"type": *"SRV"/"type":"SRV","changetype":"REPLACE"/g', ...rewriting]
    // Not by standard input: the key comes in there.
    return `sets=$(${get(name)} | sed -E ${shellQuoted(sets.join('; '))}) && ${login} -X PATCH -H 'Content-Type: application/json' --data-binary "$sets" ${shellQuoted(url)}`
  }
  return {
    login: curlLogin(login, '-gfsS', settings, { username: null, secret: 'token', option: '', header: 'X-API-Key: ' }),
    observe: () => ({ commands: recordNames(srv).map((name) => `${get(name)} | grep -oE '"content": *"[0-9]+ [0-9]+ [0-9]+ [^"]+"'`), note: READING }),
    apply: (interfaceName, desired) => ({
      commands: recordNames(srv).map((name) => {
        if (policy.off === 'behind') return patch(name, [String.raw`s/"content": *"[0-9]+ (${recordOf(interfaceName)})"/"content":"${desired === 'enabled' ? policy.priority : policy.behind} \1"/g`])
        const { host, port } = parseTarget(interfaceName)
        const added = `{"content":"${policy.priority} ${policy.weight} ${port ?? defaultPort(name)} ${host}.","disabled":false}`
        const removal = [String.raw`s/\{"content": *"[0-9]+ ${recordOf(interfaceName)}", *"disabled": *(true|false)\},? *//g`, COMMA]
        return patch(name, desired === 'enabled' ? [...removal, String.raw`s/"records": *\[/"records":[${added},/`, COMMA] : removal)
      }),
      note: changeNote('Prints nothing when it worked.')
    })
  }
}

/** Weight, port and target of a record, as a regular expression. */
function recordOf (interfaceName: string): string {
  const { host, port } = parseTarget(interfaceName)
  return String.raw`[0-9]+ ${port ?? '[0-9]+'} ${host.replaceAll('.', String.raw`\.`)}\.`
}
