import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { kept } from './kept.ts';

const MIB = 1024 * 1024;

test('a kept part does not hold the text it was cut from', () => {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const part = (n: number) =>
    kept(
      Buffer.alloc(MIB / 4, `<sip:orig@s-cscf${n}.example.com;lr>`)
        .toString('latin1')
        .slice(0, 30),
    );
  collect();
  const before = process.memoryUsage().heapUsed;
  const parts = Array.from({ length: 128 }, (_, n) => part(n));
  collect();
  assert.ok(process.memoryUsage().heapUsed - before < 8 * MIB);
  assert.equal(parts.length, 128);
});

test('a kept text is the same, whatever it holds', () => {
  for (const text of ['', '<sip:a@b;lr>', 'Zoë Ωμέγα 😀', '\ud800 alone']) assert.equal(kept(text), text);
});
