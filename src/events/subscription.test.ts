/** The life of subscriptions, on a manual clock. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  alice,
  createRig,
  DEVICE,
  DOWN,
  OK,
  type Rig,
  SINK,
  session,
  short,
  subscription,
} from '../../test/support/event-rig.ts';
import { settled } from '../../test/support/manual-clock.ts';
import { EVENTS_API, type SinkCredential } from '../ep-cscf/event-word.ts';
import type { Store } from '../ep-cscf/ports.ts';
import { createMemoryStore } from '../store/memory.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const credential = (rig: Rig, ms: number): SinkCredential => ({
  credentialType: 'ACCESSTOKEN',
  accessToken: 'secret',
  accessTokenExpires: rig.clock.now() + ms,
  accessTokenType: 'bearer',
});
const reasonOf = (rig: Rig) => rig.got.at(-1)?.event.data['terminationReason'];

describe('7.10, 8.2 a subscription', () => {
  it('is shown as asked, without its token, to its user only', async () => {
    const rig = createRig();
    const asked = subscription({
      types: ['session-status', 'session-status'],
      maxEvents: 7,
      initialEvent: true,
      credential: credential(rig, HOUR),
    });
    const made = await rig.events.subscriptions.create(alice, asked, 'c');
    assert.ok(made.ok);
    const now = rig.clock.now();
    assert.deepEqual(made.subscription, {
      id: made.subscription.id,
      api: EVENTS_API,
      sink: SINK,
      types: ['session-status'],
      deviceId: DEVICE,
      registrationId: null,
      mediaSessionId: null,
      startsAt: now,
      expiresAt: now + DAY,
      requestedExpiry: null,
      maxEvents: 7,
      initialEvent: true,
      status: 'ACTIVE',
    });
    const { subscriptions } = rig.events;
    assert.deepEqual(subscriptions.list(alice), [made.subscription]);
    assert.deepEqual(subscriptions.get(alice, made.subscription.id), made.subscription);
    for (const other of [
      { ...alice, subject: 'eve' },
      { ...alice, clientId: 'other' },
      { ...alice, number: '+15550100009' },
      { ...alice, legs: 2, subject: null, number: null },
    ] as Array<typeof alice>) {
      assert.deepEqual(subscriptions.list(other), []);
      assert.equal(subscriptions.get(other, made.subscription.id), null);
      const change = { expiresAt: now + HOUR, credential: null };
      assert.deepEqual(await subscriptions.update(other, made.subscription.id, change), {
        ok: false,
        error: 'not-found',
      });
      assert.deepEqual(await subscriptions.remove(other, made.subscription.id, 'c'), { ok: false, error: 'not-found' });
    }
  });

  it('is refused when equal to an active one, past the quota, too late or to a forbidden sink', async () => {
    const rig = createRig({ events: { subscriptionsPerUser: 2 } });
    const { subscriptions } = rig.events;
    const create = async (change: Parameters<typeof subscription>[0], who = alice) => {
      const made = await subscriptions.create(who, subscription(change), 'c');
      return made.ok ? 'made' : made.error;
    };
    assert.equal(await create({ sink: 'https://127.0.0.1/' }), 'invalid-sink');
    assert.equal(await create({ expiresAt: rig.clock.now() }), 'invalid-argument');
    assert.equal(await create({ credential: credential(rig, 0) }), 'invalid-argument');
    assert.equal(await create({ types: ['session-status', 'session-invitation'] }), 'made');
    assert.equal(await create({ types: ['session-invitation', 'session-status'] }), 'subscription-exists');
    assert.equal(
      await create({ types: ['session-status', 'session-invitation'] }, {
        ...alice,
        number: '+15550100009',
      } as typeof alice),
      'made',
    );
    assert.equal(await create({ types: ['registration-ends'] }), 'subscription-quota');
    assert.equal(await create({}, { ...alice, subject: 'bob' }), 'made');
    const both = await Promise.all([
      create({}, { ...alice, subject: 'eve' }),
      create({}, { ...alice, subject: 'eve' }),
    ]);
    assert.deepEqual(both.sort(), ['made', 'subscription-exists']);
  });

  it('expires with a last word, capped at the longest life, and makes room', async () => {
    const rig = createRig();
    const id = await rig.subscribe({ expiresAt: rig.clock.now() + 30 * DAY });
    assert.equal(rig.events.subscriptions.get(alice, id)?.expiresAt, rig.clock.now() + 7 * DAY);
    await rig.clock.advance(7 * DAY - 1);
    assert.equal(rig.got.length, 0);
    await rig.clock.advance(1);
    assert.equal(short(rig.got[0] ?? assert.fail()), 'subscription-ended');
    assert.equal(reasonOf(rig), 'SUBSCRIPTION_EXPIRED');
    assert.equal(rig.events.subscriptions.get(alice, id), null);
    rig.publish(session('m1', 2));
    await rig.clock.advance(1000);
    assert.equal(rig.got.length, 1);
    assert.deepEqual(rig.store.load('subscription'), []);
    await rig.subscribe();
  });

  it('ends a minute before its token, half-way of a shorter one, unless it gets a new one', async () => {
    const rig = createRig();
    await rig.subscribe({ credential: credential(rig, HOUR) });
    await rig.clock.advance(HOUR - 60_001);
    assert.equal(rig.got.length, 0);
    await rig.clock.advance(1);
    assert.equal(reasonOf(rig), 'ACCESS_TOKEN_EXPIRED');
    assert.equal(rig.got[0]?.accessToken, 'secret');
    await rig.subscribe({ credential: credential(rig, 40_000) });
    await rig.clock.advance(19_999);
    assert.equal(rig.got.length, 1);
    await rig.clock.advance(1);
    assert.equal(rig.got.length, 2);
    const kept = await rig.subscribe({ credential: credential(rig, HOUR) });
    await rig.clock.advance(HOUR - 70_000);
    const change = { expiresAt: null, credential: { ...credential(rig, DAY), accessToken: 'fresh' } };
    assert.equal((await rig.events.subscriptions.update(alice, kept, change)).ok, true);
    await rig.clock.advance(HOUR);
    rig.publish(session('m1', 2));
    await settled();
    assert.equal(rig.got.at(-1)?.accessToken, 'fresh');
  });

  it('changes its expiry and keeps its id, and lets what is under way be delivered once', async () => {
    const rig = createRig();
    const id = await rig.subscribe();
    rig.answer = () => DOWN;
    rig.publish(session('m1', 2));
    await settled();
    const expiresAt = rig.clock.now() + 2 * DAY;
    const changed = await rig.events.subscriptions.update(alice, id, { expiresAt, credential: null });
    assert.ok(changed.ok);
    assert.equal(changed.subscription.expiresAt, expiresAt);
    assert.equal(changed.subscription.requestedExpiry, expiresAt);
    rig.answer = () => OK;
    await rig.clock.advance(DAY + 1);
    assert.deepEqual(rig.got.map(short), ['m1:2']);
    assert.notEqual(rig.events.subscriptions.get(alice, id), null);
    const past = { expiresAt: rig.clock.now(), credential: null };
    assert.equal((await rig.events.subscriptions.update(alice, id, past)).ok, false);
  });

  it('is deleted with a last word that comes after all it was owed', async () => {
    const rig = createRig();
    const id = await rig.subscribe();
    rig.answer = () => DOWN;
    rig.publish(session('m1', 1));
    rig.publish(session('m1', 2));
    rig.publish(session('m2', 1));
    assert.deepEqual(await rig.events.subscriptions.remove(alice, id, 'bye'), { ok: true });
    assert.deepEqual(await rig.events.subscriptions.remove(alice, id, 'bye'), { ok: false, error: 'not-found' });
    rig.publish(session('m1', 3));
    await rig.clock.advance(400);
    rig.answer = () => OK;
    await rig.clock.advance(60_000);
    assert.deepEqual(rig.got.map(short).slice(0, 3).sort(), ['m1:1', 'm1:2', 'm2:1']);
    assert.equal(reasonOf(rig), 'SUBSCRIPTION_DELETED');
    assert.equal(rig.got.at(-1)?.correlator, 'bye');
    assert.equal(rig.got.length, 4);
  });

  it('ends after a restart as it would have without', async () => {
    const store = createMemoryStore();
    const first = createRig({ store });
    await first.subscribe();
    const leaving = await first.subscribe({ types: ['session-status'] });
    first.answer = () => DOWN;
    await first.events.subscriptions.remove(alice, leaving, 'c');
    await first.events.close(0);
    await first.clock.advance(2000);
    const second = createRig({ store, clock: first.clock });
    assert.equal(second.events.subscriptions.list(alice).length, 1);
    await settled();
    assert.equal(reasonOf(second), 'SUBSCRIPTION_DELETED');
    await second.clock.advance(DAY);
    assert.equal(reasonOf(second), 'SUBSCRIPTION_EXPIRED');
    assert.deepEqual(store.load('subscription'), []);
    assert.equal(second.clock.waiting(), 0);
  });

  it('is not made when the store refuses it', async () => {
    const broken: Store = {
      load: () => [],
      commit() {
        throw new Error('disk full');
      },
      close() {},
    };
    const rig = createRig({ store: broken });
    assert.deepEqual(await rig.events.subscriptions.create(alice, subscription(), 'c'), {
      ok: false,
      error: 'not-kept',
    });
    assert.deepEqual(rig.events.subscriptions.list(alice), []);
    const channel = await rig.events.channels.create(
      alice,
      { deviceId: DEVICE, types: ['session-status'], expiresAt: null },
      'c',
    );
    assert.deepEqual(channel, { ok: false, error: 'not-kept' });
    assert.equal(rig.events.sizes().channels, 0);
    assert.equal(rig.clock.waiting(), 0);
  });

  it('waits for a store that answers later', async () => {
    const inner = createMemoryStore();
    const slow: Store = {
      load: kind => inner.load(kind),
      commit: async writes => {
        await settled();
        inner.commit(writes);
      },
      close() {},
    };
    const rig = createRig({ store: slow });
    const id = await rig.subscribe();
    assert.equal(inner.load('subscription').length, 1);
    await rig.events.subscriptions.remove(alice, id, 'c');
    await settled();
    assert.equal(reasonOf(rig), 'SUBSCRIPTION_DELETED');
    await rig.clock.advance(200);
    assert.deepEqual(inner.load('subscription'), []);
  });
});
