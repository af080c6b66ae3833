/** Properties of the token buckets, and what callers share of them. CAMARA digest 2.1 step 4. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { SCALE } from '../../test/support/scale.ts';
import { addressKey, createCallerRates, createRateLimit } from './rate-limit.ts';

test('2.1 step 4 a bucket never gives more than burst and rate allow, and the map stays bounded', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 }), waits => {
      const limit = createRateLimit(10, 5);
      let now = 0;
      let given = 0;
      for (const wait of waits) {
        now += wait;
        const left = limit.take('a', now);
        if (left === 0) given += 1;
        else assert.ok(left > 0 && left <= 100, 'never longer than one token takes');
        assert.ok(given <= 5 + (now * 10) / 1000);
      }
    }),
    { numRuns: 50 * SCALE },
  );
  const limit = createRateLimit(1, 1, 100);
  for (let i = 0; i < 1000; i += 1) limit.take(String(i), 0);
  assert.equal(limit.size, 100);
  assert.equal(limit.take('999', 0), 1000);
});

test('2.1 step 4 source addresses: IPv4 whole, IPv6 by /64', () => {
  for (const [address, key] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['2001:db8:1:2::9', '2001:db8:1:2'],
    ['::1', '0:0:0:0'],
    ['', ''],
  ] as const) {
    assert.equal(addressKey(address), key);
  }
});

test('2.1 step 4 a user is held back alone, a client with all its users, a business not by its visitors', () => {
  const rates = createCallerRates({ ratePerAddress: 1, ratePerClient: 3, ratePerUser: 1 });
  const asks = (clientId: string, subject: string | null, isVisitor = false) =>
    rates.ofCaller({ clientId, subject }, isVisitor, 0) === 0;
  assert.deepEqual([asks('c', 'ada'), asks('c', 'ada'), asks('c', 'ada')], [true, true, false]);
  assert.equal(asks('c', 'bela'), false);
  assert.equal(asks('c', 'visitor', true), true);
  assert.equal(asks('d', 'ada'), true);
  assert.equal(rates.ofAddress('2001:db8::1', 0), 0);
  assert.equal(rates.ofAddress('2001:db8::2', 0), 1000);
});
