/** URIs: what is read, what is refused, what is equal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/property.ts';
import { SCALE } from '../../../test/support/scale.ts';
import { formatUri, parseUri, sameUri } from './uri.ts';

const RUNS = 500 * SCALE;

test('a SIP URI with everything', () => {
  const uri = parseUri('SIPS:al%20ice;x=1:pa%3Ass@Example.COM:5061;transport=TCP;lr;Maddr=192.0.2.1?subject=a&to=b');
  assert.deepEqual(uri, {
    scheme: 'sips',
    user: 'al%20ice;x=1',
    password: 'pa%3Ass',
    host: 'example.com',
    port: 5061,
    params: new Map<string, string | null>([
      ['transport', 'TCP'],
      ['lr', null],
      ['maddr', '192.0.2.1'],
    ]),
    headers: 'subject=a&to=b',
  });
});

test('IPv6 references, tel numbers and unknown schemes', () => {
  assert.deepEqual(parseUri('sip:[2001:DB8::1]:5070')?.host, '[2001:db8::1]');
  assert.equal(parseUri('sip:[2001:db8::1]:5070')?.port, 5070);
  const tel = parseUri('tel:+1-555-010.0001;phone-context=example.com');
  assert.equal(tel?.user, '+1-555-010.0001');
  assert.equal(tel?.params.get('phone-context'), 'example.com');
  assert.equal(parseUri('urn:service:sos')?.host, 'service:sos');
});

for (const text of [
  '',
  ':',
  'sip:',
  'sip:@host',
  'sip:a@',
  'sip:a b@host',
  'sip:a@b@c',
  'sip:a@host:',
  'sip:a@host:99999',
  'sip:a@host:5x',
  'sip:a%4@host',
  'sip:a@host;',
  'sip:a@host;;lr',
  'sip:a@host;lr;lr',
  'sip:a@host?',
  'sip:a@[::1',
  'sip:a@[gg::1]',
  'sip:a@[2001]',
  'sip:a@ho st',
  'sip:<a@host>',
  'tel:',
  'tel:+',
  'tel:+12x',
  '1sip:a@host',
  'sip:a:b:c@host',
  'sip:a@host\r\nX: y',
]) {
  test(`refused: ${JSON.stringify(text)}`, () => assert.equal(parseUri(text), null));
}

const EQUAL: ReadonlyArray<[string, string]> = [
  ['sip:%61lice@atlanta.com;transport=TCP', 'sip:alice@AtlanTa.CoM;Transport=tcp'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com;newparam=5'],
  ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;newparam=5'],
  [
    'sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com',
    'sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com',
  ],
  [
    'sip:alice@atlanta.com?subject=project%20x&priority=urgent',
    'sip:alice@atlanta.com?priority=urgent&subject=project%20x',
  ],
  ['tel:+1-555-0100', 'tel:+1(555)0100'],
];
const DIFFERENT: ReadonlyArray<[string, string]> = [
  ['SIP:ALICE@AtLanTa.CoM;Transport=udp', 'sip:alice@AtlanTa.CoM;Transport=UDP'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:5060'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com;transport=udp'],
  ['sip:bob@biloxi.com', 'sip:bob@biloxi.com:6000;transport=tcp'],
  ['sip:carol@chicago.com', 'sip:carol@chicago.com?Subject=next%20meeting'],
  ['sip:bob@phone21.boxesbybob.com', 'sip:bob@192.0.2.4'],
  ['sip:carol@chicago.com;security=on', 'sip:carol@chicago.com;security=off'],
  ['sip:bob@biloxi.com', 'sips:bob@biloxi.com'],
  ['sip:biloxi.com', 'sip:bob@biloxi.com'],
  ['tel:+15550100', 'tel:+15550101'],
];

function same(a: string, b: string): boolean {
  const [left, right] = [parseUri(a), parseUri(b)];
  assert.ok(left !== null && right !== null);
  assert.equal(sameUri(left, right), sameUri(right, left));
  return sameUri(left, right);
}

test('equality as RFC 3261 19.1.4 has it', () => {
  for (const [a, b] of EQUAL) assert.ok(same(a, b), `${a} is ${b}`);
  for (const [a, b] of DIFFERENT) assert.ok(!same(a, b), `${a} is not ${b}`);
});

test('what is read is written so that it reads the same; nothing throws', () => {
  const piece = fc.constantFrom(
    'sip:',
    'tel:',
    '+',
    'a',
    '1',
    '@',
    ':',
    ';',
    '=',
    '?',
    '&',
    '%41',
    '[::1]',
    'lr',
    '.',
    ' ',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.array(piece, { maxLength: 14 }).map(p => `sip:${p.join('')}`),
      ),
      text => {
        const uri = parseUri(text);
        if (uri === null) return;
        assert.deepEqual(parseUri(formatUri(uri)), uri);
        assert.ok(sameUri(uri, uri));
      },
    ),
    { numRuns: RUNS },
  );
});
