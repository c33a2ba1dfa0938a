/** Gateways of the contract test: they answer documented (innovaphone) or recorded (Kamailio) bytes. */
import { readFileSync } from 'node:fs'
import type { Answer, Asked } from './unruly-server.ts'

const fixture = (name: string): string => readFileSync(new URL(`../fixtures/drivers/${name}`, import.meta.url), 'latin1')

export interface Stub {
  answer(asked: Asked, isIgnored: boolean): Answer
  isWrite(asked: Asked): boolean
  runs(name: string): boolean
}

interface RecordedState { readonly name: string; readonly body: string; readonly admin: string; readonly registered: boolean }
interface RecordedPath { readonly name: string; readonly body: string; readonly path: string | null }

/** Bodies of a real Kamailio 5.6.3. */
/** `calls` missing: it can't tell. */
interface RecordedCalls { readonly name: string; readonly status?: number; readonly body: string; readonly calls?: number }
export const recorded = JSON.parse(fixture('kamailio-5.6.3.json')) as { readonly 'uac.reg_info': readonly RecordedState[]; readonly 'dispatcher.list': readonly RecordedPath[]; readonly 'dispatcher.list of two sets': readonly RecordedCalls[]; readonly 'dispatcher.set_state': readonly RecordedCalls[]; readonly 'dlg.stats_active': readonly RecordedCalls[] }

/** cfg.txt in the form that public tools read; one enabled and one disabled interface. */
export const cfgText = fixture('innovaphone-cfg.txt')

/** Changes what is stored at once; runs it on activate. */
export function innovaphoneStub (): Stub {
  let stored = cfgText
  let running = stored
  const execute = (command: string): string => {
    const name = /^config change (RELAY0 SIP\d+) /.exec(command)?.[1]
    if (name !== undefined) stored = stored.split('\r\n').map((line) => line.startsWith(`config change ${name} `) ? command : line).join('\r\n')
    else if (command === 'config activate') running = stored
    else if (command !== 'config write') return '?\r\n'
    return 'ok\r\n'
  }
  return {
    answer: ({ path }, isIgnored) => {
      if (path === '/cfg.txt') return { headers: { 'Content-Type': 'text/plain' }, body: Buffer.from(stored, 'latin1') }
      if (path.startsWith('/LOG0/FAULT/')) return { headers: { 'Content-Type': 'text/xml' }, body: '<faults></faults>\r\n' }
      if (!path.startsWith('/!')) return { status: 404, body: '' }
      const command = path.slice(2).replace(/%([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
      return { body: isIgnored ? 'ok\r\n' : execute(command) }
    },
    isWrite: ({ path }) => path.startsWith('/!'),
    runs: (name) => !new RegExp(`^config change RELAY0 ${name} .*/disabled( |$)`, 'm').test(running)
  }
}

/** As Kamailio with `reg_retry_interval` 0 and a carrier that accepts; its timer runs at once. */
export function kamailioStub (): Stub {
  const template = recorded['uac.reg_info'].find((state) => state.name === 'registered')!.body
  const records = new Map([['trunk1', { flags: 20, expires: 60 }], ['trunk2', { flags: 1, expires: 60 }]])
  const methods: Readonly<Record<string, (record: { flags: number; expires: number }) => void>> = {
    'uac.reg_unregister': (record) => { Object.assign(record, { flags: record.flags & ~4, expires: 0 }) },
    'uac.reg_disable': (record) => { record.flags |= 1 },
    'uac.reg_refresh': (record) => { Object.assign(record, { flags: 1, expires: 60 }) },
    'uac.reg_enable': (record) => { record.flags = record.expires > 0 ? 20 : record.flags & ~1 }
  }
  const shown = (name: string, { flags, expires }: { flags: number; expires: number }): string => template
    .replace('"l_uuid":"trunk1"', `"l_uuid":"${name}"`).replace(/"expires":\d+,"flags":\d+,"diff_expires":-?\d+/, `"expires":${expires},"flags":${flags},"diff_expires":${(flags & 4) === 0 ? -3 : 59}`)
  const isRead = (method: string): boolean => method === 'uac.reg_info' || method === 'dispatcher.list' || method === 'dlg.stats_active'
  const call = (method: string, params: readonly string[], isIgnored: boolean): Answer => {
    if (method === 'dispatcher.list') return { body: recorded['dispatcher.list'][0]!.body }
    if (method === 'dlg.stats_active') return { body: recorded['dlg.stats_active'][0]!.body }
    const name = method === 'uac.reg_refresh' ? params[0]! : params[1]!
    const record = records.get(name)
    if (record === undefined) return { status: 404, body: '{"jsonrpc":"2.0","error":{"code":404,"message":"Record not found"},"id":1}' }
    if (method === 'uac.reg_info') return { body: shown(name, record) }
    if (!isIgnored) methods[method]?.(record)
    return { body: '{"jsonrpc":"2.0","result":{},"id":1}' }
  }
  return {
    answer: ({ body }, isIgnored) => {
      const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: string[] }
      const answer = call(method, params, isIgnored)
      return { headers: { 'Content-Type': 'application/json' }, ...answer, body: String(answer.body).replace(/"id":1}$/, `"id":${id}}`) }
    },
    isWrite: ({ body }) => !isRead((JSON.parse(body) as { method: string }).method),
    runs: (name) => { const { flags, expires } = records.get(name)!; return (flags & 1) === 0 && expires > 0 }
  }
}

/** As PowerDNS 4.7.3 with the zone lab.example and one set of SRV records. */
export function powerdnsStub (): Stub {
  const name = '_sip._udp.lab.example.'
  let records = [{ content: '10 100 5060 a.lab.example.', disabled: false }, { content: '100 100 5060 b.lab.example.', disabled: false }]
  return {
    answer: ({ method, path, body }, isIgnored) => {
      if (!path.startsWith('/api/v1/servers/localhost/zones/lab.example.')) return { status: 404, body: 'Not Found' }
      if (method === 'GET') {
        const rrsets = [{ comments: [], name, records, ttl: 30, type: 'SRV' }]
        return { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ account: '', id: 'lab.example.', kind: 'Native', name: 'lab.example.', rrsets, serial: 1, url: '/api/v1/servers/localhost/zones/lab.example.' }) }
      }
      if (!isIgnored) records = (JSON.parse(body) as { rrsets: { records: typeof records }[] }).rrsets[0]!.records
      return { status: 204, body: '' }
    },
    isWrite: ({ method }) => method !== 'GET',
    runs: (target) => records.some(({ content, disabled }) => !disabled && content.endsWith(` ${target}.`) && Number(content.split(' ')[0]) < 100)
  }
}

