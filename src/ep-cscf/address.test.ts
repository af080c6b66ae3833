/** The address table of the API, row by row, and comparison. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { numberOf, parseAddress, sameAddress } from './address.ts';

const TAKEN: Array<[string, string]> = [
  ['tel:+34600111222', 'tel'],
  ['tel:+12345', 'tel'],
  ['tel:+123456789012345', 'tel'],
  ['tel:1004;phone-context=ims.example.com', 'tel-local'],
  ['tel:*21#;phone-context=+34', 'tel-local'],
  ['sip:alice_1.x+tag@ims.example.com', 'sip'],
  ['sip:+34600111222@ims.example.com', 'sip'],
  ['sip:1004;phone-context=ims.example.com@ims.example.com;user=phone', 'sip-local'],
  ['urn:service:sos', 'emergency'],
  ['urn:service:sos.fire', 'emergency'],
  ['urn:service:sos.animal-control', 'emergency'],
  ['sip:anonymous@anonymous.invalid', 'anonymous'],
];

const REFUSED = [
  'tel:+1234',
  'tel:+1234567890123456',
  'tel:+04600111222',
  'tel:+34-600-111222',
  'tel:+34600111222;ext=5',
  'tel:+34600111222\n',
  'tel:112',
  'tel:1004;phone-context=example',
  'tel:1004;phone-context=-bad.example',
  'tel:1004;phone-context=+0',
  'tel:1234567890123456;phone-context=ims.example.com',
  'sip:+34600111222@ims.example.com;user=phone',
  'sip:1004;phone-context=ims.example.com@ims.example.com',
  'sips:alice@ims.example.com',
  'sip:alice@192.0.2.1',
  'sip:alice@ims.example.com:5060',
  'sip:alice@localhost',
  'sip:@ims.example.com',
  'sip:al ice@ims.example.com',
  'sip:alice@ims.example.com\n',
  'sip:alice@@ims.example.com',
  'SIP:alice@ims.example.com',
  'TEL:+34600111222',
  '+34600111222',
  '',
  'urn:service:sos.',
  'urn:service:sosx',
  'urn:service:sos.Fire',
  'urn:service:counseling',
  `sip:${'a'.repeat(250)}@example.com`,
];

test('every form the API takes is read as what it is', () => {
  for (const [text, type] of TAKEN) assert.equal(parseAddress(text)?.type, type, text);
});

test('everything else is refused', () => {
  for (const text of REFUSED) assert.equal(parseAddress(text), null, JSON.stringify(text));
});

test('numbers are compared as numbers, names with their case, hosts without', () => {
  assert.ok(sameAddress('tel:+34600111222', 'sip:+34600111222@ims.example.com'));
  assert.ok(!sameAddress('tel:+34600111222', 'tel:+34600111223'));
  assert.ok(sameAddress('sip:alice@IMS.example.com', 'sip:alice@ims.example.com'));
  assert.ok(!sameAddress('sip:Alice@ims.example.com', 'sip:alice@ims.example.com'));
  assert.ok(!sameAddress('tel:1004;phone-context=a.example', 'tel:1004;phone-context=b.example'));
  assert.ok(!sameAddress('nonsense', 'other nonsense'));
});

test('a parsed global number is the one written', () => {
  fc.assert(
    fc.property(fc.stringMatching(/^[1-9][0-9]{4,14}$/), digits => {
      const parsed = parseAddress(`tel:+${digits}`);
      return parsed !== null && numberOf(parsed) === `+${digits}`;
    }),
    { numRuns: 200 },
  );
});

test('no text makes the parser throw or take long', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 400 }), text => {
      parseAddress(`sip:${text}`);
      parseAddress(`tel:${text}`);
      parseAddress(`urn:service:sos${text}`);
      return true;
    }),
    { numRuns: 300 },
  );
});
