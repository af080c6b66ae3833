/** The schemas of calls say of a value what its parser does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/property.ts';
import { parseAddress } from '../../ep-cscf/address.ts';
import { address } from './call-handling.ts';

const ADDRESSES = [
  'tel:+34600111222',
  'tel:1004;phone-context=ims.example.com',
  'tel:1004;phone-context=+34',
  'sip:alice_1.x+tag@ims.example.com',
  'sip:1004;phone-context=ims.example.com@ims.example.com;user=phone',
  'urn:service:sos',
  'urn:service:sos.fire',
  'sip:anonymous@anonymous.invalid',
];

/** What addresses are made of, and what is in none. */
const PARTS = [
  ...'tel: sip: sips: urn:service:sos + 0 34600111222 1004 *# a . - _ @ % ;phone-context= ;user=phone'.split(' '),
  ...'ims.example.com anonymous anonymous.invalid 192.0.2.1 é'.split(' '),
  ...[' ', '\n'],
];

test('A-46 5.3 the pattern of an Address and the parser take the same', () => {
  const taken = new RegExp(String((address as { pattern?: string }).pattern), 'u');
  const part = fc.constantFrom(...PARTS);
  const whole = fc.array(part, { maxLength: 9 }).map(parts => parts.join(''));
  const near = fc
    .tuple(fc.constantFrom(...ADDRESSES), fc.nat(60), fc.nat(1), part)
    .map(([text, at, cut, more]) => text.slice(0, at) + more + text.slice(at + cut));
  fc.assert(
    fc.property(fc.oneof(whole, near, fc.constantFrom(...ADDRESSES)), text =>
      assert.equal(taken.test(text), parseAddress(text) !== null, text),
    ),
    { numRuns: 2000 },
  );
  for (const text of ADDRESSES) assert.ok(taken.test(text), text);
});
