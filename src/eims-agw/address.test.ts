/** Where a far end may have its packets sent, however it writes that down. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSdp } from '../sdp/index.ts';
import { addressPolicy, targetOf } from './address.ts';
import { MEDIA_DEFAULTS, type MediaSettings } from './settings.ts';

const SETTINGS: MediaSettings = {
  ...MEDIA_DEFAULTS,
  signallingPorts: [5060],
  ims: {
    ...MEDIA_DEFAULTS.ims,
    bind: '2001:DB8:0:0::1',
    advertise: '2001:DB8:0:0::1',
    other: { bind: '192.0.2.1', advertise: '192.0.2.1' },
    mediaPrefixes: ['2001:db8::/32', '192.0.2.0/24'],
  },
};
const policy = addressPolicy(SETTINGS);

function target(address: string, port: number, rtcp = '') {
  const family = address.includes(':') ? 'IP6' : 'IP4';
  const parsed = parseSdp(`v=0\r\nm=audio ${port} RTP/AVP 8\r\nc=IN ${family} ${address}\r\n${rtcp}`);
  assert.ok(parsed.ok);
  const [media] = parsed.value.media;
  assert.ok(media);
  return targetOf(media, policy);
}

test('SEC-01 our own signalling is not to be had under another spelling of its address', () => {
  for (const address of ['2001:db8::1', '2001:DB8::1', '2001:db8:0:0:0:0:0:1', '2001:0db8::0001', '192.0.2.1']) {
    assert.equal(target(address, 5060), null, address);
    assert.equal(target(address, 4000, `a=rtcp:5060 IN IP6 ${address}\r\n`), null, address);
    assert.notEqual(target(address, 4000), null, address);
  }
});

test('SEC-01 an IPv4 address in the clothes of an IPv6 one is nobody’s: our own services are not to be had so', () => {
  for (const address of ['::ffff:192.0.2.1', '::FFFF:c000:201', '0:0:0:0:0:ffff:192.0.2.9'])
    for (const port of [5060, 4000]) assert.equal(target(address, port), null, `${address} ${port}`);
});

test('reports go by the family of the sound: a call has sockets of one', () => {
  assert.equal(target('192.0.2.9', 4000, 'a=rtcp:4001 IN IP6 2001:db8::9\r\n'), null);
  assert.notEqual(target('192.0.2.9', 4000, 'a=rtcp:4001 IN IP4 192.0.2.8\r\n'), null);
});
