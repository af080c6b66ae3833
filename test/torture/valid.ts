/** Messages of RFC 4475 3.1.1: unusual, and valid. The wording is ours, the difficulty of each is the RFC's. */
import assert from 'node:assert/strict';
import { accept, type TortureCase, wire } from './case.ts';

const LONG = 'x'.repeat(220);

const DOUBLE = wire(`
REGISTER sip:home.example SIP/2.0
To: sip:u1@home.example
From: sip:u1@home.example;tag=d1
Call-ID: dblreq.1@host.example
CSeq: 8 REGISTER
Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKdbl1
Max-Forwards: 70
Contact: sip:u1@192.0.2.7
Content-Length: 0

INVITE sip:u2@home.example SIP/2.0
To: sip:u2@home.example
From: sip:u1@home.example;tag=d2
Call-ID: dblreq.2@host.example
CSeq: 9 INVITE
Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKdbl2
Max-Forwards: 70
Content-Length: 0

`);

export const VALID: readonly TortureCase[] = [
  {
    name: 'wsinv',
    clause: '3.1.1.1',
    bytes: wire(`
INVITE sip:callee@home.example;unknownparam SIP/2.0
TO :
 sip:callee@home.example ;   tag    = 77x
from   : "A \\\\\\"Quoted\\\\\\" Name \\\\\\\\"       <sip:caller@home.example>
  ;
  tag = 98asjd8
MaX-fOrWaRdS: 0068
Call-ID: wsinv.ndaksdj@192.0.2.1
Content-Length   : 4
cseq: 0009
  INVITE
Via  : SIP  /   2.0
 /UDP
    192.0.2.2;branch=z9hG4bKws1
s :
NewFangledHeader:   new value
 continued  newfangled value
UnknownHeaderWithUnusualValue: ;;,,;;,;
Content-Type: application/sdp
Route:
 <sip:p1.home.example;lr;unknownwith=value;unknown-no-value>
v:  SIP  / 2.0  / TCP     p2.home.example   ;
  branch  =   z9hG4bKws2 ,
 SIP  /    2.0   / UDP  192.168.255.111   ; branch=
 z9hG4bKws3
m:"A \\"quoted\\" contact" <sip:caller@host.example> ; newparam =
      newvalue ;
  secondparam ; q = 0.33

v=0
`),
    verdict: accept,
    answer: 481,
    above: '481: its To has a tag, and there is no such dialog',
    check: ({ headers }) => {
      assert.equal(headers.from()?.display, 'A \\"Quoted\\" Name \\\\');
      assert.equal(headers.from()?.params.get('tag'), '98asjd8');
      assert.deepEqual(headers.cseq(), { seq: 9, method: 'INVITE' });
      assert.equal(headers.number('Max-Forwards'), 68);
      assert.equal(headers.all('Via').length, 3);
      assert.equal(headers.get('Subject'), '');
      assert.equal(headers.get('NewFangledHeader'), 'new value continued  newfangled value');
      assert.equal(headers.get('unknownheaderwithunusualvalue'), ';;,,;;,;');
      assert.equal(headers.contacts()[0]?.params.get('newparam'), 'newvalue');
      assert.equal(headers.contacts()[0]?.params.get('q'), '0.33');
    },
  },
  {
    name: 'intmeth',
    clause: '3.1.1.2',
    bytes: wire(`
!odd_Method.%*+\`'~0 sip:1_odd.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@home.example SIP/2.0
Via: SIP/2.0/TCP host1.example;branch=z9hG4bK-.!%66*_+\`'~
To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:1_odd.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@home.example>
From: token1~\` token2'+_ token3*%!.- <sip:mundane@home.example>;fromParam''~+*_!.-%="кириллица";tag=_token~1'+\`*%!-.
Call-ID: intmeth.word%ZK-!.*_+'@word\`~)(><:\\/"][?}{
CSeq: 139122385 !odd_Method.%*+\`'~0
Max-Forwards: 255
extensionHeader-!.%*+_\`'~:大停電
Content-Length: 0

`),
    verdict: accept,
    answer: 501,
    above: 'method unknown: 405 or 501',
    check: message => {
      assert.ok(message.type === 'request');
      assert.equal(message.method, "!odd_Method.%*+`'~0");
      assert.equal(message.headers.to()?.display, 'BEL:\x07 NUL:\x00 DEL:\x7f');
      assert.equal(message.headers.get("EXTENSIONHEADER-!.%*+_`'~"), '大停電');
      assert.equal(message.headers.from()?.params.get("fromparam''~+*_!.-%"), 'кириллица');
    },
  },
  {
    name: 'esc01',
    clause: '3.1.1.3',
    bytes: wire(
      `
INVITE sip:sips%3Auser%40home.example@other.example SIP/2.0
To: sip:%75se%72@home.example
From: <sip:I%20have%20spaces@home.example>;tag=938
Max-Forwards: 87
i: esc01.239409asdfakjkn23onasd0-3234
CSeq: 234234 INVITE
Via: SIP/2.0/UDP host5.example;branch=z9hG4bKkdjuw
C: application/sdp
Contact:
  <sip:caller@host5.home.example;%6C%72;n%61me=v%61lue%25%34%31>
l: 4

v=0
`,
    ),
    verdict: accept,
    answer: 100,
    above: 'escapes are undone for comparison only',
    check: message => {
      assert.ok(message.type === 'request');
      assert.equal(message.uri, 'sip:sips%3Auser%40home.example@other.example');
      assert.equal(message.headers.get('Content-Type'), 'application/sdp');
    },
  },
  {
    name: 'escnull',
    clause: '3.1.1.4',
    bytes: wire(`
REGISTER sip:home.example SIP/2.0
To: sip:null-%00-null@home.example
From: sip:null-%00-null@home.example;tag=839923423
Max-Forwards: 70
Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd
CSeq: 14398234 REGISTER
Via: SIP/2.0/UDP host5.example;branch=z9hG4bKkdjuw
Contact: <sip:%00@host5.home.example>
Contact: <sip:%00%00@host5.home.example>
L:0

`),
    verdict: accept,
    answer: 405,
    check: ({ headers }) => assert.equal(headers.contacts().length, 2),
  },
  {
    name: 'esc02',
    clause: '3.1.1.5',
    bytes: wire(`
RE%47IST%45R sip:registrar.home.example SIP/2.0
To: "%Z%45" <sip:resource@home.example>
From: "%Z%45" <sip:resource@home.example>;tag=f232jadfj23
Call-ID: esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf
Via: SIP/2.0/TCP host.example;branch=z9hG4bK209%fzsnel234
CSeq: 29344 RE%47IST%45R
Max-Forwards: 70
Contact: <sip:alias1@host1.home.example>
C%6Fntact: <sip:alias2@host2.home.example>
Contact: <sip:alias3@host3.home.example>
l: 0

`),
    verdict: accept,
    answer: 501,
    above: 'the method is not REGISTER: 405 or 501',
    check: message => {
      assert.ok(message.type === 'request');
      assert.equal(message.method, 'RE%47IST%45R');
      assert.equal(message.headers.contacts().length, 2);
      assert.equal(message.headers.to()?.display, '%Z%45');
    },
  },
  {
    name: 'lwsdisp',
    clause: '3.1.1.6',
    bytes: wire(`
OPTIONS sip:user@home.example SIP/2.0
To: sip:user@home.example
From: caller<sip:caller@home.example>;tag=323
Max-Forwards: 70
Call-ID: lwsdisp.1234abcd@host.example
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP host.example;branch=z9hG4bKkdjuw
l: 0

`),
    verdict: accept,
    answer: 200,
    check: ({ headers }) => assert.equal(headers.from()?.display, 'caller'),
  },
  {
    name: 'longreq',
    clause: '3.1.1.7',
    bytes: wire(
      `
INVITE sip:user@home.example SIP/2.0
To: "I have a user name of ${LONG} proportion"<sip:user@home.example:6000;unknownparam1=${LONG};longparam${LONG}=shortvalue;very${LONG}ParameterNameWithNoValue>
F: sip:${`amazing${LONG}`}@home.example;tag=12982982982982982982;unknownheaderparam${LONG}=unknownheadervalue${LONG};unknownValuelessparam${LONG}
Call-ID: longreq.one${LONG}call-id
CSeq: 3882340 INVITE
Unknown-${LONG}-Name: unknown-${LONG}-value; unknown-${LONG}-parameter-name = ${LONG}
Via: SIP/2.0/TCP sip33.example
v: SIP/2.0/TCP sip32.example
V: SIP/2.0/TCP sip31.example
${Array.from({ length: 30 }, (_, i) => `Via: SIP/2.0/TCP sip${30 - i}.example`).join('\n')}
Max-Forwards: 70
Contact: <sip:${`amazing${LONG}`}@host5.example>
Content-Length: 0

`.replace('sip33.example', `sip33.example;branch=z9hG4bK${LONG}`),
    ),
    verdict: accept,
    answer: 100,
    check: ({ headers }) => {
      assert.equal(headers.all('Via').length, 33);
      assert.equal(headers.get(`unknown-${LONG}-name`)?.startsWith('unknown-'), true);
    },
  },
  {
    name: 'dblreq',
    clause: '3.1.1.8',
    bytes: DOUBLE,
    verdict: accept,
    answer: 405,
    above: 'one REGISTER; the octets behind it are gone',
    check: message => {
      assert.ok(message.type === 'request');
      assert.equal(message.method, 'REGISTER');
      assert.equal(message.body.length, 0);
    },
  },
  {
    name: 'semiuri',
    clause: '3.1.1.9',
    bytes: wire(`
OPTIONS sip:user;par=u%40home.example@other.example SIP/2.0
To: sip:j_user@other.example
From: sip:caller@other.example;tag=33242
Max-Forwards: 3
Call-ID: semiuri.0ha0isndaksdj
CSeq: 8 OPTIONS
Accept: application/sdp, application/pkcs7-mime, multipart/mixed, multipart/signed, message/sip, message/sipfrag
Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw
l: 0

`),
    verdict: accept,
    answer: 200,
    above: 'the user part is "user;par=u@home.example"',
    check: ({ headers }) => assert.equal(headers.all('Accept').length, 6),
  },
  {
    name: 'transports',
    clause: '3.1.1.10',
    bytes: wire(`
OPTIONS sip:user@home.example SIP/2.0
To: sip:user@home.example
From: <sip:caller@home.example>;tag=323
Max-Forwards: 70
Call-ID: transports.kijh4akdnaqjkwendsasfdj
Accept: application/sdp
CSeq: 60 OPTIONS
Via: SIP/2.0/UDP t1.example;branch=z9hG4bKkdjuw
Via: SIP/2.0/SCTP t2.example;branch=z9hG4bKklasjdhf
Via: SIP/2.0/TLS t3.example;branch=z9hG4bK2980unddj
Via: SIP/2.0/UNKNOWN t4.example;branch=z9hG4bKasd0f3en
Via: SIP/2.0/TCP t5.example;branch=z9hG4bK0a9idfnee
l: 0

`),
    verdict: accept,
    answer: 200,
    check: ({ headers }) => assert.equal(headers.all('Via').length, 5),
  },
  {
    name: 'mpart01',
    clause: '3.1.1.11',
    bytes: multipart(),
    verdict: accept,
    answer: 405,
    check: ({ headers, body }) => {
      assert.equal(body.length, headers.number('Content-Length'));
      assert.ok(body.includes(0) && body.includes(0xff));
    },
  },
  {
    name: 'unreason',
    clause: '3.1.1.12',
    bytes: wire(`
SIP/2.0 200 = 2**3 * 5**2 но сто девяносто девять - простое
Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923
Call-ID: unreason.1234ksdfak3j2erwedfsASdf
CSeq: 35 INVITE
From: sip:user@home.example;tag=11141343
To: sip:user@edge.example;tag=2229
Content-Length: 0
Contact: <sip:user@host198.example>

`),
    verdict: accept,
    check: message => {
      assert.ok(message.type === 'response');
      assert.equal(message.reason, '= 2**3 * 5**2 но сто девяносто девять - простое');
    },
  },
  {
    name: 'noreason',
    clause: '3.1.1.13',
    bytes: Buffer.concat([
      Buffer.from('SIP/2.0 100 \r\n'),
      wire(`
Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe
Call-ID: noreason.asndj203insdf99223ndf
CSeq: 35 INVITE
From: <sip:user@home.example>;tag=39ansfi3
To: <sip:user@edge.example>;tag=902jndnke3
Content-Length: 0
Contact: <sip:user@host105.example>

`),
    ]),
    verdict: accept,
    check: message => {
      assert.ok(message.type === 'response');
      assert.equal(message.reason, '');
    },
  },
];

