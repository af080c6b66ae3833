/** What a table says of several runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowOf, spread } from './bench.ts';

test('the median of an even number of runs lies between the two in the middle', () => {
  assert.deepEqual(spread([40, 28]), { median: 34, min: 28, max: 40 });
  assert.deepEqual(spread([3, 1, 2]), { median: 2, min: 1, max: 3 });
  assert.deepEqual(spread([4, 1, 2, 8]), { median: 3, min: 1, max: 8 });
  assert.deepEqual(spread([7]), { median: 7, min: 7, max: 7 });
});

test('nothing measured is no figure', () => {
  assert.throws(() => spread([]), RangeError);
  assert.deepEqual(rowOf('one', [{ us: 2 }, { us: 4 }]).figures, { us: { median: 3, min: 2, max: 4 } });
});
