/** Sink credentials at rest: sealed, bound to their subscription, and never shown. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, it } from 'node:test';
import { alice, createRig, registrationEnds } from '../../test/support/event-rig.ts';
import { settled } from '../../test/support/manual-clock.ts';
import { fc } from '../../test/support/property.ts';
import { createMemoryStore } from '../store/memory.ts';
import { createSeal } from './seal.ts';

const SECRET = 'the-token-of-the-sink';

const credential = (now: number) => ({
  credentialType: 'ACCESSTOKEN' as const,
  accessToken: SECRET,
  accessTokenExpires: now + 3_600_000,
  accessTokenType: 'bearer' as const,
});

describe('a seal', () => {
  it('opens what it sealed, with the same key and for the same thing only', () => {
    const seal = createSeal(randomBytes(32));
    const other = createSeal(randomBytes(32));
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string(), (text, context) => {
        const plain = text.toWellFormed();
        const sealed = seal.seal(plain, context);
        assert.equal(seal.open(sealed, context), plain);
        assert.equal(seal.open(sealed, `${context}x`), null);
        assert.equal(other.open(sealed, context), null);
        assert.notEqual(seal.seal(plain, context), sealed);
      }),
      { numRuns: 50 },
    );
  });

  it('refuses every changed byte, what is cut, and what is nothing', () => {
    const seal = createSeal(randomBytes(32));
    const sealed = Buffer.from(seal.seal(SECRET, 'a'), 'base64url');
    for (let at = 0; at < sealed.length; at += 1) {
      const changed = Buffer.from(sealed);
      changed[at] = (changed[at] ?? 0) ^ 1;
      assert.equal(seal.open(changed.toString('base64url'), 'a'), null);
      assert.equal(seal.open(sealed.subarray(0, at).toString('base64url'), 'a'), null);
    }
    assert.throws(() => createSeal(randomBytes(16)), RangeError);
  });
});

describe('the token of a sink', () => {
  it('is not in the store, and is used after a restart', async () => {
    const store = createMemoryStore();
    const first = createRig({ store });
    const id = await first.subscribe({ credential: credential(first.clock.now()) });
    assert.doesNotMatch(JSON.stringify(store.load('subscription')), new RegExp(SECRET));
    assert.doesNotMatch(JSON.stringify(first.events.subscriptions.get(alice, id)), new RegExp(SECRET));
    const second = createRig({ store, clock: first.clock });
    second.publish(registrationEnds('r1'));
    await settled();
    assert.equal(second.got[0]?.accessToken, SECRET);
    const changed = { ...credential(first.clock.now()), accessToken: 'another-secret' };
    await second.events.subscriptions.update(alice, id, { expiresAt: null, credential: changed });
    assert.doesNotMatch(JSON.stringify(store.load('subscription')), /another-secret/);
  });

  it('is sealed at the first start of a version that can, where an older one left it bare and knew one API', async () => {
    const store = createMemoryStore();
    const first = createRig({ store });
    await first.subscribe({ credential: credential(first.clock.now()) });
    for (const { key, value } of store.load('subscription')) {
      const {
        sealed: _,
        api: __,
        registrationId: ___,
        mediaSessionId: ____,
        ...bare
      } = value as Record<string, unknown>;
      void store.commit([{ op: 'put', kind: 'subscription', key, value: { ...bare, accessToken: SECRET } }]);
    }
    const second = createRig({ store, clock: first.clock });
    await second.clock.advance(200);
    assert.doesNotMatch(JSON.stringify(store.load('subscription')), new RegExp(SECRET));
    const third = createRig({ store, clock: first.clock });
    third.publish(registrationEnds('r1'));
    await settled();
    assert.equal(third.got[0]?.accessToken, SECRET);
    assert.equal(third.got[0]?.event.type, 'org.camaraproject.webrtc-events-subscriptions.v0.registration-ends');
  });

  it('stops the start in one sentence when the key is another one', async () => {
    const store = createMemoryStore();
    const first = createRig({ store });
    await first.subscribe({ credential: credential(first.clock.now()) });
    assert.throws(() => createRig({ store, key: randomBytes(32) }), { message: /^The key of store\.keyFile .*\.$/ });
  });
});
