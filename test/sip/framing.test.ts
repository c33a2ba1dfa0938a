import { array, assert, integer, property } from 'fast-check'
import { test } from 'tap'
import { createFramer, type Framed } from '../../src/sip/framing.ts'

const message = (length: number, name = 'Content-Length'): string => `SIP/2.0 200 OK\r\nVia: x\r\n${name}: ${length}\r\n\r\n${'b'.repeat(length)}`

const show = (framed: readonly Framed[]): readonly string[] => framed.map((each) => each.kind === 'message' ? each.bytes.toString('latin1') : each.kind === 'broken' ? `broken: ${each.detail}` : 'ping')

const CASES: readonly { name: string; pieces: readonly string[]; want: readonly string[] }[] = [
  { name: 'nothing', pieces: [''], want: [] },
  { name: 'one message', pieces: [message(3)], want: [message(3)] },
  { name: 'two in one piece', pieces: [message(3) + message(0)], want: [message(3), message(0)] },
  { name: 'one in pieces', pieces: ['SIP/2.0 200 OK\r\nVi', 'a: x\r\nl', ': 2\r\n\r', '\nb', 'b'], want: ['SIP/2.0 200 OK\r\nVia: x\r\nl: 2\r\n\r\nbb'] },
  { name: 'the compact form', pieces: [message(2, 'l')], want: [message(2, 'l')] },
  { name: 'any case and blanks', pieces: [message(2, 'CONTENT-length \t')], want: [message(2, 'CONTENT-length \t')] },
  { name: 'one CRLF between messages is no ping', pieces: [`${message(0)}\r\n${message(0)}`], want: [message(0), message(0)] },
  { name: 'CRLF CRLF is a ping', pieces: ['\r\n\r\n'], want: ['ping'] },
  { name: 'a ping octet by octet', pieces: ['\r', '\n', '\r', '\n'], want: ['ping'] },
  { name: 'many pings in one piece are told once', pieces: ['\r\n'.repeat(30_000)], want: ['ping'] },
  { name: 'a ping before a message', pieces: [`\r\n\r\n${message(0)}`], want: ['ping', message(0)] },
  { name: 'no Content-Length: no body', pieces: ['SIP/2.0 200 OK\r\nVia: x\r\n\r\n' + message(1)], want: ['SIP/2.0 200 OK\r\nVia: x\r\n\r\n', message(1)] },
  { name: 'the same length twice', pieces: ['SIP/2.0 200 OK\r\nl: 1\r\nContent-Length: 1\r\n\r\nb'], want: ['SIP/2.0 200 OK\r\nl: 1\r\nContent-Length: 1\r\n\r\nb'] },
  { name: 'two lengths', pieces: ['SIP/2.0 200 OK\r\nl: 1\r\nContent-Length: 2\r\n\r\nb', message(0)], want: ['broken: wrong Content-Length'] },
  ...['abc', '-5', '0x3', '1e3', '+1', '', '123456', '1 1', 'NaN'].map((length) => ({ name: `Content-Length ${length}`, pieces: [`SIP/2.0 200 OK\r\nContent-Length: ${length}\r\n\r\n`], want: ['broken: wrong Content-Length'] })),
  { name: 'a body beyond the bound', pieces: ['SIP/2.0 200 OK\r\nContent-Length: 9000\r\n\r\n'], want: ['broken: longer than 8192 bytes'] },
  { name: 'a header beyond the bound', pieces: ['x'.repeat(8000), 'x'.repeat(8000)], want: ['broken: no end of the header within 8192 bytes'] },
  { name: 'a header that ends beyond the bound', pieces: [`${'x'.repeat(8193)}\r\n\r\n`], want: ['broken: no end of the header within 8192 bytes'] },
  { name: 'nothing after it is broken', pieces: ['x\r\nl: x\r\n\r\n', message(0), '\r\n\r\n'], want: ['broken: wrong Content-Length'] },
  { name: 'a flood of messages that are none', pieces: ['x\r\n\r\n'.repeat(13_000)], want: [...Array.from({ length: 101 }, () => 'x\r\n\r\n'), 'broken: too many messages at once'] },
  { name: 'a bare LF ends nothing', pieces: ['SIP/2.0 200 OK\n\n', message(0)], want: [`SIP/2.0 200 OK\n\n${message(0)}`] }
]

test('where a message ends in a stream', (t) => {
  for (const { name, pieces, want } of CASES) {
    const framer = createFramer()
    t.same(show(pieces.flatMap((piece) => framer.push(Buffer.from(piece, 'latin1')))), want, name)
  }
  t.end()
})

test('however the octets are cut, the same messages come', (t) => {
  const text = `\r\n${message(5)}${message(0)}\r\n\r\n${message(200, 'l')}\r\n${message(1)}`
  const want = [message(5), message(0), 'ping', message(200, 'l'), message(1)]
  assert(property(array(integer({ min: 1, max: 90 }), { minLength: 1, maxLength: 200 }), (sizes) => {
    const framer = createFramer()
    const framed: Framed[] = []
    for (let at = 0, turn = 0; at < text.length; turn++) {
      const size = sizes[turn % sizes.length] ?? 1
      framed.push(...framer.push(Buffer.from(text.slice(at, at + size), 'latin1')))
      at += size
    }
    return JSON.stringify(show(framed)) === JSON.stringify(want)
  }), { numRuns: 300, seed: 7 })
  t.end()
})
