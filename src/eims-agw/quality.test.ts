/** The E-model against its known values, and that worse figures never sound better. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { estimatedMos } from './quality.ts';

test('a clean path is the best G.711 can be; loss and delay cost what the model says', () => {
  // R 92.7 with 20 ms of packetisation: G.107 Annex B gives 4.40.
  assert.equal(estimatedMos(0, 0, 0), 4.4);
  // 2 % random loss takes 7.01 from R; 1 s of round trip takes 50.18.
  assert.equal(estimatedMos(0.02, 0, 0), 4.22);
  assert.equal(estimatedMos(0, 0, 1_000), 2.21);
  assert.equal(estimatedMos(1, 0, 0), 1.16);
});

test('more loss, jitter or delay is never better, and the score stays within its scale', () => {
  const figure = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(figure, figure, figure, figure, (loss, jitter, trip, more) => {
      const score = estimatedMos(loss, jitter * 500, trip * 5_000);
      assert.ok(score >= 1 && score <= 4.41, `${score}`);
      assert.ok(estimatedMos(Math.min(1, loss + more), jitter * 500, trip * 5_000) <= score);
      assert.ok(estimatedMos(loss, (jitter + more) * 500, trip * 5_000) <= score);
      assert.ok(estimatedMos(loss, jitter * 500, (trip + more) * 5_000) <= score);
    }),
    { seed: 11, numRuns: 500 },
  );
});
