/** Refresh instants, and what a refusal means. IMS digest 2.7.1, 2.10. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refreshDelay, registerError } from './binding-ims.ts';

test('REG-11 refresh: 600 s before the end of a long expiry, half of a short one, up to a tenth earlier', () => {
  assert.equal(refreshDelay(3_600_000, 0), 3_000_000);
  assert.equal(refreshDelay(3_600_000, 1), 2_700_000);
  assert.equal(refreshDelay(1_200_000, 0), 600_000);
  assert.equal(refreshDelay(1_201_000, 0), 601_000);
  assert.equal(refreshDelay(60_000, 0.5), 28_500);
});

test('403, 404 and their kin refuse the number, all else is the network', () => {
  const outcome = (code: number) => ({ code, phrase: '', q850: null, local: null, reason: null });
  for (const code of [403, 404, 603, 604, 607, 608]) assert.equal(registerError(outcome(code)), 'registration-refused');
  for (const code of [302, 400, 401, 408, 420, 423, 500, 503, 504, 600])
    assert.equal(registerError(outcome(code)), 'network-unavailable');
  assert.equal(registerError({ ...outcome(0), local: 'no-route' }), 'network-unavailable');
});
