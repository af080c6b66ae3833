/** One certificate for all legs of a process, another the next day and after a restart. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ownIdentity } from './own-identity.ts';

const DAY_MS = 86_400_000;

test('DTL-04 every leg of a process has one certificate; another day or another process has another', () => {
  let now = Date.UTC(2026, 10, 30);
  const ours = ownIdentity(() => now);
  const first = ours();
  now += DAY_MS;
  assert.equal(ours(), first);
  now += 1;
  const second = ours();
  assert.notEqual(second.fingerprint, first.fingerprint);
  assert.equal(ours(), second);
  assert.notEqual(ownIdentity(() => now)().fingerprint, second.fingerprint);
});
