/** Visitor tokens and the work they cost: who signed, what for, how long, how often. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { SignJWT, UnsecuredJWT } from 'jose';
import { createProofOfWork, zeroBits } from './proof-of-work.ts';
import { createSigningKeys } from './signing-keys.ts';
import { createVisitorTokens, LONGEST_CALL_MS } from './visitor-token.ts';

const START_MS = 120_000;
const HOUR_MS = 3_600_000;

function rig() {
  const time = { now: Date.UTC(2026, 2, 1) };
  const now = () => time.now;
  const keys = createSigningKeys(now, START_MS + LONGEST_CALL_MS);
  const tokens = createVisitorTokens({ keys, now, startMs: START_MS });
  const work = createProofOfWork({ keys, now, bits: 4, bitsMax: 8, solveMs: START_MS });
  return { time, keys, tokens, work };
}

const visitor = { clientId: 'shop', entryPointId: 'ep-1', origin: 'https://shop.example', reference: null };

test('CTC-03 a token is good for two minutes, and for its call until that is over', async () => {
  const { time, tokens } = rig();
  const { token, startBy } = await tokens.issue(visitor);
  assert.equal(startBy, time.now + START_MS);
  const access = await tokens.verify(token);
  assert.ok(access !== null);
  assert.deepEqual({ ...access.visitor, id: '' }, { ...visitor, id: '', startBy });
  assert.deepEqual(access.principal, { clientId: 'shop', subject: access.visitor.id, number: null, legs: 2 });
  const { token: unused } = await tokens.issue(visitor);
  assert.equal(tokens.start(access.visitor, 'https://shop.example'), true);
  tokens.bind(access.visitor, 'channel');
  time.now += START_MS;
  assert.equal(await tokens.verify(unused), null);
  assert.ok(await tokens.verify(token));
  time.now += LONGEST_CALL_MS;
  assert.equal(await tokens.verify(token), null);
});

test('CTC-03 a token has one call; one that was not made may be tried again', async () => {
  const { tokens } = rig();
  const access = await tokens.verify((await tokens.issue(visitor)).token);
  assert.ok(access !== null);
  assert.equal(tokens.start(access.visitor, 'o'), true);
  assert.equal(tokens.start(access.visitor, 'o'), false);
  tokens.giveUp(access.visitor);
  assert.equal(tokens.start(access.visitor, 'o'), true);
  tokens.bind(access.visitor, 'channel');
  assert.deepEqual(tokens.callOf(access.visitor)?.channelId, 'channel');
  assert.equal(tokens.start(access.visitor, 'o'), false);
});

test('CTC-03 only what this process signed, as a token, counts', async () => {
  const { tokens, keys, time } = rig();
  const { token } = await tokens.issue(visitor);
  const other = await rig().tokens.issue(visitor);
  assert.equal(await tokens.verify(other.token), null, 'a restart forgets');
  const claims = { client_id: 'shop', entry_point: 'ep-1', origin: null, reference: null, start_by: time.now + 1000 };
  const unsigned = new UnsecuredJWT(claims).setAudience('webrtc-click-to-call').setExpirationTime('1h').encode();
  const { id, secret } = keys.current();
  const elsewhere = await new SignJWT(claims)
    .setProtectedHeader({ alg: 'HS256', kid: id })
    .setAudience('lineside')
    .setExpirationTime((time.now + 1000) / 1000)
    .sign(secret);
  for (const bad of [unsigned, elsewhere, `${token}x`, token.slice(1), '', 'a.b.c'])
    assert.equal(await tokens.verify(bad), null, bad);
  assert.equal(await tokens.verify(token, { jwt: 'proof' }), null, 'DPoP has no meaning here');
});

test('CTC-03 keys turn every hour, and count as long as what they signed', async () => {
  const { time, tokens, keys } = rig();
  const { token } = await tokens.issue(visitor);
  const access = await tokens.verify(token);
  assert.ok(access !== null);
  tokens.start(access.visitor, 'o');
  tokens.bind(access.visitor, 'channel');
  const first = keys.current().id;
  time.now += HOUR_MS - 1;
  assert.equal(keys.current().id, first);
  time.now += 1;
  assert.notEqual(keys.current().id, first);
  assert.ok(await tokens.verify(token));
  time.now += 2 * HOUR_MS;
  keys.current();
  assert.equal(keys.find(first), null);
});

test('CTC-03 what tokens did is forgotten when they are over', async () => {
  const { time, tokens } = rig();
  for (let n = 0; n < 5; n += 1) {
    const access = await tokens.verify((await tokens.issue(visitor)).token);
    assert.ok(access !== null);
    tokens.start(access.visitor, 'o');
    tokens.bind(access.visitor, 'channel');
  }
  time.now += 2 * HOUR_MS;
  const access = await tokens.verify((await tokens.issue(visitor)).token);
  assert.ok(access !== null);
  tokens.start(access.visitor, 'o');
  assert.equal(tokens.size, 1);
});

function solve(challenge: string, difficulty: number): string {
  for (let n = 0; ; n += 1) if (bitsOf(`${challenge}${n}`) >= difficulty) return String(n);
}

function bitsOf(text: string): number {
  return zeroBits(createHash('sha256').update(text).digest());
}

test('CTC-05 work counts once, for its entry point and origin, in time', () => {
  const { time, work } = rig();
  const asked = () => {
    const { challenge, difficulty } = work.challenge('ep', 'o', 'address');
    return { challenge, solution: solve(challenge, difficulty) };
  };
  const good = asked();
  assert.equal(work.accept(good, 'other', 'o'), false);
  assert.equal(work.accept(good, 'ep', 'other'), false);
  assert.equal(rig().work.accept(good, 'ep', 'o'), false, 'another process has another key');
  const lazy = Array.from({ length: 99 }, (_, n) => String(n)).find(text => bitsOf(good.challenge + text) < 4);
  assert.equal(work.accept({ ...good, solution: lazy ?? '' }, 'ep', 'o'), false);
  for (const challenge of ['', '..', 'a.b.c', good.challenge.replace('.', '.e'), `${good.challenge}.x`.slice(2)])
    assert.equal(work.accept({ ...good, challenge }, 'ep', 'o'), false, challenge);
  assert.equal(work.accept(good, 'ep', 'o'), true);
  assert.equal(work.accept(good, 'ep', 'o'), false);
  const late = asked();
  time.now += START_MS;
  assert.equal(work.accept(late, 'ep', 'o'), false);
  assert.equal(work.size, 1);
  assert.equal(work.accept(asked(), 'ep', 'o'), true);
  assert.equal(work.size, 1, 'what is over is forgotten');
});

test('CTC-05 who asks often works more, up to a limit, and less again later', () => {
  const { time, work } = rig();
  const bits = (address: string) => work.challenge('ep', 'o', address).difficulty;
  const asked = Array.from({ length: 100 }, () => bits('busy'));
  assert.deepEqual([asked[0], asked[3], asked[4], asked[15], asked.at(-1)], [4, 4, 5, 6, 8]);
  assert.equal(bits('calm'), 4);
  time.now += HOUR_MS;
  assert.equal(bits('busy'), 4);
});

test('CTC-05 zero bits are counted over bytes', () => {
  for (const [bytes, bits] of [
    [[0x80], 0],
    [[0x7f], 1],
    [[0x01], 7],
    [[0, 0x10], 11],
    [[0, 0], 16],
  ] as const)
    assert.equal(zeroBits(Uint8Array.from(bytes)), bits);
});
