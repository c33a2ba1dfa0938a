import { test } from 'tap'
import { decodeMessage, encodeRequest, encodeResponse, firstValue, type RequestParts, type SipRequest } from '../../src/sip/codec.ts'
import { parseContacts } from '../../src/sip/contact.ts'
import { parseChallenges, parseCredentials } from '../../src/sip/digest.ts'
import { parseVia } from '../../src/sip/grammar.ts'
import { topViaBranch } from '../../src/sip/guard.ts'
import { formatHostPort, parseSipUri, uriPort, uriTransport } from '../../src/sip/uri.ts'
import { createSeededRandom } from '../../src/rehearsal/fake-clock.ts'

const bytes = (text: string): Buffer => Buffer.from(text, 'latin1')

const HEAD = 'Via: SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bKa\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: 1@x\r\nCSeq: 7 OPTIONS\r\n'
const response = (extra = '', body = ''): string => `SIP/2.0 200 OK\r\n${HEAD}${extra}\r\n${body}`

const decodeRequest = (text: string): SipRequest => {
  const decoded = decodeMessage(bytes(text))
  if (!decoded.ok || decoded.message.kind !== 'request') throw new Error('no request')
  return decoded.message
}

const READ: readonly { name: string; text: string; want: object }[] = [
  { name: 'a plain response', text: response(), want: { kind: 'response', status: 200, reason: 'OK', callId: '1@x', cseq: { number: 7, method: 'OPTIONS' }, from: { tag: '1' }, to: { tag: '2', uri: 'sip:c@d' } } },
  { name: 'no reason phrase', text: `SIP/2.0 486\r\n${HEAD}\r\n`, want: { status: 486, reason: '' } },
  { name: 'leading CRLFs (a keep-alive in front)', text: `\r\n\r\n${response()}`, want: { status: 200 } },
  { name: 'compact forms and a folded Via', text: 'SIP/2.0 200 OK\r\nv: SIP/2.0/UDP\r\n 127.0.0.1:5060\r\n\t;branch=z9hG4bKa\r\nf: <sip:a@b>;tag=1\r\nt: <sip:c@d>\r\ni: 1\r\nCSeq:7   OPTIONS\r\nl: 0\r\n\r\n', want: { via: ['SIP/2.0/UDP 127.0.0.1:5060 ;branch=z9hG4bKa'], to: { tag: null } } },
  { name: 'a display name with a comma, a bracket and an escaped quote', text: response().replace('To: <', 'To: "a, <b> \\" c" <'), want: { to: { uri: 'sip:c@d', tag: '2' } } },
  { name: 'a display name that is not ASCII keeps the tag', text: response().replace('To: <', 'To: J\xfcrgen <'), want: { to: { uri: 'sip:c@d', tag: '2' } } },
  { name: 'an IPv6 Via keeps its branch', text: response().replace('127.0.0.1:5060', '[::1]:5060;received=2001:db8::9'), want: { via: ['SIP/2.0/UDP [::1]:5060;received=2001:db8::9;branch=z9hG4bKa'] } },
  { name: 'a body that is cut to Content-Length and may look like a header', text: response('Content-Length: 6\r\n', 'a\r\n\r\nbtail'), want: { body: 'a\r\n\r\nb' } },
  { name: 'a header without a value', text: response('Subject:\r\n'), want: { status: 200 } },
  { name: 'a header named constructor is only a header', text: response('constructor: x\r\n'), want: { status: 200 } },
  { name: 'an unreadable challenge doesn\'t hurt', text: response('WWW-Authenticate: Digest realm="a, qop=auth,auth-int\r\n'), want: { status: 200 } },
  { name: 'a URI with escapes', text: `REGISTER sip:a%20b@c SIP/2.0\r\n${HEAD.replace('OPTIONS', 'REGISTER')}\r\n`, want: { kind: 'request', method: 'REGISTER', uri: 'sip:a%20b@c' } }
]

test('messages that are read', (t) => {
  for (const { name, text, want } of READ) t.match(decodeMessage(bytes(text)), { ok: true, message: want }, name)
  t.end()
})

