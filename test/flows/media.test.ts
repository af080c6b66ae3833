/** Media that cannot be made, does not come up, or dies. Media digest 4.10, IMS digest 5.6. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MediaSessionId } from '../../src/ep-cscf/ids.ts';
import type { MediaFailure } from '../../src/ep-cscf/input.ts';
import {
  ALICE,
  answerOut,
  callIn,
  callOut,
  lastEnd,
  originate,
  progress,
  put,
  register,
  remove,
  sessionOf,
  talkingOut,
  unregister,
} from '../support/core-story.ts';
import { browserOffer, createWorld, imsSdp, type World } from '../support/core-world.ts';

function world() {
  const w = createWorld();
  return { w, reg: register(w, ALICE, 1) };
}

function finish(w: World, reg: ReturnType<typeof register>): void {
  w.behaviour.media = 'ok';
  unregister(w, ALICE, reg);
  w.advance(10_000);
  w.assertQuiet();
}

test('a call leaves one line at its end, with how it sounded; without totals it still leaves one', () => {
  for (const stats of [true, false]) {
    const { w, reg } = world();
    w.behaviour.stats = stats;
    const call = talkingOut(w, ALICE, reg);
    w.take('log');
    remove(w, ALICE, call.id);
    w.advance(10_000);
    const lines = w.take('log').filter(l => l.message === 'call ended');
    assert.equal(lines.length, 1);
    const fields = lines[0]?.fields;
    assert.equal(fields?.['status'], 'Terminated');
    assert.deepEqual(
      [fields?.['codec'], fields?.['webMos'], fields?.['imsPackets'], fields?.['oneWay']],
      stats ? ['PCMA', 4.4, 50, null] : [undefined, undefined, undefined, undefined],
    );
    finish(w, reg);
  }
});

test('A-10 5.8 an offer that parses but cannot be used: 201, then Failed 488; no INVITE', () => {
  const cases: Array<[MediaFailure, RegExp]> = [
    ['bad-sdp', /^SIP;cause=488/],
    ['no-codec', /^SIP;cause=488;text="No common codec"/],
    ['unsupported', /^SIP;cause=488/],
    ['srtp', /^SIP;cause=488;text="SRTP not agreed"/],
    ['no-port', /^SIP;cause=503/],
    ['overload', /^SIP;cause=503/],
    ['driver', /^GW;cause=3/],
  ];
  for (const [failure, reason] of cases) {
    const { w, reg } = world();
    w.behaviour.media = failure;
    const id = sessionOf(originate(w, ALICE, reg)).mediaSessionId;
    assert.deepEqual(w.story(id), ['1 Failed']);
    assert.match(w.sessionEvents(id)[0]?.reason ?? '', reason);
    assert.equal(w.take('ims.invite').length + w.take('ims.end').length, 0);
    finish(w, reg);
  }
});

test('a media plane that says nothing is given up after 5 s', () => {
  const { w, reg } = world();
  w.behaviour.media = 'silent';
  const id = sessionOf(originate(w, ALICE, reg)).mediaSessionId;
  w.advance(4_999);
  assert.deepEqual(w.story(id), []);
  w.advance(1);
  assert.deepEqual(w.story(id), ['1 Failed']);
  finish(w, reg);
});

test('the far end’s answer cannot be used: Failed 488, CANCEL or BYE', () => {
  for (const early of [true, false]) {
    const { w, reg } = world();
    const call = callOut(w, ALICE, reg);
    w.behaviour.media = 'no-codec';
    if (early) progress(w, call, 183, { sdp: imsSdp() });
    else answerOut(w, call);
    assert.deepEqual(w.story(call.id), ['1 Failed']);
    assert.match(lastEnd(w)?.reason ?? '', /cause=488/);
    finish(w, reg);
  }
});

test('a lost worker ends its calls with a reason, before and after the answer', () => {
  const { w, reg } = world();
  const first = callOut(w, ALICE, reg);
  const second = talkingOut(w, ALICE, reg);
  const third = callIn(w, ALICE);
  for (const owner of [first.owner, second.owner, third.owner]) w.give({ type: 'media-lost', owner, cause: 'worker' });
  assert.equal(w.story(first.id).at(-1), '1 Failed');
  assert.equal(w.story(second.id).at(-1), '2 Terminated');
  assert.equal(w.story(third.sessions[0] ?? '').at(-1), '2 Failed');
  assert.equal(w.sessionEvents(second.id).at(-1)?.reason, 'GW;cause=3;text="media worker lost"');
  assert.equal(w.take('ims.end').length, 3);
  const record = w.store.get(`record ${second.id}`) as Record<string, unknown>;
  assert.equal(record['endClass'], 'internal');
  assert.notEqual(record['media'], null, 'totals up to the loss');
  finish(w, reg);
});

test('MID-12 silence of either side ends the call and says which', () => {
  for (const [cause, reason] of [
    ['ims-silent', 'RELEASE_CAUSE;cause=2;text="RTP/RTCP time-out"'],
    ['web', 'RELEASE_CAUSE;cause=3;text="Media bearer loss"'],
    ['fingerprint', 'RELEASE_CAUSE;cause=3;text="Media bearer loss"'],
  ] as const) {
    const { w, reg } = world();
    const call = talkingOut(w, ALICE, reg);
    w.give({ type: 'media-lost', owner: call.owner, cause });
    assert.equal(lastEnd(w)?.reason, reason);
    assert.equal(w.story(call.id).at(-1), '2 Terminated');
    finish(w, reg);
  }
});

test('ICE and DTLS not up 10 s after the answer: the end; up in time: not', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  answerOut(w, call);
  w.advance(9_999);
  assert.deepEqual(w.story(call.id), ['1 Connected']);
  w.advance(1);
  assert.equal(w.sessionEvents(call.id).at(-1)?.reason, 'GW;cause=3;text="media not connected"');
  const second = talkingOut(w, ALICE, reg);
  w.advance(60_000);
  assert.deepEqual(w.story(second.id), ['1 Connected']);
  remove(w, ALICE, second.id);
  finish(w, reg);
});

test('the winner’s media does not come up: BYE, the others stay out', () => {
  const { w, reg } = world();
  const other = register(w, ALICE, 2);
  const { sessions } = callIn(w, ALICE);
  const [a, b] = sessions as [MediaSessionId, MediaSessionId];
  put(w, ALICE, a, 'Connected', { answer: browserOffer('z') });
  w.advance(10_000);
  assert.equal(w.story(a).at(-1), '3 Terminated');
  assert.equal(w.story(b).at(-1), '2 SessionCancelled');
  unregister(w, ALICE, other);
  finish(w, reg);
});

test('media that was up before the answer needs no guard', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  progress(w, call, 183, { sdp: imsSdp() });
  w.give({ type: 'media-connected', owner: call.owner, leg: call.id });
  answerOut(w, call, null);
  w.advance(30_000);
  assert.deepEqual(w.story(call.id), ['1 InProgress', '2 Connected']);
});

test('four hours are enough', () => {
  const { w, reg } = world();
  const call = talkingOut(w, ALICE, reg);
  for (let hour = 0; hour < 4; hour += 1) {
    w.ask({
      type: 'extend-registration',
      who: { clientId: 'demo', subject: `user-of-${ALICE}`, number: ALICE, legs: 3 },
      correlator: 'c',
      registrationId: reg,
      expiresAt: w.now() + 86_400_000,
    });
    w.advance(3_600_000 - 1);
  }
  assert.deepEqual(w.story(call.id), ['1 Connected']);
  w.advance(4);
  assert.equal(w.story(call.id).at(-1), '2 Terminated');
  finish(w, reg);
});

test('no totals come: the record is written without them', () => {
  const { w, reg } = world();
  w.behaviour.stats = false;
  const call = talkingOut(w, ALICE, reg);
  remove(w, ALICE, call.id);
  assert.equal(w.store.has(`record ${call.id}`), false);
  w.advance(2_000);
  const record = w.store.get(`record ${call.id}`) as Record<string, unknown>;
  assert.equal(record['media'], null);
  finish(w, reg);
});
