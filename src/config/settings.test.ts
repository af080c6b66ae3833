/** Settings: defaults everywhere, also inside records, and one sentence for what cannot be used. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSettings } from './settings.ts';

test('a client needs no more than what sets it apart', () => {
  const { clients } = checkSettings({ api: { clients: { a: { origins: ['x'] }, b: { numbers: ['1'] }, c: {} } } }).api;
  assert.deepEqual(clients, {
    a: { origins: ['x'], numbers: [] },
    b: { origins: [], numbers: ['1'] },
    c: { origins: [], numbers: [] },
  });
});

test('what is no client is named', () => {
  for (const clients of [{ a: null }, { a: 'x' }, { a: [] }, ['x'], 'x', null]) {
    assert.throws(() => checkSettings({ api: { clients } }), { message: /^The setting "api\.clients/ });
  }
});