const REFUSED: readonly { name: string; text: string }[] = [
  { name: 'a Via parameter named __proto__ (killed npm sip by one datagram)', text: 'OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a;__proto__;branch=z9hG4bK1\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:a>\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n\r\n' },
  { name: 'a CSeq method that unescapes to a line break (header injection)', text: response().replace('7 OPTIONS', '7 OPTIONS%0d%0aX-Evil:%20yes') },
  { name: 'an escaped method', text: `RE%47IST%45R sip:a SIP/2.0\r\n${HEAD}\r\n` },
  { name: 'an escaped CSeq method', text: response().replace('7 OPTIONS', '7 OPT%49ONS') },
  { name: 'nothing', text: '' },
  { name: 'a keep-alive', text: '\r\n\r\n' },
  { name: 'only LF', text: response().replaceAll('\r\n', '\n') },
  { name: 'a bare LF in a header', text: response('X: a\nb\r\n') },
  { name: 'a bare LF at the end of a folded header', text: response('X: a\r\n  b\n\r\n') },
  { name: 'a bare CR', text: response('X: a\rb\r\n') },
  { name: 'a NUL', text: response('X: a\0b\r\n') },
  { name: 'no blank line', text: response().slice(0, -2) },
  { name: 'another protocol', text: `HTTP/1.1 200 OK\r\n${HEAD}\r\n` },
  { name: 'another version', text: response().replace('SIP/2.0 200', 'SIP/3.0 200') },
  { name: 'a status of five digits', text: response().replace(' 200 ', ' 20000 ') },
  { name: 'a status below 100', text: response().replace(' 200 ', ' 099 ') },
  { name: 'a line without a colon', text: response('nonsense\r\n') },
  { name: 'a header name with a blank', text: response('a b: c\r\n') },
  { name: 'two Call-IDs', text: response('i: other\r\n') },
  { name: 'two From', text: response('From: <sip:x>\r\n') },
  { name: 'a From with an open quote', text: response().replace('From: <', 'From: "a <') },
  { name: 'an empty To', text: response().replace('To: <sip:c@d>;tag=2', 'To:') },
  { name: 'a Via that is none', text: response().replace('SIP/2.0/UDP', 'XYZ') },
  { name: 'Content-Length abc', text: response('Content-Length: abc\r\n') },
  { name: 'Content-Length -5', text: response('Content-Length: -5\r\n') },
  { name: 'Content-Length 0x3', text: response('Content-Length: 0x3\r\n', 'abc') },
  { name: 'two Content-Lengths', text: response('Content-Length: 0\r\nl: 1\r\n', 'a') },
  { name: 'a body that is cut off', text: response('Content-Length: 10\r\n', 'short') },
  { name: 'too many headers', text: response('X: y\r\n'.repeat(100)) },
  { name: 'a line that is too long', text: response(`X: ${'y'.repeat(5000)}\r\n`) },
  { name: 'a From that is too long', text: response().replace('sip:a@b', `sip:${'a'.repeat(800)}@b`) },
  ...['Via', 'From', 'To', 'Call-ID', 'CSeq'].map((name) => ({ name: `no ${name}`, text: response().replace(new RegExp(`${name}: .*\r\n`), '') }))
]

test('messages that are refused, with a constant text', (t) => {
  for (const { name, text } of REFUSED) {
    const decoded = decodeMessage(bytes(text))
    t.equal(decoded.ok, false, name)
    if (!decoded.ok) t.match(decoded.detail, /^[a-zA-Z0-9:/. -]{5,60}$/, decoded.detail)
  }
  t.end()
})

test('strings that froze npm sip are dealt with at once', (t) => {
  const blanks = (count: number): string => ' '.repeat(count)
  const attacks = [518, 1418, 4018, 8000, 64_000].flatMap((count) => [
    `SIP/2.0 200${blanks(count)}x\ny\r\n\r\n`,
    `SIP/2.0 200${blanks(count)}x\r\n${HEAD}\r\n`,
    response().replace('<sip:c@d>;tag=2', `<sip:a@b>${blanks(count)}x`),
    response().replace('127.0.0.1', `h${blanks(count)}`),
    response(`Contact: <sip:a>${blanks(count)}x\r\n`),
    response(`Contact: ${';'.repeat(count)}\r\n`),
    response(`Contact: ${'"\\'.repeat(count / 2)}\r\n`),
    response(`WWW-Authenticate: Digest${blanks(count)}\r\n`),
    response(`WWW-Authenticate: ${'x'.repeat(count)}\r\n`),
    response(`WWW-Authenticate: ${'a=b,'.repeat(count / 4)}\r\n`),
    '\r\n'.repeat(count / 2),
    `SIP/2.0 200 OK\r\nv:${';branch='.repeat(count / 8)}\r\n\r\n`,
    `SIP/2.0 200 OK\r\nX: y${'\r\n '.repeat(count / 3)}\r\n\r\n`
  ])
  for (const [index, text] of attacks.entries()) {
    const startedMs = performance.now()
    const decoded = decodeMessage(bytes(text))
    topViaBranch(bytes(text))
    if (decoded.ok) {
      parseContacts(decoded.message.headers.get('contact') ?? [])
      parseChallenges(decoded.message.headers.get('www-authenticate') ?? [])
    }
    t.ok(performance.now() - startedMs < 100, `attack ${index} of ${text.length} bytes`)
  }
  t.end()
})

