/** Emergency calls, and where the caller is. TS 23.167, IMS digest 6. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ALICE,
  answerOut,
  BOB,
  callOut,
  originate,
  progress,
  put,
  register,
  sessionOf,
} from '../support/core-story.ts';
import { createWorld, type World } from '../support/core-world.ts';

function world(override: Parameters<typeof createWorld>[0] = {}): { w: World; reg: ReturnType<typeof register> } {
  const w = createWorld(override);
  return { w, reg: register(w, ALICE, 1) };
}

test('EMG-03 EMG-06 emergency calls where they are enabled: caught by their digits, routed, uncounted, never drained', () => {
  const { w, reg } = world({ emergency: { enabled: true, beyondQuota: 2 }, call: { perNumber: 0 } });
  const error = (change: Parameters<typeof originate>[3]) => {
    const reply = originate(w, ALICE, reg, change);
    return reply !== null && !reply.ok ? reply.error : 'ok';
  };
  w.give({ type: 'drain' });
  assert.equal(error({ callType: 'EMERGENCY' }), 'emergency-mismatch');
  assert.equal(error({ receiver: 'urn:service:sos', callType: 'REGULAR' }), 'emergency-mismatch');
  assert.equal(
    error({ receiver: 'urn:service:sos', originator: 'sip:anonymous@anonymous.invalid' }),
    'originator-mismatch',
  );
  assert.equal(error({ receiver: 'urn:service:sos.fire', callType: 'EMERGENCY' }), 'ok');
  assert.equal(error({ receiver: 'tel:112;phone-context=ims.example.com', callType: 'REGULAR' }), 'ok');
  // Beyond the quota, but not without end: a stolen token must not take the lines of an emergency centre.
  assert.equal(error({ receiver: 'urn:service:sos' }), 'call-quota');
  assert.deepEqual(
    w.take('ims.invite').map(i => i.to),
    ['urn:service:sos.fire', 'urn:service:sos'],
  );
  assert.equal(error({}), 'draining');
  w.give({ type: 'end-all', spareEmergency: false });
  w.advance(10_000);
  const counted = w.effects.filter(effect => effect.type === 'count' && effect.name === 'emergency_calls_total');
  assert.equal(counted.length, 2);
});

test('an emergency call needs no binding that works, and no limit ends it', () => {
  const { w, reg } = world({ emergency: { enabled: true } });
  const timers = () => w.timers().filter(name => /guard|duration/.test(name));
  w.behaviour.register = 'silent';
  const owner = w.take('ims.register')[0]?.owner;
  assert.ok(owner !== undefined);
  w.give({ type: 'ims-binding-lost', owner, event: 'probation', retryAfterS: 20 });
  assert.deepEqual(originate(w, ALICE, reg), { ok: false, error: 'network-unavailable', retryAfterS: 2 });
  const call = callOut(w, ALICE, reg, { receiver: 'urn:service:sos' });
  progress(w, call, 180);
  assert.deepEqual(
    timers().filter(name => name.startsWith(call.owner)),
    [],
  );
  answerOut(w, call);
  assert.deepEqual(
    timers().filter(name => name.startsWith(call.owner)),
    [],
  );
});

test('the place of the caller goes to the network for an emergency call, else only when the operator wants it', () => {
  const location = { shape: 'Circle', coordinates: { latitude: 1, longitude: 2, radius: 3 } };
  for (const [receiver, sendLocation, told] of [
    [`tel:${BOB}`, false, false],
    [`tel:${BOB}`, true, true],
    ['urn:service:sos', false, true],
  ] as const) {
    const { w, reg } = world({ emergency: { enabled: true }, call: { sendLocation } });
    const session = sessionOf(originate(w, ALICE, reg, { receiver, location }));
    const [invite] = w.take('ims.invite');
    assert.ok(invite !== undefined);
    assert.equal(invite.location?.details ?? null, told ? location : null, receiver);
    const call = { id: session.mediaSessionId, owner: invite.owner };
    answerOut(w, call);
    assert.equal(put(w, ALICE, call.id, 'Connected', { location: { method: 'GPS' } })?.ok, true);
    assert.equal(w.take('ims.locate').length, told ? 1 : 0, receiver);
  }
});

test('EMG-03 a call that an emergency service answers is one from then on: its place is told, no limit ends it', () => {
  const location = { shape: 'Circle', coordinates: { latitude: 1, longitude: 2, radius: 3 } };
  for (const given of [location, null]) {
    const { w, reg } = world();
    const session = sessionOf(originate(w, ALICE, reg, { location: given }));
    const [invite] = w.take('ims.invite');
    assert.ok(invite !== undefined);
    assert.equal(invite.location, null, 'to an ordinary number it is not told');
    const call = { id: session.mediaSessionId, owner: invite.owner };
    w.give({ type: 'ims-emergency-answers', owner: call.owner });
    assert.deepEqual(
      w.take('ims.locate').map(effect => effect.location.details),
      given === null ? [] : [location],
    );
    progress(w, call, 180);
    w.advance(400_000);
    answerOut(w, call);
    w.give({ type: 'media-connected', owner: call.owner, leg: call.id });
    w.advance(24 * 3_600_000);
    assert.equal(w.story(call.id).at(-1), '2 Connected');
    w.give({ type: 'ims-emergency-answers', owner: call.owner });
    assert.equal(w.take('ims.locate').length, 0);
  }
});

test('EMG-03 a call the network calls an emergency goes on as one, once; where they are not taken its user is sent to the phone', () => {
  const location = { shape: 'Circle', coordinates: { latitude: 1, longitude: 2, radius: 3 } };
  const on = world({ emergency: { enabled: true } });
  const session = sessionOf(originate(on.w, ALICE, on.reg, { location }));
  const [first] = on.w.take('ims.invite');
  assert.ok(first !== undefined);
  const call = { id: session.mediaSessionId, owner: first.owner };
  on.w.give({ type: 'ims-is-emergency', owner: call.owner });
  const [second] = on.w.take('ims.invite');
  assert.deepEqual([second?.to, second?.sdp, second?.location?.details], ['urn:service:sos', first.sdp, location]);
  assert.deepEqual(on.w.story(call.id), []);
  on.w.advance(400_000);
  assert.deepEqual(on.w.story(call.id), [], 'no guard ends it');
  on.w.give({ type: 'ims-is-emergency', owner: call.owner });
  assert.deepEqual(on.w.story(call.id), ['1 Failed']);
  const off = world();
  const other = callOut(off.w, ALICE, off.reg);
  off.w.give({ type: 'ims-is-emergency', owner: other.owner });
  assert.equal(off.w.sessionEvents(other.id).at(-1)?.reason, 'SIP;cause=380;text="emergency number: use the phone"');
});
