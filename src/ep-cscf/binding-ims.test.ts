/** Refresh instants and back-off windows. IMS digest 2.7.1, 2.10. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refreshDelay, registerError, retryDelay } from './binding-ims.ts';

test('REG-11 refresh: 600 s before the end of a long expiry, half of a short one, up to a tenth earlier', () => {
  assert.equal(refreshDelay(3_600_000, 0), 3_000_000);
  assert.equal(refreshDelay(3_600_000, 1), 2_700_000);
  assert.equal(refreshDelay(1_200_000, 0), 600_000);
  assert.equal(refreshDelay(1_201_000, 0), 601_000);
  assert.equal(refreshDelay(60_000, 0.5), 28_500);
});

test('REG-14 back-off doubles to its cap, waits in the upper half, and a longer Retry-After wins', () => {
  assert.equal(retryDelay(1, null, 0, 30_000, 1_800_000), 15_000);
  assert.equal(retryDelay(1, null, 1, 30_000, 1_800_000), 30_000);
  assert.equal(retryDelay(3, null, 1, 30_000, 1_800_000), 120_000);
  assert.equal(retryDelay(50, null, 1, 30_000, 1_800_000), 1_800_000);
  assert.equal(retryDelay(1, 100, 0, 30_000, 1_800_000), 100_000);
  assert.equal(retryDelay(3, 1, 1, 30_000, 1_800_000), 120_000);
});

test('403, 404 and their kin refuse the number, all else is the network', () => {
  const outcome = (code: number) => ({ code, phrase: '', q850: null, local: null, reason: null });
  for (const code of [403, 404, 603, 604, 607, 608]) assert.equal(registerError(outcome(code)), 'registration-refused');
  for (const code of [302, 400, 401, 408, 420, 423, 500, 503, 504, 600])
    assert.equal(registerError(outcome(code)), 'network-unavailable');
  assert.equal(registerError({ ...outcome(0), local: 'no-route' }), 'network-unavailable');
});
