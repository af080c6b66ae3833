/** An answered call: hold and resume from both sides, re-offers, refusals, and the table of PUTs. CAMARA digest 6.3, 6.4, IMS digest 5. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reply } from '../../src/ep-cscf/api-request.ts';
import type { MediaSessionId, Ref } from '../../src/ep-cscf/ids.ts';
import type { CallStatus } from '../../src/ep-cscf/words.ts';
import { ALICE, callIn, callOut, get, progress, put, register, sessionOf, talkingOut } from '../support/core-story.ts';
import { browserOffer, createWorld, imsSdp, type World } from '../support/core-world.ts';

function talking() {
  const w = createWorld();
  const reg = register(w, ALICE, 1);
  const call = talkingOut(w, ALICE, reg);
  w.take('media.answer');
  return { w, call, id: call.id, owner: call.owner };
}

function reoffer(w: World, owner: ReturnType<typeof talking>['owner'], sdp: string | null): void {
  w.give({ type: 'ims-reoffered', owner, ref: 777 as Ref, sdp });
}

function code(reply: Reply | null): string {
  if (reply === null) return 'owed';
  return reply.ok ? 'ok' : reply.error;
}

test('MID-01 hold and resume by our user', () => {
  const { w, id } = talking();
  assert.equal(sessionOf(put(w, ALICE, id, 'Hold')).status, 'Hold');
  assert.deepEqual(
    w.take('media.hold').map(m => m.held),
    [true],
  );
  assert.equal(w.take('ims.update')[0]?.sdp, imsSdp('sendonly', 5000));
  assert.equal(w.take('media.settle').length, 1);
  assert.equal(sessionOf(put(w, ALICE, id, 'Hold')).status, 'Hold');
  assert.equal(sessionOf(put(w, ALICE, id, 'Resume')).status, 'Resume');
  assert.equal(sessionOf(put(w, ALICE, id, 'Resume')).status, 'Resume');
  assert.equal(w.take('ims.update').length, 1);
  assert.deepEqual(w.story(id), ['1 Connected', '2 Hold', '3 Resume']);
});

test('changes of mind while the re-INVITE is out collapse into the last wish', () => {
  const { w, id, owner } = talking();
  w.behaviour.update = 'silent';
  put(w, ALICE, id, 'Hold');
  put(w, ALICE, id, 'Resume');
  put(w, ALICE, id, 'Hold');
  put(w, ALICE, id, 'Resume');
  const update = w.take('ims.update');
  assert.equal(update.length, 1);
  w.behaviour.update = 'ok';
  w.give({ type: 'ims-updated', owner, ref: update[0]?.ref as Ref, sdp: imsSdp('recvonly') });
  assert.equal(w.take('ims.update').length, 1);
  assert.deepEqual(
    w.take('media.hold').map(m => m.held),
    [true, false],
  );
});

test('the network refuses the hold: the old state comes back with the reason', () => {
  const { w, id } = talking();
  w.behaviour.update = 488;
  assert.equal(sessionOf(put(w, ALICE, id, 'Hold')).status, 'Hold');
  assert.deepEqual(w.story(id), ['1 Connected', '2 Hold', '3 Connected']);
  assert.equal(w.sessionEvents(id).at(-1)?.reason, 'SIP;cause=488;text="Refused"');
  assert.deepEqual(
    w.take('media.hold').map(m => m.held),
    [true, false],
  );
  w.behaviour.update = 'ok';
  assert.equal(sessionOf(put(w, ALICE, id, 'Hold')).status, 'Hold');
});

test('no word on the re-INVITE for 20 s: as refused; a dead dialog: the end', () => {
  const { w, id, owner } = talking();
  w.behaviour.update = 'silent';
  put(w, ALICE, id, 'Hold');
  const [update] = w.take('ims.update');
  w.advance(20_000);
  assert.equal(w.story(id).at(-1), '3 Connected');
  // Another re-INVITE has to wait for the fate of that one.
  put(w, ALICE, id, 'Hold');
  assert.equal(w.take('ims.update').length, 0);
  const outcome = { code: 481, phrase: 'Call/Transaction Does Not Exist', q850: null, local: null, reason: null };
  w.give({ type: 'ims-update-failed', owner, ref: update?.ref as Ref, outcome });
  assert.equal(w.story(id).at(-1), '5 Terminated');
  assert.equal(w.take('ims.end').length, 1);
});

test('MID-01 hold and resume by the far end', () => {
  const { w, id, owner } = talking();
  reoffer(w, owner, imsSdp('sendonly'));
  const held = w.sessionEvents(id).at(-1);
  assert.equal(held?.status, 'Hold');
  assert.match(held?.reason ?? '', /held by remote party/);
  assert.deepEqual(
    w.take('ims.answer').map(a => a.ref),
    [777],
  );
  reoffer(w, owner, imsSdp('sendonly'));
  assert.equal(w.story(id).length, 2, 'the same again is no news');
  assert.equal(code(put(w, ALICE, id, 'Resume')), 'incompatible-state');
  reoffer(w, owner, imsSdp('sendrecv'));
  assert.equal(w.story(id).at(-1), '3 Resume');
});

test('MID-01 every way to hold and to resume from the far end, the old ones too', () => {
  const zero = (address: string) => imsSdp().replaceAll('c=IN IP4 192.0.2.1', `c=IN ${address}`);
  for (const hold of [imsSdp('sendonly'), imsSdp('inactive'), zero('IP4 0.0.0.0'), zero('IP6 ::')]) {
    for (const resume of [imsSdp('sendrecv'), imsSdp('recvonly')]) {
      const { w, id, owner } = talking();
      reoffer(w, owner, hold);
      assert.equal(w.story(id).at(-1), '2 Hold', hold);
      reoffer(w, owner, resume);
      assert.equal(w.story(id).at(-1), '3 Resume', resume);
    }
  }
});

test('MID-01 both hold: each end of a hold shows as it should', () => {
  const { w, id, owner } = talking();
  put(w, ALICE, id, 'Hold');
  reoffer(w, owner, imsSdp('sendonly'));
  assert.deepEqual(w.story(id), ['1 Connected', '2 Hold']);
  assert.equal(sessionOf(put(w, ALICE, id, 'Resume')).status, 'Resume');
  reoffer(w, owner, imsSdp('sendrecv'));
  assert.deepEqual(w.story(id), ['1 Connected', '2 Hold', '3 Resume']);
});

test('a re-offer without a change of direction makes no event; one the media plane refuses gets 488', () => {
  const { w, id, owner } = talking();
  reoffer(w, owner, imsSdp('sendrecv', 6000));
  assert.equal(w.take('ims.answer').length, 1);
  w.behaviour.media = 'no-codec';
  reoffer(w, owner, imsSdp('sendrecv', 6002));
  assert.deepEqual(
    w.take('ims.reject').map(r => r.code),
    [488],
  );
  assert.deepEqual(w.story(id), ['1 Connected']);
});

test('an offerless re-INVITE gets our offer, the ACK brings the answer', () => {
  const { w, owner } = talking();
  reoffer(w, owner, null);
  assert.ok(w.take('ims.answer')[0]?.sdp);
  w.give({ type: 'ims-acked', owner, sdp: imsSdp() });
  assert.equal(w.take('media.settle').length, 1);
});

test('MID-03 a re-offer while ours waits after a 491 is answered, and the hold is offered anew behind it', () => {
  const { w, id, owner } = talking();
  w.behaviour.update = 'silent';
  put(w, ALICE, id, 'Hold');
  const [first] = w.take('ims.update');
  reoffer(w, owner, imsSdp('sendrecv', 6000));
  assert.deepEqual([w.take('ims.answer').length, w.take('ims.reject').length], [1, 0]);
  const [second] = w.take('ims.update');
  assert.ok(first !== undefined && second !== undefined && first.ref !== second.ref);
  w.give({ type: 'ims-updated', owner, ref: second.ref, sdp: imsSdp('recvonly') });
  assert.deepEqual(
    w.take('media.hold').map(m => m.held),
    [true, true],
  );
  assert.deepEqual(w.story(id), ['1 Connected', '2 Hold'], 'the user’s wish stands all the time');
});

test('MID-03 a wish taken back while ours waits after a 491: the far end still hears how things stand', () => {
  const { w, id, owner } = talking();
  w.behaviour.update = 'silent';
  put(w, ALICE, id, 'Hold');
  put(w, ALICE, id, 'Resume');
  reoffer(w, owner, imsSdp('sendrecv', 6000));
  const held = w.take('media.hold').map(m => m.held);
  assert.deepEqual([held, w.take('ims.update').length], [[true, false], 2]);
});

test('a re-offer for a call that is gone: 481', () => {
  const w = createWorld();
  reoffer(w, 'cgone' as never, imsSdp());
  assert.deepEqual(
    w.take('ims.reject').map(r => r.code),
    [481],
  );
});

test('the browser comes with a new connection: the answer is in the response, the network hears nothing', () => {
  const { w, id } = talking();
  const view = sessionOf(put(w, ALICE, id, 'Connected', { offer: browserOffer('n') }));
  assert.equal(view.offer, browserOffer('n'));
  assert.equal(view.answer, browserOffer('again'));
  assert.equal(w.take('ims.update').length, 0);
  const event = w.sessionEvents(id).at(-1);
  assert.equal(event?.sequenceNumber, 2);
  assert.equal(event?.answer, browserOffer('again'));
  w.behaviour.media = 'bad-sdp';
  assert.equal(code(put(w, ALICE, id, 'Connected', { offer: browserOffer('m') })), 'sdp-unusable');
  assert.equal(sessionOf(get(w, ALICE, id)).offer, browserOffer('n'));
});

test('hold with a new offer: answered at once, then the network is told', () => {
  const { w, id } = talking();
  const view = sessionOf(put(w, ALICE, id, 'Hold', { offer: browserOffer('n') }));
  assert.equal(view.status, 'Hold');
  assert.equal(view.answer, browserOffer('again'));
  assert.equal(w.take('ims.update').length, 1);
  assert.deepEqual(w.story(id), ['1 Connected', '2 Hold']);
});

test('location is kept for its own sender and makes no event', () => {
  const { w, id } = talking();
  const view = sessionOf(put(w, ALICE, id, 'Connected', { location: { shape: 'Circle' } }));
  assert.deepEqual(view.location, { shape: 'Circle' });
  assert.deepEqual(w.story(id), ['1 Connected']);
});

const STATUSES: CallStatus[] = [
  'Initial',
  'InProgress',
  'Ringing',
  'Proceeding',
  'Waiting',
  'Connected',
  'Hold',
  'Resume',
  'Terminated',
  'SessionCancelled',
  'Declined',
  'Failed',
  'NoAnswer',
  'NotReachable',
  'Busy',
];

/** The decision table of the API, as written there. Absent: 400. */
const TABLE: Record<string, Partial<Record<CallStatus, string>>> = {
  'out before answer': {
    InProgress: 'incompatible-state',
    Ringing: 'incompatible-state',
    Connected: 'incompatible-state',
    Hold: 'incompatible-state',
    Resume: 'incompatible-state',
    Declined: 'incompatible-state',
    Busy: 'incompatible-state',
  },
  'out in progress': {
    InProgress: 'ok',
    Ringing: 'incompatible-state',
    Connected: 'incompatible-state',
    Hold: 'incompatible-state',
    Resume: 'incompatible-state',
    Declined: 'incompatible-state',
    Busy: 'incompatible-state',
  },
  'in before answer': {
    InProgress: 'ok',
    Ringing: 'ok',
    Connected: 'answer-missing',
    Hold: 'incompatible-state',
    Resume: 'incompatible-state',
    Declined: 'ok',
    Busy: 'ok',
  },
  answered: {
    InProgress: 'incompatible-state',
    Ringing: 'incompatible-state',
    Connected: 'ok',
    Hold: 'ok',
    Resume: 'incompatible-state',
    Declined: 'incompatible-state',
    Busy: 'incompatible-state',
  },
  'on hold': {
    InProgress: 'incompatible-state',
    Ringing: 'incompatible-state',
    Connected: 'incompatible-state',
    Hold: 'ok',
    Resume: 'ok',
    Declined: 'incompatible-state',
    Busy: 'incompatible-state',
  },
  resumed: {
    InProgress: 'incompatible-state',
    Ringing: 'incompatible-state',
    Connected: 'ok',
    Hold: 'ok',
    Resume: 'ok',
    Declined: 'incompatible-state',
    Busy: 'incompatible-state',
  },
};