test('twenty thousand mutated datagrams: nothing throws, nothing is pollution, nothing is slow', (t) => {
  const random = createSeededRandom(4242)
  const pick = (below: number): number => Math.floor(random.fraction() * below)
  const corpus = [...READ.map(({ text }) => text), ...REFUSED.slice(0, 4).map(({ text }) => text),
    response('Contact: "x, y" <sip:a@b:5070;transport=udp>;expires=60;q=0.5, <sip:c@[::1]>;+sip.instance="<urn:uuid:1>"\r\nWWW-Authenticate: Digest realm="a",nonce="n",qop="auth"\r\n')]
  const tokens = ['\r\n', '\r\n ', ';', ',', '"', '<', '>', '=', '__proto__', '%0d%0a', 'constructor', '\\', '\0', ' ', 'Contact: ', 'Via: ', '99999999999', '[::1]', '*']
  let read = 0
  let slowestMs = 0
  for (let round = 0; round < 20_000; round++) {
    let text = corpus[pick(corpus.length)] ?? ''
    for (let edit = 0; edit <= pick(2); edit++) {
      const at = pick(text.length)
      const inserted = pick(2) === 0 ? tokens[pick(tokens.length)] ?? '' : String.fromCharCode(pick(256))
      text = text.slice(0, at) + inserted + text.slice(at + pick(3))
    }
    const startedMs = performance.now()
    topViaBranch(bytes(text))
    const decoded = decodeMessage(bytes(text))
    if (decoded.ok) {
      read++
      const { message } = decoded
      parseContacts(message.headers.get('contact') ?? [], firstValue(message, 'expires'))
      parseChallenges(message.headers.get('www-authenticate') ?? [])
      parseCredentials(firstValue(message, 'authorization') ?? '')
      if (message.kind === 'request') encodeResponse(message, { status: 200, reason: 'OK', toTag: 'x', source: { address: '::1', port: 1 } })
    }
    slowestMs = Math.max(slowestMs, performance.now() - startedMs)
  }
  t.ok(read > 2000, `${read} were read`)
  t.ok(slowestMs < 500, `slowest ${slowestMs} ms`)
  t.same(Object.keys(Object.prototype), [])
  t.end()
})

test('branch of the top Via, from raw bytes', (t) => {
  const cases: readonly { name: string; text: string; want: string | null }[] = [
    { name: 'plain', text: response(), want: 'z9hG4bKa' },
    { name: 'compact, folded, white space', text: 'SIP/2.0 200 OK\r\nv :\r\n SIP/2.0/UDP h ; branch = z9hG4bKb;x\r\n\r\n', want: 'z9hG4bKb' },
    { name: 'IPv6', text: 'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP [::1]:1;rport;branch=z9hG4bKc\r\n\r\n', want: 'z9hG4bKc' },
    { name: 'the top one of a list', text: 'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=1, SIP/2.0/UDP b;branch=2\r\n\r\n', want: '1' },
    { name: 'the top one has none', text: 'SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nVia: SIP/2.0/UDP b;branch=2\r\n\r\n', want: null },
    { name: 'no Via', text: 'SIP/2.0 200 OK\r\n\r\n', want: null },
    { name: 'noise', text: '\x00\xff\x80', want: null }
  ]
  for (const { name, text, want } of cases) t.equal(topViaBranch(bytes(text)), want, name)
  t.end()
})

const REQUEST: RequestParts = {
  method: 'OPTIONS', uri: 'sip:[::1]:5070', via: ['SIP/2.0/UDP [::1]:4000;branch=z9hG4bKx;rport'], from: '<sip:a@b>;tag=1', to: '<sip:[::1]:5070>',
  callId: 'c', cseq: 3, headers: [['Accept', 'application/sdp']]
}

