/** The demo business's closed desk is closed, at whatever hour the sandbox is started. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openingAt } from '../src/wwsf/opening-hours.ts';
import { hoursFarFrom } from './entry-points.ts';

const HOUR_MS = 3_600_000;

test('CTC-06 the desk that shows how closed looks opens a day later at the earliest, whenever the sandbox is started', () => {
  // A week around the change of the clocks in Berlin.
  const week = Array.from({ length: 24 * 7 * 4 }, (_, quarter) => Date.UTC(2026, 9, 21) + (quarter * HOUR_MS) / 4);
  for (const start of week) {
    const hours = hoursFarFrom(start);
    const opening = openingAt(hours, start);
    const waitMs = opening.open ? 0 : (opening.opensAt ?? 0) - start;
    assert.ok(waitMs >= 24 * HOUR_MS && waitMs <= 72 * HOUR_MS, `${new Date(start).toISOString()}: ${waitMs} ms`);
    assert.equal(openingAt(hours, start + waitMs).open, true);
  }
});
