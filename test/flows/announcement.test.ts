/** What callers hear from a file: ring-back, why the network refused, that the longest call is over. TS 24.628 4.2. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Input } from '../../src/ep-cscf/input.ts';
import {
  ALICE,
  answerOut,
  callOut,
  lastEnd,
  type OutgoingCall,
  progress,
  register,
  rejectOut,
  remove,
  talkingOut,
  unregister,
} from '../support/core-story.ts';
import { createWorld, imsSdp, type World } from '../support/core-world.ts';

const MINUTE = 60_000;

function world(names: readonly string[], maxDurationMs = MINUTE): { w: World; reg: ReturnType<typeof register> } {
  const w = createWorld({ call: { announcements: new Set(names), maxDurationMs } });
  return { w, reg: register(w, ALICE, 1) };
}

function finish(w: World, reg: ReturnType<typeof register>): void {
  unregister(w, ALICE, reg);
  w.advance(10_000);
  w.assertQuiet();
}

const played = (w: World) => w.take('media.play').map(({ side, name, repeat }) => ({ side, name, repeat }));
type Playing = Extract<Input, { type: 'media-playing' }>;
const begins = (w: World, call: OutgoingCall, name: string, ms: number | null, side: Playing['side'] = 'web') =>
  w.give({ type: 'media-playing', owner: call.owner, side, name, ms });

test('ANN-01 a refusal is heard before the call ends, by a browser that had no answer yet: it gets one of ours', () => {
  const { w, reg } = world(['404', '4xx']);
  const call = callOut(w, ALICE, reg);
  rejectOut(w, call, 404);
  assert.deepEqual(w.story(call.id), ['1 InProgress']);
  const [early] = w.sessionEvents(call.id);
  assert.match(early?.reason ?? '', /early-media/);
  assert.notEqual(early?.answer, null);
  assert.deepEqual(played(w), [{ side: 'web', name: '404', repeat: false }]);
  assert.deepEqual(w.take('media.gate').at(-1)?.fromIms, false);
  begins(w, call, '404', 4_000);
  w.advance(3_999);
  assert.deepEqual(w.story(call.id), ['1 InProgress']);
  w.advance(1);
  assert.deepEqual(w.story(call.id), ['1 InProgress', '2 NotReachable']);
  assert.match(w.sessionEvents(call.id).at(-1)?.reason ?? '', /^SIP;cause=404/);
  assert.equal(lastEnd(w), undefined, 'the network has ended the INVITE itself');
  finish(w, reg);
});

test('ANN-01 the code itself counts before its class; what has no announcement ends at once', () => {
  for (const [code, names, name] of [
    [486, ['4xx', '486'], '486'],
    [480, ['4xx', '486'], '4xx'],
    [503, ['4xx'], null],
  ] as const) {
    const { w, reg } = world(names);
    const call = callOut(w, ALICE, reg);
    progress(w, call, 183, { sdp: imsSdp() });
    rejectOut(w, call, code);
    assert.deepEqual(
      played(w).map(play => play.name),
      name === null ? [] : [name],
    );
    if (name !== null) begins(w, call, name, 1_000);
    w.advance(1_000);
    assert.equal(w.sessionEvents(call.id).at(-1)?.final, true);
    finish(w, reg);
  }
});

test('ANN-01 nothing can be heard: the call ends as it would without, also when the media plane says nothing', () => {
  for (const spoil of [
    (w: World, call: OutgoingCall) => begins(w, call, '404', null),
    (w: World) => w.advance(10_000),
    (w: World, call: OutgoingCall) => w.give({ type: 'media-lost', owner: call.owner, cause: 'web' }),
    (w: World, call: OutgoingCall) => assert.deepEqual(remove(w, ALICE, call.id), { ok: true }),
  ]) {
    const { w, reg } = world(['404']);
    const call = callOut(w, ALICE, reg);
    rejectOut(w, call, 404);
    spoil(w, call);
    const last = w.sessionEvents(call.id).at(-1);
    assert.deepEqual([last?.status, last?.final], ['NotReachable', true]);
    assert.equal(lastEnd(w), undefined);
    finish(w, reg);
  }
  const { w, reg } = world(['404']);
  const call = callOut(w, ALICE, reg);
  w.behaviour.media = 'unsupported';
  rejectOut(w, call, 404);
  assert.deepEqual(w.story(call.id), ['1 NotReachable']);
  finish(w, reg);
});

test('ANN-02 ring-back is heard from the 180 until the network lets something be heard, or the answer', () => {
  const { w, reg } = world(['ringing']);
  const call = callOut(w, ALICE, reg);
  progress(w, call, 180);
  assert.deepEqual(played(w), [], 'a browser without an answer hears nothing');
  progress(w, call, 183, { sdp: imsSdp(), earlyMedia: 'inactive' });
  assert.deepEqual(played(w), [{ side: 'web', name: 'ringing', repeat: true }]);
  progress(w, call, 180);
  assert.deepEqual(played(w), []);
  progress(w, call, 183, { earlyMedia: 'sendonly' });
  assert.deepEqual(played(w), [{ side: 'web', name: null, repeat: true }]);
  progress(w, call, 183, { earlyMedia: 'inactive' });
  assert.equal(played(w).at(-1)?.name, 'ringing');
  answerOut(w, call, null);
  assert.deepEqual(played(w), [{ side: 'web', name: null, repeat: true }]);
  remove(w, ALICE, call.id);
  finish(w, reg);
});

test('ANN-02 without a file nothing is played', () => {
  const { w, reg } = world([]);
  const call = callOut(w, ALICE, reg);
  progress(w, call, 183, { sdp: imsSdp(), earlyMedia: 'inactive' });
  progress(w, call, 180);
  answerOut(w, call, null);
  assert.deepEqual(played(w), []);
  remove(w, ALICE, call.id);
  finish(w, reg);
});

test('ANN-03 both hear that the longest call is over, then it ends', () => {
  const { w, reg } = world(['maximum-duration']);
  const call = talkingOut(w, ALICE, reg);
  w.advance(MINUTE);
  assert.deepEqual(
    played(w).map(({ side }) => side),
    ['web', 'ims'],
  );
  begins(w, call, 'maximum-duration', 3_000, 'ims');
  w.advance(1_000);
  begins(w, call, 'maximum-duration', 3_000);
  w.advance(2_999);
  assert.equal(w.sessionEvents(call.id).at(-1)?.final, false, 'who began later hears all of it');
  w.advance(1);
  assert.deepEqual(w.sessionEvents(call.id).at(-1)?.reason, 'GW;cause=7;text="maximum duration"');
  assert.equal(lastEnd(w)?.reason, 'Q.850;cause=31;text="Maximum duration"');
  finish(w, reg);
});

test('ANN-03 a side that cannot hear it takes nothing from the other; when neither can, the call ends', () => {
  for (const [deaf, hears] of [
    ['web', 'ims'],
    ['ims', 'web'],
  ] as const)
    for (const last of [2_000, null]) {
      const { w, reg } = world(['maximum-duration']);
      const call = talkingOut(w, ALICE, reg);
      w.advance(MINUTE);
      begins(w, call, 'maximum-duration', null, deaf);
      begins(w, call, 'maximum-duration', 5_000, deaf);
      assert.equal(w.sessionEvents(call.id).at(-1)?.final, false);
      begins(w, call, 'maximum-duration', last, hears);
      w.advance((last ?? 0) - 1);
      assert.equal(w.sessionEvents(call.id).at(-1)?.final, last === null);
      w.advance(1);
      assert.equal(w.sessionEvents(call.id).at(-1)?.final, true);
      finish(w, reg);
    }
});

test('ANN-01 what is said of the ring-back before it ends no announcement', () => {
  const { w, reg } = world(['ringing', '404']);
  const call = callOut(w, ALICE, reg);
  progress(w, call, 183, { sdp: imsSdp(), earlyMedia: 'inactive' });
  progress(w, call, 180);
  rejectOut(w, call, 404);
  begins(w, call, 'ringing', null);
  assert.equal(w.sessionEvents(call.id).at(-1)?.final, false);
  begins(w, call, '404', 1_000);
  w.advance(1_000);
  assert.equal(w.sessionEvents(call.id).at(-1)?.final, true);
  finish(w, reg);
});

test('ANN-03 who hangs up meanwhile has hung up', () => {
  const { w, reg } = world(['maximum-duration']);
  const call = talkingOut(w, ALICE, reg);
  w.advance(MINUTE);
  assert.deepEqual(remove(w, ALICE, call.id), { ok: true });
  assert.equal(lastEnd(w)?.reason, 'RELEASE_CAUSE;cause=1;text="User ends call"');
  assert.equal(w.sessionEvents(call.id).at(-1)?.reason, 'GW;cause=1;text="ended by user"');
  finish(w, reg);
});
