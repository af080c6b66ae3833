import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { solve } from './proof.ts';
import { addBlock, startState } from './sha-256.ts';

const still = { now: () => 0, after: () => () => {} };

const hash = (text: string) => createHash('sha256').update(text).digest();

function zeroBits(digest: Buffer): number {
  const first = digest.findIndex(byte => byte !== 0);
  return first * 8 + Math.clz32(digest[first] ?? 0) - 24;
}

test('one block gives what everybody else gets', () => {
  const block = Buffer.alloc(64);
  block.write('abc\x80', 'latin1');
  block.writeUInt32BE(24, 60);
  const state = startState();
  addBlock(state, state, new DataView(block.buffer, block.byteOffset, 64));
  const hex = [...state].map(word => (word >>> 0).toString(16).padStart(8, '0')).join('');
  assert.equal(hex, hash('abc').toString('hex'));
});

test('a solution has the zero bits it must have, whatever the length of the challenge', async () => {
  for (let length = 0; length <= 200; length += 7) {
    const challenge = 'ß'.repeat(length % 3) + 'x'.repeat(length);
    const solution = await solve({ challenge, difficulty: 9 }, still);
    assert.match(solution, /^\d{12}$/);
    assert.ok(zeroBits(hash(challenge + solution)) >= 9, `${length}`);
  }
});

test('the page gets its turn again and again, and can call it off', async () => {
  let now = 0;
  let turns = 0;
  const stop = new AbortController();
  const page = {
    // Each look at the clock takes a while.
    now: () => (now += 5),
    after(ms: number, work: () => void) {
      assert.equal(ms, 0);
      turns += 1;
      if (turns === 3) stop.abort();
      queueMicrotask(work);
      return () => {};
    },
  };
  await assert.rejects(solve({ challenge: 'c', difficulty: 250 }, page, stop.signal), { name: 'AbortError' });
  assert.equal(turns, 3);
});
