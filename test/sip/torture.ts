/** The messages of RFC 4475 (SIP torture tests), written from the RFC: what a reader must take, and what it must not. */

export interface TortureMessage {
  /** Section and file name in the RFC. */
  readonly name: string
  /** With LF as the line end where the RFC has CRLF. */
  readonly text: string
  /** What must be read of it; null: it must be refused. */
  readonly want: object | null
}

const VIA = 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw'
/** A request of the usual kind with some of its lines changed. */
const request = (line: string, lines: readonly string[], body = ''): string => `${line}\n${lines.join('\n')}\n\n${body}`

export const VALID: readonly TortureMessage[] = [
  {
    name: '3.1.1.1 wsinv: folding, blanks and escapes everywhere',
    text: 'INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0\nTO :\n sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n\nfrom   : "J Rosenberg \\\\\\""       <sip:jdrosen@example.com>\n  ;\n  tag = 98asjd8\nMaX-fOrWaRdS: 0068\nCall-ID: wsinv.ndaksdj@192.0.2.1\nContent-Length   : 4\ncseq: 0009\n  INVITE\nVia  : SIP  /   2.0\n /UDP\n    192.0.2.2;branch=390skdjuw\ns :\nNewFangledHeader:   newfangled value\n continued newfangled value\nUnknownHeaderWithUnusualValue: ;;,,;;,;\nContent-Type: application/sdp\nRoute:\n <sip:services.example.com;lr;unknownwith=value;unknown-no-value>\nv:  SIP  / 2.0  / TCP     spindle.example.com   ;\n  branch  =   z9hG4bK9ikj8  ,\n SIP  /    2.0   / UDP  192.168.255.111   ; branch=\n z9hG4bK30239\nm:"Quoted string \\"\\"" <sip:jdrosen@example.com> ; newparam =\n      newvalue ;\n  secondparam ; q = 0.33\n\nv=0\n',
    want: { method: 'INVITE', to: { uri: 'sip:vivekg@chair-dnrc.example.com', tag: '1918181833n' }, from: { uri: 'sip:jdrosen@example.com', tag: '98asjd8' }, cseq: { number: 9, method: 'INVITE' }, via: { length: 3 } }
  },
  {
    name: '3.1.1.2 intmeth: a wide range of valid characters (without the % in the method: no escape makes a method)',
    text: request('!interesting-Method0123456789_*+`.indeed\'~ sip:1_unusual.URI~(to-be!sure)&isn\'t+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn\'t-it)@example.com SIP/2.0', ['Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!66*_+`\'~', 'To: "BEL:\\x NUL:\\y" <sip:1_unusual.URI~(to-be!sure)&isn\'t+it$/crazy?,/;;*@example.com>', 'From: token1~` token2\'+_ token3*!.- <sip:mundane@example.com>;fromParam\'\'~+*_!.-="\xd1\x80\xd0\xb0";tag=_token~1\'+`*!-.', 'Call-ID: intmeth.word-!.*_+\'{}[]@x', 'CSeq: 139122385 !interesting-Method0123456789_*+`.indeed\'~', 'Max-Forwards: 255', 'extensionHeader-!.+*\'_`~:\xef\xbb\xbf\xe5\xa4\xa7\xe5\x81\x9c\xe9\x9b\xbb', 'Content-Length: 0']),
    want: { cseq: { number: 139_122_385 }, from: { uri: 'sip:mundane@example.com', tag: '_token~1\'+`*!-.' } }
  },
  {
    name: '3.1.1.3 esc01: escapes in URIs are kept',
    text: request('INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0', ['To: sip:%75se%72@example.com', 'From: <sip:I%20have%20spaces@example.net>;tag=938', 'Max-Forwards: 87', 'i: esc01.239409asdfakjkn23onasd0-3234', 'CSeq: 234234 INVITE', VIA, 'C: application/sdp', 'Contact:\n  <sip:cal%6Cer@192.168.0.2:5060;%6C%72;n%61me=v%61lue%25%34%31>', 'Content-Length: 0']),
    want: { uri: 'sip:sips%3Auser%40example.com@example.net', to: { uri: 'sip:%75se%72@example.com' } }
  },
  {
    name: '3.1.1.4 escnull: an escaped NUL stays an escape',
    text: request('REGISTER sip:example.com SIP/2.0', ['To: sip:null-%00-null@example.com', 'From: sip:null-%00-null@example.com;tag=839923423', 'Max-Forwards: 70', 'Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd', 'CSeq: 14398234 REGISTER', VIA, 'Contact: <sip:%00@host5.example.com>', 'L:0']),
    want: { method: 'REGISTER', to: { uri: 'sip:null-%00-null@example.com' } }
  },
  {
    name: '3.1.1.6 lwsdisp: no blank between the display name and <',
    text: request('OPTIONS sip:user@example.com SIP/2.0', ['To: sip:user@example.com', 'From: caller<sip:caller@example.com>;tag=323', 'Max-Forwards: 70', 'Call-ID: lwsdisp.1234abcd@funky.example.com', 'CSeq: 60 OPTIONS', VIA, 'l: 0']),
    want: { from: { uri: 'sip:caller@example.com', tag: '323' } }
  },
  {
    name: '3.1.1.8 dblreq: what follows the first message is not part of it',
    text: request('REGISTER sip:example.com SIP/2.0', ['To: sip:j.user@example.com', 'From: sip:j.user@example.com;tag=43251j3j324', 'Max-Forwards: 8', 'I: dblreq.0ha0isndaksdj99sdfafnl3lk233412', 'Contact: sip:j.user@host.example.com', 'CSeq: 8 REGISTER', VIA, 'Content-Length: 0'], 'INVITE sip:joe@example.com SIP/2.0\nt: sip:joe@example.com\n\n'),
    want: { method: 'REGISTER', body: '' }
  },
  {
    name: '3.1.1.9 semiuri: a semicolon in the user part',
    text: request('OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0', ['To: sip:j_user@example.com', 'From: sip:caller@example.org;tag=33242', 'Max-Forwards: 3', 'Call-ID: semiuri.0ha0isndaksdj', 'CSeq: 8 OPTIONS', 'Accept: application/sdp, application/pkcs7-mime', VIA, 'l: 0']),
    want: { uri: 'sip:user;par=u%40example.net@example.com' }
  },
  {
    name: '3.1.1.10 transports: every transport in Via, an unknown one, too',
    text: request('OPTIONS sip:user@example.com SIP/2.0', ['To: sip:user@example.com', 'From: <sip:caller@example.com>;tag=323', 'Max-Forwards: 70', 'Call-ID: transports.kijh4akdnaqjkwendsasfdj', 'Accept: application/sdp', 'CSeq: 60 OPTIONS', 'Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw', 'Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf', 'Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj', 'Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en', 'Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee', 'l: 0']),
    want: { via: { length: 5 } }
  },
  {
    name: '3.1.1.12 unreason: UTF-8 in the reason phrase',
    text: 'SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe \xd1\x81\xd1\x82\xd0\xbe\nVia: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923\nCall-ID: unreason.1234ksdfak3j2erwedfsASdf\nCSeq: 35 INVITE\nFrom: sip:user@example.com;tag=11141343\nTo: sip:user@example.edu;tag=2229\nContent-Length: 0\nContact: <sip:user@host198.example.com>\n\n',
    want: { kind: 'response', status: 200, to: { tag: '2229' } }
  },
  {
    name: '3.1.1.13 noreason: no reason phrase',
    text: 'SIP/2.0 100 \nVia: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe\nCall-ID: noreason.asndj203insdf99223ndf\nCSeq: 35 INVITE\nFrom: <sip:user@example.com>;tag=39ansfi3\nTo: <sip:user@example.edu>;tag=902jndnke3\nContent-Length: 0\nContact: <sip:user@host105.example.com>\n\n',
    want: { kind: 'response', status: 100, reason: '' }
  },
  {
    name: '3.1.2.2 clerr, upside down: a body that is longer than Content-Length is cut off',
    text: request('INVITE sip:user@example.com SIP/2.0', ['Max-Forwards: 80', 'To: sip:j.user@example.com', 'From: sip:caller@example.net;tag=93942939o2', 'Call-ID: clerr.0ha0isndaksdjweiafasdk3', 'CSeq: 8 INVITE', VIA, 'Content-Type: application/sdp', 'Content-Length: 3'], 'v=0\ns=-\n'),
    want: { body: 'v=0' }
  },
  {
    name: '3.1.2.12 baddate: a header field that nobody reads may say anything',
    text: request('INVITE sip:user@example.com SIP/2.0', ['To: sip:user@example.com', 'From: sip:caller@example.net;tag=2234923', 'Max-Forwards: 70', 'Call-ID: baddate.239423mnsadf3j23lj42--sedfnm234', 'CSeq: 1392934 INVITE', VIA, 'Date: Fri, 01 Jan 2010 16:00:00 EST', 'Contact: <sip:caller@host5.example.net>', 'Content-Length: 0']),
    want: { method: 'INVITE' }
  },
  {
    name: '3.3.2 unkscm: a Request-URI of an unknown scheme is read; whether it is served is another matter',
    text: request('OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0', ['To: sip:user@example.com', 'From: sip:caller@example.net;tag=384', 'Max-Forwards: 3', 'Call-ID: unkscm.nasdfasser0q239nwsdfasdkl34', 'CSeq: 3923423 OPTIONS', VIA, 'Content-Length: 0']),
    want: { uri: 'nobodyKnowsThisScheme:totallyopaquecontent' }
  },
  {
    name: '3.3.4 unksm2: other schemes in From and To',
    text: request('REGISTER sip:example.com SIP/2.0', ['To: isbn:2983792873', 'From: <http://www.example.com>;tag=3234233', 'Call-ID: unksm2.daksdj@hyphenated-host.example.com', 'CSeq: 234902 REGISTER', 'Max-Forwards: 70', VIA, 'Contact: <name:John_Smith>', 'l: 0']),
    want: { to: { uri: 'isbn:2983792873' }, from: { uri: 'http://www.example.com', tag: '3234233' } }
  },
  {
    name: '3.3.12 cparam01: parameters of a bare URI belong to the header field',
    text: request('REGISTER sip:example.com SIP/2.0', [VIA, 'Max-Forwards: 70', 'From: sip:watson@example.com;tag=838293', 'To: sip:watson@example.com', 'Call-ID: cparam01.70710@saturn.example.com', 'CSeq: 2 REGISTER', 'Contact: sip:+19725552222@gw1.example.net;unknownparam', 'l: 0']),
    want: { from: { uri: 'sip:watson@example.com', tag: '838293' } }
  },
  {
    name: '3.4.1 inv2543: an old request without a branch',
    text: request('INVITE sip:UserB@example.com SIP/2.0', ['Via: SIP/2.0/UDP iftgw.example.com', 'From: <sip:+13035551111@ift.client.example.net;user=phone>', 'Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>', 'To: sip:+16505552222@ss1.example.net;user=phone', 'Call-ID: inv2543.1717@ift.client.example.com', 'CSeq: 56 INVITE', 'Content-Type: application/sdp', 'Content-Length: 0']),
    want: { from: { uri: 'sip:+13035551111@ift.client.example.net;user=phone', tag: null } }
  }
]

