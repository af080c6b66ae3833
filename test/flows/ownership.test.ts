/** What belongs to somebody else does not exist. CAMARA digest 2.5. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MediaSessionId, RegistrationId } from '../../src/ep-cscf/ids.ts';
import type { Principal } from '../../src/ep-cscf/words.ts';
import { ALICE, BOB, callOut, device, principal, register } from '../support/core-story.ts';
import { browserOffer, createWorld } from '../support/core-world.ts';

const STRANGERS: Array<[string, Principal]> = [
  ['another client', { ...principal(ALICE), clientId: 'other' }],
  ['another user', { ...principal(ALICE), subject: 'other' }],
  ['another number', { ...principal(ALICE), number: BOB }],
  ['a two-legged token', { clientId: 'demo', subject: null, number: null, legs: 2 }],
];

test('items of others are not found, lists leave them out', () => {
  const world = createWorld();
  const registrationId = register(world, ALICE, 1);
  const { id: mediaSessionId } = callOut(world, ALICE, registrationId);
  for (const [name, who] of STRANGERS) {
    const requests = [
      { type: 'get-registration', who, registrationId },
      { type: 'extend-registration', who, correlator: 'c', registrationId, expiresAt: null },
      { type: 'unregister', who, correlator: 'c', registrationId },
      { type: 'get-session', who, mediaSessionId },
      { type: 'end-session', who, correlator: 'c', mediaSessionId },
      {
        type: 'put-status',
        who,
        correlator: 'c',
        mediaSessionId,
        status: 'InProgress',
        offer: null,
        answer: null,
        location: null,
      },
    ] as const;
    for (const request of requests)
      assert.deepEqual(world.ask(request), { ok: false, error: 'not-found' }, `${name}: ${request.type}`);
    assert.deepEqual(world.ask({ type: 'list-registrations', who, deviceId: device(1) }), {
      ok: true,
      registrations: [],
    });
    assert.deepEqual(world.ask({ type: 'snapshot', who, deviceId: device(1) }), {
      ok: true,
      registrations: [],
      sessions: [],
    });
    const call = {
      type: 'originate',
      who,
      correlator: 'c',
      registrationId,
      originator: `tel:${ALICE}`,
      receiver: `tel:${BOB}`,
      originatorName: null,
      receiverName: null,
      offer: browserOffer(),
      callType: null,
      location: null,
    } as const;
    assert.deepEqual(world.ask(call), { ok: false, error: 'registration-not-usable' }, name);
  }
});

test('an unknown id is answered exactly as a foreign one', () => {
  const world = createWorld();
  const who = principal(ALICE);
  const registrationId = 'unknown' as RegistrationId;
  const mediaSessionId = 'unknown' as MediaSessionId;
  assert.deepEqual(world.ask({ type: 'get-registration', who, registrationId }), { ok: false, error: 'not-found' });
  assert.deepEqual(world.ask({ type: 'get-session', who, mediaSessionId }), { ok: false, error: 'not-found' });
});

test('the snapshot of a device holds its registrations and sessions', () => {
  const world = createWorld();
  const registrationId = register(world, ALICE, 1);
  register(world, ALICE, 2);
  const { id } = callOut(world, ALICE, registrationId);
  const reply = world.ask({ type: 'snapshot', who: principal(ALICE), deviceId: device(1) });
  assert.ok(reply?.ok && 'sessions' in reply);
  assert.deepEqual(
    reply.registrations.map(r => r.registrationId),
    [registrationId],
  );
  assert.deepEqual(
    reply.sessions.map(s => s.mediaSessionId),
    [id],
  );
});
