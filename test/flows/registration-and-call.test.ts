/** What the end of a registration means for its calls. CAMARA digest 4.6, IMS digest 2.11, 2.12. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  ALICE,
  callIn,
  callOut,
  get,
  originate,
  put,
  register,
  remove,
  talkingOut,
  unregister,
} from '../support/core-story.ts';
import { browserOffer, createWorld } from '../support/core-world.ts';

test('DELETE of the registration releases its calls first, then the number leaves', () => {
  const w = createWorld();
  const reg = register(w, ALICE, 1);
  const talking = talkingOut(w, ALICE, reg);
  const ringing = callOut(w, ALICE, reg);
  const { sessions } = callIn(w, ALICE);
  const from = w.effects.length;
  unregister(w, ALICE, reg);
  const order = w.effects
    .slice(from)
    .map(e => e.type)
    .filter(t => t === 'reply' || t.startsWith('ims.'));
  assert.deepEqual(order, ['reply', 'ims.end', 'ims.end', 'ims.end', 'ims.deregister', 'ims.forget']);
  assert.equal(w.story(talking.id).at(-1), '2 Terminated');
  assert.equal(w.story(ringing.id).at(-1), '1 SessionCancelled');
  assert.equal(w.story(sessions[0] ?? '').at(-1), '2 SessionCancelled');
  w.advance(10_000);
  w.assertQuiet();
});

test('the calls of another device go on', () => {
  const w = createWorld();
  const first = register(w, ALICE, 1);
  const second = register(w, ALICE, 2);
  const call = talkingOut(w, ALICE, second);
  unregister(w, ALICE, first);
  assert.equal(get(w, ALICE, call.id)?.ok, true);
  assert.deepEqual(w.story(call.id), ['1 Connected']);
});

test('A-28 4.6 expiry keeps calls, in their own control, and the IMS binding as long as they last', () => {
  const w = createWorld();
  const reg = register(w, ALICE, 1);
  const call = talkingOut(w, ALICE, reg);
  w.advance(3_600_000);
  assert.equal(w.core.sizes().registrations, 0);
  assert.equal(get(w, ALICE, call.id)?.ok, true);
  assert.equal(put(w, ALICE, call.id, 'Hold')?.ok, true);
  assert.deepEqual(originate(w, ALICE, reg), { ok: false, error: 'registration-not-usable' });
  assert.equal(w.take('ims.deregister').length, 0);
  assert.deepEqual(callIn(w, ALICE).sessions, []);
  w.advance(3_600_000);
  assert.ok(w.take('ims.register').length >= 2, 'refreshed while the call lasts');
  remove(w, ALICE, call.id);
  assert.equal(w.take('ims.deregister').length, 1);
  w.advance(10_000);
  w.assertQuiet();
});

test('the network rejects the registration: its calls end', () => {
  const w = createWorld();
  const reg = register(w, ALICE, 1);
  const call = talkingOut(w, ALICE, reg);
  const ringing = callOut(w, ALICE, reg);
  const owner = w.effects.find(e => e.type === 'ims.register')?.owner;
  assert.ok(owner !== undefined);
  w.give({ type: 'ims-binding-lost', owner, event: 'rejected', retryAfterS: null });
  assert.equal(w.story(call.id).at(-1), '2 Terminated');
  assert.equal(w.story(ringing.id).at(-1), '1 Failed');
  w.advance(10_000);
  w.assertQuiet();
});

test('the binding is lost otherwise: calls go on, and nothing is left when they end', () => {
  const w = createWorld();
  const reg = register(w, ALICE, 1);
  const call = talkingOut(w, ALICE, reg);
  const owner = w.effects.find(e => e.type === 'ims.register')?.owner;
  assert.ok(owner !== undefined);
  w.give({ type: 'ims-binding-lost', owner, event: 'unregistered', retryAfterS: null });
  assert.equal(w.core.sizes().bindings, 0);
  assert.equal(get(w, ALICE, call.id)?.ok, true);
  remove(w, ALICE, call.id);
  w.advance(10_000);
  w.assertQuiet();
});

test('an emergency call outlives its registration', () => {
  const w = createWorld({ emergency: { enabled: true } });
  const reg = register(w, ALICE, 1);
  const call = callOut(w, ALICE, reg, { receiver: 'urn:service:sos' });
  unregister(w, ALICE, reg);
  assert.equal(get(w, ALICE, call.id)?.ok, true);
  assert.equal(w.take('ims.deregister').length, 0);
  remove(w, ALICE, call.id);
  assert.equal(w.take('ims.deregister').length, 1);
  w.advance(10_000);
  w.assertQuiet();
});

test('a call cannot start while the network has dropped the number', () => {
  const w = createWorld();
  const reg = register(w, ALICE, 1);
  const owner = w.effects.find(e => e.type === 'ims.register')?.owner;
  assert.ok(owner !== undefined);
  w.behaviour.register = 'silent';
  w.give({ type: 'ims-binding-lost', owner, event: 'deactivated', retryAfterS: null });
  assert.deepEqual(originate(w, ALICE, reg), { ok: false, error: 'network-unavailable', retryAfterS: 2 });
});

test('an answer after the expiry of the registration still works', () => {
  const w = createWorld({ call: { ringGuardMs: 600_000 } });
  register(w, ALICE, 1);
  w.advance(3_599_000);
  const { sessions } = callIn(w, ALICE);
  const id = sessions[0];
  assert.ok(id !== undefined);
  w.advance(2_000);
  assert.equal(put(w, ALICE, id, 'Connected', { answer: browserOffer('z') })?.ok, true);
  remove(w, ALICE, id);
  w.advance(10_000);
  w.assertQuiet();
});
