/** A FreeSWITCH with mod_xml_rpc that answers as its source writes it (test/fixtures/drivers/freeswitch-gateway.xml). */
import { readFileSync } from 'node:fs'
import type { Stub } from './stubs.ts'

export const documented = readFileSync(new URL('../fixtures/drivers/freeswitch-gateway.xml', import.meta.url), 'latin1')

export interface FreeswitchStub extends Stub {
  readonly states: Map<string, string>
  /** What a carrier makes of a REGISTER, and the worker of an un-REGISTER. */
  after: { register: string; unregister: string }
  calls: number
}

export function freeswitchStub (): FreeswitchStub {
  const shown = (name: string, state: string): string => documented
    .replace('<name>acme<', `<name>${name}<`).replace('<state>REGED<', `<state>${state}<`).replace('<status>UP<', `<status>${state === 'REGED' ? 'UP' : 'DOWN'}<`)

  const execute = (words: readonly string[], isIgnored: boolean): string => {
    const [first, second, third, fourth] = words
    if (first === 'xmlstatus' && second === 'gateway') {
      const state = stub.states.get(third ?? '')
      return state === undefined ? 'Invalid Gateway!\n' : shown(third!, state)
    }
    if (first !== 'profile' || (third !== 'register' && third !== 'unregister')) return '-ERR Unknown command!\n'
    if (second !== 'external') return `Invalid Profile [${second}]`
    const state = stub.states.get(fourth ?? '')
    if (state === undefined) return 'Invalid gateway!\n'
    if (state === 'NOREG') return `-ERR NOREG gateway [${fourth}] can't be ${third}ed!\n`
    if (!isIgnored) stub.states.set(fourth!, stub.after[third])
    return '+OK\n'
  }

  const stub: FreeswitchStub = {
    states: new Map([['acme', 'REGED'], ['acme2', 'DOWN'], ['direct', 'NOREG']]),
    after: { register: 'REGED', unregister: 'DOWN' },
    calls: 0,
    answer: ({ path }, isIgnored) => {
      const url = new URL(path, 'http://x')
      const words = decodeURIComponent(url.search.slice(1)).split(' ')
      if (url.pathname === '/txtapi/show') return { headers: { 'Content-Type': 'text/plain' }, body: `\n${stub.calls} total.\n` }
      return url.pathname === '/txtapi/sofia' ? { headers: { 'Content-Type': 'text/plain' }, body: execute(words, isIgnored) } : { status: 404, body: '' }
    },
    isWrite: ({ path }) => path.startsWith('/txtapi/sofia?profile'),
    runs: (name) => !['DOWN', undefined].includes(stub.states.get(name))
  }
  return stub
}