/** Kamailio's dispatcher with ds_probing_mode 1 and carriers that answer. Its interfaces: `dispatcher:1:sip:127.0.0.1:15060` is on. */
export function kamailioDispatcherStub (): Stub {
  let list = recorded['dispatcher.list of two sets'][0]!.body
  const [done, failed] = recorded['dispatcher.set_state']
  const part = (set: string, uri: string): RegExp => new RegExp(`("ID":${set},(?:(?!"ID":).)*?"URI":"${uri.replaceAll(/[.?*+]/g, String.raw`\$&`)}","FLAGS":")([A-Z]+)`, 'i')
  const setState = ([state, set, uri]: readonly unknown[], isIgnored: boolean): Answer => {
    // A number only: text is refused by the real one, too.
    const found = typeof set === 'number' ? part(String(set), String(uri)) : null
    if (found === null || !found.test(list)) return { status: failed!.status!, body: failed!.body }
    if (!isIgnored) list = list.replace(found, state === 'd' ? '$1DX' : '$1AP')
    return { body: done!.body }
  }
  return {
    answer: ({ body }, isIgnored) => {
      const { id, method, params } = JSON.parse(body) as { id: number; method: string; params: unknown[] }
      const answer = method === 'dispatcher.list' ? { body: list } : setState(params, isIgnored)
      return { headers: { 'Content-Type': 'application/json' }, ...answer, body: String(answer.body).replace(/"id":1}$/, `"id":${id}}`) }
    },
    isWrite: ({ body }) => (JSON.parse(body) as { method: string }).method === 'dispatcher.set_state',
    runs: (name) => {
      const [, set = '', uri = ''] = /^dispatcher:(\d+):(.*)$/.exec(name) ?? []
      return part(set, uri).exec(list)?.[2]?.startsWith('A') === true
    }
  }
}
