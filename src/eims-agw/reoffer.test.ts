/** Hold, resume and re-offers from either side of an answered call. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextRef } from '../../test/support/media-inbox.ts';
import { A, audioOf, directionOf, LEG, mediaRig as rig, versionOf } from '../../test/support/media-rig.ts';
import { chromiumOffer, firefoxOffer, OTHER_FINGERPRINT, phoneSdp } from '../../test/support/media-sdp.ts';
import { PCMA, PCMU } from './payload-format.ts';

test('SDP-03 SDP-11 hold and resume by our user, and the versions of o=', () => {
  const { offerOut, answerOut, hold, run, route, open } = rig();
  const first = offerOut();
  answerOut();
  open();
  assert.equal(route().toImsOpen && route().toWebOpen && route().supervise, true);
  const held = hold(true);
  assert.deepEqual([directionOf(held), versionOf(first), versionOf(held)], ['sendonly', 1, 2]);
  assert.deepEqual([route().toImsOpen, route().toWebOpen, route().supervise], [false, false, false]);
  run({ type: 'media.settle', owner: A, sdp: phoneSdp({ direction: 'recvonly', version: 2 }) });
  assert.equal(hold(true), held);
  const resumed = hold(false);
  assert.deepEqual([directionOf(resumed), versionOf(resumed)], ['sendrecv', 3]);
  run({ type: 'media.settle', owner: A, sdp: phoneSdp({ version: 3 }) });
  assert.equal(route().toImsOpen && route().toWebOpen, true);
});

test('a far end that answers our hold with inactive is not taken to hold us', () => {
  const { offerOut, answerOut, hold, run } = rig();
  offerOut();
  answerOut();
  hold(true);
  run({ type: 'media.settle', owner: A, sdp: phoneSdp({ direction: 'inactive', version: 2 }) });
  assert.equal(directionOf(hold(false)), 'sendrecv');
});

test('SDP-12 hold by the far end: answers, gates, and music that goes on', () => {
  const { offerOut, answerOut, reofferIms, route, open, hold } = rig();
  offerOut();
  answerOut();
  open();
  assert.equal(directionOf(reofferIms(phoneSdp({ direction: 'sendonly', version: 2 }))), 'recvonly');
  assert.deepEqual([route().toImsOpen, route().toWebOpen, route().supervise], [false, true, false]);
  // Both hold, then ours resumes while theirs stands.
  assert.equal(directionOf(hold(true)), 'inactive');
  assert.equal(directionOf(reofferIms(phoneSdp({ direction: 'sendonly', version: 2 }))), 'inactive');
  assert.equal(directionOf(hold(false)), 'recvonly');
  assert.equal(directionOf(reofferIms(phoneSdp({ direction: 'inactive', version: 3 }))), 'inactive');
  assert.equal(directionOf(reofferIms(phoneSdp({ address: '0.0.0.0', version: 4 }))), 'inactive');
  assert.equal(route().target?.address, '127.0.0.77');
  assert.equal(directionOf(reofferIms(phoneSdp({ direction: 'recvonly', version: 5 }))), 'sendonly');
  assert.equal(directionOf(reofferIms(phoneSdp({ version: 6 }))), 'sendrecv');
  assert.deepEqual([route().toImsOpen, route().toWebOpen, route().supervise], [true, true, true]);
});

test('re-INVITEs: a refresh changes nothing, a new address re-aims, added video is refused, nonsense leaves all as it was', () => {
  const { offerOut, answerOut, reofferIms, route, run, box } = rig();
  offerOut();
  answerOut(phoneSdp({ formats: [8] }));
  const answer = reofferIms(phoneSdp({ formats: [8] }));
  assert.equal(reofferIms(phoneSdp({ formats: [8] })), answer);
  assert.equal(reofferIms(phoneSdp({ formats: [8], port: 50010, version: 2 })), answer);
  assert.equal(route().target?.port, 50010);
  const video = reofferIms(
    `${phoneSdp({ formats: [8], version: 3 })}m=video 50020 RTP/AVP 99\r\na=rtpmap:99 H264/90000\r\n`,
  );
  assert.match(video, /m=video 0 RTP\/AVP 99\r\n$/);
  // What was once there stays, in our offers too.
  assert.match(reofferIms(null), /m=audio 21000 RTP\/AVP 8 0 101\r\n[\s\S]*m=video 0 RTP\/AVP 99\r\n$/);
  const before = route();
  for (const [sdp, failure] of [
    ['nonsense', 'bad-sdp'],
    [phoneSdp(), 'bad-sdp'],
    [`${phoneSdp({ formats: [18] })}m=video 0 RTP/AVP 99\r\n`, 'no-codec'],
  ]) {
    run({ type: 'media.reoffer', from: 'ims', owner: A, ref: nextRef(), sdp: sdp ?? '' });
    assert.equal(box.take('media-failed').failure, failure);
  }
  assert.deepEqual(route(), before);
});

test('a re-INVITE with the other law: the browser is not asked, the relay converts', () => {
  const { offerOut, answerOut, reofferIms, route } = rig();
  offerOut();
  const answer = answerOut(phoneSdp({ formats: [8] }));
  assert.match(answer, /SAVPF 8 126/);
  assert.match(reofferIms(phoneSdp({ formats: [0], version: 2 })), /m=audio 21000 RTP\/AVP 0 101\r\n/);
  const [rule] = route().toIms;
  assert.deepEqual([rule?.from, rule?.to], [PCMA, PCMU]);
});

test('the browser changes direction: a new answer, the same transport and role', () => {
  const { offerOut, answerOut, run, box, route, open } = rig();
  offerOut(chromiumOffer());
  const first = answerOut();
  open();
  run({
    type: 'media.reoffer',
    from: 'web',
    owner: A,
    ref: nextRef(),
    leg: LEG,
    sdp: chromiumOffer({ direction: 'sendonly', version: 3 }),
  });
  const second = box.take('media-ready').sdp;
  assert.equal(second, first.replace(' 1 IN IP4', ' 2 IN IP4').replace('a=sendrecv', 'a=recvonly'));
  assert.equal(route().toWebOpen, false);
});

test('ICE-02 ICE-04 an offer without candidates is taken; late ones are handed on and change nothing else', () => {
  const { offerOut, answerOut, run, box, engine } = rig();
  assert.doesNotMatch(chromiumOffer(), /a=candidate/);
  offerOut(chromiumOffer());
  const first = answerOut();
  const candidate = '1 1 udp 9 192.0.2.50 51000 typ host';
  for (let i = 0; i < 2; i += 1) {
    run({
      type: 'media.reoffer',
      from: 'web',
      owner: A,
      ref: nextRef(),
      leg: LEG,
      sdp: chromiumOffer({ candidates: [candidate] }),
    });
    assert.equal(box.take('media-ready').sdp, first);
  }
  assert.deepEqual(
    engine.commands.filter(c => c.type === 'candidates'),
    [{ type: 'candidates', session: 1, leg: 1, candidates: [candidate] }],
  );
});

test('ICE-05 DTL-03 a new RTCPeerConnection: a second leg takes over once it is up, the IMS side hears nothing', () => {
  const { offerOut, answerOut, run, box, engine, route } = rig();
  offerOut(chromiumOffer());
  const first = answerOut();
  box.take('media-connected');
  engine.connects = false;
  const offer = firefoxOffer({ fingerprint: OTHER_FINGERPRINT });
  run({ type: 'media.reoffer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp: offer });
  const second = box.take('media-ready').sdp;
  assert.notEqual(audioOf(second).ice?.ufrag, audioOf(first).ice?.ufrag);
  assert.equal(route().leg, 1);
  engine.emit({ type: 'leg-up', session: 1, leg: 2 });
  assert.equal(route().leg, 2);
  assert.deepEqual(engine.commands.at(-1), { type: 'drop-leg', session: 1, leg: 1 });
  assert.equal(box.take('media-connected').leg, LEG);
  // The old leg's end is no news any more.
  engine.emit({ type: 'leg-down', session: 1, leg: 1, cause: 'web' });
  assert.deepEqual(box.all, []);
});

test('ICE-05 a new connection that the engine was too slow for: the next offer of the browser is answered', () => {
  const { offerOut, answerOut, run, box, engine, pass } = rig();
  offerOut(chromiumOffer());
  answerOut();
  const reoffer = () => {
    const sdp = chromiumOffer({ fingerprint: OTHER_FINGERPRINT });
    run({ type: 'media.reoffer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp });
  };
  engine.mute = true;
  reoffer();
  const asked = engine.commands.at(-1);
  assert.ok(asked?.type === 'add-leg');
  const transport = { address: '127.0.0.1', port: 9, ufrag: 'u', pwd: 'p', fingerprint: 'f', iceLite: true } as const;
  engine.emit({
    type: 'leg-added',
    session: 1,
    op: asked.op,
    transport: { ...transport, answerSetup: 'passive' },
  });
  pass(2_000);
  assert.equal(box.take('media-failed').failure, 'timeout');
  engine.mute = false;
  reoffer();
  assert.match(box.take('media-ready').sdp, /^m=audio 9 /m);
  assert.deepEqual(
    engine.commands.flatMap(c => (c.type === 'drop-leg' ? [c.leg] : [])),
    [2, 1],
  );
});

test('a new connection as lite as our side is refused, and the old one goes on', () => {
  const { offerOut, answerOut, run, box, engine } = rig();
  engine.lite = true;
  offerOut(chromiumOffer());
  const first = answerOut();
  box.take('media-connected');
  const reoffer = (sdp: string) => run({ type: 'media.reoffer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp });
  reoffer(chromiumOffer({ fingerprint: OTHER_FINGERPRINT }).replace('t=0 0\r\n', 't=0 0\r\na=ice-lite\r\n'));
  assert.equal(box.take('media-failed').failure, 'unsupported');
  reoffer(chromiumOffer({ version: 3 }));
  assert.equal(box.take('media-ready').sdp, first);
  assert.equal(engine.commands.filter(c => c.type === 'add-leg').length, 0);
});

test('an engine that can restarts ICE: new credentials, everything else as it was', () => {
  const { offerOut, answerOut, run, box, engine } = rig();
  engine.restarts = true;
  offerOut(chromiumOffer());
  const first = answerOut();
  const reoffer = (sdp: string) => run({ type: 'media.reoffer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp });
  reoffer(chromiumOffer({ ufrag: 'New1', version: 3 }));
  const second = box.take('media-ready').sdp;
  const without = (sdp: string) => sdp.replace(/a=ice-(ufrag|pwd):.*\r\n|^o=.*\r\n/gm, '');
  assert.equal(without(second), without(first));
  assert.notEqual(/a=ice-ufrag:(.*)/.exec(second)?.[1], /a=ice-ufrag:(.*)/.exec(first)?.[1]);
  assert.equal(versionOf(second), versionOf(first) + 1);
  // The same offer again is no restart any more.
  const asked = engine.commands.length;
  reoffer(chromiumOffer({ ufrag: 'New1', version: 4 }));
  assert.equal(box.take('media-ready').sdp, second);
  assert.ok(engine.commands.slice(asked).every(c => c.type !== 'restart'));
});

test('an ICE restart that the engine refuses: the client must come with a new connection', () => {
  const { offerOut, answerOut, run, box } = rig();
  offerOut(chromiumOffer());
  answerOut();
  run({
    type: 'media.reoffer',
    from: 'web',
    owner: A,
    ref: nextRef(),
    leg: LEG,
    sdp: chromiumOffer({ ufrag: 'New1', version: 3 }),
  });
  assert.equal(box.take('media-failed').failure, 'unsupported');
});

test('before the far end answers a newer offer replaces the older', () => {
  const { offerOut, answerOut, run, box, engine } = rig();
  offerOut(chromiumOffer());
  run({
    type: 'media.reoffer',
    from: 'web',
    owner: A,
    ref: nextRef(),
    leg: LEG,
    sdp: chromiumOffer({ ufrag: 'New1', version: 3 }),
  });
  assert.equal(box.take('media-ready').sdp, '');
  answerOut();
  const connect = engine.commands.find(c => c.type === 'connect');
  assert.equal(connect?.type === 'connect' ? connect.remote.ice.ufrag : '', 'New1');
});
