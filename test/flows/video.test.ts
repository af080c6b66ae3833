/** Changes of an answered call that the other side has to agree to: video that comes and goes, from both sides. Media digest 4.7. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reply } from '../../src/ep-cscf/api-request.ts';
import type { Ref } from '../../src/ep-cscf/ids.ts';
import { ALICE, put, register, remove, sessionOf, talkingOut } from '../support/core-story.ts';
import { browserOffer, createWorld, imsSdp } from '../support/core-world.ts';

const WITH_VIDEO = browserOffer('with video');
const TO_AGREE = 'our offer';

function talking() {
  const w = createWorld();
  const { id, owner } = talkingOut(w, ALICE, register(w, ALICE, 1));
  w.take('media.answer');
  w.behaviour.asks = TO_AGREE;
  return { w, id, owner };
}

function code(reply: Reply | null): string {
  if (reply === null) return 'owed';
  return reply.ok ? 'ok' : reply.error;
}

test('SDP-21 the browser adds video: its PUT is answered when the far end has agreed, and calls go on otherwise', () => {
  const { w, id, owner } = talking();
  w.behaviour.update = 'silent';
  const owed = put(w, ALICE, id, 'Connected', { offer: WITH_VIDEO });
  assert.equal(code(owed), 'owed');
  const [update] = w.take('ims.update');
  assert.equal(update?.sdp, TO_AGREE);
  w.give({ type: 'ims-updated', owner, ref: update?.ref as Ref, sdp: imsSdp() });
  assert.deepEqual(
    w.take('media.agree').map(effect => effect.sdp),
    [imsSdp()],
  );
  const session = sessionOf(w.owed(w.lastRef()));
  assert.deepEqual([session.offer, session.answer, session.status], [WITH_VIDEO, 'agreed', 'Connected']);
});

test('SDP-21 a far end that refuses, or says nothing, leaves the sound: the browser is told so', () => {
  const refused = talking();
  refused.w.behaviour.update = 488;
  assert.equal(sessionOf(put(refused.w, ALICE, refused.id, 'Connected', { offer: WITH_VIDEO })).answer, 'refused');
  const silent = talking();
  silent.w.behaviour.update = 'silent';
  put(silent.w, ALICE, silent.id, 'Connected', { offer: WITH_VIDEO });
  silent.w.advance(13_000);
  assert.equal(sessionOf(silent.w.owed(silent.w.lastRef())).answer, 'refused');
  const dead = talking();
  dead.w.behaviour.update = 481;
  put(dead.w, ALICE, dead.id, 'Connected', { offer: WITH_VIDEO });
  assert.equal(code(dead.w.owed(dead.w.lastRef())), 'not-found');
  assert.equal(dead.w.story(dead.id).at(-1)?.endsWith('Terminated'), true);
});

test('SDP-22 while one side is asked no other offer is taken', () => {
  const { w, id, owner } = talking();
  w.behaviour.update = 'silent';
  put(w, ALICE, id, 'Connected', { offer: WITH_VIDEO });
  const owed = w.lastRef();
  assert.equal(code(put(w, ALICE, id, 'Connected', { offer: browserOffer('another') })), 'incompatible-state');
  // Theirs while ours waits after a 491: the browser hears that nobody took its offer, and is asked about theirs.
  w.give({ type: 'ims-reoffered', owner, ref: 778 as Ref, sdp: imsSdp() });
  assert.equal(sessionOf(w.owed(owed)).answer, 'refused');
  assert.deepEqual([w.sessionEvents(id).at(-1)?.offer, w.take('ims.reject').length], [TO_AGREE, 0]);
});

test('SDP-21 the far end adds video: its re-INVITE waits for the user', () => {
  const { w, id, owner } = talking();
  w.give({ type: 'ims-reoffered', owner, ref: 777 as Ref, sdp: imsSdp() });
  const asked = w.sessionEvents(id).at(-1);
  assert.deepEqual([asked?.status, asked?.offer, asked?.answer], ['Connected', TO_AGREE, null]);
  assert.equal(w.take('ims.answer').length, 0);
  // Holding has to wait: one negotiation at a time.
  assert.equal(code(put(w, ALICE, id, 'Hold')), 'ok');
  assert.equal(w.take('ims.update').length, 0);
  assert.equal(code(put(w, ALICE, id, 'Resume')), 'ok');
  assert.equal(code(put(w, ALICE, id, 'Connected', { offer: WITH_VIDEO })), 'incompatible-state');
  assert.equal(sessionOf(put(w, ALICE, id, 'Resume', { answer: 'my answer' })).answer, 'my answer');
  assert.deepEqual(
    w.take('ims.answer').map(effect => [effect.ref, effect.sdp]),
    [[777, 'agreed']],
  );
  assert.equal(code(put(w, ALICE, id, 'Resume', { answer: 'another' })), 'incompatible-state');
});

test('SDP-21 no word of the user: the far end is answered without video, the page hears that the question is over', () => {
  const { w, id, owner } = talking();
  const before = w.sessionEvents(id).at(-1);
  w.give({ type: 'ims-reoffered', owner, ref: 777 as Ref, sdp: imsSdp() });
  w.advance(10_000);
  assert.deepEqual(
    w.take('ims.answer').map(effect => [effect.ref, effect.sdp]),
    [[777, 'refused']],
  );
  const after = w.sessionEvents(id).at(-1);
  assert.deepEqual([after?.offer, after?.answer], [before?.offer, before?.answer]);
});

test('an answer that the media plane refuses fails both: the PUT, and the re-INVITE', () => {
  const { w, id, owner } = talking();
  w.give({ type: 'ims-reoffered', owner, ref: 777 as Ref, sdp: imsSdp() });
  w.behaviour.media = 'bad-sdp';
  assert.equal(code(put(w, ALICE, id, 'Connected', { answer: 'nonsense' })), 'sdp-unusable');
  assert.deepEqual(
    w.take('ims.reject').map(effect => effect.code),
    [488],
  );
});

test('the far end drops its video: the browser gets an offer, nobody waits for its answer', () => {
  const { w, id, owner } = talking();
  w.give({ type: 'media-renews', owner, sdp: 'no video' });
  assert.deepEqual([w.sessionEvents(id).at(-1)?.offer, w.sessionEvents(id).at(-1)?.answer], ['no video', null]);
  assert.equal(sessionOf(put(w, ALICE, id, 'Connected', { answer: 'fine' })).answer, 'fine');
  assert.equal(w.take('ims.answer').length, 0);
});

test('a call that ends while it is asked owes nobody an answer', () => {
  const { w, id, owner } = talking();
  w.give({ type: 'ims-reoffered', owner, ref: 777 as Ref, sdp: imsSdp() });
  remove(w, ALICE, id);
  assert.deepEqual(
    w.take('ims.reject').map(effect => effect.code),
    [481],
  );
});

test('SDP-22 an agreement that comes too late is taken back: the far end hears by a re-INVITE how things stand', () => {
  const { w, id, owner } = talking();
  w.behaviour.update = 'silent';
  put(w, ALICE, id, 'Connected', { offer: WITH_VIDEO });
  const [update] = w.take('ims.update');
  w.advance(13_000);
  // Its answer is owed still: until then nothing else is offered.
  assert.equal(code(put(w, ALICE, id, 'Hold')), 'ok');
  assert.equal(w.take('ims.update').length, 0);
  assert.equal(code(put(w, ALICE, id, 'Resume')), 'ok');
  w.take('media.hold');
  w.behaviour.update = 'ok';
  w.give({ type: 'ims-updated', owner, ref: update?.ref as Ref, sdp: imsSdp() });
  assert.deepEqual(
    w.take('media.hold').map(effect => effect.held),
    [false],
  );
  assert.equal(w.take('ims.update').length, 1);
  assert.deepEqual(
    w.take('media.settle').map(effect => effect.sdp),
    [imsSdp(), imsSdp('recvonly')],
  );
});

test('SDP-22 a hold that is agreed to too late is taken back, one that is refused late leaves nothing to do', () => {
  for (const agreed of [true, false]) {
    const { w, id, owner } = talking();
    w.behaviour.update = 'silent';
    put(w, ALICE, id, 'Hold');
    const [update] = w.take('ims.update');
    w.advance(20_000);
    w.take('media.hold');
    w.behaviour.update = 'ok';
    const late = { owner, ref: update?.ref as Ref };
    const outcome = { code: 488, phrase: 'Not Acceptable Here', q850: null, local: null, reason: null };
    w.give(
      agreed
        ? { type: 'ims-updated', ...late, sdp: imsSdp('recvonly') }
        : { type: 'ims-update-failed', ...late, outcome },
    );
    assert.deepEqual(
      w.take('media.hold').map(effect => effect.held),
      agreed ? [false] : [],
    );
    assert.equal(code(put(w, ALICE, id, 'Hold')), 'ok');
    assert.equal(w.take('ims.update').length, agreed ? 2 : 1);
  }
});

test('RTP-11 who lacks a key frame has the other side asked, once the call is answered', () => {
  const { w, owner } = talking();
  w.give({ type: 'ims-key-frame', owner });
  w.give({ type: 'media-key-frame', owner });
  assert.deepEqual([w.take('media.key-frame').length, w.take('ims.key-frame').length], [1, 1]);
  w.give({ type: 'ims-ended', owner, outcome: { code: 0, phrase: '', q850: null, local: null, reason: null } });
  w.give({ type: 'ims-key-frame', owner });
  assert.equal(w.take('media.key-frame').length, 0);
});
