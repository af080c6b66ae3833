/** Messages of RFC 4475 3.1.2: broken, each in one way. The wording is ours, the fault of each is the RFC's. */
import assert from 'node:assert/strict';
import { accept, drop, refuse, type TortureCase, wire } from './case.ts';

/** A request without fault but for what is changed: a line is replaced by its name, the request line by "request". */
export function request(name: string, change: Record<string, string> & { request: string }, body = ''): Buffer {
  const method = change.request.split(' ')[0] ?? '';
  const fields: Record<string, string> = {
    Via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw',
    To: '<sip:user@home.example>',
    From: '<sip:caller@other.example>;tag=3gfd',
    'Max-Forwards': '70',
    'Call-ID': `${name}.0ha0isndaksdj@192.0.2.1`,
    CSeq: `8 ${method}`,
    Contact: '<sip:caller@192.0.2.1>',
    'Content-Length': String(Buffer.byteLength(body.replaceAll('\n', '\r\n'))),
    ...change,
  };
  const lines = Object.entries(fields).filter(([field, value]) => field !== 'request' && value !== 'none');
  return wire(`${change.request}\n${lines.map(([field, value]) => `${field}: ${value}`).join('\n')}\n\n${body}`);
}

const INVITE = 'INVITE sip:user@home.example SIP/2.0';
const OPTIONS = 'OPTIONS sip:user@home.example SIP/2.0';
const REGISTER = 'REGISTER sip:home.example SIP/2.0';
const SDP = 'v=0\no=caller 1 1 IN IP4 192.0.2.1\ns=-\nc=IN IP4 192.0.2.1\nt=0 0\nm=audio 49217 RTP/AVP 0\n';

export const INVALID: readonly TortureCase[] = [
  {
    name: 'badinv01',
    clause: '3.1.2.1',
    bytes: request('badinv01', {
      request: INVITE,
      Via: 'SIP/2.0/UDP 192.0.2.15;;,;,,',
      Contact: '"Joe" <sip:joe@other.example>;;;;',
    }),
    // The Via itself is beyond reading, so there is no one to tell.
    verdict: refuse(400, false),
  },
  {
    name: 'clerr',
    clause: '3.1.2.2',
    bytes: request('clerr', { request: INVITE, 'Content-Length': '9999' }, SDP),
    verdict: refuse(400),
    above: 'on TCP the rest is waited for, then the connection closed',
  },
  {
    name: 'ncl',
    clause: '3.1.2.3',
    bytes: request('ncl', { request: INVITE, 'Content-Length': '-999' }, SDP),
    verdict: refuse(400),
    above: 'on TCP the connection is closed after the 400',
  },
  {
    name: 'scalar02',
    clause: '3.1.2.4',
    bytes: request('scalar02', {
      request: REGISTER,
      CSeq: '36893488147419103232 REGISTER',
      'Max-Forwards': '300',
      Expires: '10000000000000000',
      Contact: '<sip:user@host129.home.example>;expires=280297596632815',
    }),
    verdict: refuse(400),
  },
  {
    name: 'scalarlg',
    clause: '3.1.2.5',
    bytes: wire(`
SIP/2.0 503 Service Unavailable
Via: SIP/2.0/TCP host129.home.example;branch=z9hG4bKzzxdiwo34sw;received=192.0.2.129
To: <sip:user@home.example>
From: <sip:other@home.example>;tag=2easdjfejw
CSeq: 9292394834772304023312 OPTIONS
Call-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r
Retry-After: 949302838503028349304023988
Warning: 1812 overture "In Progress"
Content-Length: 0

`),
    verdict: drop,
  },
  {
    name: 'quotbal',
    clause: '3.1.2.6',
    bytes: request('quotbal', { request: INVITE, To: '"Mr. J. User <sip:j.user@home.example>' }, SDP),
    verdict: refuse(400),
  },
  {
    name: 'ltgtruri',
    clause: '3.1.2.7',
    bytes: request('ltgtruri', { request: 'INVITE <sip:user@home.example> SIP/2.0' }, SDP),
    verdict: refuse(400),
  },
  {
    name: 'lwsruri',
    clause: '3.1.2.8',
    bytes: request('lwsruri', { request: 'INVITE sip:user@home.example; lr SIP/2.0' }, SDP),
    verdict: refuse(400),
  },
  {
    name: 'lwsstart',
    clause: '3.1.2.9',
    bytes: request('lwsstart', { request: 'INVITE  sip:user@home.example  SIP/2.0' }, SDP),
    verdict: refuse(400),
  },
  {
    name: 'trws',
    clause: '3.1.2.10',
    bytes: request('trws', { request: `${OPTIONS}  ` }),
    verdict: refuse(400),
  },
  {
    name: 'escruri',
    clause: '3.1.2.11',
    bytes: request('escruri', { request: 'INVITE sip:user@home.example?Route=%3Csip:proxy.example%3E SIP/2.0' }, SDP),
    verdict: refuse(400),
  },
  {
    name: 'baddate',
    clause: '3.1.2.12',
    bytes: request(
      'baddate',
      { request: INVITE, 'Content-Type': 'application/sdp', Date: 'Fri, 01 Jan 2010 16:00:00 EST' },
      SDP,
    ),
    verdict: accept,
    answer: 100,
    above: 'Date is not looked at',
  },
  {
    name: 'regbadct',
    clause: '3.1.2.13',
    bytes: request('regbadct', { request: REGISTER, Contact: 'sip:user@home.example?Route=%3Csip:sip.example%3E' }),
    verdict: refuse(400),
  },
  {
    name: 'badaspec',
    clause: '3.1.2.14',
    bytes: request('badaspec', { request: OPTIONS, To: '"Watson, Thomas" < sip:t.watson@home.example >' }),
    verdict: refuse(400),
  },
  {
    name: 'baddn',
    clause: '3.1.2.15',
    bytes: request('baddn', { request: OPTIONS, From: 'Bell, Alexander <sip:a.g.bell@home.example>;tag=43' }),
    verdict: refuse(400),
  },
  {
    name: 'badvers',
    clause: '3.1.2.16',
    bytes: request('badvers', { request: 'OPTIONS sip:t.watson@home.example SIP/7.0' }),
    verdict: refuse(505),
  },
  {
    name: 'mismatch01',
    clause: '3.1.2.17',
    bytes: request('mismatch01', { request: OPTIONS, CSeq: '8 INVITE' }),
    verdict: refuse(400),
  },
  {
    name: 'mismatch02',
    clause: '3.1.2.18',
    bytes: request('mismatch02', { request: 'NEWMETHOD sip:user@home.example SIP/2.0', CSeq: '8 INVITE' }, SDP),
    verdict: refuse(501),
  },
  {
    name: 'bigcode',
    clause: '3.1.2.19',
    bytes: wire(`
SIP/2.0 4294967301 better not break the receiver
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i
CSeq: 353494 INVITE
From: <sip:user@home.example>;tag=39ansfi3
To: <sip:user@edge.example>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example>

`),
    verdict: drop,
  },
];

