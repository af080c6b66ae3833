/** Replies of the core that become answers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refusalOf } from './core-reply.ts';

test('2.4 the message of a refusal names the field, once', () => {
  const refused = [
    ['answer-missing', 'answer'],
    ['expiry-out-of-range', 'registrationExpireTime'],
    ['receiver-anonymous', 'receiverAddress'],
    ['receiver-refused', 'receiverAddress'],
    ['sdp-unusable', 'offer'],
    ['status-not-settable', 'status'],
  ] as const;
  for (const [error, field] of refused) {
    const message = refusalOf({ ok: false, error, field })?.message ?? '';
    assert.equal(message.split(field).length, 2, message);
  }
  assert.equal(refusalOf({ ok: false, error: 'not-found' })?.message, undefined, 'the sentence of the table');
});
