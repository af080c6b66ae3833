/** When a worker rests. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createPace } from './pace.ts';

function world() {
  let now = 1000;
  const ends: Array<() => void> = [];
  const rests: number[] = [];
  return {
    rests,
    now: () => now,
    atTurnEnd: (run: () => void) => void ends.push(run),
    rest: (ms: number) => void rests.push(ms),
    /** A turn of packets that takes so long. */
    turn(packets: number, ms: number, pace: () => void) {
      for (let i = 0; i < packets; i += 1) pace();
      now += ms;
      for (const end of ends.splice(0)) end();
    },
  };
}

test('one rest after a turn, however many packets it had; none after one without', () => {
  const w = world();
  const pace = createPace(2, w)();
  w.turn(1, 0.1, pace);
  w.turn(31, 1.5, pace);
  w.turn(0, 0.1, pace);
  assert.deepEqual(w.rests, [2, 2]);
});

test('a turn longer than the rest has none: a busy worker loses no time', () => {
  const w = world();
  const pace = createPace(2, w)();
  w.turn(40, 2, pace);
  w.turn(40, 9, pace);
  assert.deepEqual(w.rests, []);
  w.turn(1, 0.1, pace);
  assert.deepEqual(w.rests, [2]);
});

test('no rest while a socket has more than it could give in its turn: neither a flood nor a full house may run over its queue', () => {
  const w = world();
  const paces = createPace(2, w);
  const [one, other] = [paces(), paces()];
  w.turn(32, 0.1, one);
  assert.deepEqual(w.rests, []);
  w.turn(31, 0.1, one);
  w.turn(31, 0.1, () => {
    one();
    other();
  });
  assert.deepEqual(w.rests, [2, 2]);
  other();
  w.turn(32, 0.1, one);
  assert.deepEqual(w.rests, [2, 2]);
});

test('without a rest nothing is asked of the loop', () => {
  const w = world();
  createPace(0, w)()();
  w.turn(1, 0, createPace(0, w)());
  assert.deepEqual(w.rests, []);
});
