/** Properties of the body reader and of the small matchers. CAMARA digest 2.2, 2.3. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { SCALE } from '../../test/support/scale.ts';
import { isCorrelator } from './correlator.ts';
import { formatDateTime, parseDateTime } from './date-time.ts';
import { isHttpsUrl } from './field.ts';
import { DEPTH_LIMIT, parseJsonObject, scanJson } from './json.ts';
import { accepts, isJsonType } from './media-type.ts';

const runs = { numRuns: 300 * SCALE };
const bytes = (text: string) => new TextEncoder().encode(text);

test('2.3 every well-formed object is read as JSON.parse reads it', () => {
  const object = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 6 }), {
    noNullPrototype: true,
  });
  fc.assert(
    fc.property(object, fc.constantFrom(0, 1, '\t'), (value, space) => {
      const text = JSON.stringify(value, null, space);
      assert.deepEqual(parseJsonObject(bytes(text)), { ok: true, value: JSON.parse(text) });
    }),
    runs,
  );
});

test('2.3 a key written twice is found, whatever its escapes and whatever stands between', () => {
  const escaped = (key: string) => [...key].map(c => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme-ascii', minLength: 1 }), fc.jsonValue({ maxDepth: 3 }), (key, between) => {
      const value = JSON.stringify(between);
      const twice = `{"x":[{${JSON.stringify(key)}:${value},"${escaped(key)}":${value}}]}`;
      assert.match(scanJson(twice) ?? '', /twice/);
      const apart = `{"x":[{${JSON.stringify(key)}:${value}},{"${escaped(key)}":${value}}]}`;
      assert.equal(scanJson(apart), null);
    }),
    runs,
  );
});

test('2.3 no bytes make the reader throw, and what it takes JSON.parse takes too', () => {
  const pieces = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    '"',
    '\\',
    '\\u',
    'd800',
    'dc00',
    ':',
    ',',
    '1e999',
    '-',
    'a',
    ' ',
    '\u2028',
    '"a":1',
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 60 }),
        fc.array(pieces, { maxLength: 40 }).map(list => bytes(list.join(''))),
      ),
      input => {
        const got = parseJsonObject(input);
        if (got.ok) assert.deepEqual(got.value, JSON.parse(new TextDecoder().decode(input)));
      },
    ),
    runs,
  );
});

test('2.3 depth and surrogates at their limits', () => {
  const nested = (depth: number) => `${'{"a":'.repeat(depth - 1)}{}${'}'.repeat(depth - 1)}`;
  assert.equal(scanJson(nested(DEPTH_LIMIT)), null);
  assert.match(scanJson(nested(DEPTH_LIMIT + 1)) ?? '', /deeper/);
  assert.equal(scanJson('{"a":"\\ud83d\\ude00\\\\ud800"}'), null);
  for (const lone of ['\\ud83d', '\\ude00', '\\ud83dx', '\\ud83d\\ud83d', '\\ud83d\\n', '\\uD83D\\u0041']) {
    assert.match(scanJson(`{"a":["${lone}"]}`) ?? '', /surrogate/, lone);
  }
});

test('2.3 date-times: what is written is read back; the calendar and the clock are real', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), ms =>
      assert.equal(parseDateTime(formatDateTime(ms)), ms),
    ),
    runs,
  );
  for (const [text, ms] of [
    ['2026-03-01T12:00:00Z', Date.UTC(2026, 2, 1, 12)],
    ['2026-03-01t12:00:00.1239999z', Date.UTC(2026, 2, 1, 12, 0, 0, 123)],
    ['2026-03-01T12:00:00+05:30', Date.UTC(2026, 2, 1, 6, 30)],
    ['2026-03-01T00:00:00-23:59', Date.UTC(2026, 2, 1, 23, 59)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2000-02-29T00:00:00-00:00', Date.UTC(2000, 1, 29)],
  ] as const) {
    assert.equal(parseDateTime(text), ms, text);
  }
  for (const text of [
    '',
    '2026-03-01',
    '2026-03-01T12:00Z',
    '2026-03-01T12:00:00',
    '2026-03-01 12:00:00Z',
    '2026-02-29T12:00:00Z',
    '1900-02-29T12:00:00Z',
    '2026-04-31T12:00:00Z',
    '2026-00-10T12:00:00Z',
    '2026-13-10T12:00:00Z',
    '2026-03-00T12:00:00Z',
    '2026-03-01T24:00:00Z',
    '2026-03-01T12:60:00Z',
    '2026-03-01T23:59:60Z',
    '2026-03-01T12:00:00+24:00',
    '2026-03-01T12:00:00+0100',
    '2026-03-01T12:00:00.Z',
    '2026-03-01T12:00:00Z\n',
    ' 2026-03-01T12:00:00Z',
    '+002026-03-01T12:00:00Z',
    '２026-03-01T12:00:00Z',
    `2026-03-01T12:00:00.${'1'.repeat(50)}Z`,
  ]) {
    assert.equal(parseDateTime(text), null, text);
  }
});

test('2.2 the correlator matcher agrees with the pattern of the text', () => {
  const pattern = /^[a-zA-Z0-9\-_:;./<>{}]{0,256}$/;
  fc.assert(
    fc.property(fc.string({ unit: 'binary-ascii', maxLength: 3 }), text =>
      assert.equal(isCorrelator(text), pattern.test(text)),
    ),
    { ...runs, numRuns: 2000 * SCALE },
  );
  assert.equal(isCorrelator('x'.repeat(256)), true);
  assert.equal(isCorrelator('x'.repeat(257)), false);
  assert.equal(isCorrelator('x\n'), false);
});

test('A-46 2.3, 8.2 small matchers', () => {
  assert.equal(isJsonType('application/json;'), true);
  assert.equal(isJsonType('application/json;charset=utf-16'), false);
  assert.equal(accepts('application/json;q=x'), false);
  assert.equal(accepts('constructor'), false);
  for (const good of ['https://a.example', 'https://a.example:8443/x?y=z', 'https://[2001:db8::1]/'])
    assert.ok(isHttpsUrl(good));
  for (const bad of [
    'https://',
    'https:///',
    'HTTPS://a.example',
    'http://a.example',
    'https://a b',
    'https://a.example:99999',
    'https://é.example',
  ]) {
    assert.ok(!isHttpsUrl(bad), bad);
  }
});