test('a request is written and read back', (t) => {
  const encoded = encodeRequest({ ...REQUEST, headers: [['Contact', '<sip:a>'], ['Contact', '<sip:b>']], body: '\xe4' })
  t.ok(encoded.ok)
  if (!encoded.ok) { t.end(); return }
  t.equal(encoded.bytes.toString('latin1'), 'OPTIONS sip:[::1]:5070 SIP/2.0\r\nVia: SIP/2.0/UDP [::1]:4000;branch=z9hG4bKx;rport\r\nMax-Forwards: 70\r\nFrom: <sip:a@b>;tag=1\r\nTo: <sip:[::1]:5070>\r\n' +
    'Call-ID: c\r\nCSeq: 3 OPTIONS\r\nContact: <sip:a>\r\nContact: <sip:b>\r\nContent-Length: 1\r\n\r\n\xe4')
  t.match(decodeMessage(encoded.bytes), { ok: true, message: { kind: 'request', method: 'OPTIONS', body: '\xe4' } })
  t.end()
})

test('what can\'t be written is refused', (t) => {
  const cases: readonly { name: string; parts: Partial<RequestParts> }[] = [
    { name: 'CR LF in a header', parts: { headers: [['User-Agent', 'a\r\nX: 1']] } },
    { name: 'a lone LF in From', parts: { from: '<sip:a\n>' } },
    { name: 'NUL in the URI', parts: { uri: 'sip:\0' } },
    { name: 'a blank in the URI', parts: { uri: 'sip:a b' } },
    { name: 'an empty URI', parts: { uri: '' } },
    { name: 'above Latin-1 in a header', parts: { headers: [['X', '\u0141']] } },
    { name: 'above Latin-1 in the body', parts: { body: '\u0141' } },
    { name: 'an empty Contact, which would remove all bindings', parts: { headers: [['Contact', '']] } },
    { name: 'a header name with a colon', parts: { headers: [['X: y', '1']] } },
    { name: 'a header name of two lines', parts: { headers: [['X\r\nY', '1']] } },
    { name: 'Content-Length, which is ours', parts: { headers: [['Content-Length', '5']] } },
    { name: 'a method that is no token', parts: { method: 'OPTIONS sip:x' } }
  ]
  for (const { name, parts } of cases) t.match(encodeRequest({ ...REQUEST, ...parts }), { ok: false, detail: String }, name)
  const request = decodeRequest(`OPTIONS sip:a SIP/2.0\r\n${HEAD}\r\n`)
  t.match(encodeResponse(request, { status: 200, reason: 'a\r\nX: 1' }), { ok: false })
  t.match(encodeResponse(request, { status: 99, reason: 'x' }), { ok: false })
  t.end()
})

test('a response carries the request\'s identity, its source and several challenges', (t) => {
  const request = decodeRequest('OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP [::1]:1;rport;branch=z9hG4bKt, SIP/2.0/UDP b\r\nFrom: "A" <sip:a@b>;tag=1\r\nTo: sip:c@d\r\nCall-ID: 9\r\nCSeq: 2 OPTIONS\r\n\r\n')
  const encoded = encodeResponse(request, {
    status: 401, reason: 'Unauthorized', toTag: 't', source: { address: '::1', port: 4000 },
    headers: [['WWW-Authenticate', 'Digest a="1"'], ['WWW-Authenticate', 'Digest b="2"']]
  })
  t.equal(encoded.ok ? encoded.bytes.toString() : '', 'SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP [::1]:1;rport=4000;branch=z9hG4bKt;received=::1\r\nVia: SIP/2.0/UDP b\r\nFrom: "A" <sip:a@b>;tag=1\r\n' +
    'To: sip:c@d;tag=t\r\nCall-ID: 9\r\nCSeq: 2 OPTIONS\r\nWWW-Authenticate: Digest a="1"\r\nWWW-Authenticate: Digest b="2"\r\nContent-Length: 0\r\n\r\n')
  const tagged = encodeResponse(decodeRequest(`OPTIONS sip:a SIP/2.0\r\n${HEAD}\r\n`), { status: 200, reason: 'OK', toTag: 'new' })
  t.match(tagged.ok ? tagged.bytes.toString() : '', /To: <sip:c@d>;tag=2\r\n/, 'a tag that is there stays')
  t.end()
})

