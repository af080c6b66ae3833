/** Mutated datagrams into parser and layer: nothing is thrown, the table stays within its limit and empties again. `npm run fuzz` plays a million. */
import { test } from 'node:test';
import { SCALE } from '../../../test/support/scale.ts';
import { mutantRound } from '../../../test/support/sip-mutants.ts';

test('mutated datagrams: no throw, a bounded table, nothing left at the end', () => {
  for (let round = 0; round < 4 * SCALE; round += 1) mutantRound(1000 + round, 2500);
});
