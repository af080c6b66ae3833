/** Digest both ways: known answers, legacy form, stale and replayed nonces, bad credentials. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/property.ts';
import { SCALE } from '../../../test/support/scale.ts';
import { parseAuthValue } from './auth-param.ts';
import { answerChallenge, chooseChallenge, parseChallenge, responseDigest, secretDigest } from './digest.ts';
import type { DigestAlgorithm } from './digest-algorithm.ts';
import {
  createChallenge,
  createNonce,
  createNonceCounts,
  nonceTime,
  type VerifyInput,
  verifyAuthorization,
} from './digest-server.ts';

const RUNS = 300 * SCALE;
const NONCE = 'dcd98b7102dd2f0e8b11d0f600bfb0c093';
const USER = { username: 'web-99910020001@example.com', password: 'correct horse' };
const REQUEST = { method: 'REGISTER', uri: 'sip:example.com', nc: 1, cnonce: '0a4f113b' };

function answer(challenge: string): Map<string, string> {
  const parsed = parseChallenge(challenge);
  assert.ok(parsed);
  return parseAuthValue(answerChallenge({ challenge: parsed, ...USER, ...REQUEST }))?.params ?? new Map();
}

const VECTORS: ReadonlyArray<[DigestAlgorithm, string]> = [
  ['MD5', 'cf8f8a7332cb2515f0354b2a3ed2f334'],
  ['SHA-256', '79230ec55225e6ea1a5455de5497fa631d1ae90589d05c651ffeb4dcdbc3de15'],
  ['SHA-512-256', '789161b157c368daf393eb78a203eeaa736f32221a13c21f1d882ac8bba0a0f7'],
];

for (const [algorithm, response] of VECTORS) {
  test(`DIG-02 ${algorithm} gives the known response`, () => {
    const params = answer(createChallenge({ realm: 'example.com', nonce: NONCE, algorithm }));
    assert.equal(params.get('response'), response);
    assert.equal(params.get('nc'), '00000001');
    assert.equal(params.get('qop'), 'auth');
    assert.equal(params.get('algorithm'), algorithm);
  });
}

test('DIG-02 MD5 without qop gives the known legacy response and no cnonce', () => {
  const params = answer(`Digest realm="example.com",nonce="${NONCE}"`);
  assert.equal(params.get('response'), 'c722cbee1bd819c3fe1baccef93d6660');
  assert.equal(params.has('cnonce') || params.has('nc') || params.has('algorithm'), false);
});

test('rspauth and H(A1) are the known ones', () => {
  const ha1 = secretDigest('MD5', USER.username, 'example.com', USER.password);
  assert.equal(ha1, '2608292eb46dd3e76fa09cb28945b617');
  const body = new Uint8Array(0);
  const input = { algorithm: 'MD5', nonce: NONCE, ...REQUEST, nc: '00000001', qop: 'auth', body } as const;
  assert.equal(responseDigest(ha1, input), 'a8402e45a2de9928b1b0ad7cb6147b5b');
});

test('DIG-01 the topmost challenge we support is chosen', () => {
  const chosen = chooseChallenge([
    'Basic realm="x"',
    'Digest realm="x", nonce="1", algorithm=SHA-3',
    'Digest realm="x", nonce="2", algorithm=SHA-256, qop="auth-int,auth", stale=TRUE, opaque="o"',
    'Digest realm="x", nonce="3", algorithm=MD5',
  ]);
  assert.deepEqual(chosen, {
    realm: 'x',
    nonce: '2',
    algorithm: 'SHA-256',
    aka: null,
    algorithmName: 'SHA-256',
    opaque: 'o',
    qop: ['auth-int', 'auth'],
    stale: true,
  });
  assert.equal(chooseChallenge(['Digest realm="x"', 'Digest realm="x", nonce="1", qop="auth-x"']), null);
});

const KEY = Buffer.from('0123456789abcdef');
const NOW = 1_700_000_000_000;

function attempt(change: Partial<VerifyInput>, password: string = USER.password, nonceMs = NOW, nc = 1) {
  const nonce = createNonce(KEY, nonceMs, 'r1');
  const challenge = parseChallenge(createChallenge({ realm: 'example.com', nonce, algorithm: 'SHA-256' }));
  assert.ok(challenge);
  const authorization = answerChallenge({ challenge, ...REQUEST, nc, username: USER.username, password });
  return verifyAuthorization({
    authorization,
    realm: 'example.com',
    method: 'REGISTER',
    uri: 'sip:example.com',
    body: new Uint8Array(0),
    passwordOf: name => (name === USER.username ? USER.password : null),
    key: KEY,
    nowMs: NOW + 1000,
    nonceLifeMs: 60_000,
    ...change,
  });
}

test('right credentials pass, also with an equal URI written otherwise', () => {
  assert.deepEqual(attempt({}), { type: 'ok', username: USER.username });
  assert.equal(attempt({ uri: 'sip:EXAMPLE.com' }).type, 'ok');
});

test('wrong password, method, URI, user and algorithm are rejected', () => {
  assert.equal(attempt({}, 'wrong').type, 'rejected');
  assert.equal(attempt({ method: 'INVITE' }).type, 'rejected');
  assert.equal(attempt({ uri: 'sip:other.example' }).type, 'rejected');
  assert.equal(attempt({ passwordOf: () => null }, '').type, 'rejected');
  assert.equal(attempt({ algorithms: ['MD5'] }).type, 'rejected');
});

test('another realm or scheme counts as no credentials', () => {
  assert.deepEqual(attempt({ realm: 'other' }), { type: 'absent' });
  assert.deepEqual(attempt({ authorization: 'Bearer abc' }), { type: 'absent' });
});

test('an old nonce, and one sealed by another key, is stale when the secret was right', () => {
  assert.equal(attempt({ nowMs: NOW + 61_000 }).type, 'stale');
  assert.equal(attempt({ key: Buffer.from('another key') }).type, 'stale');
  assert.equal(attempt({ nowMs: NOW + 61_000 }, 'wrong').type, 'rejected');
});

test('a nonce-count is good once and never goes back', () => {
  const counts = createNonceCounts();
  assert.equal(attempt({ counts }, USER.password, NOW, 2).type, 'ok');
  assert.equal(attempt({ counts }, USER.password, NOW, 2).type, 'stale');
  assert.equal(attempt({ counts }, USER.password, NOW, 1).type, 'stale');
  assert.equal(attempt({ counts }, USER.password, NOW, 3).type, 'ok');
});

test('counts that had to be forgotten stay used', () => {
  const counts = createNonceCounts(2);
  for (const made of [1, 2, 3]) assert.equal(counts.use(`n${made}`, made, 1), true);
  assert.equal(counts.use('n1', 1, 1), false);
  assert.equal(counts.use('n3', 3, 2), true);
});

test('a nonce gives its time back only when it is whole', () => {
  const nonce = createNonce(KEY, NOW, 'abc');
  assert.equal(nonceTime(KEY, nonce), NOW);
  assert.equal(nonceTime(KEY, nonce.replace('abc', 'abd')), null);
  assert.equal(nonceTime(KEY, ''), null);
});

test('malformed credentials are rejected, never thrown at', () => {
  for (const text of ['', '=', 'Digest a', 'Digest realm="example.com', 'Digest realm="example.com", realm="x"']) {
    assert.notEqual(attempt({ authorization: text }).type, 'ok');
  }
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), text => {
      assert.notEqual(attempt({ authorization: text }).type, 'ok');
      assert.notEqual(attempt({ authorization: `Digest realm="example.com", ${text}` }).type, 'ok');
      parseChallenge(`Digest ${text}`);
    }),
    { numRuns: RUNS },
  );
});

test('DIG-03 nc is eight digits of its own count; qop, nc and algorithm stand bare, all else in quotes', () => {
  const parsed = parseChallenge(
    `Digest realm="r", nonce="${NONCE}", algorithm=SHA-256, qop="auth,auth-int", opaque="o"`,
  );
  assert.ok(parsed);
  const text = (nc: number, cnonce: string) => answerChallenge({ challenge: parsed, ...USER, ...REQUEST, nc, cnonce });
  const first = text(1, 'c1');
  assert.match(first, /, algorithm=SHA-256, opaque="o", qop=auth, nc=00000001, cnonce="c1"$/);
  for (const name of ['username', 'realm', 'nonce', 'uri', 'response'])
    assert.match(first, new RegExp(`[ ,]${name}="`));
  const later = text(27, 'c2');
  assert.match(later, /nc=0000001b, cnonce="c2"$/);
  assert.notEqual(/response="(\w+)"/.exec(later)?.[1], /response="(\w+)"/.exec(first)?.[1]);
});
