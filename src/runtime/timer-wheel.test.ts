/** The wheel fires every timer once, never early, in order, whatever the mix of starts, stops and leaps of time. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { SCALE } from '../../test/support/scale.ts';
import { createTimerWheel } from './timer-wheel.ts';

test('a timer fires once, not before its time and at most one tick after it', () => {
  let now = 1000;
  const fired: string[] = [];
  const wheel = createTimerWheel(() => now, null);
  wheel.start('a', 25, key => fired.push(key));
  now = 1024;
  wheel.advance(now);
  assert.deepEqual(fired, []);
  now = 1035;
  wheel.advance(now);
  wheel.advance(now + 100_000);
  assert.deepEqual(fired, ['a']);
  assert.equal(wheel.size, 0);
});

test('a timer stopped or restarted by one that fires in the same tick does not fire', () => {
  let now = 0;
  const fired: string[] = [];
  const wheel = createTimerWheel(() => now, null);
  wheel.start('first', 10, () => {
    fired.push('first');
    wheel.stop('second');
    wheel.start('third', 50, key => fired.push(key));
  });
  wheel.start('second', 10, key => fired.push(key));
  wheel.start('third', 10, key => fired.push(key));
  now = 10;
  wheel.advance(now);
  assert.deepEqual(fired, ['first']);
  now = 60;
  wheel.advance(now);
  assert.deepEqual(fired, ['first', 'third']);
});

test('any sequence of starts, stops and leaps agrees with a plain list', () => {
  const near = fc.integer({ min: 0, max: 40_000 });
  // Past what the greatest wheel reaches: 46 hours.
  const far = fc.integer({ min: 0, max: 400_000_000 });
  const step = fc.oneof(
    fc.record({ do: fc.constant('start' as const), key: fc.nat(5), ms: fc.oneof(near, far) }),
    fc.record({ do: fc.constant('stop' as const), key: fc.nat(5), ms: fc.constant(0) }),
    fc.record({ do: fc.constant('advance' as const), key: fc.constant(0), ms: fc.oneof(near, far) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      let now = 123_456;
      const wheel = createTimerWheel(() => now, null);
      const model = new Map<string, number>();
      for (const { do: what, key: n, ms } of steps) {
        const key = String(n);
        if (what === 'start') {
          model.set(key, now + ms);
          wheel.start(key, ms, fired => {
            const due = model.get(fired);
            assert.ok(due !== undefined && due <= now, 'fired early or twice');
            model.delete(fired);
          });
        } else if (what === 'stop') {
          model.delete(key);
          wheel.stop(key);
        } else {
          now += ms;
          wheel.advance(now);
          for (const due of model.values()) assert.ok(due > now - 10, 'a due timer did not fire');
        }
      }
      assert.equal(wheel.size, model.size);
    }),
    { numRuns: 300 * SCALE },
  );
});

test('it sleeps until the next timer is due, is woken for no other, and sleeps no longer when none is left', () => {
  let now = 5000;
  const asked: number[] = [];
  let wake: (() => void) | null = null;
  const fired: string[] = [];
  const wheel = createTimerWheel(
    () => now,
    (ms, run) => {
      asked.push(ms);
      wake = run;
      return () => {
        wake = null;
      };
    },
  );
  const wakeAt = (at: number) => {
    now = at;
    const run = wake;
    wake = null;
    run?.();
  };
  const note = (key: string) => fired.push(key);
  wheel.start('later', 700, note);
  wheel.start('last', 900, note);
  assert.deepEqual(asked, [700]);
  wheel.start('soon', 200, note);
  assert.deepEqual(asked, [700, 200]);
  wakeAt(5200);
  assert.deepEqual([fired, asked], [['soon'], [700, 200, 500]]);
  wheel.stop('last');
  wakeAt(5700);
  assert.deepEqual([fired, wake], [['soon', 'later'], null]);
});

test('a clock that was set while it slept is noticed within a second', () => {
  let now = 0;
  let wake = () => {};
  let asked = 0;
  const fired: string[] = [];
  const wheel = createTimerWheel(
    () => now,
    (ms, run) => {
      asked = ms;
      wake = run;
      return () => {};
    },
  );
  wheel.start('hour', 3_600_000, key => fired.push(key));
  assert.ok(asked <= 1000, `${asked}`);
  now = 3_600_010;
  wake();
  assert.deepEqual(fired, ['hour']);
});