function prepare(state: string): { w: World; id: MediaSessionId } {
  const w = createWorld();
  const reg = register(w, ALICE, 1);
  if (state === 'in before answer') return { w, id: callIn(w, ALICE).sessions[0] as MediaSessionId };
  if (state.startsWith('out')) {
    const call = callOut(w, ALICE, reg);
    if (state === 'out in progress') progress(w, call, 183, { sdp: imsSdp() });
    return { w, id: call.id };
  }
  const { id } = talkingOut(w, ALICE, reg);
  if (state !== 'answered') put(w, ALICE, id, 'Hold');
  if (state === 'resumed') put(w, ALICE, id, 'Resume');
  return { w, id };
}

test('A-13 6.4 the PUT table, every state against every status', () => {
  for (const [state, row] of Object.entries(TABLE)) {
    for (const status of STATUSES) {
      const { w, id } = prepare(state);
      assert.equal(code(put(w, ALICE, id, status)), row[status] ?? 'status-not-settable', `${status} while ${state}`);
    }
  }
});

test('A-19 6.4 a session that is over is not found, whatever is PUT', () => {
  const { w, id } = prepare('answered');
  w.ask({
    type: 'end-session',
    who: { clientId: 'demo', subject: `user-of-${ALICE}`, number: ALICE, legs: 3 },
    correlator: 'c',
    mediaSessionId: id,
  });
  for (const status of STATUSES) assert.equal(code(put(w, ALICE, id, status)), 'not-found');
});

test('a wish that had to wait for the browser’s new connection is carried out after it', () => {
  const { w, id, owner } = talking();
  w.behaviour.update = 'silent';
  put(w, ALICE, id, 'Hold');
  put(w, ALICE, id, 'Resume');
  const update = w.take('ims.update').at(-1);
  w.behaviour.media = 'silent';
  assert.equal(put(w, ALICE, id, 'Connected', { offer: browserOffer('n') }), null);
  const op = w.take('media.reoffer').at(-1);
  w.give({ type: 'ims-updated', owner, ref: update?.ref as Ref, sdp: null });
  assert.equal(w.take('media.hold').length, 1);
  w.give({ type: 'media-ready', owner, ref: op?.ref as Ref, sdp: 'v=0' });
  assert.deepEqual(
    w.take('media.hold').map(m => m.held),
    [false],
  );
});
