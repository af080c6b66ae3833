/** Proofs of possession, good ones and every kind of bad one. RFC 9449 4.3, 11.1. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { exportJWK, generateKeyPair } from 'jose';
import { createProver } from '../../test/support/dpop.ts';
import { createProofCheck } from './dpop.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const TOKEN = 'the.access.token';
const URL_ = 'https://gateway.example.com/webrtc-registration/v0.4rc1/sessions';
const request = { method: 'POST', url: URL_, token: TOKEN, atMs: NOW };

function kit() {
  const time = { now: NOW };
  const settings = { algorithms: ['ES256', 'RS256', 'EdDSA'], ageS: 60, skewS: 10 };
  return { time, proofs: createProofCheck(settings, { now: () => time.now }) };
}

test('3.3 a proof of the key is good once, for its request, its token and its minute', async () => {
  const { time, proofs } = kit();
  const prover = await createProver();
  const check = (jwt: string, token = TOKEN, thumbprint = prover.thumbprint, method = 'POST', url = URL_) =>
    proofs.check({ jwt, method, url }, token, thumbprint);
  const jwt = await prover.prove(request);
  assert.equal(await check(jwt), null);
  assert.equal(await check(jwt), 'proof-replay');
  time.now += 69_000;
  assert.equal(await check(jwt), 'proof-replay', 'as long as it could be good');
  time.now += 2000;
  assert.equal(await check(jwt), 'proof', 'too old');
  time.now = NOW;
  assert.equal(await check(await prover.prove(request), 'another.token'), 'proof');
  assert.equal(await check(await prover.prove(request), TOKEN, 'another-key'), 'proof');
  assert.equal(await check(await prover.prove(request), TOKEN, prover.thumbprint, 'GET'), 'proof');
  assert.equal(await check(await prover.prove(request), TOKEN, prover.thumbprint, 'POST', `${URL_}/x`), 'proof');
  const other = await createProver();
  assert.equal(await check(await other.prove(request)), 'proof', 'signed by another key');
  assert.equal(await check(await prover.prove({ ...request, url: `${URL_}?deviceId=x#y` })), null, 'without its query');
  assert.equal(await check(await prover.prove({ ...request, url: URL_.replace('.com', '.com:443') })), null);
});

test('3.3 proofs of the algorithms of the settings, and of no other', async () => {
  const { proofs } = kit();
  for (const [alg, good] of [
    ['RS256', true],
    ['EdDSA', true],
    ['ES384', false],
  ] as const) {
    const prover = await createProver(alg);
    const jwt = await prover.prove(request);
    const said = await proofs.check({ jwt, method: 'POST', url: URL_ }, TOKEN, prover.thumbprint);
    assert.equal(said, good ? null : 'proof', alg);
  }
});

test('3.3 what is no proof is none, and nothing makes the check throw', async () => {
  const { proofs } = kit();
  const prover = await createProver();
  const { privateKey } = await generateKeyPair('ES256', { extractable: true });
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const symmetric = `${part({ alg: 'HS256', typ: 'dpop+jwt', jwk: { kty: 'oct', k: 'AA' } })}.${part({ jti: 'x' })}`;
  const bad: Array<[name: string, jwt: string]> = [
    ['empty', ''],
    ['no JWT', 'a.b.c'],
    ['too long', await prover.prove(request, { more: 'x'.repeat(9000) })],
    ['type', await prover.prove(request, {}, { typ: 'JWT' })],
    ['a private key', await prover.prove(request, {}, { jwk: await exportJWK(privateKey) })],
    ['no key', await prover.prove(request, {}, { jwk: undefined })],
    ['HMAC', `${symmetric}.${createHmac('sha256', Buffer.alloc(1)).update(symmetric).digest('base64url')}`],
    ['none', `${part({ alg: 'none', typ: 'dpop+jwt' })}.${part({ jti: 'x' })}.`],
    ['ahead of time', await prover.prove(request, { iat: NOW / 1000 + 30 })],
    ['expired', await prover.prove(request, { exp: NOW / 1000 - 30 })],
    ['iat as text', await prover.prove(request, { iat: '1' })],
    ['long jti', await prover.prove(request, { jti: 'x'.repeat(257) })],
    ['empty jti', await prover.prove(request, { jti: '' })],
    ['jti as number', await prover.prove(request, { jti: 7 })],
    ['htu as number', await prover.prove(request, { htu: 7 })],
    ['htu is no URL', await prover.prove(request, { htu: '/sessions' })],
    ['htm in small letters', await prover.prove(request, { htm: 'post' })],
  ];
  for (const claim of ['jti', 'iat', 'htm', 'htu', 'ath']) {
    bad.push([`no ${claim}`, await prover.prove(request, { [claim]: undefined })]);
  }
  for (const [name, jwt] of bad) {
    assert.equal(await proofs.check({ jwt, method: 'POST', url: URL_ }, TOKEN, prover.thumbprint), 'proof', name);
  }
});
