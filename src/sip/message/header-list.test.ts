/** Headers: names in any spelling, lists, changes and the views that must follow them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/property.ts';
import { SCALE } from '../../../test/support/scale.ts';
import { createRequest, createResponse } from './build.ts';
import { createHeaders } from './header-list.ts';
import type { Headers } from './headers.ts';
import { parseMessage } from './parse.ts';
import { serialize } from './serialize.ts';

const RUNS = 300 * SCALE;
const lines = (headers: Headers): string[] => [...headers.entries()].map(([name, value]) => `${name}: ${value}`);

test('TRN-05 compact and odd spellings are one field, written in its long name', () => {
  const headers = createHeaders([
    ['v', 'SIP/2.0/UDP a'],
    ['VIA', 'SIP/2.0/UDP b, SIP/2.0/UDP c'],
    ['x-own', '1'],
    ['X-Own', '2'],
  ]);
  assert.deepEqual(headers.all('Via'), ['SIP/2.0/UDP a', 'SIP/2.0/UDP b', 'SIP/2.0/UDP c']);
  assert.deepEqual(headers.all('X-OWN'), ['1', '2']);
  assert.deepEqual(lines(headers), ['Via: SIP/2.0/UDP a', 'Via: SIP/2.0/UDP b, SIP/2.0/UDP c', 'x-own: 1', 'X-Own: 2']);
});

test('a folded value is its lines with one space between them, whatever blanks they have', () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'é', ' ', '\t', ','), maxLength: 6 });
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 5 }), folded => {
      const text = REQUEST.toString().replace('\r\n', `\r\nSubject:${folded.join('\r\n ')}\r\n`);
      const result = parseMessage(Buffer.from(text));
      const lines = folded.map(part => part.trim()).filter(part => part.length > 0);
      assert.equal(result.ok && result.message.headers.get('Subject'), lines.join(' '));
    }),
    { numRuns: RUNS },
  );
});

test('only list fields are split', () => {
  const headers = createHeaders([
    ['Supported', 'path, gruu'],
    ['Subject', 'a, b'],
    ['Date', 'Sat, 13 Nov 2010 23:29:00 GMT'],
  ]);
  assert.deepEqual(headers.all('k'), ['path', 'gruu']);
  assert.equal(headers.get('Supported'), 'path');
  assert.equal(headers.get('s'), 'a, b');
  assert.equal(headers.get('Date'), 'Sat, 13 Nov 2010 23:29:00 GMT');
  assert.ok(
    headers.hasToken('Supported', 'GRUU') && !headers.hasToken('Supported', 'gru') && !headers.hasToken('Require', 'x'),
  );
});

test('set, add, prepend, remove and removeFirst keep order and freshen the views', () => {
  const headers = createHeaders([
    ['Route', '<sip:a@b>, <sip:c@d>'],
    ['To', '<sip:t@t>'],
    ['Route', '<sip:e@f>'],
  ]);
  assert.equal(headers.nameAddrs('Route').length, 3);
  headers.removeFirst('Route');
  assert.deepEqual(
    headers.nameAddrs('Route').map(a => a.uri),
    ['sip:c@d', 'sip:e@f'],
  );
  headers.prepend('Route', '<sip:x@y>');
  headers.add('Route', '<sip:z@z>');
  assert.deepEqual(headers.all('Route'), ['<sip:x@y>', '<sip:c@d>', '<sip:e@f>', '<sip:z@z>']);
  headers.set('Route', '<sip:only@one>');
  assert.deepEqual(lines(headers), ['Route: <sip:only@one>', 'To: <sip:t@t>']);
  headers.remove('Route');
  assert.deepEqual(headers.nameAddrs('Route'), []);
  headers.prepend('v', 'SIP/2.0/UDP a;branch=z9hG4bK1');
  assert.equal(lines(headers)[0], 'Via: SIP/2.0/UDP a;branch=z9hG4bK1');
  headers.set('t', '<sip:u@u>;tag=1');
  assert.equal(headers.to()?.params.get('tag'), '1');
});

test('a clone goes its own way', () => {
  const headers = createHeaders([['From', '<sip:a@b>;tag=1']]);
  const clone = headers.clone();
  clone.from()?.params.set('tag', '2');
  clone.set('X', 'y');
  assert.equal(headers.from()?.params.get('tag'), '1');
  assert.equal(headers.has('X'), false);
});

test('numbers', () => {
  const headers = createHeaders([
    ['Expires', '4294967296'],
    ['Max-Forwards', '256'],
    ['Min-SE', '90'],
    ['Session-Expires', '1800;refresher=uac'],
    ['Retry-After', '5 (busy)'],
    ['RSeq', 'x'],
  ]);
  assert.equal(headers.number('Expires'), undefined);
  assert.equal(headers.number('Max-Forwards'), undefined);
  assert.equal(headers.number('Min-SE'), 90);
  assert.equal(headers.number('x'), 1800);
  assert.equal(headers.number('Retry-After'), 5);
  assert.equal(headers.number('RSeq'), undefined);
});

test('a line break gets in nowhere', () => {
  const headers = createHeaders();
  for (const value of ['a\r\nX: y', 'a\nb', 'a\0', '"a\\\r\n"']) {
    assert.throws(() => headers.add('Subject', value), TypeError);
    assert.throws(() => headers.set('Subject', value), TypeError);
  }
  assert.throws(() => headers.add('Bad: name', 'x'), TypeError);
  assert.throws(() => serialize(createRequest('INVITE', 'sip:a@b SIP/2.0\r\nX: y', [])), TypeError);
  headers.add('To', '"\\\0" <sip:a@b>');
  assert.equal(headers.has('To'), true);
});

const REQUEST = Buffer.from(
  'INVITE sip:b@b SIP/2.0\r\nVia: SIP/2.0/UDP p;branch=z9hG4bK2, SIP/2.0/UDP a;branch=z9hG4bK1\r\nRecord-Route: <sip:p;lr>\r\n' +
    'From: <sip:a@a>;tag=1\r\nTo: <sip:b@b>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\nTimestamp: 5\r\nContact: <sip:a@a>\r\n\r\n',
);

test('a response copies what RFC 3261 8.2.6 and 12.1.1 ask', () => {
  const result = parseMessage(REQUEST);
  assert.ok(result.ok && result.message.type === 'request');
  const of = (status: number) =>
    lines(createResponse(result.message as never, status, undefined, { toTag: 't' }).headers);
  assert.deepEqual(of(180), [
    'Via: SIP/2.0/UDP p;branch=z9hG4bK2, SIP/2.0/UDP a;branch=z9hG4bK1',
    'Record-Route: <sip:p;lr>',
    'From: <sip:a@a>;tag=1',
    'To: <sip:b@b>;tag=t',
    'Call-ID: c',
    'CSeq: 1 INVITE',
  ]);
  assert.ok(
    of(100).includes('To: <sip:b@b>') &&
      of(100).includes('Timestamp: 5') &&
      !of(100).some(l => l.startsWith('Record-Route')),
  );
  assert.ok(!of(486).some(l => l.startsWith('Record-Route')));
});

for (const [name, change, limits, reason] of [
  [
    'start line',
    (t: string) => t.replace('sip:b@b', `sip:${'b'.repeat(100)}@b`),
    { startLineBytes: 60 },
    'start line missing or too long',
  ],
  [
    'one field',
    (t: string) => t.replace('Call-ID: c', `Call-ID: ${'c'.repeat(200)}`),
    { headerLineBytes: 150 },
    'header field too long',
  ],
  ['all fields', (t: string) => t, { headersBytes: 60 }, 'header fields too large'],
  ['number of fields', (t: string) => t, { headerCount: 4 }, 'too many header fields'],
  ['body', (t: string) => `${t}0123456789`, { bodyBytes: 9 }, 'body too large'],
] as const) {
  test(`TRN-07 limit: ${name}`, () => {
    const bytes = Buffer.from(change(REQUEST.toString()));
    const result = parseMessage(bytes, limits);
    assert.equal(result.ok ? '' : result.reason, reason);
    assert.ok(parseMessage(bytes).ok);
  });
}

test('an ACK in error is never answered', () => {
  const result = parseMessage(Buffer.from(REQUEST.toString().replaceAll('INVITE', 'ACK').replace('tag=1', 'x')));
  assert.ok(!result.ok && result.status === null);
});

test('a control character in a reason phrase is refused, as it could not be passed on', () => {
  const fields = REQUEST.toString().split('\r\n').slice(1).join('\r\n');
  assert.equal(parseMessage(Buffer.from(`SIP/2.0 200 O\x01K\r\n${fields}`)).ok, false);
  assert.equal(parseMessage(Buffer.from(`SIP/2.0 200 O K\r\n${fields}`)).ok, true);
});

test('the name of the protocol is three ASCII letters, small or large', () => {
  const text = REQUEST.toString();
  for (const name of ['SIP', 'sip', 'Sip'])
    assert.equal(
      parseMessage(Buffer.from(text.replace('SIP/2.0\r', `${name}/2.0\r`).replace('SIP/2.0/', `${name}/2.0/`))).ok,
      true,
    );
  for (const name of ['\u017fIP', 'S\u0131P'])
    for (const place of ['SIP/2.0\r', 'SIP/2.0/'])
      assert.equal(parseMessage(Buffer.from(text.replace(place, place.replace('SIP', name)))).ok, false, name + place);
});

test('bare line feeds, controls and nameless fields are refused', () => {
  const text = REQUEST.toString();
  for (const bad of [
    text.replaceAll('\r\n', '\n'),
    text.replace('Call-ID: c\r\n', 'Call-ID: c\n'),
    text.replace('Call-ID: c', 'Call-ID: c\0'),
    text.replace('Call-ID: c', 'Call-ID: c\rd'),
    text.replace('Call-ID: c', 'Call-ID: c\r\nnonsense'),
    text.replace('Call-ID: c', 'Call-ID: c\r\n: x'),
    text.replace('Call-ID: c', 'Call-ID: c\r\nX Y: x'),
    text.replace('Call-ID: c', 'Call-ID: c\r\nContent-Length: 0 5'),
    text.replace('Call-ID: c', 'Call-ID: c\r\nContent-Length: 0;5'),
  ]) {
    assert.equal(parseMessage(Buffer.from(bad)).ok, false, JSON.stringify(bad));
  }
});

test('any fields written are read back the same', () => {
  const value = fc
    .string({ unit: 'grapheme' })
    .map(text => text.replace(/[\p{Cc}\p{Cs}]/gu, '').replace(/^[ \t]+|[ \t]+$/g, ''));
  const name = fc.constantFrom('Subject', 'X-A', 'x-b', 'User-Agent', 'Supported', 'P-Asserted-Identity');
  fc.assert(
    fc.property(
      fc.array(fc.tuple(name, value), { maxLength: 12 }),
      fc.uint8Array({ maxLength: 60 }),
      (fields, body) => {
        const base = [
          ['Via', 'SIP/2.0/UDP a;branch=z9hG4bK1'],
          ['From', '<sip:a@a>;tag=1'],
          ['To', '<sip:b@b>'],
          ['Call-ID', 'c'],
          ['CSeq', '1 INVITE'],
        ] as const;
        const request = createRequest('INVITE', 'sip:b@b', [...base, ...fields], body);
        const result = parseMessage(serialize(request));
        assert.ok(result.ok, result.ok ? '' : result.reason);
        assert.deepEqual(lines(result.message.headers).slice(0, -1), lines(request.headers));
        assert.deepEqual([...result.message.body], [...body]);
      },
    ),
    { numRuns: RUNS },
  );
});

test('a Contact of "*" stands alone', () => {
  const contacts = (...values: string[]) =>
    createHeaders(values.map(value => ['Contact', value] as const))
      .contacts()
      .map(({ uri }) => uri);
  assert.deepEqual(contacts('*'), ['*']);
  assert.deepEqual(contacts('*', '<sip:a@b>'), []);
  assert.deepEqual(contacts('<sip:a@b>, *'), []);
  assert.deepEqual(contacts('<sip:a@b>', '<sip:c@d>, "e,f" <sip:e@f>'), ['sip:a@b', 'sip:c@d', 'sip:e@f']);
});
