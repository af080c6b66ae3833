/** The back-off window. RFC 5626 4.5. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryDelay } from './back-off.ts';

test('REG-14 back-off doubles to its cap, waits in the upper half, and a longer Retry-After wins', () => {
  assert.equal(retryDelay(1, null, 0), 15_000);
  assert.equal(retryDelay(1, null, 1), 30_000);
  assert.equal(retryDelay(3, null, 1), 120_000);
  assert.equal(retryDelay(50, null, 1), 1_800_000);
  assert.equal(retryDelay(5, null, 1, { baseMs: 1000, maxMs: 10_000, jitter: 0.5 }), 10_000);
  assert.equal(retryDelay(1, 100, 0), 100_000);
  assert.equal(retryDelay(3, 1, 1), 120_000);
  assert.equal(retryDelay(1, 100, 1), 115_000);
  assert.equal(retryDelay(2, null, 0, { baseMs: 1000, maxMs: 10_000, jitter: 0 }), 2000);
  assert.equal(retryDelay(1, 100, 1, { baseMs: 1000, maxMs: 10_000, jitter: 0 }), 100_000);
});
