/** Milenage and AKA against known answers, both ways, and what a SIM refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { akaPassword, createAkaCard, createAkaVector, readAuts } from './aka.ts';
import { answerChallenge, parseChallenge } from './digest.ts';
import { macs, milenage, opcOf } from './milenage.ts';

const hex = (text: string) => Buffer.from(text, 'hex');
const RAND = hex('23553cbe9637a89d218ae64dae47bf35');
const SQN = 0xff9bb4d0b607n;
const AMF = hex('b9b9');
const K = hex('465b5ce8b199b49faa5f0a2ee238a6bc');
const KEY = { k: K, opc: opcOf(K, hex('cdc202d5123e20f62b6d676ac72cb318')) };
const NONCE = 'I1U8vpY3qJ0hiuZNrke/NVXzKLQ1d7m5Sp/6w1Tfr7M=';
const HOME = 'ims.mnc001.mcc001.3gppnetwork.org';

function responseTo(algorithm: string, password: string | Uint8Array): string {
  const challenge = parseChallenge(`Digest realm="${HOME}", nonce="${NONCE}", algorithm=${algorithm}, qop="auth"`);
  assert.ok(challenge);
  const request = { method: 'REGISTER', uri: `sip:${HOME}`, nc: 1, cnonce: '0a4f113b' };
  const answer = answerChallenge({ challenge, username: `001010000000001@${HOME}`, password, ...request });
  assert.match(answer, new RegExp(`algorithm=${algorithm},`));
  return /response="([^"]*)"/.exec(answer)?.[1] ?? '';
}

function proven() {
  const answer = createAkaCard(KEY).answer(NONCE);
  assert.ok(answer.type === 'ok');
  return answer;
}

test('AKA-01 Milenage gives the outputs of test set 1', () => {
  const { res, ck, ik, ak, akStar } = milenage(KEY, RAND);
  const { macA, macS } = macs(KEY, RAND, hex('ff9bb4d0b607'), AMF);
  assert.deepEqual(
    [KEY.opc, macA, macS, res, ak, akStar, ck, ik].map(value => value.toString('hex')),
    [
      'cd63cb71954a9f4e48a5994e37a02baf',
      '4a9ffac354dfafb3',
      '01cfaf9ec4e871e9',
      'a54211d5e3ba50bf',
      'aa689c648370',
      '451e8beca43b',
      'b40ba9a3c58b2a05bbf0d987b21bf8cb',
      'f769bcd751044604127672711c6d3441',
    ],
  );
});

test('AKA-01 AKAv1-MD5 takes RES itself as the password', () => {
  assert.equal(responseTo('AKAv1-MD5', akaPassword(1, 'MD5', proven())), '402ab8df9f3a4d63a9f47c2f90e02938');
});

test('AKA-02 AKAv2 makes its password of RES, IK and CK', () => {
  const md5 = akaPassword(2, 'MD5', proven());
  assert.equal(md5, 'shzt3q8CWaZnCAWqs3WmEQ==');
  assert.equal(responseTo('AKAv2-MD5', md5), '6774a29ced9929f3dd734d9a97e04ebe');
  const sha256 = akaPassword(2, 'SHA-256', proven());
  assert.equal(sha256, 'wpC+5dv/7kC35JEI2hluv8XcBd+vf8XcfedJBan1buk=');
  const response = responseTo('AKAv2-SHA-256', sha256);
  assert.equal(response, '896c3d681f1a7099e2113252351d2ce2eec83639f3318cf0356107cfd6a3bf04');
});

test('AKA-03 a challenge of the past is answered with AUTS and an empty password', () => {
  const answer = createAkaCard(KEY, 0xff9bb4d0b700n).answer(NONCE);
  assert.deepEqual(answer, { type: 'resync', auts: 'uoU/PBM7gejUAluObEo=' });
  assert.equal(responseTo('AKAv1-MD5', ''), 'da492ad7b08bb89514f214f8c2fdb82b');
  assert.equal(readAuts(KEY, RAND, 'uoU/PBM7gejUAluObEo='), 0xff9bb4d0b700n);
});

test('the home makes the known challenge', () => {
  const { nonce, autn } = createAkaVector(KEY, RAND, SQN, AMF);
  assert.equal(nonce, NONCE);
  assert.equal(autn.toString('hex'), '55f328b43577b9b94a9ffac354dfafb3');
});

test('a SIM takes each SQN once', () => {
  const card = createAkaCard(KEY);
  assert.equal(card.answer(NONCE).type, 'ok');
  assert.equal(card.answer(NONCE).type, 'resync');
  assert.equal(card.answer(createAkaVector(KEY, RAND, SQN + 1n, AMF).nonce).type, 'ok');
});

test('a SIM refuses what its home has not made, whatever the octets', () => {
  const card = createAkaCard(KEY);
  for (const nonce of ['', 'n1', 'dcd98b7102dd2f0e8b11d0f600bfb0c093'])
    assert.equal(card.answer(nonce).type, 'refused');
  const octets = Buffer.from(NONCE, 'base64');
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 31 }), fc.integer({ min: 1, max: 255 }), (at, flip) => {
      const changed = Buffer.from(octets);
      changed[at] = (changed[at] ?? 0) ^ flip;
      assert.equal(card.answer(changed.toString('base64')).type, 'refused');
    }),
    { seed: 3310, numRuns: 100 },
  );
  assert.equal(readAuts(KEY, RAND, 'uoU/PBM7gejUAluObEs='), null);
  assert.equal(readAuts(KEY, RAND, 'short'), null);
});