/** Messages of RFC 4475 3.2 to 3.4: transaction, application and RFC 2543 semantics. */
export const SEMANTIC: readonly TortureCase[] = [
  {
    name: 'badbranch',
    clause: '3.2.1',
    bytes: request('badbranch', { request: OPTIONS, Via: 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK' }),
    verdict: refuse(400),
  },
  {
    name: 'insuf',
    clause: '3.3.1',
    bytes: request('insuf', { request: INVITE, To: 'none', From: 'none', 'Call-ID': 'none' }, SDP),
    verdict: refuse(400, false),
  },
  {
    name: 'unkscm',
    clause: '3.3.2',
    bytes: request('unkscm', { request: 'OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0' }),
    verdict: accept,
    answer: 416,
    above: '416',
    check: message =>
      assert.ok(message.type === 'request' && message.uri === 'nobodyKnowsThisScheme:totallyopaquecontent'),
  },
  {
    name: 'novelsc',
    clause: '3.3.3',
    bytes: request('novelsc', { request: 'OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0' }),
    verdict: accept,
    answer: 416,
    above: '416',
  },
  {
    name: 'unksm2',
    clause: '3.3.4',
    bytes: request('unksm2', {
      request: REGISTER,
      To: 'isbn:2983792873',
      From: '<http://www.home.example>;tag=3234233',
      Contact: '<name:John_Smith>',
    }),
    verdict: accept,
    answer: 405,
    above: 'To and Contact of unknown schemes are fine to anyone but a registrar',
    check: ({ headers }) => assert.equal(headers.to()?.uri, 'isbn:2983792873'),
  },
  {
    name: 'bext01',
    clause: '3.3.5',
    bytes: request('bext01', {
      request: OPTIONS,
      Require: 'nothingSupportsThis, nothingSupportsThisEither',
      'Proxy-Require': 'noProxiesSupportThis, norDoAnyProxiesSupportThis',
    }),
    verdict: accept,
    answer: 420,
    above: '420 with Unsupported',
    check: ({ headers }) => assert.ok(headers.hasToken('Require', 'NOTHINGSUPPORTSTHISEITHER')),
  },
  {
    name: 'invut',
    clause: '3.3.6',
    bytes: request(
      'invut',
      { request: INVITE, 'Content-Type': 'application/unknownformat' },
      '<audio>\n <pcmu port="443"/>\n</audio>\n',
    ),
    verdict: accept,
    answer: 415,
    above: '415 with Accept',
  },
  {
    name: 'regaut01',
    clause: '3.3.7',
    bytes: request('regaut01', { request: REGISTER, Authorization: 'NoOneKnowsThisScheme opaque-data=here' }),
    verdict: accept,
    answer: 405,
    above: '405 from a user agent, 401 with its own schemes from a registrar',
  },
  {
    name: 'multi01',
    clause: '3.3.8',
    bytes: wire(`
INVITE sip:user@company.example SIP/2.0
Contact: <sip:caller@host25.home.example>
Via: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKkdjuw
Max-Forwards: 70
CSeq: 5 INVITE
Call-ID: multi01.98asdh@192.0.2.1
CSeq: 59 INVITE
Call-ID: multi01.98asdh@192.0.2.2
From: sip:caller@home.example;tag=3413415
To: sip:user@home.example
To: sip:other@home.example
From: sip:caller@other.example;tag=2923420123
Content-Type: application/sdp
l: 0
Contact: <sip:caller@host36.home.example>
Max-Forwards: 5

`),
    verdict: refuse(400),
  },
  {
    name: 'mcl01',
    clause: '3.3.9',
    bytes: Buffer.from(
      request('mcl01', { request: OPTIONS, 'Content-Length': '13' }, 'There is some')
        .toString()
        .replace('\r\n\r\n', '\r\nContent-Length: 5\r\n\r\n'),
    ),
    verdict: refuse(400),
    above: 'on TCP the connection is closed after the 400',
  },
  {
    name: 'bcast',
    clause: '3.3.10',
    bytes: wire(`
SIP/2.0 200 OK
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23
Call-ID: bcast.0384840201234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@home.example;tag=11141343
To: sip:user@edge.example;tag=2229
Content-Length: 0
Contact: <sip:user@host28.example>

`),
    verdict: accept,
    above: 'a user agent drops a response with more than one Via',
    check: ({ headers }) => assert.equal(headers.all('Via').length, 2),
  },
  {
    name: 'zeromf',
    clause: '3.3.11',
    bytes: request('zeromf', { request: OPTIONS, 'Max-Forwards': '0' }),
    verdict: accept,
    answer: 200,
    above: 'an endpoint answers, a proxy says 483',
    check: ({ headers }) => assert.equal(headers.number('Max-Forwards'), 0),
  },
  {
    name: 'cparam01',
    clause: '3.3.12',
    bytes: request('cparam01', { request: REGISTER, Contact: 'sip:+19725552222@gw1.home.example;unknownparam' }),
    verdict: accept,
    answer: 405,
    check: ({ headers }) => {
      assert.equal(headers.contacts()[0]?.uri, 'sip:+19725552222@gw1.home.example');
      assert.ok(headers.contacts()[0]?.params.has('unknownparam'));
    },
  },
  {
    name: 'cparam02',
    clause: '3.3.13',
    bytes: request('cparam02', { request: REGISTER, Contact: '<sip:+19725552222@gw1.home.example;unknownparam>' }),
    verdict: accept,
    answer: 405,
    check: ({ headers }) => {
      assert.equal(headers.contacts()[0]?.uri, 'sip:+19725552222@gw1.home.example;unknownparam');
      assert.equal(headers.contacts()[0]?.params.size, 0);
    },
  },
  {
    name: 'regescrt',
    clause: '3.3.14',
    bytes: request('regescrt', { request: REGISTER, Contact: '<sip:user@home.example?Route=%3Csip:sip.example%3E>' }),
    verdict: accept,
    answer: 405,
    check: ({ headers }) =>
      assert.equal(headers.contacts()[0]?.uri, 'sip:user@home.example?Route=%3Csip:sip.example%3E'),
  },
  {
    name: 'sdp01',
    clause: '3.3.15',
    bytes: request(
      'sdp01',
      { request: INVITE, Accept: 'text/nobodyKnowsThis', 'Content-Type': 'application/sdp' },
      SDP,
    ),
    verdict: accept,
    answer: 406,
    above: '406: the answer could not be sent',
  },
  {
    name: 'inv2543',
    clause: '3.4.1',
    bytes: request(
      'inv2543',
      {
        request: 'INVITE sip:UserB@home.example SIP/2.0',
        Via: 'SIP/2.0/UDP iftgw.example',
        From: '<sip:+13035551111@ift.home.example;user=phone>',
        CSeq: '56 INVITE',
      },
      SDP,
    ),
    verdict: refuse(400),
  },
];