const usual = ['To: sip:user@example.com', 'From: sip:caller@example.net;tag=3', 'Max-Forwards: 7', 'Call-ID: x@192.0.2.1', 'CSeq: 8 INVITE', VIA, 'Content-Length: 0']
const but = (name: string, ...lines: readonly string[]): readonly string[] => [...usual.filter((line) => !line.startsWith(`${name}:`)), ...lines]
const INVITE = 'INVITE sip:user@example.com SIP/2.0'

export const INVALID: readonly TortureMessage[] = [
  { name: '3.1.2.2 clerr: Content-Length larger than the message', text: request(INVITE, but('Content-Length', 'Content-Length: 9999'), 'v=0\n'), want: null },
  { name: '3.1.2.3 ncl: a negative Content-Length', text: request(INVITE, but('Content-Length', 'Content-Length: -999'), 'v=0\n'), want: null },
  { name: '3.1.2.4 scalar02: scalar fields out of range', text: request('REGISTER sip:example.com SIP/2.0', but('CSeq', 'CSeq: 36893488147419103232 REGISTER')), want: null },
  { name: '3.1.2.5 scalarlg: the same in a response', text: 'SIP/2.0 503 Service Unavailable\nVia: SIP/2.0/TCP host129.example.com;branch=z9hG4bKzzxdiwo34sw\nTo: <sip:user@example.com>\nFrom: <sip:other@example.net>;tag=2easdjfejw\nCSeq: 9292394834772304023312 OPTIONS\nCall-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r\nRetry-After: 949302838503028349304023988\nWarning: 1812 overture "In Progress"\nContent-Length: 0\n\n', want: null },
  { name: '3.1.2.6 quotbal: a quote that stays open', text: request(INVITE, but('To', 'To: "Mr. J. User <sip:j.user@example.com>')), want: null },
  { name: '3.1.2.8 lwsruri: a blank in the Request-URI', text: request('INVITE sip:user@example.com; lr SIP/2.0', usual), want: null },
  { name: '3.1.2.9 lwsstart: several blanks in the start line', text: request('INVITE  sip:user@example.com  SIP/2.0', usual).replace('INVITE  sip', 'INVITE \tsip:x sip'), want: null },
  { name: '3.1.2.14 badaspec: blanks within <>', text: request(INVITE, but('To', 'To: "Watson, Thomas" < sip:t.watson@example.org> trailing')), want: null },
  { name: '3.1.2.16 badvers: an unknown version', text: request('OPTIONS sip:t.watson@example.org SIP/7.0', usual), want: null },
  { name: '3.1.2.19 bigcode: a status code that is none', text: 'SIP/2.0 4294967301 better not break the receiver\nVia: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe\nCall-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i\nCSeq: 353494 INVITE\nFrom: <sip:user@example.com>;tag=39ansfi3\nTo: <sip:user@example.edu>;tag=902jndnke3\nContent-Length: 0\n\n', want: null },
  { name: '3.3.1 insuf: required fields are missing', text: request(INVITE, ['CSeq: 193942 INVITE', VIA, 'Content-Type: application/sdp', 'l: 0']), want: null },
  { name: '3.3.8 multi01: fields that must be single, twice', text: request(INVITE, [...usual, 'Call-ID: other', 'CSeq: 59 INVITE', 'From: sip:a@b;tag=1', 'To: sip:c@d']), want: null },
  { name: '3.3.9 mcl01: several Content-Lengths', text: request('OPTIONS sip:user@example.com SIP/2.0', [...but('Content-Length', 'Content-Length: 13'), 'Content-Length: 5'], 'There\'s no way to know how many octets\n'), want: null },
  { name: '3.1.1.1, spoiled: an escaped method is no method', text: request('RE%47IST%45R sip:example.com SIP/2.0', but('CSeq', 'CSeq: 1 RE%47IST%45R')), want: null }
]

