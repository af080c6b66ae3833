/** A node dies and comes back, and a node that is drained. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MediaSessionId } from '../../src/ep-cscf/ids.ts';
import {
  ALICE,
  BOB,
  callIn,
  callOut,
  device,
  get,
  originate,
  principal,
  progress,
  put,
  register,
  remove,
  talkingOut,
  unregister,
} from '../support/core-story.ts';
import { browserOffer, createWorld } from '../support/core-world.ts';

test('registrations come back and register again, spread; their ids still work', () => {
  const w = createWorld();
  const numbers = [ALICE, BOB, '+15550100003' as typeof ALICE];
  const regs = numbers.map((number, i) => register(w, number, i + 1));
  w.take('ims.register');
  w.advance(1_000);
  w.restart();
  assert.equal(w.take('ims.register').length, 0, 'not all at once');
  const view = w.ask({
    type: 'get-registration',
    who: principal(ALICE),
    registrationId: regs[0] as (typeof regs)[number],
  });
  assert.equal(view?.ok, true);
  const times = new Set<number>();
  // Three bindings, 10 ms apart on average.
  const end = w.now() + 30;
  while (w.now() < end) {
    w.advance(1);
    for (const { initial } of w.take('ims.register')) {
      assert.equal(initial, true);
      times.add(w.now());
    }
  }
  assert.equal(times.size, 3);
  assert.equal(originate(w, ALICE, regs[0] as (typeof regs)[number])?.ok, true);
});

test('a call right after the restart asks to come again; a device that registers hurries the number', () => {
  const w = createWorld();
  const reg = register(w, ALICE, 1);
  w.restart();
  w.take('ims.register');
  assert.deepEqual(originate(w, ALICE, reg), { ok: false, error: 'network-unavailable', retryAfterS: 2 });
  register(w, ALICE, 2);
  assert.equal(w.take('ims.register').length, 1);
  assert.equal(originate(w, ALICE, reg)?.ok, true);
});

test('what expired while the node was down ends with its event', () => {
  const w = createWorld();
  register(w, ALICE, 1);
  const before = w.events.length;
  const rows = new Map(w.store);
  w.advance(3_000_000);
  w.restart();
  w.advance(700_000);
  assert.deepEqual(
    w.events.slice(before).map(e => e.event.kind),
    ['registration-ends'],
  );
  w.assertQuiet();
  assert.equal(rows.size, 1);
});

test('a registration that ended during the outage leaves nothing behind', () => {
  const w = createWorld();
  register(w, ALICE, 1);
  const row = [...w.store][0];
  assert.ok(row !== undefined);
  w.advance(4_000_000);
  w.store.set(...row);
  w.restart();
  assert.equal(w.events.at(-1)?.event.kind, 'registration-ends');
  w.assertQuiet();
});

test('lost calls get their final event, with the next number, and their record', () => {
  const w = createWorld();
  const reg = register(w, ALICE, 1);
  register(w, ALICE, 2);
  const talking = talkingOut(w, ALICE, reg);
  const ringing = callOut(w, ALICE, reg);
  progress(w, ringing, 180);
  const answered = callIn(w, ALICE);
  const [a, b] = answered.sessions as [MediaSessionId, MediaSessionId];
  put(w, ALICE, a, 'Connected', { answer: browserOffer('z') });
  const open = callIn(w, ALICE);
  const [c] = open.sessions as [MediaSessionId];
  w.restart();
  assert.deepEqual(w.story(talking.id), ['1 Connected', '2 Terminated']);
  assert.deepEqual(w.story(ringing.id), ['1 Ringing', '2 Failed']);
  assert.deepEqual(w.story(a), ['1 Initial', '2 Connected', '3 Terminated']);
  assert.deepEqual(w.story(b), ['1 Initial', '2 SessionCancelled']);
  assert.deepEqual(w.story(c), ['1 Initial', '2 Failed']);
  assert.equal(w.sessionEvents(talking.id).at(-1)?.reason, 'GW;cause=6;text="gateway restarted"');
  for (const id of [talking.id, ringing.id, a, b, c]) assert.ok(w.store.has(`record ${id}`), 'a record of every leg');
  assert.equal([...w.store.keys()].filter(key => key.startsWith('call ')).length, 0);
  assert.deepEqual(get(w, ALICE, talking.id), { ok: false, error: 'not-found' });
});

test('a call that ended just before the crash keeps its one record', () => {
  const w = createWorld();
  const reg = register(w, ALICE, 1);
  w.behaviour.stats = false;
  const call = talkingOut(w, ALICE, reg);
  remove(w, ALICE, call.id);
  w.restart();
  assert.deepEqual(w.story(call.id), ['1 Connected', '2 Terminated']);
  const record = w.store.get(`record ${call.id}`) as Record<string, unknown>;
  assert.equal(record['reason'], 'GW;cause=1;text="ended by user"');
});

test('rows that cannot be read are reported and stop nothing', () => {
  const w = createWorld();
  register(w, ALICE, 1);
  w.store.set('binding odd', { v: 2 });
  w.store.set('call odd', 'text');
  w.restart();
  assert.equal(w.core.sizes().registrations, 1);
  assert.equal(w.take('log').filter(l => l.level === 'error').length, 2);
});

test('drain: live calls go on, new ones are refused, the operator ends the rest', () => {
  const w = createWorld();
  const reg = register(w, ALICE, 1);
  const call = talkingOut(w, ALICE, reg);
  const { sessions } = callIn(w, ALICE);
  w.give({ type: 'drain' });
  assert.deepEqual(originate(w, ALICE, reg), { ok: false, error: 'draining' });
  assert.equal(put(w, ALICE, call.id, 'Hold')?.ok, true);
  w.give({ type: 'end-all', spareEmergency: false });
  assert.equal(w.story(call.id).at(-1), '3 Terminated');
  assert.equal(w.story(sessions[0] ?? '').at(-1), '2 Failed');
  assert.deepEqual(
    w.take('ims.end').map(e => e.reason),
    Array(2).fill('SIP;cause=503;text="Service Unavailable"'),
  );
  unregister(w, ALICE, reg);
  w.advance(10_000);
  w.assertQuiet();
});

test('limits count what was restored', () => {
  const w = createWorld({ registration: { devicesPerUser: 1 } });
  register(w, ALICE, 1);
  w.restart();
  w.advance(10_000);
  const reply = w.ask({
    type: 'register',
    who: principal(ALICE),
    correlator: 'c',
    number: ALICE,
    deviceId: device(2),
    expiresAt: null,
  });
  assert.deepEqual(reply, { ok: false, error: 'max-devices-per-user' });
});
