/** A busy event loop is noticed, and an idle one again. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLag } from './lag.ts';

test('a stall is seen at once and forgotten when the loop runs again', async () => {
  const lag = createLag();
  await sleep(60);
  const until = performance.now() + 400;
  while (performance.now() < until);
  await sleep(60);
  const seen = lag.ms();
  assert.ok(seen >= 100, `seen ${seen}`);
  for (let i = 0; i < 200 && lag.ms() >= seen / 2; i += 1) await sleep(50);
  assert.ok(lag.ms() < seen / 2);
  lag.close();
});
