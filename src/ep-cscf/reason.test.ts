/** Foreign reason text: shape kept, identities and control characters gone, lengths bounded. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { foreignReason, sipReason } from './reason.ts';

test('MAP-08 known shapes pass, SIP first', () => {
  assert.equal(
    foreignReason('Q.850;cause=16;text="Bye", SIP;cause=200;text="OK"'),
    'SIP;cause=200;text="OK", Q.850;cause=16;text="Bye"',
  );
  assert.equal(foreignReason('RELEASE_CAUSE ; cause = 1 ; text = done'), 'RELEASE_CAUSE;cause=1;text="done"');
  assert.equal(foreignReason('Q.850;cause=16;location=LN, Q.850;cause=16'), 'Q.850;cause=16');
  assert.equal(foreignReason('SIP;cause=200;text="a, b"'), 'SIP;cause=200;text="a, b"');
});

test('what is no reason is dropped', () => {
  for (const text of ['', ',,', ';cause=1', 'SIP', '"x"', 'no shape at all'])
    assert.equal(foreignReason(text), null, text);
});

test('MAP-08 identities and addresses never pass', () => {
  for (const text of [
    'call alice@example.com',
    'sip:bob',
    'tel:+1',
    'to +15550100001',
    'from 192.0.2.1',
    'at 2001:db8::1',
  ])
    assert.equal(foreignReason(`SIP;cause=404;text="${text}"`), 'SIP;cause=404', text);
});

test('MAP-08 any text gives a bounded, printable reason', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 5000 }), fc.string({ maxLength: 500 }), (raw, phrase) => {
      const reason = foreignReason(raw) ?? '';
      const own = sipReason(486, phrase);
      return (
        reason.length <= 512 &&
        own.length <= 200 &&
        /^[\x20-\x7e]*$/.test(reason + own) &&
        (own.match(/"/g)?.length ?? 0) % 2 === 0
      );
    }),
    { numRuns: 300 },
  );
});

test('quotes in a phrase cannot break out', () => {
  assert.equal(sipReason(500, 'a"b\\c\r\nd'), 'SIP;cause=500;text="abcd"');
});