/** A MESSAGE whose body has a text part and a binary one with every octet, boundary-like lines among them. */
function multipart(): Buffer {
  const every = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const body = Buffer.concat([
    wire(
      '\n--torture-part-1\nContent-Type: text/plain\nContent-Transfer-Encoding: binary\n\nHello\n--torture-part-1\n',
    ),
    wire('\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: binary\n\n'),
    every,
    wire('\n\n--torture-part-1--\n'),
  ]);
  const head = wire(`
MESSAGE sip:reader@home.example SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-mp-1--part-;rport
Max-Forwards: 70
Route: <sip:127.0.0.1:5080>
Identity: bGluZXNpZGUgdG9ydHVyZSBzdWl0ZSBtYWtlcyBpdHMgb3duIHNpZ25hdHVyZQ==
Contact: <sip:sender@127.0.0.1:5070>
To: <sip:reader@home.example>
From: <sip:sender@home.example>;tag=mp1
Call-ID: mpart01.1@host.example
CSeq: 1 MESSAGE
Content-Transfer-Encoding: binary
Content-Type: multipart/mixed;boundary=torture-part-1
Date: Sat, 15 Oct 2005 04:44:56 GMT
User-Agent: torture
Content-Length: ${body.length}

`);
  return Buffer.concat([head, body]);
}
