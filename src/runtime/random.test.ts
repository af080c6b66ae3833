import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRandom } from './random.ts';

test('no byte is handed out twice, whatever the sizes asked for', () => {
  const random = createRandom();
  const seen = new Set<string>();
  const kept: Array<{ bytes: Buffer; hex: string }> = [];
  for (let i = 0; i < 3000; i += 1) {
    const bytes = random(8 + (i % 29));
    assert.equal(bytes.length, 8 + (i % 29));
    seen.add(bytes.toString('hex', 0, 8));
    kept.push({ bytes, hex: bytes.toString('hex') });
  }
  assert.equal(seen.size, 3000);
  for (const { bytes, hex } of kept) assert.equal(bytes.toString('hex'), hex);
});

test('what a caller writes reaches no other', () => {
  const random = createRandom();
  const first = random(16);
  const second = random(16);
  const before = second.toString('hex');
  first.fill(0);
  assert.equal(second.toString('hex'), before);
});

test('a whole block is the most', () => {
  assert.equal(createRandom()(4096).length, 4096);
  assert.throws(() => createRandom()(4097), RangeError);
});
