/** Several devices of one number: they ring together, the first answer wins, the last one out decides. IMS digest 4.5, 4.6. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MediaSessionId } from '../../src/ep-cscf/ids.ts';
import {
  ALICE,
  answerOut,
  BOB,
  callIn,
  callOut,
  device,
  get,
  lastEnd,
  put,
  register,
  remove,
  unregister,
} from '../support/core-story.ts';
import { browserOffer, createWorld } from '../support/core-world.ts';

const ANSWER = browserOffer('z');

function three(override: Parameters<typeof createWorld>[0] = {}) {
  const w = createWorld(override);
  const regs = [1, 2, 3].map(n => register(w, ALICE, n));
  const ring = () => {
    const { owner, sessions } = callIn(w, ALICE);
    assert.equal(sessions.length, 3);
    return {
      owner,
      a: sessions[0] as MediaSessionId,
      b: sessions[1] as MediaSessionId,
      c: sessions[2] as MediaSessionId,
    };
  };
  const finish = () => {
    for (const reg of regs) unregister(w, ALICE, reg);
    w.advance(10_000);
    w.assertQuiet();
  };
  return { w, regs, ring, finish };
}

test('TRM-13 first to answer wins, the others hear "answered elsewhere", a late PUT finds nothing', () => {
  const { w, ring, finish } = three();
  const { a, b, c } = ring();
  put(w, ALICE, a, 'Ringing');
  put(w, ALICE, b, 'Ringing');
  assert.equal(w.take('ims.provisional').length, 1, 'one 180 for the network');
  assert.equal(put(w, ALICE, b, 'Connected', { answer: ANSWER })?.ok, true);
  assert.deepEqual(put(w, ALICE, a, 'Connected', { answer: ANSWER }), { ok: false, error: 'not-found' });
  assert.equal(w.take('ims.answer').length, 1);
  assert.deepEqual(w.story(b), ['1 Initial', '2 Ringing', '3 Connected']);
  for (const id of [a, c]) {
    const last = w.sessionEvents(id).at(-1);
    assert.equal(last?.status, 'SessionCancelled');
    assert.equal(last?.reason, 'GW;cause=5;text="answered elsewhere"');
  }
  remove(w, ALICE, b);
  assert.equal(w.take('ims.end').length, 1);
  finish();
});

test('TRM-13 two answer while the media plane works: one wins, the other is told at once', () => {
  const { w, ring, finish } = three();
  const { owner, a, b } = ring();
  w.behaviour.media = 'silent';
  assert.equal(put(w, ALICE, a, 'Connected', { answer: ANSWER }), null);
  const first = w.lastRef();
  assert.equal(put(w, ALICE, b, 'Connected', { answer: ANSWER }), null);
  const second = w.lastRef();
  const op = w.take('media.answer').at(-1);
  assert.ok(op !== undefined);
  w.behaviour.media = 'ok';
  w.give({ type: 'media-ready', owner, ref: op.ref, sdp: 'v=0' });
  assert.equal(w.owed(first)?.ok, true);
  assert.deepEqual(w.owed(second), { ok: false, error: 'not-found' });
  remove(w, ALICE, a);
  finish();
});

test('the first answer turns out unusable: the second one wins', () => {
  const { w, ring, finish } = three();
  const { owner, a, b } = ring();
  w.behaviour.media = 'silent';
  put(w, ALICE, a, 'Connected', { answer: 'v=0' });
  const first = w.lastRef();
  put(w, ALICE, b, 'Connected', { answer: ANSWER });
  const second = w.lastRef();
  const op = w.take('media.answer').at(-1);
  assert.ok(op !== undefined);
  w.behaviour.media = 'ok';
  w.give({ type: 'media-failed', owner, ref: op.ref, failure: 'bad-sdp' });
  assert.deepEqual(w.owed(first), { ok: false, error: 'sdp-unusable', field: 'answer' });
  assert.equal(w.owed(second)?.ok, true);
  assert.equal(w.sessionEvents(a).at(-1)?.reason, 'GW;cause=5;text="answered elsewhere"');
  remove(w, ALICE, b);
  finish();
});

test('with several devices no SDP is promised early, so any of them may still win', () => {
  const { w, ring } = three();
  const { a, b, c } = ring();
  put(w, ALICE, a, 'InProgress', { answer: ANSWER });
  assert.deepEqual(
    w.take('ims.provisional').map(p => p.sdp),
    [null],
  );
  remove(w, ALICE, b);
  remove(w, ALICE, c);
  put(w, ALICE, a, 'Ringing');
  assert.equal(w.take('ims.provisional')[0]?.sdp !== null, true);
});

test('TRM-15 TRM-16 a device that declines leaves; the others ring on; the last one out says 486', () => {
  const { w, ring, finish } = three();
  const { a, b, c } = ring();
  remove(w, ALICE, a);
  put(w, ALICE, b, 'Busy');
  assert.equal(w.take('ims.end').length, 0);
  assert.equal(put(w, ALICE, c, 'Ringing')?.ok, true);
  remove(w, ALICE, c);
  assert.equal(lastEnd(w)?.code, 486);
  assert.deepEqual(w.story(a), ['1 Initial', '2 Declined']);
  assert.deepEqual(w.story(b), ['1 Initial', '2 Busy']);
  finish();
});

test('TRM-15 decline mode `all`: one decline ends it for everybody', () => {
  const { w, ring, finish } = three({ call: { declineMode: 'all' } });
  const { a, b } = ring();
  remove(w, ALICE, a);
  assert.equal(lastEnd(w)?.code, 603);
  assert.equal(w.story(a).at(-1), '2 Declined');
  assert.equal(w.story(b).at(-1), '2 SessionCancelled');
  finish();
});

test('TRM-16 devices that cannot be reached are skipped, and decide nothing', () => {
  const { w, ring, finish } = three();
  w.behaviour.invitation = id => (id === device(1) ? 'accepted' : id === device(2) ? 'undeliverable' : 'silent');
  const { a, b, c } = ring();
  assert.equal(w.story(b).at(-1), '2 NotReachable');
  assert.deepEqual(w.story(c), ['1 Initial']);
  w.advance(8_000);
  assert.equal(w.story(c).at(-1), '2 NotReachable');
  assert.equal(put(w, ALICE, a, 'Connected', { answer: ANSWER })?.ok, true);
  remove(w, ALICE, a);
  finish();
});

test('nobody answers: every device hears NoAnswer, 480', () => {
  const { w, ring, finish } = three();
  const { a, b, c } = ring();
  w.advance(120_000);
  assert.equal(lastEnd(w)?.code, 480);
  for (const id of [a, b, c]) assert.equal(w.story(id).at(-1), '2 NoAnswer');
  finish();
});

test('the registration of a ringing device is deleted: it leaves, the others ring on', () => {
  const { w, regs, ring } = three();
  const { a, b } = ring();
  unregister(w, ALICE, regs[0] as (typeof regs)[number]);
  assert.equal(w.story(a).at(-1), '2 SessionCancelled');
  assert.equal(w.take('ims.end').length, 0);
  assert.equal(put(w, ALICE, b, 'Connected', { answer: ANSWER })?.ok, true);
});

test('an expired device is not rung', () => {
  const { w } = three();
  w.advance(3_599_000);
  register(w, ALICE, 4);
  w.advance(1_000);
  assert.equal(callIn(w, ALICE).sessions.length, 1);
});

test('a call to the own number rings the other devices, not the calling one', () => {
  const { w, regs } = three();
  const out = callOut(w, ALICE, regs[1] as (typeof regs)[number], { receiver: `tel:${ALICE}` });
  const { sessions } = callIn(w, ALICE, { caller: `tel:${ALICE}` });
  const rung = w.events.filter(e => sessions.includes((e.event as { mediaSessionId: MediaSessionId }).mediaSessionId));
  assert.deepEqual(
    rung.map(e => e.audience.deviceId),
    [device(1), device(3)],
  );
  assert.equal(get(w, ALICE, out.id)?.ok, true);
});

test('a call to the own number with no other device finds nobody', () => {
  const w = createWorld();
  const reg = register(w, ALICE, 1);
  callOut(w, ALICE, reg, { receiver: `tel:${ALICE}` });
  assert.deepEqual(callIn(w, ALICE, { caller: `tel:${ALICE}` }).sessions, []);
  assert.equal(lastEnd(w)?.code, 480);
});

test('a call to somebody else keeps no device from ringing', () => {
  const { w, regs } = three();
  callOut(w, ALICE, regs[0] as (typeof regs)[number], { receiver: `tel:${BOB}` });
  assert.equal(callIn(w, ALICE).sessions.length, 3);
});

test('an own-number call that is answered keeps no device from ringing', () => {
  const { w, regs } = three();
  const out = callOut(w, ALICE, regs[0] as (typeof regs)[number], { receiver: `tel:${ALICE}` });
  answerOut(w, out);
  assert.equal(callIn(w, ALICE).sessions.length, 3);
});

test('a device that gives up while its answer is being made gets both replies; the others ring on', () => {
  const { w, ring } = three();
  const { owner, a, b } = ring();
  w.behaviour.media = 'silent';
  assert.equal(put(w, ALICE, a, 'Connected', { answer: ANSWER }), null);
  const ref = w.lastRef();
  const op = w.take('media.answer').at(-1);
  assert.deepEqual(remove(w, ALICE, a), { ok: true });
  assert.deepEqual(w.owed(ref), { ok: false, error: 'not-found' });
  w.behaviour.media = 'ok';
  w.give({ type: 'media-ready', owner, ref: op?.ref as never, sdp: 'late' });
  assert.equal(w.take('ims.answer').length, 0);
  assert.equal(put(w, ALICE, b, 'Connected', { answer: ANSWER })?.ok, true);
});
