/** Milenage and AKA against known answers, both ways, and what a SIM refuses. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/property.ts';
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

function responseTo(algorithm: string, password: string | Uint8Array, nonce = NONCE): string {
  const challenge = parseChallenge(`Digest realm="${HOME}", nonce="${nonce}", algorithm=${algorithm}, qop="auth"`);
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

/**
 * Test sets 2 and 3 of TS 35.208, and what a client answers to their challenges. The answers were computed apart from this code by a
 * program of its own on nothing but Python's hashlib and hmac: AES by the tables of FIPS 197 (checked with its example), Milenage by
 * TS 35.206, the passwords by RFC 4169, the digest by RFC 7616. It gives those of set 1 above as well. No peer speaks AKAv2-SHA-256.
 */
const SETS = [
  {
    k: '0396eb317b6d1c36f19c1c84cd6ffd16',
    op: 'ff53bade17df5d4e793073ce9d7579fa',
    rand: 'c00d603103dcee52c4478119494202e8',
    sqn: 0xfd8eef40df7dn,
    amf: 'af17',
    nonce: 'wA1gMQPc7lLER4EZSUIC6Dn5bNmAD68XXfWzGAfiWLA=',
    answers: {
      'AKAv1-MD5': 'ddf9e6e7795833f3efad85f3a38c0033',
      'AKAv1-SHA-256': 'e20daa2b8a8e9ea6f35bf61c8d16edf73ac7575de9232c964180a7b3dd7d7974',
      'AKAv2-MD5': '798b05b5770704cf35f12203651b32bc',
      'AKAv2-SHA-256': 'ec8637a7149ef3217e5bb4bc8d7f22d70966b6f56bf3a9c579222e22402c36c1',
    },
  },
  {
    k: 'fec86ba6eb707ed08905757b1bb44b8f',
    op: 'dbc59adcb6f9a0ef735477b7fadf8374',
    rand: '9f7c8d021accf4db213ccff0c7f71a6a',
    sqn: 0x9d0277595ffcn,
    amf: '725c',
    nonce: 'n3yNAhrM9NshPM/wx/caaq5KOptMl3JcnKvD6ZuvcoE=',
    answers: {
      'AKAv1-MD5': '475a87ac10788d244da5c8efa4ff8738',
      'AKAv1-SHA-256': 'f57335235159644645aa5dec8c033dec3b7a609e6a645c05e8f761355a47777d',
      'AKAv2-MD5': '76867b47666f6f63f15893002fe281d1',
      'AKAv2-SHA-256': '2c1f37cb3073a9fc38cf3759a18a0dfcfff7d1df76847260d118f28fe13eb890',
    },
  },
];

test('AKA-01 AKA-02 every version and hash answers the challenges of other SIMs as an independent program does', () => {
  for (const { k, op, rand, sqn, amf, nonce, answers } of SETS) {
    const key = { k: hex(k), opc: opcOf(hex(k), hex(op)) };
    assert.equal(createAkaVector(key, hex(rand), sqn, hex(amf)).nonce, nonce);
    const answer = createAkaCard(key).answer(nonce);
    assert.ok(answer.type === 'ok');
    for (const [algorithm, expected] of Object.entries(answers)) {
      const [, version, hash] = /^AKAv([12])-(MD5|SHA-256)$/.exec(algorithm) ?? [];
      const password = akaPassword(version === '1' ? 1 : 2, hash === 'MD5' ? 'MD5' : 'SHA-256', answer);
      assert.equal(responseTo(algorithm, password, nonce), expected, algorithm);
    }
  }
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
    { numRuns: 100 },
  );
  assert.equal(readAuts(KEY, RAND, 'uoU/PBM7gejUAluObEs='), null);
  assert.equal(readAuts(KEY, RAND, 'short'), null);
});