test('SIP URIs', (t) => {
  const cases: readonly { text: string; want: object | null }[] = [
    { text: 'sip:10.0.0.1', want: { scheme: 'sip', user: null, host: '10.0.0.1', port: null } },
    { text: 'SIP:Alice%40@Example.COM:5070;transport=TCP?x=y', want: { scheme: 'sip', user: 'Alice%40', host: 'example.com', port: 5070 } },
    { text: 'sip:[2001:DB8::1]:5062', want: { host: '2001:db8::1', port: 5062 } },
    { text: 'sip:a:secret@b', want: { user: 'a', host: 'b' } },
    { text: 'sips:a@b', want: { scheme: 'sips' } },
    { text: 'sip:a@b;lr;__proto__=x', want: { host: 'b' } },
    ...['', 'sip:', 'tel:+49301', 'sip:a@', 'sip:@b', 'sip:::1', 'sip:[::1', 'sip:[::g]', 'sip:[1.2]', 'sip:a b', 'sip:h:0', 'sip:h:65536', 'sip:h:99999', 'sip:h:', 'a@b', 'sip:a@b@', 'sip:<x>'].map((text) => ({ text, want: null }))
  ]
  for (const { text, want } of cases) t.match(parseSipUri(text), want, text)
  const ports = ['sip:h', 'sips:h', 'sip:h;transport=tls', 'sip:h:1;transport=TCP'].map((text) => parseSipUri(text)).flatMap((uri) => uri === null ? [] : [[uriTransport(uri), uriPort(uri)]])
  t.same(ports, [['udp', 5060], ['tls', 5061], ['tls', 5061], ['tcp', 1]])
  t.equal(formatHostPort('::1', 5060), '[::1]:5060')
  t.end()
})

test('Via values', (t) => {
  t.match(parseVia('SIP/2.0/UDP [::1]:5060;branch=z9;rport'), { transport: 'UDP', host: '::1', port: 5060, branch: 'z9' })
  t.match(parseVia('SIP / 2.0 / tcp host.example : 99 ; branch=z9'), { transport: 'TCP', host: 'host.example', port: 99, branch: 'z9' })
  for (const text of ['', 'SIP/2.0/UDP', 'SIP/1.0/UDP a', 'SIP/2.0/UDP a:b', 'SIP/2.0/UDP a;x="']) t.equal(parseVia(text), null, text)
  t.end()
})

test('Contacts of a binding list', (t) => {
  const cases: readonly { name: string; values: readonly string[]; expires?: string; want: readonly object[] | null }[] = [
    { name: 'none', values: [], want: [] },
    { name: 'one with all parameters', values: ['"A, B" <sip:u@10.0.0.1:5070;ob>;expires=55;q=0.7;+sip.instance="<urn:uuid:42>"'], want: [{ uri: 'sip:u@10.0.0.1:5070;ob', user: 'u', hostPort: '10.0.0.1:5070', instance: 'urn:uuid:42', expiresSeconds: 55, q: 0.7 }] },
    { name: 'two in a line, and one in another', values: ['<sip:a@1.1.1.1>;expires=1, <sip:b@1.1.1.2>', 'sip:c@1.1.1.3;expires=3'], want: [{ hostPort: '1.1.1.1:5060', expiresSeconds: 1, q: null }, { user: 'b', expiresSeconds: null }, { user: 'c', hostPort: '1.1.1.3:5060', expiresSeconds: 3 }] },
    { name: 'bare URIs with a comma between', values: ['sip:a@b, sip:c@d'], want: [{ uri: 'sip:a@b' }, { uri: 'sip:c@d' }] },
    { name: 'the Expires header for those without their own', values: ['<sip:a@b>', '<sip:c@d>;expires=5'], expires: '60', want: [{ expiresSeconds: 60 }, { expiresSeconds: 5 }] },
    { name: 'IPv6, TLS port, upper case', values: ['<SIP:a@[2001:DB8::1]>', '<sips:a@B>'], want: [{ hostPort: '[2001:db8::1]:5060' }, { hostPort: 'b:5061' }] },
    { name: 'a comma and a semicolon inside the brackets', values: ['<sip:a,b@c;x=y>;expires=9'], want: [{ uri: 'sip:a,b@c;x=y', user: 'a,b', expiresSeconds: 9 }] },
    { name: 'another scheme matches no host and port', values: ['<tel:+4930>'], want: [{ uri: 'tel:+4930', user: null, hostPort: '' }] },
    { name: 'an expires that is no number, a q above 1', values: ['<sip:a@b>;expires=soon;q=7'], want: [{ expiresSeconds: null, q: null }] },
    { name: 'an open quote: all are unreadable, none is overlooked', values: ['<sip:a@b>', '"x <sip:c@d>'], want: null },
    { name: 'an open bracket', values: ['<sip:a@b'], want: null },
    { name: 'text after the bracket', values: ['<sip:a@b> x'], want: null }
  ]
  for (const { name, values, expires, want } of cases) t.match(parseContacts(values, expires ?? null), want, name)
  t.equal(parseContacts(Array.from({ length: 40 }, (_, index) => `<sip:u${index}@10.0.0.${index}>`))?.length, 40)
  t.end()
})
