/** Responses as no peer should send them: changed at random places, by what parsers have once fallen over. */
import type { Dice } from './random.ts'

const PIECES = [
  '\r\n', '\r\n ', '\r', '\n', '\r\n\r\n', '\0', ' ', '\t', ';', ',', '"', '\\', '<', '>', '=', ':', '@', '*', '%0d%0a', '%00', '__proto__', 'constructor', 'toString',
  'Contact: ', 'Via: ', 'v: ', 'l: ', 'Content-Length: ', 'WWW-Authenticate: Digest ', 'SIP/2.0 ', 'SIP/2.0 200', 'SIP/2.0 100 x\r\n', '[::1]', '[', ']', '99999999999', '-1', '0x3', 'NaN', '1e9',
  'branch=', ';branch=z9hG4bK', ';__proto__', 'nonce="', 'qop=auth-int', 'algorithm=', 'stale=true', 'sip:', 'sips:a', '\xff', '\xc3\xbc', '\x1b[2J'
]

/** Header fields that a response may have beside those that every one has. */
const EXTRAS = [
  'Contact: "x, y" <sip:a@b:5070;transport=udp>;expires=60;q=0.5, <sip:c@[::1]>;+sip.instance="<urn:uuid:1>"\r\n',
  'Contact: *\r\n', 'm: sip:a@b;expires=5\r\n', 'Expires: 30\r\n', 'Retry-After: 5 (later);duration=3\r\n', 'Min-Expires: 90\r\n',
  'WWW-Authenticate: Digest realm="a, b",nonce="n",qop="auth , auth-int",algorithm=SHA-256,stale=true\r\n',
  'Proxy-Authenticate: Digest realm="p",nonce="n"\r\nProxy-Authenticate: Basic realm="x"\r\n',
  'Authentication-Info: nextnonce="n2",rspauth="x"\r\n', 'Subject:\r\n', 'X: a\r\n b\r\n\tc\r\n'
]

const STATUSES = [100, 180, 199, 200, 200, 202, 300, 302, 400, 401, 401, 403, 404, 407, 408, 423, 500, 503, 600, 699]

/** A response with a status and extra header fields at random; `head` holds the fields that answer the request. */
export function anyResponse (dice: Dice, head: string): string {
  const body = dice.chance(0.2) ? 'v=0\r\n\r\nSIP/2.0 200 OK\r\n\r\n' : ''
  const extras = Array.from({ length: dice.int(4) }, () => dice.pick(EXTRAS)).join('')
  return `SIP/2.0 ${dice.pick(STATUSES)} ${dice.pick(['OK', '', 'Not Found', 'x'.repeat(200)])}\r\n${head}${extras}${dice.chance(0.8) ? `Content-Length: ${body.length}\r\n` : ''}\r\n${body}`
}

const METHODS = ['REGISTER', 'REGISTER', 'REGISTER', 'OPTIONS', 'INVITE', 'ACK', 'CANCEL', 'BYE', 'FOO']

/** A request with a method and extra header fields at random. @param authorization - empty: none */
export function anyRequest (dice: Dice, uri: string, authorization: string): string {
  const method = dice.pick(METHODS)
  const extras = Array.from({ length: dice.int(4) }, () => dice.pick(EXTRAS)).join('')
  const via = dice.pick(['SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK', 'SIP/2.0/UDP 10.0.0.1:5070;rport;branch=z9hG4bK', 'SIP/2.0/TCP [::1]:99;branch=z9hG4bK'])
  return `${method} ${uri} SIP/2.0\r\nVia: ${via}${dice.int(1e6)}\r\nMax-Forwards: 70\r\nFrom: <sip:u@b>;tag=${dice.int(9)}\r\nTo: <sip:u@b>\r\nCall-ID: ${dice.int(50)}@x\r\n` +
    `CSeq: ${dice.int(1000)} ${method}\r\n${dice.chance(0.6) ? `Contact: <sip:u@10.0.0.${dice.int(20)}>;expires=${dice.pick([0, 1, 60, 3600, 9_999_999_999])}\r\n` : ''}` +
    `${authorization === '' ? '' : `Authorization: ${authorization}\r\n`}${extras}Content-Length: 0\r\n\r\n`
}

/** Changes a text once to eight times; now and then it grows beyond every bound. */
export function mutateSip (dice: Dice, text: string): string {
  let changed = text
  for (let times = 1 + dice.int(8); times > 0; times--) {
    const at = dice.int(changed.length + 1)
    const length = dice.pick([1, 1, 2, 5, 40, 200])
    switch (dice.int(7)) {
      case 0: changed = changed.slice(0, at) + changed.slice(at + length); break
      case 1: changed = changed.slice(0, at) + dice.pick(PIECES) + changed.slice(at); break
      case 2: changed = changed.slice(0, at) + String.fromCharCode(dice.int(256)) + changed.slice(at + 1); break
      case 3: changed = changed.slice(0, at) + changed.slice(at, at + length).repeat(dice.pick([2, 3, 50])) + changed.slice(at); break
      case 4: changed = changed.slice(0, at) + dice.pick(PIECES).repeat(dice.pick([1, 2, 30, dice.chance(0.02) ? 4000 : 3])) + changed.slice(at); break
      case 5: { const from = dice.int(changed.length + 1); changed = changed.slice(0, at) + changed.slice(from, from + length) + changed.slice(at); break }
      default: changed = dice.chance(0.3) ? changed.slice(0, at) : changed
    }
  }
  return changed.slice(0, 60_000)
}
