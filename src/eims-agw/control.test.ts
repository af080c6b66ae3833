/** The media plane port over an engine in memory: deadlines, order, refusals, losses, release. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callId, nextRef } from '../../test/support/media-inbox.ts';
import { A, directionOf, LEG, mediaRig as rig } from '../../test/support/media-rig.ts';
import { chromiumOffer, firefoxOffer, OTHER_FINGERPRINT, phoneSdp } from '../../test/support/media-sdp.ts';

test('gates are closed until opened', () => {
  const { offerOut, answerOut, run, route } = rig();
  offerOut();
  answerOut();
  assert.deepEqual([route().toImsOpen, route().toWebOpen, route().supervise], [false, false, false]);
  run({ type: 'media.gate', owner: A, fromIms: true, fromWeb: false });
  assert.deepEqual([route().toImsOpen, route().toWebOpen, route().supervise], [false, true, false]);
  run({ type: 'media.gate', owner: A, fromIms: true, fromWeb: true, early: true });
  assert.deepEqual([route().toImsOpen, route().toWebOpen, route().supervise], [true, true, false]);
  run({ type: 'media.gate', owner: A, fromIms: true, fromWeb: true });
  assert.equal(route().supervise, true);
});

test('the same route is not sent twice', () => {
  const { offerOut, answerOut, open, engine } = rig();
  offerOut();
  answerOut();
  open();
  const sent = engine.commands.length;
  open();
  assert.equal(engine.commands.length, sent);
});

test('an engine that says nothing: timeout after 2 s, its late answer is dropped, a release still closes', () => {
  const { run, box, engine, pass, timers, sizes } = rig();
  engine.mute = true;
  const ref = nextRef();
  run({ type: 'media.offer', from: 'web', owner: A, ref, leg: LEG, sdp: chromiumOffer() });
  pass(1_999);
  assert.deepEqual(box.all, []);
  pass(1);
  assert.deepEqual(box.take('media-failed'), { type: 'media-failed', owner: A, ref, failure: 'timeout' });
  engine.emit({ type: 'opened', session: 1, op: 1, ims: { address: '127.0.0.1', port: 1 }, legs: [] });
  assert.deepEqual(box.all, []);
  engine.mute = false;
  run({ type: 'media.release', owner: A });
  assert.equal(engine.commands.at(-1)?.type, 'close');
  box.take('media-stats');
  assert.deepEqual([timers.length, sizes().sessions], [0, 0]);
});

test('operations of one call wait for each other, those of another do not', () => {
  const { run, box, engine, offerOut } = rig();
  offerOut(chromiumOffer());
  engine.mute = true;
  run({ type: 'media.answer', from: 'ims', owner: A, ref: nextRef(), fork: 'a', sdp: phoneSdp() });
  run({ type: 'media.gate', owner: A, fromIms: true, fromWeb: true });
  run({ type: 'media.hold', owner: A, ref: nextRef(), held: true });
  assert.deepEqual(box.all, []);
  engine.mute = false;
  offerOut(chromiumOffer(), callId('c2'));
  const connect = engine.commands.find(c => c.type === 'connect');
  engine.emit({ type: 'connecting', session: 1, op: connect?.type === 'connect' ? connect.op : 0 });
  assert.match(box.take('media-ready').sdp, /SAVPF/);
  assert.equal(directionOf(box.take('media-ready').sdp), 'sendonly');
});

test('refusals of the engine are told, and the next call works', () => {
  const { run, box, engine, offerOut, sizes } = rig();
  for (const failure of ['no-port', 'overload', 'driver'] as const) {
    engine.refuse = failure;
    run({ type: 'media.offer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp: chromiumOffer() });
    assert.equal(box.take('media-failed').failure, failure);
    run({ type: 'media.release', owner: A });
    box.take('media-stats');
  }
  engine.refuse = null;
  assert.match(offerOut(), /^v=0/);
  assert.equal(sizes().sessions, 1);
});

test('a lost worker: what waits is answered, the call is told, later requests fail, release is safe', () => {
  const { run, box, engine, offerOut, answerOut, sizes, timers } = rig();
  offerOut(chromiumOffer());
  answerOut();
  box.take('media-connected');
  engine.mute = true;
  const offer = firefoxOffer({ fingerprint: OTHER_FINGERPRINT });
  run({ type: 'media.reoffer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp: offer });
  run({ type: 'media.hold', owner: A, ref: nextRef(), held: true });
  engine.die();
  assert.equal(box.take('media-failed').failure, 'driver');
  assert.deepEqual(box.take('media-lost'), { type: 'media-lost', owner: A, cause: 'worker' });
  assert.equal(box.take('media-failed').failure, 'driver');
  run({ type: 'media.hold', owner: A, ref: nextRef(), held: true });
  assert.equal(box.take('media-failed').failure, 'driver');
  run({ type: 'media.release', owner: A });
  box.take('media-stats');
  assert.deepEqual([box.all.length, timers.length, sizes().sessions], [0, 0, 0]);
});

test('ICE-06 a browser that goes has 30 s to come back', () => {
  const { box, engine, offerOut, answerOut, pass, timers } = rig();
  offerOut(chromiumOffer());
  answerOut();
  box.take('media-connected');
  engine.emit({ type: 'leg-down', session: 1, leg: 1, cause: 'web' });
  pass(29_999);
  assert.deepEqual(box.all, []);
  pass(1);
  assert.deepEqual(box.take('media-lost'), { type: 'media-lost', owner: A, cause: 'web' });
  assert.equal(timers.length, 0);
});

test('a page that says goodbye has 8 s; a new connection of it gets the time any has', () => {
  const { box, engine, offerOut, answerOut, pass, run, timers } = rig();
  offerOut(chromiumOffer());
  answerOut();
  box.take('media-connected');
  engine.emit({ type: 'leg-down', session: 1, leg: 1, cause: 'left' });
  pass(7_999);
  assert.deepEqual(box.all, []);
  engine.connects = false;
  const sdp = firefoxOffer({ fingerprint: OTHER_FINGERPRINT });
  run({ type: 'media.reoffer', from: 'web', owner: A, ref: nextRef(), leg: LEG, sdp });
  box.take('media-ready');
  pass(29_999);
  engine.emit({ type: 'leg-up', session: 1, leg: 2 });
  box.take('media-connected');
  engine.emit({ type: 'leg-down', session: 1, leg: 2, cause: 'left' });
  pass(8_000);
  assert.deepEqual(box.take('media-lost'), { type: 'media-lost', owner: A, cause: 'web' });
  assert.equal(timers.length, 0);
});

test('a browser that comes back in time keeps its call', () => {
  const { box, engine, offerOut, answerOut, pass, run } = rig();
  offerOut(chromiumOffer());
  answerOut();
  box.take('media-connected');
  engine.emit({ type: 'leg-down', session: 1, leg: 1, cause: 'web' });
  pass(10_000);
  run({
    type: 'media.reoffer',
    from: 'web',
    owner: A,
    ref: nextRef(),
    leg: LEG,
    sdp: firefoxOffer({ fingerprint: OTHER_FINGERPRINT }),
  });
  box.take('media-ready');
  box.take('media-connected');
  pass(60_000);
  assert.deepEqual(box.all, []);
});

test('DTL-01 a wrong fingerprint ends the media at once; of a device not chosen it only counts when it is chosen', () => {
  const out = rig();
  out.engine.connects = false;
  out.offerOut(chromiumOffer());
  out.answerOut();
  out.engine.emit({ type: 'leg-down', session: 1, leg: 1, cause: 'fingerprint' });
  assert.equal(out.box.take('media-lost').cause, 'fingerprint');
  const { offerIn, answerIn, engine, box, run } = rig();
  engine.connects = false;
  offerIn();
  answerIn();
  engine.emit({ type: 'leg-down', session: 1, leg: 1, cause: 'fingerprint' });
  assert.deepEqual(box.all, []);
  run({ type: 'media.select', owner: A, leg: LEG });
  assert.equal(box.take('media-lost').cause, 'fingerprint');
});

test('silence of the IMS side is told once; one-way calls are counted', () => {
  const { box, engine, offerOut, answerOut, counted } = rig();
  offerOut();
  answerOut();
  box.take('media-connected');
  engine.emit({ type: 'one-way', session: 1, side: 'web' });
  assert.ok(counted.includes('media_one_way_total web'));
  engine.emit({ type: 'ims-silent', session: 1 });
  assert.deepEqual(box.all, [{ type: 'media-lost', owner: A, cause: 'ims-silent' }]);
});

test('what a call had carried is told and counted though the engine lost it', () => {
  const { run, box, engine, offerOut, answerOut, counted } = rig();
  offerOut();
  answerOut();
  box.take('media-connected');
  const heard = { packets: 98, bytes: 16_856, lost: null, jitterMs: null, farLost: null, roundTripMs: null };
  engine.emit({ type: 'lost', session: 1, fromWeb: heard, fromIms: heard, path: null, oneWay: null });
  box.take('media-lost');
  run({ type: 'media.release', owner: A });
  assert.equal(box.take('media-stats').stats.fromWeb.packets, 98);
  assert.ok(counted.includes('media_packets_total web'));
});

test('the totals of a call: figures of both sides, how each sounded, what is not known', () => {
  const { run, box, engine, offerOut, answerOut, counted } = rig();
  offerOut();
  answerOut();
  engine.mute = true;
  box.take('media-connected');
  run({ type: 'media.release', owner: A });
  const heard = { packets: 98, bytes: 16_856, lost: 2, jitterMs: 0, farLost: 1, roundTripMs: 40 };
  const unheard = { packets: 0, bytes: 0, lost: null, jitterMs: null, farLost: null, roundTripMs: null };
  const path = 'udp4 AES_CM_128_HMAC_SHA1_80';
  engine.emit({ type: 'closed', session: 1, fromWeb: heard, fromIms: unheard, path, oneWay: 'ims' });
  assert.deepEqual(box.take('media-stats').stats, {
    codec: 'PCMA',
    path,
    oneWay: 'ims',
    fromWeb: { ...heard, mos: 4.21 },
    fromIms: { ...unheard, mos: null },
  });
  assert.deepEqual(
    counted.filter(name => /media_(packets|mos|loss|jitter|round)/.test(name)),
    [
      'media_packets_total web',
      'media_mos web',
      'media_loss_ratio web',
      'media_jitter_seconds web',
      'media_round_trip_seconds web',
      'media_packets_total ims',
    ],
  );
});

test('release is always safe, answers once each time, and leaves nothing', () => {
  const { run, box, sizes, timers, offerOut, answerOut, engine } = rig();
  run({ type: 'media.release', owner: A });
  box.take('media-stats');
  offerOut();
  answerOut();
  box.take('media-connected');
  run({ type: 'media.release', owner: A });
  assert.equal(box.take('media-stats').stats.codec, 'PCMA');
  run({ type: 'media.gate', owner: A, fromIms: true, fromWeb: true });
  run({ type: 'media.select', owner: A, leg: LEG });
  run({ type: 'media.hold', owner: A, ref: nextRef(), held: true });
  box.take('media-failed');
  assert.deepEqual([box.all.length, timers.length, sizes().sessions, sizes().waiting, engine.open()], [0, 0, 0, 0, 0]);
});

test('an engine that does not close still lets the call go', () => {
  const { run, box, engine, offerOut, pass, timers } = rig();
  offerOut();
  engine.mute = true;
  run({ type: 'media.release', owner: A });
  assert.deepEqual(box.all, []);
  pass(2_000);
  box.take('media-stats');
  assert.equal(timers.length, 0);
});
