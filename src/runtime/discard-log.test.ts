/** A flood of bad input leaves one line for each reason and ten seconds, and no message is left out of the count. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createDiscardLog } from './discard-log.ts';

test('the first is told at once, the others together with the next after ten seconds', () => {
  let now = 0;
  const lines: Array<[string, number]> = [];
  const discard = createDiscardLog(
    () => now,
    (reason, count) => lines.push([reason, count]),
  );
  for (let i = 0; i < 1000; i += 1) discard('malformed', 1);
  discard('address', 1);
  now = 10_000;
  discard('malformed', 1);
  assert.deepEqual(lines, [
    ['malformed', 1],
    ['address', 1],
    ['malformed', 1000],
  ]);
});