/** Read or refused, as the reader likes: never thrown at, never slow. */
export const EITHER: readonly TortureMessage[] = [
  { name: '3.1.1.7 longreq: values of hundreds of octets', text: request(INVITE, [...usual, `${'unknown-'.repeat(7)}header: ${'unknown-value'.repeat(200)}`, `v: SIP/2.0/TCP sip33.example.com;branch=${'really-long'.repeat(40)}`, `To: "${'I have a user name of extreme'.repeat(12)}" <sip:user@example.com:6000;unknownparam1=${'very'.repeat(70)}>`]), want: null },
  { name: '3.1.2.1 badinv01: extraneous separators', text: request(INVITE, but('Via', 'Via: SIP/2.0/UDP 192.0.2.15;;,;,,', 'Contact: "Joe" <sip:joe@example.org>;;;;')), want: null },
  { name: '3.1.2.7 ltgtruri: <> around the Request-URI', text: request('INVITE <sip:user@example.com> SIP/2.0', usual), want: null },
  { name: '3.1.2.10 trws: blanks after the start line', text: request('OPTIONS sip:remote-target@example.com SIP/2.0  ', usual), want: null },
  { name: '3.1.2.11 escruri: headers in the Request-URI', text: request('INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0', usual), want: null },
  { name: '3.1.2.15 baddn: a display name that is no token', text: request('OPTIONS sip:t.watson@example.org SIP/2.0', but('From', 'From: Bell, Alexander <sip:a.g.bell@example.com>;tag=43')), want: null },
  { name: '3.1.2.17 mismatch01: methods that differ', text: request('OPTIONS sip:user@example.com SIP/2.0', usual), want: null },
  { name: '3.2.1 badbranch: a branch that is only the magic cookie', text: request('OPTIONS sip:user@example.com SIP/2.0', but('Via', 'Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK')), want: null },
  { name: '3.3.11 zeromf: Max-Forwards 0', text: request('OPTIONS sip:user@example.com SIP/2.0', but('Max-Forwards', 'Max-Forwards: 0')), want: null }
]
