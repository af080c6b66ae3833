import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSessionTable, type WebSession } from './session-table.ts';

const session = (expiresAt: number): WebSession => ({
  subject: 's',
  number: null,
  csrf: 'c',
  accessToken: 'a',
  accessTokenExpiresAt: expiresAt,
  refreshToken: null,
  expiresAt,
  refreshing: null,
});

test('the table never holds more than its limit: what is over goes first, then the oldest', () => {
  let now = 0;
  const table = createSessionTable(3, () => now);
  const [a, b, c] = [table.add(session(100)), table.add(session(10)), table.add(session(100))];
  now = 20;
  const d = table.add(session(100));
  assert.equal(table.get(b), null);
  assert.ok(table.get(a) !== null && table.get(c) !== null && table.get(d) !== null);
  const e = table.add(session(100));
  assert.equal(table.size, 3);
  assert.equal(table.get(a), null);
  assert.ok(table.get(e) !== null);
});

test('a session is over at its end, not later', () => {
  let now = 0;
  const table = createSessionTable(3, () => now);
  const id = table.add(session(100));
  now = 99;
  assert.ok(table.get(id) !== null);
  now = 100;
  assert.equal(table.get(id), null);
  assert.equal(table.size, 0);
});
