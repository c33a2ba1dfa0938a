/** OpenSIPS by hand: the calls of the driver, for curl. */
import type { AdminState } from '../core/observation.ts'
import { shellQuoted } from '../shell.ts'
import type { ByHand, HandStep } from './contract.ts'
import { curlLogin } from './curl-login.ts'
import { interfaceOf, readCall, writeCall } from './opensips-interface.ts'
import type { OpensipsCall, OpensipsInterface, RegistrantId, Version } from './opensips-interface.ts'
import { curlAccountOf } from './web-access.ts'

/** One object per line, so that grep can find the one that matters. */
const LINES = String.raw`tr -d '\r\n' | tr '{}' '\n\n'`

const READINGS: Readonly<Record<OpensipsInterface['kind'], string>> = {
  registrant: 'Prints the record: "enabled":"yes" or "no", and "state": REGISTERED_STATE is registered. Nothing: no answer, or no such record.',
  destination: 'Prints the destination: "state" Active is enabled, Inactive is disabled, Probing is enabled and does not answer. Nothing: no answer, or no such destination.',
  gateway: 'Prints the State: Active is enabled, "Disabled MI" is disabled; Inactive and Probing are enabled and do not answer.'
}

/** @param settings - those of the driver, in the file's spelling */
export function opensipsByHand (settings: Readonly<Record<string, unknown>>, login: string): ByHand {
  const version: Version = settings['version'] === 4 ? 4 : 3
  const post = (data: string): string => `${login} -H 'Content-Type: application/json' -d ${data} ${shellQuoted(String(settings['url']))}`
  const call = ({ method, params }: OpensipsCall): string => post(shellQuoted(JSON.stringify({ jsonrpc: '2.0', id: 1, method, params })))

  const known = (name: string): OpensipsInterface => {
    const iface = interfaceOf(name)
    if (iface === null) throw new Error(`${name} is no name of an interface`)
    return iface
  }

  const observe = (name: string): HandStep => {
    const iface = known(name)
    const read = call(readCall(iface, version))
    const line = { registrant: () => `${LINES} | ${recordOf(iface)}`, destination: () => `${LINES} | grep -iF ${shellQuoted(`"${'uri' in iface ? iface.uri : ''}"`)}`, gateway: () => `${LINES} | grep -F '"State"'` }[iface.kind]()
    return { commands: [`${read} | ${line}`], note: READINGS[iface.kind] }
  }

  const apply = (name: string, desired: AdminState): HandStep => {
    const iface = known(name)
    if (iface.kind !== 'registrant') return { commands: [call(writeCall(iface, desired, version, null))], note: 'It is answered with "OK".' }
    // The record's contact and registrar are asked for first: a command has to name all three.
    const asked = `${call(readCall(iface, version))} | ${LINES} | ${recordOf(iface)}`
    const wanted: RegistrantId = { aor: iface.aor, contact: '@contact@', registrar: '@registrar@' }
    const template = JSON.stringify({ jsonrpc: '2.0', id: 1, ...writeCall(iface, desired, version, wanted) })
    const [start = '', middle = '', end = ''] = template.split(/@contact@|@registrar@/)
    return {
      commands: [
        `record=$(${asked})`,
        `contact=$(printf %s "$record" | sed 's/.*"binding": *"\\([^"]*\\)".*/\\1/'); registrar=$(printf %s "$record" | sed 's/.*"registrar": *"\\([^"]*\\)".*/\\1/')`,
        `[ "$(printf '%s\\n' "$record" | grep -c .)" = 1 ] && ${post(`${shellQuoted(start)}"$contact"${shellQuoted(middle)}"$registrar"${shellQuoted(end)}`)}`
      ],
      note: `It is answered with "OK". ${desired === 'disabled' ? 'OpenSIPS un-registers at once.' : 'OpenSIPS registers at once.'} Where the account has several records, name the registrar too.`
    }
  }
  return { login: curlLogin(login, '-gsS', settings, curlAccountOf(settings)), observe, apply }
}

/** Selects the line of a record. */
function recordOf (iface: OpensipsInterface): string {
  if (iface.kind !== 'registrant') throw new Error('no registrant')
  const own = `grep -F ${shellQuoted(`"${iface.aor}"`)}`
  return iface.registrar === null ? own : `${own} | grep -F ${shellQuoted(`"${iface.registrar}"`)}`
}
