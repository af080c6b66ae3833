/** The E-model against its known values, and that worse figures never sound better. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { estimatedMos } from './quality.ts';

test('a clean path is the best G.711 can be; loss, jitter and delay cost what the model says', () => {
  // R 92.7 with 20 ms of packetisation: G.107 Annex B gives 4.40.
  assert.equal(estimatedMos('PCMA', 0, 0, 0), 4.4);
  // 2 % random loss takes 7.01 from R; 1 s of round trip takes 50.18.
  assert.equal(estimatedMos('PCMA', 0.02, 0, 0), 4.22);
  assert.equal(estimatedMos('PCMA', 0, 0, 1_000), 2.21);
  // Jitter of 100 ms is a buffer of 200, as a round trip of 400 is a delay of 200: 9.98.
  assert.equal(estimatedMos('PCMA', 0, 100, 0), 4.14);
  assert.equal(estimatedMos('PCMA', 0, 0, 400), 4.14);
  assert.equal(estimatedMos('PCMA', 1, 0, 0), 1.16);
});

test('each codec has its own impairment and its own way with loss', () => {
  // R of 93.2 - 5 - 0.48, and (129 - 13 - 0.48) / 1.29, and (129 - 1 - 0.48) / 1.29.
  assert.deepEqual(
    ['PCMU', 'AMR', 'AMR-WB', 'g722', 'opus', null].map(codec => estimatedMos(codec, 0, 0, 0)),
    [4.4, 4.28, 4.33, 4.33, 4.49, 4.4],
  );
  // 3 % lost.
  assert.deepEqual(
    ['PCMU', 'AMR', 'AMR-WB', 'opus'].map(codec => estimatedMos(codec, 0.03, 0, 0)),
    [4.12, 3.45, 3.28, 4.1],
  );
});

test('more loss, jitter or delay is never better, and the score stays within its scale', () => {
  const codec = fc.constantFrom('PCMU', 'AMR', 'AMR-WB', 'G722', 'opus', 'unknown', null);
  const figure = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(codec, figure, figure, figure, figure, (name, loss, jitter, trip, more) => {
      const score = estimatedMos(name, loss, jitter * 500, trip * 5_000);
      assert.ok(score >= 1 && score <= 4.5, `${score}`);
      assert.ok(estimatedMos(name, Math.min(1, loss + more), jitter * 500, trip * 5_000) <= score);
      assert.ok(estimatedMos(name, loss, (jitter + more) * 500, trip * 5_000) <= score);
      assert.ok(estimatedMos(name, loss, jitter * 500, (trip + more) * 5_000) <= score);
    }),
    { numRuns: 500 },
  );
});
