/** Several realms and both families: which of our addresses a call gets, and where its far end may be. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { legId, nextRef } from '../../test/support/media-inbox.ts';
import { A, LEG, mediaRig } from '../../test/support/media-rig.ts';
import { browserAnswer, chromiumOffer, phoneSdp } from '../../test/support/media-sdp.ts';
import { MEDIA_DEFAULTS, type MediaSettings } from './settings.ts';

const SETTINGS: Partial<MediaSettings> = {
  web: {
    ...MEDIA_DEFAULTS.web,
    advertise: '198.51.100.1',
    other: { bind: '::1', advertise: '2001:db8:1::1' },
  },
  ims: {
    ...MEDIA_DEFAULTS.ims,
    advertise: '203.0.113.1',
    other: { bind: '::1', advertise: '2001:db8:2::1' },
    mediaPrefixes: ['203.0.113.0/24', '2001:db8:2::/48'],
  },
  realms: {
    north: {
      bind: '127.0.0.2',
      advertise: '192.0.2.1',
      mediaPrefixes: ['192.0.2.0/24'],
      natLatch: false,
      webCodecs: ['PCMU'],
      imsCodecs: ['PCMU'],
    },
    south: {
      bind: '::1',
      advertise: '2001:db8:3::1',
      other: { bind: '127.0.0.3', advertise: '192.0.2.129' },
      mediaPrefixes: ['2001:db8:3::/48', '192.0.2.128/25'],
      natLatch: false,
    },
  },
};
const at = (address: string) =>
  phoneSdp().replaceAll(/IN IP4 \S+/g, `IN ${address.includes(':') ? 'IP6' : 'IP4'} ${address}`);

function offerOut(rig: ReturnType<typeof mediaRig>, realm?: string): string {
  rig.run({ type: 'media.offer', from: 'web', owner: A, ref: nextRef(), realm, leg: LEG, sdp: chromiumOffer() });
  return rig.box.take('media-ready').sdp;
}

/** The core's offer; the failure, or our answer after a device took the call. */
function callIn(realm: string | undefined, address: string): string {
  const rig = mediaRig(SETTINGS);
  rig.run({ type: 'media.offer', from: 'ims', owner: A, ref: nextRef(), realm, legs: [LEG], sdp: at(address) });
  const failed = rig.box.all.find(input => input.type === 'media-failed');
  if (failed?.type === 'media-failed') return failed.failure;
  rig.run({ type: 'media.answer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp: browserAnswer() });
  return rig.box.take('media-ready').sdp;
}

test('a call to the core takes the preferred address of its realm', () => {
  for (const [realm, line] of [
    [undefined, 'c=IN IP4 203.0.113.1'],
    ['somewhere else', 'c=IN IP4 203.0.113.1'],
    ['north', 'c=IN IP4 192.0.2.1'],
    ['south', 'c=IN IP6 2001:db8:3::1'],
  ] as const) {
    assert.ok(offerOut(mediaRig(SETTINGS), realm).includes(`${line}\r\n`), `${realm}`);
  }
});

test('a call from the core is answered from the address of its family, in its realm', () => {
  for (const [realm, from, line] of [
    [undefined, '203.0.113.9', 'c=IN IP4 203.0.113.1'],
    [undefined, '2001:db8:2::9', 'c=IN IP6 2001:db8:2::1'],
    ['north', '192.0.2.9', 'c=IN IP4 192.0.2.1'],
    ['south', '192.0.2.200', 'c=IN IP4 192.0.2.129'],
    ['south', '2001:db8:3::9', 'c=IN IP6 2001:db8:3::1'],
    // On hold from its first offer: the family is still told.
    ['south', '0.0.0.0', 'c=IN IP4 192.0.2.129'],
  ] as const) {
    assert.ok(callIn(realm, from).includes(`${line}\r\n`), `${realm} ${from}`);
  }
});

test('SEC-01 a far end of another realm, or of a family a realm has no address of, is not sent to', () => {
  for (const [realm, from] of [
    [undefined, '192.0.2.9'],
    ['north', '203.0.113.9'],
    ['north', '2001:db8:2::9'],
    ['south', '192.0.2.9'],
  ] as const) {
    assert.equal(callIn(realm, from), 'unsupported', `${realm} ${from}`);
  }
});

test('the family of a call stays: neither an answer nor a re-INVITE may name the other', () => {
  const rig = mediaRig(SETTINGS);
  offerOut(rig);
  const answer = (sdp: string) =>
    rig.run({ type: 'media.answer', from: 'ims', owner: A, ref: nextRef(), fork: 'f', sdp });
  answer(at('2001:db8:2::9'));
  assert.equal(rig.box.take('media-failed').failure, 'unsupported');
  answer(at('203.0.113.9'));
  rig.box.take('media-ready');
  rig.run({ type: 'media.reoffer', from: 'ims', owner: A, ref: nextRef(), sdp: at('2001:db8:2::9') });
  assert.equal(rig.box.take('media-failed').failure, 'unsupported');
  rig.run({ type: 'media.reoffer', from: 'ims', owner: A, ref: nextRef(), sdp: at('203.0.113.10') });
  rig.box.take('media-ready');
});

test('ICE-01 a browser is given one candidate of each family, the first preferred', () => {
  const rig = mediaRig(SETTINGS);
  rig.run({
    type: 'media.offer',
    from: 'ims',
    owner: A,
    ref: nextRef(),
    legs: [LEG, legId('leg-2')],
    sdp: at('203.0.113.9'),
  });
  for (const { sdp } of rig.box.take('media-offers').offers) {
    assert.deepEqual(sdp.match(/a=candidate:.*/g), [
      `a=candidate:1 1 udp 2130706431 198.51.100.1 ${MEDIA_DEFAULTS.web.ports.min} typ host`,
      `a=candidate:2 1 udp 2130706175 2001:db8:1::1 ${MEDIA_DEFAULTS.web.ports.min} typ host`,
    ]);
  }
});

test('a call has the codecs of its realm', () => {
  for (const [realm, line] of [
    [undefined, /RTP\/AVP 8 0 126\r\n/],
    ['north', /RTP\/AVP 0 126\r\n/],
  ] as const) {
    assert.match(offerOut(mediaRig(SETTINGS), realm), line);
  }
  assert.match(callIn('north', '192.0.2.9'), /RTP\/AVP 0 101\r\n/);
});
