/** Calls out: answered, refused, cancelled, never answered; early media and forks. CAMARA digest 6.1, IMS digest 3. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reply } from '../../src/ep-cscf/api-request.ts';
import {
  ALICE,
  answerOut,
  BOB,
  callOut,
  get,
  lastEnd,
  originate,
  progress,
  put,
  register,
  rejectOut,
  remove,
  sessionOf,
  talkingOut,
  unregister,
} from '../support/core-story.ts';
import { browserOffer, createWorld, imsSdp, type World } from '../support/core-world.ts';

const NOT_FOUND: Reply = { ok: false, error: 'not-found' };

function world(override: Parameters<typeof createWorld>[0] = {}): { w: World; reg: ReturnType<typeof register> } {
  const w = createWorld(override);
  return { w, reg: register(w, ALICE, 1) };
}

function finish(w: World, reg: ReturnType<typeof register>): void {
  unregister(w, ALICE, reg);
  w.advance(10_000);
  w.assertQuiet();
}

test('a call rings, is answered and is hung up by its user', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  const view = sessionOf(get(w, ALICE, call.id));
  assert.equal(view.status, 'Initial');
  assert.equal(view.answer, null);
  assert.deepEqual(w.story(call.id), []);
  progress(w, call, 183, { sdp: imsSdp() });
  progress(w, call, 180);
  progress(w, call, 180);
  w.advance(3_000);
  answerOut(w, call, null);
  assert.deepEqual(w.story(call.id), ['1 InProgress', '2 Ringing', '3 Connected']);
  const events = w.sessionEvents(call.id);
  assert.equal(new Set(events.map(e => e.answer)).size, 1, 'one answer for the browser, byte for byte');
  assert.ok(events.every(e => e.offer === browserOffer()));
  w.advance(7_000);
  w.give({ type: 'media-connected', owner: call.owner, leg: call.id });
  assert.deepEqual(remove(w, ALICE, call.id), { ok: true });
  assert.deepEqual(get(w, ALICE, call.id), NOT_FOUND);
  assert.equal(lastEnd(w)?.reason, 'RELEASE_CAUSE;cause=1;text="User ends call"');
  const last = w.sessionEvents(call.id).at(-1);
  assert.equal(last?.status, 'Terminated');
  assert.equal(last?.reason, 'GW;cause=1;text="ended by user"');
  assert.equal(last?.final, true);
  const record = w.store.get(`record ${call.id}`) as Record<string, unknown>;
  assert.equal(record['durationMs'], 7_000);
  assert.equal(record['endClass'], 'success');
  assert.ok(record['media'] !== null);
  finish(w, reg);
});

test('the INVITE carries what the POST said', () => {
  const { w, reg } = world();
  originate(w, ALICE, reg, {
    originator: 'sip:anonymous@anonymous.invalid',
    receiver: 'sip:bob@example.org',
    originatorName: 'Al',
  });
  const invite = w.take('ims.invite')[0];
  assert.equal(invite?.anonymous, true);
  assert.equal(invite?.from, ALICE);
  assert.equal(invite?.to, 'sip:bob@example.org');
  assert.equal(invite?.displayName, 'Al');
  assert.equal(invite?.correlator, 'corr-call');
});

test('the far end hangs up', () => {
  const { w, reg } = world();
  const call = talkingOut(w, ALICE, reg);
  w.give({
    type: 'ims-ended',
    owner: call.owner,
    outcome: { code: 0, phrase: '', q850: 16, local: null, reason: 'Q.850;cause=16;text="Normal call clearing"' },
  });
  const last = w.sessionEvents(call.id).at(-1);
  assert.equal(last?.status, 'Terminated');
  assert.equal(last?.reason, 'Q.850;cause=16;text="Normal call clearing"');
  assert.equal(w.take('ims.end').length, 0, 'a BYE is not answered by a BYE');
  finish(w, reg);
});

test('MAP-01 refusals of the network become their states', () => {
  for (const [code, status] of [
    [486, 'Busy'],
    [603, 'Declined'],
    [404, 'NotReachable'],
    [408, 'NoAnswer'],
    [503, 'Failed'],
  ] as const) {
    const { w, reg } = world();
    const call = callOut(w, ALICE, reg);
    rejectOut(w, call, code);
    assert.deepEqual(w.story(call.id), [`1 ${status}`]);
    assert.match(w.sessionEvents(call.id)[0]?.reason ?? '', new RegExp(`^SIP;cause=${code}`));
    assert.deepEqual(get(w, ALICE, call.id), NOT_FOUND);
    finish(w, reg);
  }
});

test('480 after ringing is no answer, even when the ringing still waits for the media plane', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  w.behaviour.media = 'silent';
  progress(w, call, 183, { sdp: imsSdp() });
  progress(w, call, 180);
  rejectOut(w, call, 480);
  assert.deepEqual(w.story(call.id), ['1 NoAnswer']);
  finish(w, reg);
});

test('hung up before the answer: gone at once, CANCEL, SessionCancelled when the 487 is in', () => {
  const { w, reg } = world();
  w.behaviour.cancel = 'silent';
  const call = callOut(w, ALICE, reg);
  progress(w, call, 180);
  assert.deepEqual(remove(w, ALICE, call.id), { ok: true });
  assert.deepEqual(get(w, ALICE, call.id), NOT_FOUND);
  assert.deepEqual(remove(w, ALICE, call.id), NOT_FOUND);
  assert.deepEqual(w.story(call.id), ['1 Ringing']);
  rejectOut(w, call, 487);
  assert.deepEqual(w.story(call.id), ['1 Ringing', '2 SessionCancelled']);
  assert.equal(w.take('ims.end').length, 1);
  finish(w, reg);
});

test('ORG-17 the CANCEL crosses the answer: Terminated, no Connected in between', () => {
  const { w, reg } = world();
  w.behaviour.cancel = 'silent';
  const call = callOut(w, ALICE, reg);
  remove(w, ALICE, call.id);
  answerOut(w, call);
  assert.deepEqual(w.story(call.id), ['1 Terminated']);
  finish(w, reg);
});

test('hung up while the browser’s answer is being made: Terminated, BYE', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  w.behaviour.media = 'silent';
  answerOut(w, call);
  remove(w, ALICE, call.id);
  assert.deepEqual(w.story(call.id), ['1 Terminated']);
  assert.equal(w.take('ims.end').length, 1);
  finish(w, reg);
});

test('no word on a CANCEL: cancelled all the same after some seconds', () => {
  const { w, reg } = world();
  w.behaviour.cancel = 'silent';
  const call = callOut(w, ALICE, reg);
  remove(w, ALICE, call.id);
  w.advance(5_000);
  assert.deepEqual(w.story(call.id), ['1 SessionCancelled']);
  finish(w, reg);
});

test('hung up before the INVITE: nothing was said to the network', () => {
  const { w, reg } = world();
  w.behaviour.media = 'silent';
  const id = sessionOf(originate(w, ALICE, reg)).mediaSessionId;
  remove(w, ALICE, id);
  assert.deepEqual(w.story(id), ['1 SessionCancelled']);
  assert.equal(w.take('ims.invite').length + w.take('ims.end').length, 0);
  finish(w, reg);
});

test('ORG-20 nobody answers for three minutes', () => {
  for (const [rang, status] of [
    [true, 'NoAnswer'],
    [false, 'Failed'],
  ] as const) {
    const { w, reg } = world();
    const call = callOut(w, ALICE, reg);
    progress(w, call, rang ? 180 : 181);
    w.advance(179_999);
    assert.equal(w.take('ims.end').length, 0);
    w.advance(1);
    assert.equal(w.story(call.id).at(-1), `2 ${status}`);
    assert.equal(lastEnd(w)?.reason, 'SIP;cause=408;text="No answer"');
    finish(w, reg);
  }
});

test('states come in any order, but ringing never goes back without news', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  progress(w, call, 181);
  progress(w, call, 182);
  progress(w, call, 180);
  progress(w, call, 183);
  progress(w, call, 183, { sdp: imsSdp() });
  progress(w, call, 150);
  assert.deepEqual(w.story(call.id), ['1 Proceeding', '2 Waiting', '3 Ringing', '4 InProgress', '5 Proceeding']);
});

test('a far end that changes its mind without end makes no events without end, and its answer is told all the same', () => {
  const w = createWorld();
  const call = callOut(w, ALICE, register(w, ALICE, 1));
  for (let i = 0; i < 1000; i += 1) progress(w, call, i % 2 === 0 ? 180 : 182);
  assert.equal(w.story(call.id).length, 64);
  answerOut(w, call);
  assert.equal(w.story(call.id).at(-1), '65 Connected');
});

test('ORG-12 early media opens as the network says, and everything opens with the answer', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  progress(w, call, 183, { sdp: imsSdp() });
  assert.equal(w.take('media.gate').length, 0);
  progress(w, call, 183, { earlyMedia: 'sendonly' });
  assert.deepEqual(
    w.take('media.gate').map(g => [g.fromIms, g.fromWeb]),
    [[true, false]],
  );
  const gates = (['sendrecv', 'recvonly', 'sendonly', 'inactive'] as const).map(earlyMedia => {
    progress(w, call, 180, { earlyMedia });
    return w.take('media.gate').map(g => [g.fromIms, g.fromWeb]);
  });
  assert.deepEqual(gates, [[[true, true]], [[false, true]], [[true, false]], [[false, false]]]);
  answerOut(w, call, null);
  assert.deepEqual(
    w.take('media.gate').map(g => [g.fromIms, g.fromWeb]),
    [[true, true]],
  );
});

test('MAP-01 a callee that is busy and rung all the same is told in the reason of the ringing', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  progress(w, call, 180, { callWaiting: true });
  assert.equal(w.sessionEvents(call.id)[0]?.reason, 'SIP;cause=180;text="call waiting"');
});

test('a 183 that brings early media says so in its reason', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  progress(w, call, 183, { sdp: imsSdp(), earlyMedia: 'sendonly' });
  assert.equal(w.sessionEvents(call.id)[0]?.reason, 'SIP;cause=183;text="early-media"');
});

test('ORG-11 ORG-13 forks: authorised early media leads, the answering dialog takes over, the browser’s answer stays', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  progress(w, call, 183, { fork: 'a', sdp: imsSdp('sendrecv', 4000), earlyMedia: 'sendonly' });
  progress(w, call, 183, { fork: 'b', sdp: imsSdp('sendrecv', 4002) });
  assert.deepEqual(
    w.take('media.answer').map(m => (m.from === 'ims' ? m.fork : '')),
    ['a'],
  );
  progress(w, call, 199, { fork: 'a' });
  assert.deepEqual(
    w.take('media.answer').map(m => (m.from === 'ims' ? m.fork : '')),
    ['b'],
  );
  answerOut(w, call, imsSdp('sendrecv', 4004), 'c');
  assert.deepEqual(
    w.take('media.answer').map(m => (m.from === 'ims' ? m.fork : '')),
    ['c'],
  );
  assert.equal(new Set(w.sessionEvents(call.id).map(e => e.answer)).size, 1);
  assert.equal(w.story(call.id).at(-1), '2 Connected');
});

test('ORG-11 when the last dialog that rang is gone, the call is on its way again', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  progress(w, call, 180, { fork: 'a' });
  progress(w, call, 180, { fork: 'b' });
  progress(w, call, 199, { fork: 'a' });
  assert.deepEqual(w.story(call.id), ['1 Ringing']);
  progress(w, call, 199, { fork: 'b' });
  progress(w, call, 180, { fork: 'c' });
  assert.deepEqual(w.story(call.id), ['1 Ringing', '2 Proceeding', '3 Ringing']);
  rejectOut(w, call, 480);
  assert.deepEqual(w.story(call.id).at(-1), '4 NoAnswer');
});

const LOST = { code: 504, phrase: 'Server Time-out', q850: null, local: null, reason: null };

test('ORG-22 a core that has lost the registration gets it anew, then the same call once more', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  progress(w, call, 183, { sdp: imsSdp('sendrecv', 4000) });
  w.take('ims.register');
  w.give({ type: 'ims-state-lost', owner: call.owner, outcome: LOST });
  assert.deepEqual(
    w.take('ims.register').map(one => one.initial),
    [true],
  );
  const again = w.take('ims.invite');
  assert.deepEqual(
    again.map(one => one.owner),
    [call.owner],
  );
  answerOut(w, call, imsSdp('sendrecv', 4004));
  assert.deepEqual(w.story(call.id), ['1 InProgress', '2 Connected']);
  remove(w, ALICE, call.id);
  const second = callOut(w, ALICE, reg);
  w.give({ type: 'ims-state-lost', owner: second.owner, outcome: LOST });
  w.give({ type: 'ims-state-lost', owner: second.owner, outcome: LOST });
  assert.deepEqual(w.story(second.id), ['1 Failed']);
  assert.equal(w.sessionEvents(second.id).at(-1)?.reason, 'SIP;cause=504;text="Server Time-out"');
  finish(w, reg);
});

test('ORG-22 several calls wait for one REGISTER; hung up meanwhile, nothing is said to the network', () => {
  const { w, reg } = world();
  const calls = [callOut(w, ALICE, reg), callOut(w, ALICE, reg), callOut(w, ALICE, reg)] as const;
  w.behaviour.register = 'silent';
  w.take('ims.register');
  for (const call of calls) w.give({ type: 'ims-state-lost', owner: call.owner, outcome: LOST });
  const [register] = w.take('ims.register');
  assert.ok(register);
  remove(w, ALICE, calls[0].id);
  assert.deepEqual(w.story(calls[0].id), ['1 SessionCancelled']);
  assert.deepEqual(w.take('ims.end'), []);
  w.take('ims.invite');
  w.behaviour.register = 'ok';
  const { owner, ref } = register;
  w.give({ type: 'ims-registered', owner, ref, expiresS: 600, associated: [] });
  assert.deepEqual(
    w.take('ims.invite').map(one => one.owner),
    [calls[1].owner, calls[2].owner],
  );
});

test('ORG-22 the registration does not come back: the call ends, and the device stays registered for the time it has', () => {
  const { w, reg } = world();
  for (const answer of [503, 'silent'] as const) {
    const call = callOut(w, ALICE, reg);
    w.behaviour.register = answer;
    w.give({ type: 'ims-state-lost', owner: call.owner, outcome: LOST });
    w.advance(60_000);
    assert.deepEqual(w.story(call.id), ['1 Failed'], String(answer));
    assert.equal(w.core.sizes().registrations, 1);
    w.behaviour.register = 'ok';
    w.advance(120_000);
  }
  finish(w, reg);
});

test('ORG-09 the first SDP of a dialog counts, a differing one in the 2xx is applied', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  progress(w, call, 183, { sdp: imsSdp('sendrecv', 4000) });
  progress(w, call, 183, { sdp: imsSdp('sendrecv', 4002) });
  assert.equal(w.take('media.answer').length, 1);
  answerOut(w, call, imsSdp('sendrecv', 4006));
  assert.equal(w.take('media.answer').length, 1);
});

test('a 2xx without any SDP ends the call', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  answerOut(w, call, null);
  assert.deepEqual(w.story(call.id), ['1 Failed']);
  assert.equal(w.take('ims.end').length, 1);
  finish(w, reg);
});

test('ORG-02 EMG-04 the checks of the POST, in their order', () => {
  const { w, reg } = world();
  const error = (change: Parameters<typeof originate>[3]) => {
    const reply = originate(w, ALICE, reg, change);
    return reply !== null && !reply.ok ? reply.error : 'ok';
  };
  const sos = 'urn:service:sos';
  const anonymous = 'sip:anonymous@anonymous.invalid';
  assert.equal(error({ registrationId: 'nope' as never }), 'registration-not-usable');
  assert.equal(error({ originator: `tel:${BOB}`, receiver: anonymous }), 'originator-mismatch');
  assert.equal(error({ receiver: anonymous, offer: 'x' }), 'receiver-anonymous');
  assert.equal(error({ receiver: sos, offer: 'x' }), 'emergency-not-supported');
  assert.equal(error({ callType: 'EMERGENCY' }), 'emergency-not-supported');
  assert.equal(error({ receiver: 'tel:112;phone-context=ims.example.com' }), 'emergency-not-supported');
  assert.equal(error({ offer: 'no sdp' }), 'sdp-unusable');
  assert.equal(
    error({ offer: 'v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n' }),
    'sdp-unusable',
  );
  for (let i = 0; i < 4; i += 1) assert.equal(error({}), 'ok');
  assert.equal(error({}), 'call-quota');
  assert.equal(w.core.sizes().calls, 4);
});

test('ORG-23 a receiver that the operator shuts out is refused, and nothing goes to the network', () => {
  const { w, reg } = world({ call: { sipReceivers: 'none' } });
  const reply = originate(w, ALICE, reg, { receiver: 'sip:bob@elsewhere.example' });
  assert.deepEqual(reply, { ok: false, error: 'receiver-refused', field: 'receiverAddress' });
  assert.deepEqual(w.take('ims.invite'), []);
});

test('the quota of a number counts all its devices', () => {
  const { w, reg } = world({ call: { perNumber: 2 } });
  const second = register(w, ALICE, 2);
  const first = callOut(w, ALICE, reg);
  callOut(w, ALICE, second);
  assert.deepEqual(originate(w, ALICE, second), { ok: false, error: 'call-quota' });
  remove(w, ALICE, first.id);
  assert.equal(originate(w, ALICE, second)?.ok, true);
});

test('late candidates before the answer are taken without noise; a new offer is answered', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  assert.deepEqual(put(w, ALICE, call.id, 'InProgress'), { ok: false, error: 'incompatible-state' });
  assert.deepEqual(put(w, ALICE, call.id, 'InProgress', { offer: browserOffer() }), {
    ok: false,
    error: 'incompatible-state',
  });
  const grown = `${browserOffer()}a=candidate:1 1 udp 1 192.0.2.9 5000 typ host\r\n`;
  assert.equal(put(w, ALICE, call.id, 'InProgress', { offer: grown })?.ok, true);
  assert.deepEqual(w.story(call.id), []);
  progress(w, call, 183, { sdp: imsSdp() });
  const restarted = sessionOf(put(w, ALICE, call.id, 'InProgress', { offer: browserOffer('b') }));
  assert.equal(restarted.offer, browserOffer('b'));
  assert.equal(restarted.answer, browserOffer('again'));
  assert.deepEqual(w.story(call.id), ['1 InProgress', '2 InProgress']);
  assert.equal(put(w, ALICE, call.id, 'InProgress', { offer: browserOffer('b') })?.ok, true);
  assert.equal(w.story(call.id).length, 2, 'a repeat makes no event');
});

test('MAP-07 a lost network answer ends nothing twice: inputs for a call that is gone are dropped', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  rejectOut(w, call, 486);
  w.advance(5_000);
  progress(w, call, 180);
  answerOut(w, call);
  rejectOut(w, call, 500);
  assert.deepEqual(w.story(call.id), ['1 Busy']);
  finish(w, reg);
});

test('a repeat of the last PUT is answered alike, whatever state came since', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  progress(w, call, 180);
  const body = { offer: browserOffer('b') };
  assert.equal(put(w, ALICE, call.id, 'InProgress', body)?.ok, true);
  assert.equal(sessionOf(put(w, ALICE, call.id, 'InProgress', body)).status, 'Ringing');
  assert.deepEqual(w.story(call.id), ['1 Ringing', '2 Ringing']);
});

test('totals that come while the CANCEL is out are in the record at once', () => {
  const { w, reg } = world();
  w.behaviour.cancel = 'silent';
  const call = callOut(w, ALICE, reg);
  remove(w, ALICE, call.id);
  rejectOut(w, call, 487);
  const record = w.store.get(`record ${call.id}`) as Record<string, unknown>;
  assert.notEqual(record['media'], null);
  assert.equal(w.core.sizes().calls, 0);
});

test('a re-offer while the CANCEL is out touches no media', () => {
  const { w, reg } = world();
  w.behaviour.cancel = 'silent';
  const call = callOut(w, ALICE, reg);
  progress(w, call, 183, { sdp: imsSdp() });
  remove(w, ALICE, call.id);
  w.give({ type: 'ims-reoffered', owner: call.owner, ref: 5 as never, sdp: imsSdp() });
  assert.deepEqual(
    w.take('ims.reject').map(r => r.code),
    [488],
  );
});

test('an ended call waits for its totals alone, and looking writes nothing', () => {
  const { w, reg } = world();
  w.behaviour.stats = false;
  const call = talkingOut(w, ALICE, reg);
  const other = talkingOut(w, ALICE, reg);
  const kept = w.effects.length;
  get(w, ALICE, call.id);
  put(w, ALICE, call.id, 'Connected');
  assert.deepEqual(
    w.effects.slice(kept).map(e => e.type),
    ['reply', 'reply'],
  );
  remove(w, ALICE, call.id);
  assert.deepEqual(
    w.timers().filter(t => t.startsWith(call.owner)),
    [`${call.owner} media-op`],
  );
  assert.equal(w.take('store').filter(s => s.write.key === other.owner).length, 2, 'created and answered, no more');
});

test('a later response that says nothing of early media leaves the gate as it was', () => {
  const { w, reg } = world();
  const call = callOut(w, ALICE, reg);
  progress(w, call, 183, { sdp: imsSdp(), earlyMedia: 'sendonly' });
  progress(w, call, 180);
  assert.deepEqual(
    w.take('media.gate').map(g => g.fromIms),
    [true],
  );
});

test('who answered is named as the client named it, else as the network does', () => {
  for (const [given, network, shown] of [
    [null, 'Bob', 'Bob'],
    ['Bobby', 'Bob', 'Bobby'],
    [null, null, null],
  ]) {
    const w = createWorld();
    const reg = register(w, ALICE, 1);
    const call = callOut(w, ALICE, reg, { receiverName: given ?? null });
    assert.equal(sessionOf(get(w, ALICE, call.id)).receiverName, given);
    answerOut(w, call, imsSdp(), 'f1', network);
    const event = w.sessionEvents(call.id).at(-1);
    assert.deepEqual([event?.status, event?.receiverName], ['Connected', shown]);
    const session = sessionOf(get(w, ALICE, call.id));
    assert.deepEqual([session.receiverName, session.receiverAddress], [shown, `tel:${BOB}`]);
  }
});
