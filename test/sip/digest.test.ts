import { test } from 'tap'
import { chooseChallenge, digestResponse, formatChallenge, formatCredentials, isPasswordProven, parseChallenges, parseCredentials, parseNextNonce, type DigestInput } from '../../src/sip/digest.ts'

const MUFASA: DigestInput = {
  algorithm: 'MD5', username: 'Mufasa', realm: 'testrealm@host.com', password: 'Circle Of Life', method: 'GET', uri: '/dir/index.html',
  nonce: 'dcd98b7102dd2f0e8b11d0f600bfb0c093', qop: 'auth', nc: '00000001', cnonce: '0a4f113b'
}
const RFC7616: DigestInput = {
  ...MUFASA, realm: 'http-auth@example.org', password: 'Circle of Life', nonce: '7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v',
  cnonce: 'f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ'
}

const DOE: DigestInput = {
  algorithm: 'SHA-512-256', username: 'J\u00e4s\u00f8n Doe', realm: 'api@example.org', password: 'Secret, or not?', method: 'GET', uri: '/doe.json',
  nonce: '5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK', qop: 'auth', nc: '00000001', cnonce: 'NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v'
}

const RESPONSES: readonly { name: string; input: DigestInput; want: string }[] = [
  { name: 'RFC 2617 §3.5, MD5 with qop auth', input: MUFASA, want: '6629fae49393a05397450978507c4ef1' },
  { name: 'RFC 7616 §3.9.1, MD5', input: RFC7616, want: '8ca523f5e9506fed4657c9700eebdbec' },
  { name: 'RFC 7616 §3.9.1, SHA-256', input: { ...RFC7616, algorithm: 'SHA-256' }, want: '753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1' },
  { name: 'RFC 7616 §3.9.2 as corrected by erratum 4897, SHA-512-256, UTF-8', input: DOE, want: '3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5' },
  { name: 'RFC 2069 errata, MD5 without qop', input: { ...MUFASA, password: 'CircleOfLife', qop: null, nc: '', cnonce: '' }, want: '1949323746fe6a43ef61f9606e7febea' }
]

test('the response is that of the published examples', (t) => {
  for (const { name, input, want } of RESPONSES) t.equal(digestResponse(input), want, name)
  t.end()
})

const CHALLENGES: readonly { name: string; values: readonly string[]; want: object | null }[] = [
  { name: 'no algorithm is MD5', values: ['Digest realm="a", nonce="n"'], want: { algorithm: 'MD5', qop: null, stale: false, opaque: null, algorithmOmitted: true } },
  { name: 'the qop list is trimmed', values: ['Digest realm="a",nonce="n",qop=" auth , auth-int"'], want: { qop: 'auth' } },
  { name: 'an unquoted qop and a quoted algorithm are read', values: ['Digest realm="a",nonce="n",qop=auth,algorithm="md5"'], want: { qop: 'auth', algorithm: 'MD5' } },
  { name: 'names and scheme in any case', values: ['DIGEST Realm="a", NONCE="n", Stale=TRUE'], want: { realm: 'a', nonce: 'n', stale: true } },
  { name: 'a comma in a quoted realm is no separator', values: ['Digest realm="a, b", nonce="n"'], want: { realm: 'a, b' } },
  { name: 'blanks around the equals sign', values: ['Digest realm = "a" , nonce = "n"'], want: { realm: 'a', nonce: 'n' } },
  { name: 'the first of two lines (RFC 8760 §2.4)', values: ['Digest realm="a",nonce="1",algorithm=SHA-256', 'Digest realm="a",nonce="2"'], want: { nonce: '1', algorithm: 'SHA-256' } },
  { name: 'the server\'s order counts, not the strength', values: ['Digest realm="a",nonce="1"', 'Digest realm="a",nonce="2",algorithm=SHA-256'], want: { nonce: '1', algorithm: 'MD5' } },
  { name: 'the first of two in one line', values: ['Digest realm="a",nonce="2",algorithm=SHA-256, Digest realm="a",nonce="1"'], want: { nonce: '2', algorithm: 'SHA-256' } },
  { name: 'the first one of equals', values: ['Digest realm="a",nonce="1"', 'Digest realm="b",nonce="2"'], want: { nonce: '1' } },
  { name: 'Basic and unknown algorithms are passed over', values: ['Basic realm="x"', 'Digest realm="a",nonce="1",algorithm=AKAv1-MD5', 'Digest realm="a",nonce="2"'], want: { nonce: '2' } },
  { name: 'only auth-int is answered as auth-int', values: ['Digest realm="a",nonce="n",qop="auth-int"'], want: { qop: 'auth-int' } },
  { name: 'auth where both are offered, whatever their order', values: ['Digest realm="a",nonce="n",qop="auth-int,auth"'], want: { qop: 'auth' } },
  { name: 'a qop that we don\'t know can\'t be answered', values: ['Digest realm="a",nonce="n",qop="auth-conf"'], want: null },
  { name: 'SHA-512-256 with userhash', values: ['Digest realm="a",nonce="n",qop=auth,algorithm=SHA-512-256,charset=UTF-8,userhash=true'], want: { algorithm: 'SHA-512-256', userhash: true } },
  { name: 'no nonce', values: ['Digest realm="a"'], want: null },
  { name: 'an open quote', values: ['Digest realm="a, nonce="n"'], want: null },
  { name: 'nothing', values: ['', 'Digest', '=', ',,,'], want: null }
]

