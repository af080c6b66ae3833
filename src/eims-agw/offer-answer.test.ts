/** Offer and answer in both directions: forks, refusals, numbers. Whole texts are in `example.test.ts`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { legId, nextRef } from '../../test/support/media-inbox.ts';
import { A, audioOf, LEG, mediaRig as rig } from '../../test/support/media-rig.ts';
import { browserAnswer, chromiumOffer, firefoxOffer, phoneSdp, volteOffer } from '../../test/support/media-sdp.ts';
import { PCMA, PCMU } from './payload-format.ts';

const event = (fmtp: string | null) => ({ name: 'telephone-event', clock: 8000, channels: 1, fmtp });
const OURS = event('0-15');
const PHONES = event('0-16');

test('SDP-08 SDP-09 the browser has one answer, byte for byte, whatever the forks say', () => {
  const { offerOut, answerOut, route } = rig();
  offerOut();
  const first = answerOut(phoneSdp({ formats: [8] }), 'a');
  assert.equal(answerOut(phoneSdp({ formats: [0], port: 50000 }), 'b'), first);
  assert.deepEqual(route().target, { address: '127.0.0.77', port: 50000, rtcpAddress: '127.0.0.77', rtcpPort: 50001 });
  // The second fork has the other law: the relay converts.
  assert.deepEqual(route().toIms, [
    { in: 8, out: 0, kind: 'speech', from: PCMA, to: PCMU },
    { in: 126, out: 101, kind: 'event', from: OURS, to: PHONES },
  ]);
  assert.deepEqual(route().toWeb, [
    { in: 0, out: 8, kind: 'speech', from: PCMU, to: PCMA },
    { in: 126, out: 126, kind: 'event', from: OURS, to: event(null) },
  ]);
  assert.equal(answerOut(phoneSdp({ formats: [8] }), 'a'), first);
});

test('SDP-04 SDP-19 an offer of Firefox works the same', () => {
  const { offerOut, answerOut } = rig();
  assert.match(offerOut(firefoxOffer()), /m=audio 21000 RTP\/AVP 8 0 101\r\n/);
  assert.match(answerOut(), /m=audio 9 UDP\/TLS\/RTP\/SAVPF 8 101\r\n/);
});

test('offers of the browser that cannot be used fail before anything is taken', () => {
  const cases: Array<[string, string]> = [
    ['nonsense', 'bad-sdp'],
    ['v=0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n', 'bad-sdp'],
    ['v=0\r\nm=audio 9 RTP/SAVPF 0\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n', 'unsupported'],
    [chromiumOffer().replace(/a=fingerprint.*\r\n/, ''), 'unsupported'],
    [chromiumOffer().replace(/a=ice-pwd.*\r\n/, ''), 'unsupported'],
    [chromiumOffer().replace('9 0 8 13', '9 13'), 'no-codec'],
  ];
  for (const [sdp, failure] of cases) {
    const { run, box, engine } = rig();
    run({ type: 'media.offer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp });
    assert.equal(box.take('media-failed').failure, failure, sdp.slice(0, 80));
    assert.deepEqual(engine.commands, []);
  }
});

test('a browser side that is as lite as ours is refused before the core hears of the call, and when it answers', () => {
  const lite = (sdp: string) => sdp.replace('t=0 0\r\n', 't=0 0\r\na=ice-lite\r\n');
  const out = rig();
  out.engine.lite = true;
  out.run({ type: 'media.offer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp: lite(chromiumOffer()) });
  assert.equal(out.box.take('media-failed').failure, 'unsupported');
  out.run({ type: 'media.release', owner: A });
  assert.equal(out.engine.open(), 0);
  const incoming = rig();
  incoming.engine.lite = true;
  incoming.offerIn();
  const answer = { type: 'media.answer', from: 'web', owner: A, leg: LEG } as const;
  incoming.run({ ...answer, ref: nextRef(), sdp: lite(browserAnswer()) });
  assert.equal(incoming.box.take('media-failed').failure, 'unsupported');
  // A full agent of ours would do the checks.
  const full = rig();
  full.offerOut(lite(chromiumOffer()));
});

test('answers of the IMS side that cannot be used fail, and a good one still works', () => {
  const { offerOut, answerOut, run, box } = rig();
  offerOut();
  const cases: Array<[string, string]> = [
    ['nonsense', 'bad-sdp'],
    ['v=0\r\nm=video 9 RTP/AVP 96\r\n', 'bad-sdp'],
    [phoneSdp({ port: 0 }), 'no-codec'],
    [phoneSdp({ formats: [18] }), 'no-codec'],
    [phoneSdp({ address: '8.8.8.8' }), 'unsupported'],
    [phoneSdp({ address: 'phone.example' }), 'unsupported'],
    [phoneSdp({ address: '127.0.0.1', port: 20000 }), 'unsupported'],
  ];
  for (const [sdp, failure] of cases) {
    run({ type: 'media.answer', from: 'ims', owner: A, ref: nextRef(), fork: 'x', sdp });
    assert.equal(box.take('media-failed').failure, failure, sdp);
  }
  assert.match(answerOut(), /^v=0/);
});

test('a call in: every device its own credentials, one IMS answer', () => {
  const { offerIn, answerIn, run, engine, route } = rig();
  const [one = '', two = ''] = offerIn(volteOffer(), [LEG, legId('leg-2')]);
  assert.match(one, /m=audio 9 UDP\/TLS\/RTP\/SAVPF 8 0 100\r\n/);
  assert.match(one, /a=setup:actpass\r\n/);
  assert.notEqual(audioOf(one).ice?.ufrag, audioOf(two).ice?.ufrag);
  const answer = answerIn(browserAnswer(), legId('leg-2'));
  assert.match(answer, /m=audio 21000 RTP\/AVP 8 100\r\n/);
  assert.match(answer, /m=video 0 RTP\/AVP 99\r\n/);
  // The other device answers too, with the other law only: the IMS side is not told anything new.
  assert.equal(answerIn(browserAnswer({ laws: [0] }), LEG), answer);
  assert.equal(
    engine.commands.some(c => c.type === 'route' && c.route.leg !== null),
    false,
  );
  run({ type: 'media.select', owner: A, leg: LEG });
  assert.deepEqual(
    engine.commands.find(c => c.type === 'drop-leg'),
    { type: 'drop-leg', session: 1, leg: 2 },
  );
  assert.equal(route().leg, 1);
  assert.deepEqual(route().toIms[0], { in: 0, out: 8, kind: 'speech', from: PCMU, to: PCMA });
});

test('SDP-10 a call in without a common codec fails before ringing', () => {
  const { run, box, engine } = rig();
  run({ type: 'media.offer', from: 'ims', owner: A, ref: nextRef(), legs: [LEG], sdp: volteOffer(false) });
  assert.equal(box.take('media-failed').failure, 'no-codec');
  assert.deepEqual(engine.commands, []);
});

test('SEC-01 a call in with keys in SDP where those are off, or with a forbidden address, is refused', () => {
  for (const [sdp, failure] of [
    [phoneSdp().replace('RTP/AVP', 'RTP/SAVP'), 'srtp'],
    [phoneSdp({ address: '10.1.1.1' }), 'unsupported'],
  ] as const) {
    const { run, box } = rig();
    run({ type: 'media.offer', from: 'ims', owner: A, ref: nextRef(), legs: [LEG], sdp });
    assert.equal(box.take('media-failed').failure, failure);
  }
});

test('an answer of the browser that does not fit our offer fails, and a good one still works', () => {
  const { offerIn, answerIn, run, box } = rig();
  offerIn();
  const cases: Array<[string, string]> = [
    ['nonsense', 'bad-sdp'],
    [`${browserAnswer()}m=video 9 UDP/TLS/RTP/SAVPF 96\r\n`, 'bad-sdp'],
    [browserAnswer().replace('m=audio 9', 'm=audio 0'), 'no-codec'],
    [browserAnswer({ laws: [111] }), 'no-codec'],
    [browserAnswer({ setup: 'actpass' }), 'unsupported'],
    [browserAnswer().replace(/a=fingerprint.*\r\n/, ''), 'unsupported'],
  ];
  for (const [sdp, failure] of cases) {
    run({ type: 'media.answer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp });
    assert.equal(box.take('media-failed').failure, failure, sdp);
  }
  assert.match(answerIn(), /m=audio 21000 RTP\/AVP 8 101/);
});

test('SDP-20 an INVITE without offer: both sides are offered policy, the ACK settles', () => {
  const { offerIn, answerIn, run, route, open } = rig();
  const [offer = ''] = offerIn(null);
  assert.match(offer, /SAVPF 8 0 101\r\n/);
  const ours = answerIn(browserAnswer());
  assert.match(ours, /m=audio 21000 RTP\/AVP 8 0 101\r\n/);
  run({ type: 'media.select', owner: A, leg: LEG });
  assert.deepEqual(route().toWeb, []);
  run({ type: 'media.settle', owner: A, sdp: phoneSdp({ formats: [0], event: 96 }) });
  open();
  assert.deepEqual(route().toIms, [
    { in: 8, out: 0, kind: 'speech', from: PCMA, to: PCMU },
    { in: 0, out: 0, kind: 'speech', from: PCMU, to: PCMU },
    { in: 101, out: 96, kind: 'event', from: OURS, to: PHONES },
  ]);
  assert.deepEqual(route().toWeb[0], { in: 0, out: 0, kind: 'speech', from: PCMU, to: PCMU });
});

test('IPv6 on the IMS side', () => {
  const ims = {
    bind: '::1',
    advertise: '2001:db8::1',
    ports: { min: 21_000, max: 21_099 },
    mediaPrefixes: ['2001:db8::/32'],
    natLatch: false,
  };
  const { offerOut, answerOut, route } = rig({ ims });
  assert.match(offerOut(), /o=- \d+ 1 IN IP6 2001:db8::1\r\n[\s\S]*b=AS:88\r\n/);
  answerOut(phoneSdp({ address: '2001:db8::77' }).replaceAll('IP4', 'IP6'));
  assert.equal(route().target?.address, '2001:db8::77');
});
