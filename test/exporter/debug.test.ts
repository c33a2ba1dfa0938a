import { test } from 'tap'
import { createTraceLog } from '../../src/exporter/debug.ts'
import { createFakeClock } from '../../src/rehearsal/fake-clock.ts'

const FLOW = { transport: 'udp', remote: { address: '192.0.2.1', port: 5060 } }

test('messages are shown with their time and peer, without what helps to guess a password', async (t) => {
  const clock = createFakeClock()
  const trace = createTraceLog(clock)
  await clock.advance(12)
  trace.add('sent', FLOW, Buffer.from('OPTIONS sip:a SIP/2.0\r\nAuthorization: Digest username="u",\r\n response="deadbeef"\r\nproxy-authorization : Digest response="deadbeef"\r\nX: \x1b[31m\u00e9\r\n\r\n', 'latin1'))
  trace.add('received', FLOW, Buffer.from('SIP/2.0 200 OK\r\n\r\n'))
  const text = trace.lines().join('\n')
  t.match(text, /^0\.0120 s sent to 192\.0\.2\.1 port 5060 by udp\n {2}OPTIONS sip:a SIP\/2\.0\n/)
  t.match(text, /received from 192\.0\.2\.1 port 5060 by udp\n {2}SIP\/2\.0 200 OK/)
  t.notMatch(text, /deadbeef/)
  t.match(text, / {2}X: \?\[31m\?/)
})

test('a peer that answers without end fills no memory', async (t) => {
  const trace = createTraceLog(createFakeClock())
  for (let count = 0; count < 1000; count++) trace.add('received', FLOW, Buffer.from('x'))
  t.equal(trace.lines().length, 50)
})
