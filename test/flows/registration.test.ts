/** A device registers, extends, expires and leaves; the number's one IMS binding follows. CAMARA digest 4, IMS digest 2. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reply } from '../../src/ep-cscf/api-request.ts';
import type { Ref, RegistrationId } from '../../src/ep-cscf/ids.ts';
import { ALICE, device, principal, register, unregister } from '../support/core-story.ts';
import { type Ask, createWorld, T0, type World } from '../support/core-world.ts';

function ask(n: number, change: Partial<Extract<Ask, { type: 'register' }>> = {}): Extract<Ask, { type: 'register' }> {
  return {
    type: 'register',
    who: principal(ALICE),
    correlator: 'c',
    number: ALICE,
    deviceId: device(n),
    expiresAt: null,
    ...change,
  };
}

function viewOf(reply: Reply | null) {
  assert.ok(reply?.ok && 'registration' in reply, JSON.stringify(reply));
  return reply.registration;
}

function errorOf(reply: Reply | null): string {
  assert.ok(reply !== null && !reply.ok, JSON.stringify(reply));
  return reply.error;
}

function extend(world: World, registrationId: RegistrationId, expiresAt: number | null): Reply | null {
  return world.ask({ type: 'extend-registration', who: principal(ALICE), correlator: 'c', registrationId, expiresAt });
}

function read(world: World, registrationId: RegistrationId): Reply | null {
  return world.ask({ type: 'get-registration', who: principal(ALICE), registrationId });
}

function ends(world: World): string[] {
  return world.events.flatMap(e => (e.event.kind === 'registration-ends' ? [e.event.terminationReason] : []));
}

test('REG-20 first device registers the number, the second reuses the binding, the last one takes it down', () => {
  const world = createWorld();
  const first = register(world, ALICE, 1);
  const effect = world.take('ims.register')[0];
  assert.equal(effect?.initial, true);
  assert.equal(effect?.number, '+15550100001');
  const second = register(world, ALICE, 2);
  assert.equal(world.take('ims.register').length, 0);
  const list = world.ask({ type: 'list-registrations', who: principal(ALICE), deviceId: device(2) });
  const associated = [`sip:${ALICE}@ims.example.com`];
  assert.deepEqual(list, {
    ok: true,
    registrations: [
      { registrationId: second, deviceId: device(2), phoneNumber: ALICE, expiresAt: T0 + 3_600_000, associated },
    ],
  });
  unregister(world, ALICE, first);
  assert.equal(world.take('ims.deregister').length, 0);
  unregister(world, ALICE, second);
  assert.equal(world.take('ims.deregister').length, 1);
  assert.equal(errorOf(read(world, second)), 'not-found');
  assert.deepEqual(ends(world), []);
  world.assertQuiet();
});

test('first POSTs at one time share one REGISTER and are answered together; an equal one is refused', () => {
  const world = createWorld();
  world.behaviour.register = 'silent';
  assert.equal(world.ask(ask(1)), null);
  const first = world.lastRef();
  assert.equal(world.ask(ask(2)), null);
  const second = world.lastRef();
  assert.equal(errorOf(world.ask(ask(1))), 'registration-pending');
  const [effect, ...more] = world.take('ims.register');
  assert.equal(more.length, 0);
  assert.ok(effect !== undefined);
  world.give({ type: 'ims-registered', owner: effect.owner, ref: effect.ref, expiresS: 600, associated: [] });
  unregister(world, ALICE, viewOf(world.owed(first)).registrationId);
  unregister(world, ALICE, viewOf(world.owed(second)).registrationId);
  world.assertQuiet();
});

test('A-25 4.3 expiry arithmetic of POST and PUT', () => {
  const world = createWorld();
  const at = (ms: number) => world.now() + ms;
  for (const bad of [at(-1), at(0), at(58_999), Number.NaN])
    assert.equal(errorOf(world.ask(ask(1, { expiresAt: bad }))), 'expiry-out-of-range');
  assert.equal(world.core.sizes().bindings, 0);
  assert.equal(viewOf(world.ask(ask(1, { expiresAt: at(59_000) }))).expiresAt, at(59_000));
  assert.equal(viewOf(world.ask(ask(2, { expiresAt: at(86_400_000) }))).expiresAt, at(86_400_000));
  assert.equal(viewOf(world.ask(ask(3, { expiresAt: at(86_400_001) }))).expiresAt, at(86_400_000));
  const { registrationId, expiresAt } = viewOf(world.ask(ask(4)));
  assert.equal(expiresAt, at(3_600_000));
  world.advance(1_000_000);
  assert.equal(viewOf(extend(world, registrationId, null)).expiresAt, at(3_600_000));
  assert.equal(viewOf(extend(world, registrationId, at(60_000))).expiresAt, at(60_000));
  assert.equal(errorOf(extend(world, registrationId, at(10_000))), 'expiry-out-of-range');
  assert.equal(viewOf(read(world, registrationId)).expiresAt, at(60_000));
});

test('a registration is gone at its very millisecond, with its event', () => {
  const world = createWorld();
  const id = viewOf(world.ask(ask(1, { expiresAt: T0 + 60_000 }))).registrationId;
  world.advance(59_999);
  assert.equal(viewOf(read(world, id)).registrationId, id);
  world.advance(1);
  assert.deepEqual(ends(world), ['REGISTRATION_EXPIRED']);
  assert.equal(errorOf(read(world, id)), 'not-found');
  assert.equal(errorOf(extend(world, id, null)), 'not-found');
  world.assertQuiet();
});

test('a late timer changes nothing: the first look after the expiry ends it', () => {
  const world = createWorld();
  const id = viewOf(world.ask(ask(1, { expiresAt: T0 + 60_000 }))).registrationId;
  const out: Parameters<World['core']['handle']>[2] = [];
  const ref = 99_999 as Ref;
  world.core.handle({ type: 'get-registration', ref, who: principal(ALICE), registrationId: id }, T0 + 60_000, out);
  assert.deepEqual(out.find(e => e.type === 'reply')?.reply, { ok: false, error: 'not-found' });
  assert.equal(out.filter(e => e.type === 'event.publish').length, 1);
});

test('limits in their order; a refused attempt leaves no trace', () => {
  const world = createWorld({ registration: { devicesPerUser: 2, perNumber: 3, perUser: 3 } });
  register(world, ALICE, 1);
  register(world, ALICE, 2);
  assert.equal(errorOf(world.ask(ask(2))), 'registration-exists');
  assert.equal(errorOf(world.ask(ask(3))), 'max-devices-per-user');
  const other = { ...principal(ALICE), subject: 'someone-else' };
  viewOf(world.ask(ask(4, { who: other })));
  assert.equal(errorOf(world.ask(ask(5, { who: other }))), 'max-registrations-per-number');
  assert.equal(errorOf(world.ask(ask(1, { who: other }))), 'registration-exists');
  const before = world.core.sizes();
  for (let i = 0; i < 5; i += 1) world.ask(ask(3));
  assert.deepEqual(world.core.sizes(), before);
});

test('a user has at most so many registrations over all numbers', () => {
  const world = createWorld({ registration: { perUser: 2 } });
  const numbers = ['+15550100001', '+15550100002', '+15550100003'] as Array<typeof ALICE>;
  const replies = numbers.map(number => world.ask(ask(1, { number, who: { ...principal(number), subject: 'same' } })));
  assert.deepEqual(
    replies.map(reply => reply?.ok),
    [true, true, false],
  );
  assert.equal(errorOf(replies[2] ?? null), 'max-registrations-per-user');
});

test('one client sees at most ten registrations on one device', () => {
  const world = createWorld();
  const who = { clientId: 'business', subject: null, number: null, legs: 2 as const };
  const post = (i: number) => world.ask(ask(1, { who, number: `+1555020000${i}` as typeof ALICE }));
  for (let i = 0; i < 10; i += 1) viewOf(post(i));
  assert.equal(
    errorOf(world.ask(ask(1, { who, number: '+15550200010' as typeof ALICE }))),
    'max-registrations-per-user',
  );
  const list = world.ask({ type: 'list-registrations', who, deviceId: device(1) });
  assert.ok(list?.ok && 'registrations' in list && list.registrations.length === 10);
});

test('refusals and failures of the network', () => {
  for (const [code, error] of [
    [403, 'registration-refused'],
    [404, 'registration-refused'],
    ...[603, 604, 607, 608].map(code => [code, 'registration-refused'] as const),
    [503, 'network-unavailable'],
    [401, 'network-unavailable'],
    ...[302, 305, 400, 405, 408, 414, 416, 420, 421, 423, 439, 485].map(code => [code, 'network-unavailable'] as const),
    ...[494, 500, 502, 504, 600, 606].map(code => [code, 'network-unavailable'] as const),
  ] as const) {
    const world = createWorld();
    world.behaviour.register = code;
    assert.equal(errorOf(world.ask(ask(1))), error, String(code));
    world.assertQuiet();
  }
});

test('no answer to the first REGISTER within 10 s: a timeout, and what may have been bound is taken back', () => {
  const world = createWorld();
  world.behaviour.register = 'silent';
  assert.equal(world.ask(ask(1)), null);
  world.advance(9_999);
  assert.equal(world.owed(world.lastRef()), null);
  world.advance(1);
  assert.equal(errorOf(world.owed(world.lastRef())), 'network-timeout');
  assert.equal(world.take('ims.deregister').length, 1);
  world.assertQuiet();
});

test('refresh goes on while a device lives, on the same registration', () => {
  const world = createWorld();
  const id = viewOf(world.ask(ask(1, { expiresAt: T0 + 86_400_000 }))).registrationId;
  world.take('ims.register');
  world.advance(3_000_000);
  const refresh = world.take('ims.register');
  assert.equal(refresh.length, 1);
  assert.equal(refresh[0]?.initial, false);
  assert.ok(world.now() - T0 >= 2_700_000);
  world.advance(20_000_000);
  assert.ok(world.take('ims.register').length >= 6);
  assert.equal(viewOf(read(world, id)).registrationId, id);
});

test('REG-18 a failed refresh is tried again until the network’s own expiry, then the registration ends', () => {
  const world = createWorld();
  const id = viewOf(world.ask(ask(1, { expiresAt: T0 + 86_400_000 }))).registrationId;
  world.take('ims.register');
  world.behaviour.register = 503;
  world.advance(3_599_999);
  assert.ok(world.take('ims.register').length > 3);
  assert.equal(viewOf(read(world, id)).registrationId, id);
  assert.deepEqual(ends(world), []);
  world.advance(1);
  assert.deepEqual(ends(world), ['NETWORK_TERMINATED']);
  world.assertQuiet();
});

test('REG-18 with an expiry of seconds a refresh that is lost is tried again before the binding ends', () => {
  for (const lost of ['silent', 503] as const) {
    const world = createWorld();
    world.behaviour.grantedS = 9;
    const id = viewOf(world.ask(ask(1, { expiresAt: T0 + 86_400_000 }))).registrationId;
    world.take('ims.register');
    world.behaviour.register = lost;
    world.advance(4600);
    assert.equal(world.take('ims.register').length, 1);
    world.behaviour.register = 'ok';
    world.advance(60_000);
    assert.ok(world.take('ims.register').length > 5, String(lost));
    assert.equal(viewOf(read(world, id)).registrationId, id);
    assert.deepEqual(ends(world), []);
  }
});

test('a refresh that fails once and then succeeds tells nobody', () => {
  const world = createWorld();
  viewOf(world.ask(ask(1, { expiresAt: T0 + 86_400_000 })));
  world.behaviour.register = 504;
  world.advance(3_050_000);
  world.take('ims.register');
  world.behaviour.register = 'ok';
  world.advance(200_000);
  // 504 means the registrar forgot us: the next one is a fresh registration.
  assert.equal(world.take('ims.register')[0]?.initial, true);
  world.advance(5_000_000);
  assert.deepEqual(ends(world), []);
});

test('REG-13 a refused refresh ends every registration of the number at once', () => {
  for (const code of [403, 404, 600, 604]) {
    const world = createWorld();
    viewOf(world.ask(ask(1, { expiresAt: T0 + 86_400_000 })));
    viewOf(world.ask(ask(2, { expiresAt: T0 + 86_400_000 })));
    world.behaviour.register = code;
    world.advance(3_050_000);
    assert.deepEqual(ends(world), ['NETWORK_TERMINATED', 'NETWORK_TERMINATED'], String(code));
    world.assertQuiet();
  }
});

test('REG-18 after 408, 500 and 504 the next try is an initial registration, after other failures it is not', () => {
  for (const [code, initial] of [
    [408, true],
    [500, true],
    [504, true],
    [400, false],
    [503, false],
  ] as const) {
    const world = createWorld();
    viewOf(world.ask(ask(1, { expiresAt: T0 + 86_400_000 })));
    world.take('ims.register');
    world.behaviour.register = code;
    world.advance(3_200_000);
    const [refresh, again] = world.take('ims.register').map(one => one.initial);
    assert.deepEqual([refresh, again], [false, initial], String(code));
  }
});

test('REG-07 a REGISTER goes behind the one that may still be answered, and behind none that has timed out', () => {
  const world = createWorld();
  viewOf(world.ask(ask(1, { expiresAt: T0 + 86_400_000 })));
  world.take('ims.register');
  world.behaviour.register = 'silent';
  world.advance(3_200_000);
  const [refresh, again] = world.take('ims.register');
  assert.ok(refresh !== undefined && again !== undefined);
  assert.deepEqual([refresh.behind, again.behind, again.initial], [null, null, true]);
  const { owner } = again;
  world.behaviour.register = 'ok';
  world.advance(60_000);
  world.behaviour.register = 'silent';
  world.take('ims.register');
  world.give({ type: 'ims-register-wanted', owner });
  world.give({ type: 'ims-binding-lost', owner, event: 'deactivated', retryAfterS: null });
  const [wanted, back] = world.take('ims.register');
  assert.equal(wanted?.behind, null);
  assert.equal(back?.behind, wanted?.ref);
});

function lose(
  world: World,
  event: 'deactivated' | 'probation' | 'rejected' | 'unregistered' | 'expired',
  retryAfterS: number | null = null,
): void {
  const owner = world.effects.find(e => e.type === 'ims.register')?.owner;
  assert.ok(owner !== undefined);
  world.take('ims.register');
  world.give({ type: 'ims-binding-lost', owner, event, retryAfterS });
}

test('EVT-04 EVT-05 EVT-06 what the network takes away: come back, wait, or give up', () => {
  for (const event of ['deactivated', 'expired'] as const) {
    const world = createWorld();
    register(world, ALICE, 1);
    lose(world, event);
    assert.equal(world.take('ims.register')[0]?.initial, true, event);
    assert.deepEqual(ends(world), []);
    assert.equal(world.core.sizes().registrations, 1);
  }
  for (const event of ['rejected', 'unregistered'] as const) {
    const world = createWorld();
    register(world, ALICE, 1);
    lose(world, event);
    assert.equal(world.take('ims.register').length, 0, event);
    assert.deepEqual(ends(world), ['NETWORK_TERMINATED']);
    world.assertQuiet();
  }
});

test('EVT-05 probation: a short one is waited for, a long one ends the registration', () => {
  const short = createWorld();
  register(short, ALICE, 1);
  lose(short, 'probation', 20);
  short.advance(19_999);
  assert.equal(short.take('ims.register').length, 0);
  short.advance(1);
  assert.equal(short.take('ims.register').length, 1);
  assert.deepEqual(ends(short), []);
  const long = createWorld();
  register(long, ALICE, 1);
  lose(long, 'probation', 31);
  assert.deepEqual(ends(long), ['NETWORK_TERMINATED']);
  long.assertQuiet();
});

test('coming back fails: the registration ends', () => {
  const world = createWorld();
  register(world, ALICE, 1);
  world.behaviour.register = 500;
  lose(world, 'deactivated');
  assert.deepEqual(ends(world), ['NETWORK_TERMINATED']);
  world.assertQuiet();
});

test('a device that comes while the last one leaves gets a new registration', () => {
  const world = createWorld();
  const id = register(world, ALICE, 1);
  world.behaviour.deregister = 'silent';
  unregister(world, ALICE, id);
  const leaving = world.take('ims.deregister')[0];
  world.take('ims.register');
  assert.equal(world.ask(ask(1)), null);
  const ref = world.lastRef();
  assert.ok(leaving !== undefined);
  world.give({ type: 'ims-deregistered', owner: leaving.owner, ref: leaving.ref, confirmed: true });
  assert.equal(world.take('ims.register')[0]?.initial, true);
  assert.notEqual(viewOf(world.owed(ref)).registrationId, id);
});

test('an answer to an older REGISTER is dropped', () => {
  const world = createWorld();
  world.behaviour.register = 'silent';
  world.ask(ask(1));
  const effect = world.take('ims.register')[0];
  assert.ok(effect !== undefined);
  world.give({
    type: 'ims-registered',
    owner: effect.owner,
    ref: (effect.ref + 1000) as Ref,
    expiresS: 60,
    associated: [],
  });
  assert.equal(world.owed(world.lastRef()), null);
});

test('no new registrations while draining', () => {
  const world = createWorld();
  const id = register(world, ALICE, 1);
  world.give({ type: 'drain' });
  assert.equal(errorOf(world.ask(ask(2))), 'draining');
  assert.equal(viewOf(extend(world, id, null)).registrationId, id);
});

test('what was given back counts no more', () => {
  const world = createWorld({ registration: { perUser: 2, devicesPerUser: 1 } });
  for (let i = 0; i < 5; i += 1) unregister(world, ALICE, register(world, ALICE, i + 1));
  world.behaviour.register = 503;
  for (let i = 0; i < 5; i += 1) assert.equal(errorOf(world.ask(ask(i + 1))), 'network-unavailable');
  world.behaviour.register = 'ok';
  register(world, ALICE, 9);
});

test('a registration that expires while the network is asked is not given out', () => {
  const world = createWorld({ registration: { ttlMinMs: 2_000 } });
  world.behaviour.register = 'silent';
  assert.equal(world.ask(ask(1, { expiresAt: T0 + 2_000 })), null);
  world.advance(3_000);
  const effect = world.take('ims.register')[0];
  assert.ok(effect !== undefined);
  world.give({ type: 'ims-registered', owner: effect.owner, ref: effect.ref, expiresS: 600, associated: [] });
  assert.equal(errorOf(world.owed(world.lastRef())), 'network-timeout');
  world.assertQuiet();
});
