/** Keys in SDP: which lines can be used, and that no line does harm. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { parseSdp } from './index.ts';

const SUITE = 'AES_CM_128_HMAC_SHA1_80';
const KEY = 'WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz';
const PLAIN = `1 ${SUITE} inline:${KEY}`;

function read(...lines: string[]) {
  const parsed = parseSdp(`v=0\r\nm=audio 4000 RTP/SAVP 0\r\n${lines.map(line => `a=crypto:${line}\r\n`).join('')}`);
  assert.ok(parsed.ok);
  return parsed.value.media[0]?.crypto ?? [];
}

test('SDP-25 keys in SDP are read in their order, with their tags', () => {
  const second = `22 AES_CM_128_HMAC_SHA1_32 inline:${KEY}|2^31`;
  assert.deepEqual(read(PLAIN, second), [
    { tag: 1, suite: SUITE, key: KEY },
    { tag: 22, suite: 'AES_CM_128_HMAC_SHA1_32', key: KEY },
  ]);
  for (const more of ['|2^48', '|1048576', ' WSH=128', ' -WHATEVER=1 WSH=64'])
    assert.equal(read(PLAIN + more).length, 1, more);
});

test('SDP-25 a line that asks for what is not done is none: other keys in the call, no encryption, unknown parameters', () => {
  for (const more of [
    '|2^31|1:4',
    '|1:4',
    `;inline:${KEY}|2^20|2:4`,
    '|2^19',
    '|100',
    '|2^99',
    '|',
    ' KDR=1',
    ' UNENCRYPTED_SRTP',
    ' UNENCRYPTED_SRTCP',
    ' UNAUTHENTICATED_SRTP',
    ' FEC_ORDER=SRTP_FEC',
    ' NEW=1',
  ])
    assert.deepEqual(read(PLAIN + more), [], more);
  for (const line of [
    '',
    '1',
    `1 ${SUITE}`,
    `x ${SUITE} inline:${KEY}`,
    `-1 ${SUITE} inline:${KEY}`,
    `1234567890 ${SUITE} inline:${KEY}`,
    `1 ${SUITE} uri:${KEY}`,
    `1 ${SUITE} inline:`,
    `1 ${SUITE} inline:?${KEY}`,
    `1 ${SUITE} inline:${KEY.repeat(4)}`,
    `1 ${SUITE};x inline:${KEY}`,
  ])
    assert.deepEqual(read(line), [], line);
});

test('SDP-25 whatever stands in a=crypto, the rest is read, and no more than 16 lines are kept', () => {
  const part = fc.oneof(
    fc.constantFrom(...PLAIN.split(/(?=[ |:])/), '|', ';', '2^31', '1:4', '-', ' '),
    fc.string({ unit: 'grapheme-ascii', maxLength: 60 }),
  );
  const line = fc.array(part, { maxLength: 8 }).map(parts => parts.join('').replaceAll(/[\r\n]/g, ''));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 30 }), lines => {
      const kept = read(...lines, PLAIN);
      assert.ok(kept.length <= 16);
      for (const { tag, suite, key } of kept) {
        assert.ok(Number.isSafeInteger(tag) && tag >= 0);
        assert.match(suite, /^[\w-]+$/);
        assert.match(key, /^[A-Za-z0-9+/]{16,128}={0,2}$/);
      }
    }),
  );
  assert.equal(read(...Array.from({ length: 30 }, (_, tag) => PLAIN.replace('1', `${tag}`))).length, 16);
});

test('SDP-25 RFC 4568 4.1 a tag is of one line: the second with it is none, whatever it says', () => {
  const other = `1 AES_CM_128_HMAC_SHA1_32 inline:${KEY}`;
  assert.deepEqual(
    read(PLAIN, other, `01 ${SUITE} inline:${KEY}`, `2 ${SUITE} inline:${KEY}`).map(({ tag, suite }) => [tag, suite]),
    [
      [1, SUITE],
      [2, SUITE],
    ],
  );
});
