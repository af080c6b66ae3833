/** A loop that stays late is noticed, one pause is not, and an idle loop again is on time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLag, lastingLateness } from './lag.ts';

/** The lateness after rounds that were so late, ms. */
function after(...late: number[]): number {
  const lateness = lastingLateness();
  let at = 1_000;
  for (const ms of late) {
    at += 100 + ms;
    lateness.note(at, ms);
  }
  return lateness.ms();
}
const rounds = (count: number, ms: number) => new Array<number>(count).fill(ms);

test('a loop on time is not late, from the first round on', () => {
  assert.deepEqual([lastingLateness().ms(), after(0), after(...rounds(50, 0))], [0, 0, 0]);
});

test('a pause of less than half a second does not count, a second one soon after does', () => {
  assert.equal(after(...rounds(20, 0), 390), 0);
  assert.equal(after(...rounds(20, 0), 390, 0, 0, 390), 390);
});

test('lateness that lasts counts after half a second, by what was reached all that time', () => {
  assert.equal(after(...rounds(20, 0), ...rounds(3, 30)), 0);
  assert.equal(after(...rounds(20, 0), ...rounds(4, 30)), 30);
  assert.equal(after(...rounds(20, 0), 30, 300, 30, 30), 30);
});

test('a stall of half a second or more counts at once, and two seconds later no more', () => {
  assert.equal(after(...rounds(20, 0), 700), 700);
  assert.equal(after(700, ...rounds(19, 0)), 700);
  assert.equal(after(700, ...rounds(20, 0)), 0);
});

test('the loop of this process: a stall is seen once it came round, and forgotten', async () => {
  const lag = createLag();
  await sleep(60);
  const until = performance.now() + 900;
  while (performance.now() < until);
  for (let i = 0; i < 200 && lag.ms() < 500; i += 1) await sleep(10);
  assert.ok(lag.ms() >= 500, `seen ${lag.ms()}`);
  for (let i = 0; i < 400 && lag.ms() >= 500; i += 1) await sleep(50);
  assert.ok(lag.ms() < 500, `still ${lag.ms()}`);
  lag.close();
});
