/** Asterisk as a gateway: a real one, asked and told by curl's means, never through Pointsman. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { systemRandom } from '../../src/clock.ts'
import { withCredentials } from '../../src/drivers/http-auth.ts'
import { createHttpClient } from '../../src/drivers/http-client.ts'
import { createSecret } from '../../src/secret.ts'
import { REALM } from './kamailio.ts'
import type { Account } from './kamailio.ts'
import { acceptsTcp } from './processes.ts'
import type { Running, Stage } from './processes.ts'
import { unpacked } from './unpacked.ts'

/** Releases of Debian that have Asterisk. */
export const ASTERISK_RELEASES = ['sid', 'bullseye'] as const
export const MANAGER = { username: 'pointsman', secret: 'password-of-the-manager' } as const

export interface Asterisk {
  readonly ip: string
  /** URL for the driver. */
  readonly url: string
  start(): Promise<void>
  kill(): Promise<void>
  /** `Registered`, `Unregistered` or `Rejected`; null: it doesn't answer. */
  status(): Promise<string | null>
  /** Lets it un-register or register, as a person would. */
  tell(action: 'PJSIPUnregister' | 'PJSIPRegister'): Promise<void>
  /** A call that it makes to itself and that ends after a while. */
  call(seconds: number): Promise<void>
  /** Its version, for example `Asterisk 22.10.1`. */
  version(): Promise<string>
}

export interface AsteriskPlan {
  readonly name: string
  readonly ip: string
  readonly carrier: string
  readonly account: Account
  readonly expiresSeconds: number
}

const writeConfiguration = (folder: string, { ip, carrier, account, expiresSeconds }: AsteriskPlan, root: string, libraries: string): void => {
  const path = (name: string): string => join(folder, name)
  const modules = [join(libraries, 'asterisk/modules'), join(root, 'usr/lib/asterisk/modules')].find((folder) => existsSync(folder))
  if (modules === undefined) throw new Error('Asterisk has no modules')
  const template = (name: string): string => readFileSync(join(import.meta.dirname, 'asterisk', name), 'utf8')
  const values = { IP: ip, CARRIER: carrier, USER: account.user, PASSWORD: account.password, REALM, EXPIRES: String(expiresSeconds) }
  const files = {
    'asterisk.conf': `[directories]\nastetcdir => ${folder}\nastmoddir => ${modules}\nastdatadir => ${join(root, 'usr/share/asterisk')}\n${['astvarlibdir', 'astdbdir', 'astkeydir', 'astagidir', 'astspooldir', 'astrundir', 'astlogdir'].map((name) => `${name} => ${folder}\n`).join('')}`,
    'modules.conf': template('modules.conf'),
    'pjsip.conf': Object.entries(values).reduce((text, [name, value]) => text.replaceAll(`@${name}@`, value), template('pjsip.conf')),
    'http.conf': `[general]\nenabled=yes\nbindaddr=${ip}\nbindport=8088\nprefix=asterisk\n`,
    'manager.conf': `[general]\nenabled=yes\nwebenabled=yes\nbindaddr=${ip}\n[${MANAGER.username}]\nsecret=${MANAGER.secret}\nread=system,reporting\nwrite=system,reporting\n[lab]\nsecret=${MANAGER.secret}\nread=all\nwrite=all\n`,
    'extensions.conf': '[in]\nexten => _X.,1,Answer()\n same => n,Wait(60)\n',
    'logger.conf': '[general]\n[logfiles]\nconsole => notice,warning,error\n'
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(path(name), text)
}

/** A gateway that is not yet started. */
export const createAsterisk = (stage: Stage, plan: AsteriskPlan): Asterisk => {
  const { name, ip } = plan
  const url = `http://${ip}:8088/asterisk`
  const client = createHttpClient({})
  const send = withCredentials(client.send, { scheme: 'digest', username: 'lab', password: createSecret(MANAGER.secret) }, systemRandom)
  let running: Running | null = null
  const ask = async (query: string): Promise<string | null> => {
    const answer = await send({ method: 'GET', url: `${url}/arawman?${query}`, reads: true, signal: AbortSignal.timeout(1000) })
    return answer.ok && answer.status === 200 ? answer.body.toString() : null
  }
  return {
    ip,
    url,
    start: async () => {
      const program = unpacked('asterisk', ASTERISK_RELEASES, 'usr/sbin/asterisk')
      const folder = stage.folder(name)
      writeConfiguration(folder, plan, program.root, program.libraries)
      running = await stage.start({ name, command: program.command, args: [...program.args, '-f', '-C', join(folder, 'asterisk.conf')], ready: () => acceptsTcp(ip, 8088), readyWithinMs: 20_000 })
    },
    kill: async () => running?.kill(),
    status: async () => /^Status: (\w+)/m.exec(await ask('action=PJSIPShowRegistrationsOutbound') ?? '')?.[1] ?? null,
    tell: async (action) => {
      if (!/sent/.test(await ask(`action=${action}&registration=acme`) ?? '')) throw new Error(`${name}: ${action} was not accepted`)
    },
    call: async (seconds) => {
      await ask(`action=Originate&channel=Local/100@in&application=Wait&data=${seconds}&async=true`)
    },
    version: async () => `Asterisk ${/^AsteriskVersion: ([\d.]+)/m.exec(await ask('action=CoreSettings') ?? '')?.[1] ?? 'of an unknown version'}`
  }
}
