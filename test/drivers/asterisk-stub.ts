/** An Asterisk whose manager interface answers as a real 22.10.1 did (test/fixtures/drivers/asterisk-22.10.1.json), with digest. */
import { readFileSync } from 'node:fs'
import { systemClock as clock, systemRandom as random } from '../../src/clock.ts'
import { createDigestAuthority } from '../../src/sip/digest-authority.ts'
import type { Stub } from './stubs.ts'
import type { Answer, Asked } from './unruly-server.ts'

export type Status = 'Registered' | 'Unregistered' | 'Rejected'

interface Recorded {
  readonly show: readonly { readonly name: string; readonly body: string }[]
  readonly answers: Readonly<Record<'unregister' | 'unknown' | 'register' | 'nonsense' | 'status' | 'busy' | 'ping', string>>
  readonly contacts: readonly { readonly name: 'reachable' | 'silent'; readonly body: string }[]
}

export const recorded = JSON.parse(readFileSync(new URL('../fixtures/drivers/asterisk-22.10.1.json', import.meta.url), 'utf8')) as Recorded

export const account = { username: 'pointsman', password: 'canary-one' }

export interface AsteriskStub extends Stub {
  /** What its list says. */
  readonly statuses: Map<string, Status>
  /** `CoreStartupTime`. */
  startup: string
  /** What becomes of an un-REGISTER; default: Unregistered. */
  unregistered: Status
  /** Seconds, as in pjsip.conf. */
  retryInterval: number
}

/** Endpoints are named as their registration, with `-endpoint`. A carrier that accepts at once. */
export function asteriskStub (): AsteriskStub {
  const authority = createDigestAuthority({ realm: 'asterisk', algorithms: ['MD5'], nonceLifetimeMs: 60_000, clock, random })
  const [head = '', detail = '', auth = '', end = ''] = recorded.show[0]!.body.split('\r\n\r\n')
  const list = (): string => [
    head,
    ...[...stub.statuses].map(([name, status]) => detail.replace('ObjectName: acme', `ObjectName: ${name}`).replace(/Status: .*/, `Status: ${status}`).replace(/RetryInterval: 60/, `RetryInterval: ${stub.retryInterval}`)),
    auth, end, ''
  ].join('\r\n\r\n')

  const call = (query: URLSearchParams, isIgnored: boolean): string => {
    const name = query.get('registration') ?? ''
    const set = (status: Status): void => { if (!isIgnored) stub.statuses.set(name, status) }
    switch (query.get('action')) {
      case 'CoreStatus': return recorded.answers.status.replace(/CoreStartupTime: .*/, `CoreStartupTime: ${stub.startup}\r`)
      case 'PJSIPShowRegistrationsOutbound': return list()
      case 'PJSIPShowEndpoint': return recorded.contacts[0]!.body
      case 'PJSIPRegister':
      case 'PJSIPUnregister': {
        if (!stub.statuses.has(name)) return recorded.answers.unknown
        const isOn = query.get('action') === 'PJSIPRegister'
        set(isOn ? 'Registered' : stub.unregistered)
        return isOn ? recorded.answers.register : recorded.answers.unregister
      }
      default: return recorded.answers.nonsense
    }
  }

  const answer = (asked: Asked, isIgnored: boolean): Answer => {
    const verdict = authority.check({ method: asked.method, uri: asked.path, authorization: asked.authorization }, (username) => username === account.username ? account.password : undefined)
    if (verdict.kind !== 'right') return { status: 401, headers: { 'WWW-Authenticate': authority.challenges(verdict.kind === 'stale')[0] }, body: '<html>401 Unauthorized</html>' }
    const url = new URL(asked.path, 'http://x')
    if (url.pathname !== '/asterisk/arawman') return { status: 404, body: '<html>404 Not Found</html>' }
    return { headers: { 'Content-Type': 'text/plain' }, body: call(url.searchParams, isIgnored) }
  }

  const stub: AsteriskStub = {
    statuses: new Map([['acme', 'Registered'], ['acme2', 'Unregistered']]),
    startup: '14:21:19',
    unregistered: 'Unregistered',
    retryInterval: 60,
    answer,
    isWrite: ({ path }) => /action=PJSIP(Un)?[rR]egister/.test(path),
    runs: (name) => stub.statuses.get(name.split(':')[0]!) !== 'Unregistered'
  }
  return stub
}
