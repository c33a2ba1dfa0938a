/** The least that Node can do here: a body in, our store's commit, Node's own HTTP out. It reads no gateway and decides nothing. */
import { Agent, createServer, request } from 'node:http'
import { systemClock } from '../../src/clock.ts'
import { createSqliteStore } from '../../src/store/sqlite-store.ts'

const [path = '', host = '', port = ''] = process.argv.slice(2)
const opened = await createSqliteStore({ path, clock: systemClock })
if (!opened.ok) throw new Error(opened.detail)
const { store } = opened
const agent = new Agent({ keepAlive: true })

createServer((incoming, response) => {
  const parts: Buffer[] = []
  incoming.on('data', (part: Buffer) => { parts.push(part) })
  incoming.on('end', () => {
    const value = JSON.parse(Buffer.concat(parts).toString()) as { readonly alerts: readonly { readonly fingerprint: string; readonly annotations: { readonly disable: string } }[] }
    const { fingerprint, annotations } = value.alerts[0]!
    void store.commit([{ key: `alert/${fingerprint}`, value, expect: 0 }], []).then((result) => {
      if (!result.ok) throw new Error('not stored')
      request(annotations.disable, { method: 'POST', agent }, (answer) => { answer.resume() }).end()
      response.end('ok')
    })
  })
}).listen(Number(port), host)
