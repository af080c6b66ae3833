/** Calls in, one device: answered in every order, declined, given up, never answered, not reachable. CAMARA digest 6.2, IMS digest 4. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BindingId, CallId } from '../../src/ep-cscf/ids.ts';
import { ALICE, callIn, get, lastEnd, put, register, remove, sessionOf, unregister } from '../support/core-story.ts';
import { browserOffer, createWorld, imsSdp, type World } from '../support/core-world.ts';

const ANSWER = browserOffer('z');

function ringing(override: Parameters<typeof createWorld>[0] = {}, change: Parameters<typeof callIn>[2] = {}) {
  const w = createWorld(override);
  const reg = register(w, ALICE, 1);
  const { owner, sessions } = callIn(w, ALICE, change);
  const id = sessions[0];
  assert.ok(id !== undefined, 'nobody was invited');
  return { w, reg, owner, id };
}

function finish(w: World, reg: ReturnType<typeof register>): void {
  unregister(w, ALICE, reg);
  w.advance(10_000);
  w.assertQuiet();
}

function provisionals(w: World): string[] {
  return w.take('ims.provisional').map(p => `${p.code}${p.sdp === null ? '' : ' sdp'}`);
}

test('the invitation holds the gateway’s offer and who calls', () => {
  const { w, id } = ringing({}, { location: { shape: 'Circle' } });
  const event = w.sessionEvents(id)[0];
  assert.equal(event?.kind, 'session-invitation');
  assert.equal(event?.sequenceNumber, 1);
  assert.equal(event?.status, 'Initial');
  assert.equal(event?.offer, browserOffer('g'));
  assert.equal(event?.originatorAddress, 'tel:+15550109999');
  assert.equal(event?.originatorName, 'Bob');
  assert.equal(event?.receiverAddress, `tel:${ALICE}`);
  assert.deepEqual(event?.location, { shape: 'Circle' });
  const view = sessionOf(get(w, ALICE, id));
  assert.equal(view.offer, browserOffer('g'));
  assert.equal(view.status, 'Initial');
});

test('a forwarded call says so and why, by nobody’s name', () => {
  for (const [diverted, reason] of [
    [302, 'SIP;cause=302;text="forwarded"'],
    [486, 'SIP;cause=486;text="forwarded, busy"'],
    [null, null],
  ] as const) {
    const { w, id } = ringing({}, { diverted });
    assert.equal(w.sessionEvents(id)[0]?.reason, reason);
  }
});

test('early answer, ringing, pick-up: 183 with SDP, 180, 200 with the same SDP', () => {
  const { w, reg, owner, id } = ringing();
  assert.equal(put(w, ALICE, id, 'InProgress', { answer: ANSWER })?.ok, true);
  assert.deepEqual(provisionals(w), ['183 sdp']);
  put(w, ALICE, id, 'Ringing');
  assert.deepEqual(provisionals(w), ['180']);
  assert.equal(sessionOf(put(w, ALICE, id, 'Connected')).status, 'Connected');
  assert.deepEqual(
    w.take('ims.answer').map(a => [a.ref, a.sdp]),
    [[null, imsSdp('sendrecv', 5000)]],
  );
  assert.equal(w.take('media.select').length, 1);
  assert.deepEqual(w.story(id), ['1 Initial', '2 InProgress', '3 Ringing', '4 Connected']);
  w.give({ type: 'ims-acked', owner, sdp: null });
  remove(w, ALICE, id);
  assert.equal(w.story(id).at(-1), '5 Terminated');
  finish(w, reg);
});

test('A-16 7.4 shortcuts: pick-up alone; ringing with the answer; ringing without 183', () => {
  const first = ringing();
  assert.equal(put(first.w, ALICE, first.id, 'Connected', { answer: ANSWER })?.ok, true);
  assert.deepEqual(first.w.story(first.id), ['1 Initial', '2 Connected']);
  const second = ringing();
  put(second.w, ALICE, second.id, 'Ringing', { answer: ANSWER });
  assert.deepEqual(provisionals(second.w), ['180 sdp']);
  put(second.w, ALICE, second.id, 'Connected', { answer: ANSWER });
  assert.deepEqual(second.w.story(second.id), ['1 Initial', '2 Ringing', '3 Connected']);
  const third = ringing();
  put(third.w, ALICE, third.id, 'Ringing');
  put(third.w, ALICE, third.id, 'Ringing');
  assert.deepEqual(provisionals(third.w), ['180']);
  assert.deepEqual(third.w.story(third.id), ['1 Initial', '2 Ringing']);
});

test('the reply goes out before the event it causes', () => {
  const { w, id } = ringing();
  const from = w.effects.length;
  put(w, ALICE, id, 'Ringing');
  const order = w.effects
    .slice(from)
    .map(e => e.type)
    .filter(t => t === 'reply' || t === 'event.publish');
  assert.deepEqual(order, ['reply', 'event.publish']);
  assert.equal(w.events.at(-1)?.correlator, 'corr-put');
});

test('8.4 an event carries the correlator of the PUT that caused it, also when the media plane had its word first', () => {
  const { w, owner, id } = ringing();
  const last = () => [w.story(id).at(-1), w.events.at(-1)?.correlator];
  put(w, ALICE, id, 'Connected', { answer: ANSWER });
  assert.deepEqual(last(), ['2 Connected', 'corr-put']);
  put(w, ALICE, id, 'Connected', { offer: browserOffer('n') });
  assert.deepEqual(last(), ['3 Connected', 'corr-put']);
  w.give({ type: 'ims-ended', owner, outcome: { code: 0, phrase: '', q850: null, local: null, reason: null } });
  assert.deepEqual(last(), ['4 Terminated', w.events[0]?.correlator], 'the network’s own doing');
  const other = ringing();
  other.w.behaviour.media = 'silent';
  put(other.w, ALICE, other.id, 'Ringing', { answer: ANSWER });
  put(other.w, ALICE, other.id, 'Busy');
  other.w.advance(5000);
  assert.deepEqual(other.w.story(other.id).at(-1), '2 Busy');
  assert.equal(other.w.events.at(-1)?.correlator, 'corr-put', 'it waited for the media plane');
});

test('A-17 6.4 pick-up without any answer is refused and the call rings on', () => {
  const { w, id } = ringing();
  assert.deepEqual(put(w, ALICE, id, 'Connected'), { ok: false, error: 'answer-missing', field: 'answer' });
  assert.equal(put(w, ALICE, id, 'Connected', { answer: ANSWER })?.ok, true);
});

test('a second, different answer is refused and the first stays; an echo with more candidates is none', () => {
  const { w, id } = ringing();
  put(w, ALICE, id, 'InProgress', { answer: ANSWER });
  assert.deepEqual(put(w, ALICE, id, 'Ringing', { answer: browserOffer('y') }), {
    ok: false,
    error: 'incompatible-state',
  });
  const grown = `${ANSWER}a=candidate:1 1 udp 1 192.0.2.9 5000 typ host\r\na=end-of-candidates\r\n`;
  const view = sessionOf(put(w, ALICE, id, 'Ringing', { answer: grown, offer: browserOffer('g') }));
  assert.equal(view.answer, ANSWER);
  assert.deepEqual(w.story(id), ['1 Initial', '2 InProgress', '3 Ringing']);
  assert.equal(w.take('media.answer').length, 1);
});

test('a new offer against our outstanding one is glare; both at once is nonsense', () => {
  const { w, id } = ringing();
  assert.deepEqual(put(w, ALICE, id, 'Ringing', { offer: browserOffer('y') }), {
    ok: false,
    error: 'incompatible-state',
  });
  assert.deepEqual(put(w, ALICE, id, 'Ringing', { offer: browserOffer('y'), answer: ANSWER }), {
    ok: false,
    error: 'offer-and-answer',
  });
});

test('an unusable answer is refused, and a good one may follow', () => {
  const { w, id } = ringing();
  w.behaviour.media = 'no-codec';
  assert.deepEqual(put(w, ALICE, id, 'Connected', { answer: ANSWER }), {
    ok: false,
    error: 'sdp-unusable',
    field: 'answer',
  });
  w.behaviour.media = 'ok';
  assert.equal(put(w, ALICE, id, 'Connected', { answer: ANSWER })?.ok, true);
});

test('TRM-15 A-15 7.5 declined by DELETE, by PUT, and busy: 486 to the network, each its own state', () => {
  const ways = [
    ['Declined', (w: World, id: Parameters<typeof remove>[2]) => remove(w, ALICE, id)],
    ['Declined', (w: World, id: Parameters<typeof remove>[2]) => put(w, ALICE, id, 'Declined')],
    ['Busy', (w: World, id: Parameters<typeof remove>[2]) => put(w, ALICE, id, 'Busy')],
  ] as const;
  for (const [status, way] of ways) {
    const { w, reg, id } = ringing();
    assert.equal(way(w, id)?.ok, true);
    assert.equal(lastEnd(w)?.code, 486);
    assert.deepEqual(w.story(id), ['1 Initial', `2 ${status}`]);
    assert.deepEqual(get(w, ALICE, id), { ok: false, error: 'not-found' });
    finish(w, reg);
  }
});

test('A-15 7.5 decline mode `all` says 603', () => {
  const { w, reg, id } = ringing({ call: { declineMode: 'all' } });
  remove(w, ALICE, id);
  assert.equal(lastEnd(w)?.code, 603);
  finish(w, reg);
});

test('TRM-17 the caller gives up, or somebody else answers', () => {
  for (const reason of [null, 'SIP;cause=200;text="Call completed elsewhere"']) {
    const { w, reg, owner, id } = ringing();
    put(w, ALICE, id, 'Ringing');
    w.give({ type: 'ims-cancelled', owner, outcome: { code: 0, phrase: '', q850: null, local: null, reason } });
    const last = w.sessionEvents(id).at(-1);
    assert.equal(last?.status, 'SessionCancelled');
    assert.equal(last?.reason, reason ?? 'SIP;cause=487;text="Request Terminated"');
    assert.equal(w.take('ims.end').length, 0);
    finish(w, reg);
  }
});

test('TRM-18 a CANCEL that comes after the answer changes nothing', () => {
  const { w, owner, id } = ringing();
  put(w, ALICE, id, 'Connected', { answer: ANSWER });
  w.give({ type: 'ims-cancelled', owner, outcome: { code: 0, phrase: '', q850: null, local: null, reason: null } });
  assert.equal(sessionOf(get(w, ALICE, id)).status, 'Connected');
});

test('a CANCEL while the answer is being made: the PUT finds nothing', () => {
  const { w, reg, owner, id } = ringing();
  w.behaviour.media = 'silent';
  assert.equal(put(w, ALICE, id, 'Connected', { answer: ANSWER }), null);
  const ref = w.lastRef();
  w.give({ type: 'ims-cancelled', owner, outcome: { code: 0, phrase: '', q850: null, local: null, reason: null } });
  assert.deepEqual(w.owed(ref), { ok: false, error: 'not-found' });
  assert.equal(w.take('ims.answer').length, 0);
  finish(w, reg);
});

test('TRM-19 nobody answers for two minutes: 180 is said again, then 480', () => {
  const { w, reg, id } = ringing();
  put(w, ALICE, id, 'Ringing');
  w.advance(60_000);
  assert.deepEqual(provisionals(w), ['180', '180']);
  w.advance(59_999);
  assert.equal(w.take('ims.end').length, 0);
  w.advance(1);
  assert.equal(lastEnd(w)?.code, 480);
  assert.deepEqual(w.story(id), ['1 Initial', '2 Ringing', '3 NoAnswer']);
  finish(w, reg);
});

test('no sink took the invitation within 8 s: 480; one that reports failure: at once', () => {
  const w = createWorld();
  const reg = register(w, ALICE, 1);
  w.behaviour.invitation = () => 'silent';
  const { sessions } = callIn(w, ALICE);
  w.advance(7_999);
  assert.equal(w.take('ims.end').length, 0);
  w.advance(1);
  assert.equal(lastEnd(w)?.code, 480);
  assert.deepEqual(w.story(sessions[0] ?? ''), ['1 Initial', '2 NotReachable']);
  w.behaviour.invitation = () => 'undeliverable';
  const second = callIn(w, ALICE);
  assert.equal(lastEnd(w)?.code, 480);
  assert.deepEqual(w.story(second.sessions[0] ?? ''), ['1 Initial', '2 NotReachable']);
  finish(w, reg);
});

test('a device that acts on its own was reached, whatever its sinks say', () => {
  const w = createWorld();
  register(w, ALICE, 1);
  w.behaviour.invitation = () => 'silent';
  const { owner, sessions } = callIn(w, ALICE);
  const id = sessions[0];
  assert.ok(id !== undefined);
  get(w, ALICE, id);
  w.give({ type: 'invitation-undeliverable', owner, leg: id });
  w.advance(8_000);
  assert.equal(put(w, ALICE, id, 'Connected', { answer: ANSWER })?.ok, true);
});

test('TRM-06 who is not there: a binding of the past or no device 480, all lines busy 486, draining 503', () => {
  const w = createWorld({ call: { perNumber: 1 } });
  const reg = register(w, ALICE, 1);
  w.give({
    type: 'ims-invited',
    owner: 'cnobody' as CallId,
    binding: 'bnobody' as BindingId,
    correlator: 'c',
    caller: 'tel:+15550109999',
    callerName: null,
    called: null,
    sdp: imsSdp(),
    location: null,
    diverted: null,
    emergency: false,
    callerReady: true,
    identity: null,
  });
  assert.equal(lastEnd(w)?.code, 480);
  const talking = callIn(w, ALICE);
  callIn(w, ALICE);
  assert.equal(lastEnd(w)?.code, 486);
  remove(w, ALICE, talking.sessions[0] ?? ('' as never));
  w.advance(3_600_000);
  w.take('ims.end');
  const gone = createWorld();
  const left = register(gone, ALICE, 1);
  gone.behaviour.deregister = 'silent';
  unregister(gone, ALICE, left);
  callIn(gone, ALICE);
  assert.equal(lastEnd(gone)?.code, 480);
  assert.equal(gone.core.sizes().calls, 0);
  void reg;
  const draining = createWorld();
  register(draining, ALICE, 1);
  draining.give({ type: 'drain' });
  callIn(draining, ALICE);
  assert.equal(lastEnd(draining)?.code, 503);
});

test('EMG-06 a call back by an emergency centre is turned away by no limit and no drain', () => {
  const w = createWorld({ call: { perNumber: 1, perRegistration: 1 } });
  register(w, ALICE, 1);
  callIn(w, ALICE);
  w.give({ type: 'drain' });
  const { sessions } = callIn(w, ALICE, { emergency: true });
  assert.equal(sessions.length, 1);
  w.give({ type: 'end-all', spareEmergency: true });
  assert.deepEqual([lastEnd(w)?.code, w.core.sizes().legs], [503, 1], 'the other call alone was ended');
  assert.equal(put(w, ALICE, sessions[0] ?? ('' as never), 'Connected', { answer: ANSWER })?.ok, true);
  w.give({ type: 'end-all', spareEmergency: false });
  assert.equal(w.core.sizes().legs, 0);
});

test('a device with all the calls it may have is busy', () => {
  const { w } = ringing({ call: { perRegistration: 1 } });
  callIn(w, ALICE);
  assert.equal(lastEnd(w)?.code, 486);
});

test('A-09 7.5 an offerless INVITE: our offer goes in the 200, the answer comes in the ACK', () => {
  const { w, owner, id, reg } = ringing({}, { sdp: null });
  put(w, ALICE, id, 'InProgress', { answer: ANSWER });
  assert.deepEqual(provisionals(w), ['183']);
  put(w, ALICE, id, 'Connected');
  assert.equal(w.take('ims.answer')[0]?.sdp, imsSdp('sendrecv', 5000));
  w.give({ type: 'ims-acked', owner, sdp: imsSdp() });
  assert.equal(w.take('media.settle').length, 1);
  assert.equal(sessionOf(get(w, ALICE, id)).status, 'Connected');
  remove(w, ALICE, id);
  finish(w, reg);
});

test('an offerless INVITE whose ACK holds no answer ends', () => {
  const { w, owner, id, reg } = ringing({}, { sdp: null });
  put(w, ALICE, id, 'Connected', { answer: ANSWER });
  w.give({ type: 'ims-acked', owner, sdp: null });
  assert.equal(w.story(id).at(-1), '3 Terminated');
  assert.equal(w.take('ims.end').length, 1);
  finish(w, reg);
});

test('no ACK: the dialog is dead, the call Terminated', () => {
  const { w, owner, id, reg } = ringing();
  put(w, ALICE, id, 'Connected', { answer: ANSWER });
  w.give({
    type: 'ims-ended',
    owner,
    outcome: { code: 0, phrase: '', q850: null, local: 'no-response', reason: null },
  });
  assert.equal(w.sessionEvents(id).at(-1)?.reason, 'GW;cause=4;text="no response"');
  assert.equal(w.story(id).at(-1), '3 Terminated');
  finish(w, reg);
});

test('an offer the media plane cannot take never reaches a device', () => {
  for (const [failure, code] of [
    ['no-codec', 488],
    ['srtp', 488],
    ['bad-sdp', 488],
    ['no-port', 480],
    ['driver', 500],
  ] as const) {
    const w = createWorld();
    const reg = register(w, ALICE, 1);
    w.behaviour.media = failure;
    const { sessions } = callIn(w, ALICE);
    assert.deepEqual(sessions, []);
    assert.equal(lastEnd(w)?.code, code, failure);
    finish(w, reg);
  }
});
