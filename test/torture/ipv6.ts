/** Messages of RFC 5118: IPv6 addresses where parsers stumble over their colons. The wording is ours, the difficulty of each is the RFC's. */
import assert from 'node:assert/strict';
import { parseUri, type SipMessage } from '../../src/sip/index.ts';
import { accept, refuse, type TortureCase } from './case.ts';
import { request } from './invalid.ts';

const uriOf = (message: SipMessage) => parseUri(message.type === 'request' ? message.uri : '');
const SDP_V6 = 'v=0\no=caller 1 1 IN IP6 2001:db8::20\ns=-\nt=0 0\nc=IN IP6 2001:db8::20\nm=audio 6000 RTP/AVP 0\n';
const SDP_BOTH = `${SDP_V6}m=audio 6002 RTP/AVP 0\nc=IN IP4 192.0.2.1\n`;
const SDP_MAPPED = SDP_V6.replaceAll('2001:db8::20', '::ffff:192.0.2.10');
const TYPE = { 'Content-Type': 'application/sdp' };

export const IPV6: readonly TortureCase[] = [
  {
    name: 'ipv6-good',
    clause: '4.1',
    bytes: request('ipv6-good', {
      request: 'REGISTER sip:[2001:db8::10] SIP/2.0',
      Via: 'SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3',
      Contact: '<sip:caller@[2001:db8::1]>',
    }),
    verdict: accept,
    answer: 405,
    above: '405, there is no registrar here',
    check(message) {
      assert.deepEqual([uriOf(message)?.host, uriOf(message)?.port], ['[2001:db8::10]', null]);
      assert.equal(message.headers.via()?.host, '[2001:db8::9:1]');
      assert.equal(parseUri(message.headers.contacts()[0]?.uri ?? '')?.host, '[2001:db8::1]');
    },
  },
  {
    name: 'ipv6-bad',
    clause: '4.2',
    bytes: request('ipv6-bad', { request: 'REGISTER sip:2001:db8::10 SIP/2.0' }),
    verdict: refuse(400),
  },
  {
    name: 'port-ambiguous',
    clause: '4.3',
    bytes: request('port-ambiguous', { request: 'REGISTER sip:[2001:db8::10:5070] SIP/2.0' }),
    verdict: accept,
    answer: 405,
    above: 'what stands inside the brackets is the address, whatever its sender meant',
    check: message => assert.deepEqual([uriOf(message)?.host, uriOf(message)?.port], ['[2001:db8::10:5070]', null]),
  },
  {
    name: 'port-unambiguous',
    clause: '4.4',
    bytes: request('port-unambiguous', { request: 'REGISTER sip:[2001:db8::10]:5070 SIP/2.0' }),
    verdict: accept,
    answer: 405,
    check: message => assert.deepEqual([uriOf(message)?.host, uriOf(message)?.port], ['[2001:db8::10]', 5070]),
  },
  ...['[2001:db8::9:255]', '2001:db8::9:255'].map((received, i): TortureCase => {
    return {
      name: i === 0 ? 'via-received-param-with-delim' : 'via-received-param-no-delim',
      clause: '4.5',
      bytes: request(`received-${i}`, {
        request: 'OPTIONS sip:user@home.example SIP/2.0',
        Via: `SIP/2.0/UDP [2001:db8::9:1];received=${received};branch=z9hG4bKas3-111`,
      }),
      verdict: accept,
      answer: 200,
      above: 'answered where it came from; a `received` of the sender’s own is replaced',
      check: message => assert.equal(message.headers.via()?.params.get('received'), received),
    };
  }),
  {
    name: 'ipv6-in-sdp',
    clause: '4.6',
    bytes: request('ipv6-in-sdp', { request: 'INVITE sip:user@[2001:db8::10] SIP/2.0', ...TYPE }, SDP_V6),
    verdict: accept,
    answer: 100,
    check: message => assert.match(Buffer.from(message.body).toString(), /IN IP6 2001:db8::20/),
  },
  {
    name: 'mult-ip-in-header',
    clause: '4.7',
    bytes: request('mult-ip-in-header', {
      request: 'BYE sip:user@host.example SIP/2.0',
      Via: 'SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111, SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144, SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200',
    }),
    verdict: accept,
    answer: 481,
    above: '481, there is no such dialog',
    check(message) {
      assert.equal(message.headers.all('Via').length, 3);
      assert.deepEqual([message.headers.via()?.host, message.headers.via()?.port], ['[2001:db8::9:1]', 6050]);
    },
  },
  {
    name: 'mult-ip-in-sdp',
    clause: '4.8',
    bytes: request('mult-ip-in-sdp', { request: 'INVITE sip:user@[2001:db8::10] SIP/2.0', ...TYPE }, SDP_BOTH),
    verdict: accept,
    answer: 100,
    above: 'media in a family that we do not serve is refused with port 0',
  },
  {
    name: 'ipv4-mapped-ipv6',
    clause: '4.9',
    bytes: request(
      'ipv4-mapped-ipv6',
      {
        request: 'INVITE sip:user@host.example SIP/2.0',
        Via: 'SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19',
        Contact: '<sip:caller@[::ffff:192.0.2.2]>',
        ...TYPE,
      },
      SDP_MAPPED,
    ),
    verdict: accept,
    answer: 100,
    check(message) {
      assert.deepEqual([message.headers.via()?.host, message.headers.via()?.port], ['[::ffff:192.0.2.10]', 19823]);
    },
  },
  {
    name: 'ipv6-bug-abnf-3-colons',
    clause: '4.10',
    bytes: request('three-colons', { request: 'OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0' }),
    verdict: accept,
    answer: 200,
    above: 'answered; as a next hop it is no address and leads nowhere',
    check: message => assert.equal(uriOf(message)?.host, '[2001:db8:::192.0.2.1]'),
  },
];