test('challenges', (t) => {
  for (const { name, values, want } of CHALLENGES) t.match(chooseChallenge(parseChallenges(values)), want, name)
  t.end()
})

test('what a client writes, a server accepts with the right password only', (t) => {
  for (const [algorithm, qop] of (['MD5', 'MD5-sess', 'SHA-256', 'SHA-256-sess', 'SHA-512-256', 'SHA-512-256-sess'] as const).flatMap((each) => [[each, 'auth'], [each, 'auth-int']] as const)) {
    for (const account of [{ username: '4930123', password: 'secret' }, { username: 'jürgen "x"', password: 'pä"ß\\' }]) {
      const [challenge] = parseChallenges([formatChallenge({ realm: 'r\xe4', nonce: 'n', algorithm, stale: true, qop })])
      if (challenge === undefined) { t.fail('no challenge'); continue }
      t.match(challenge, { algorithm, stale: true, qop, realm: 'r\xe4' })
      const input = { ...account, method: 'REGISTER', uri: 'sip:a', cnonce: 'c', nonceCount: 10, body: 'body' }
      const value = formatCredentials(challenge, input)
      t.match(value, /nc=0000000a/)
      t.notMatch(value, /[\u0100-\uffff]/, 'bytes only')
      const credentials = parseCredentials(value)
      if (credentials === null) { t.fail('unreadable'); continue }
      t.equal(isPasswordProven(credentials, account, 'REGISTER', 'changed'), qop === 'auth', 'auth-int protects the body')
      t.equal(isPasswordProven(credentials, account, 'REGISTER', 'body'), true, `${algorithm} ${account.username}`)
      t.equal(isPasswordProven(credentials, { ...account, password: 'wrong' }, 'REGISTER'), false)
      t.equal(isPasswordProven(credentials, account, 'INVITE'), false)
      t.equal(isPasswordProven({ ...credentials, response: 'short' }, account, 'REGISTER'), false)
      t.equal(isPasswordProven(credentials, { ...account, username: 'other' }, 'REGISTER'), false)
    }
  }
  t.end()
})

test('the old form without qop sends no cnonce and echoes opaque', (t) => {
  const [challenge] = parseChallenges(['Digest realm="a",nonce="n",opaque="o"'])
  if (challenge === undefined) { t.fail('no challenge'); t.end(); return }
  const value = formatCredentials(challenge, { username: 'u', password: 'p', method: 'REGISTER', uri: 'sip:a', cnonce: 'c', nonceCount: 1 })
  t.equal(value, 'Digest username="u", realm="a", nonce="n", uri="sip:a", response="' + digestResponse({ ...MUFASA, username: 'u', password: 'p', realm: 'a', nonce: 'n', method: 'REGISTER', uri: 'sip:a', qop: null }) + '", opaque="o"')
  const credentials = parseCredentials(value)
  t.match(credentials, { qop: null, cnonce: '' })
  t.end()
})

test('credentials that can\'t be read are null', (t) => {
  for (const value of ['', 'Basic abc', 'Digest username="u"', 'Digest username="u",realm="a",nonce="n",uri="x",response="y",qop=auth-conf', 'Digest username="u",realm="a",nonce="n",uri="x",response="y",algorithm=XYZ']) {
    t.equal(parseCredentials(value), null, value)
  }
  t.end()
})

test('a user name is hashed where the server wants it (RFC 7616 §3.4.4, the name of §3.9.2 as corrected by erratum 4897)', (t) => {
  const [challenge] = parseChallenges([`Digest realm="${DOE.realm}",qop="auth",algorithm=SHA-512-256,nonce="${DOE.nonce}",opaque="HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS",charset=UTF-8,userhash=true`])
  if (challenge === undefined) { t.fail('no challenge'); t.end(); return }
  const value = formatCredentials(challenge, { username: DOE.username, password: DOE.password, method: 'GET', uri: DOE.uri, cnonce: DOE.cnonce, nonceCount: 1 })
  t.match(value, /username="793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b".*response="3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5".*userhash=true/)
  const credentials = parseCredentials(value)
  if (credentials === null) { t.fail('unreadable'); t.end(); return }
  t.equal(isPasswordProven(credentials, DOE, 'GET'), true)
  t.equal(isPasswordProven(credentials, { ...DOE, username: 'Jason Doe' }, 'GET'), false)
  t.end()
})

test('the next nonce', (t) => {
  const cases = [
    { values: ['nextnonce="n2", qop=auth, rspauth="x", nc=00000001'], want: 'n2' },
    { values: ['qop=auth,nextnonce=n2'], want: 'n2' },
    { values: ['rspauth="x"'], want: null },
    { values: [], want: null },
    { values: ['nextnonce="open'], want: null }
  ]
  for (const { values, want } of cases) t.equal(parseNextNonce(values), want, values.join())
  t.end()
})
