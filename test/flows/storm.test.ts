/** A core that refuses everybody at once, and then takes them back. IMS digest 2.7.1, RFC 5626 4.5. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { E164 } from '../../src/ep-cscf/ids.ts';
import { register } from '../support/core-story.ts';
import { createWorld } from '../support/core-world.ts';

const BINDINGS = 2000;
const RETRY_AFTER_S = 120;

const outcome = { code: 503, phrase: 'Service Unavailable', q850: null, local: null, reason: null };

test('REG-14 2,000 bindings refused with the same Retry-After come back, none early, none lost, and spread', () => {
  const world = createWorld({ ims: { backOff: { baseMs: 30_000, maxMs: 1_800_000, jitter: 0.5 } } });
  const numbers = Array.from({ length: BINDINGS }, (_, i) => `+1555${String(i).padStart(7, '0')}` as E164);
  for (const [i, number] of numbers.entries()) register(world, number, i);
  world.behaviour.register = 'silent';
  world.take('ims.register');
  // A core that was started again wants to see everybody at once.
  const owners = world.effects.flatMap(e => (e.type === 'ims.register' ? [e.owner] : []));
  for (const owner of owners) world.give({ type: 'ims-register-wanted', owner });
  const refreshes = world.take('ims.register');
  assert.equal(refreshes.length, BINDINGS);
  for (const { owner, ref } of refreshes)
    world.give({ type: 'ims-register-failed', owner, ref, outcome, retryAfterS: RETRY_AFTER_S, unanswered: false });

  world.behaviour.register = 'ok';
  const back: number[] = [];
  for (let second = 1; second <= 2 * RETRY_AFTER_S; second += 1) {
    world.advance(1000);
    back.push(world.take('ims.register').length);
  }
  assert.equal(
    back.slice(0, RETRY_AFTER_S - 1).reduce((a, b) => a + b, 0),
    0,
    'nobody comes before it may',
  );
  assert.equal(
    back.reduce((a, b) => a + b, 0),
    BINDINGS,
    'everybody comes once',
  );
  assert.ok(Math.max(...back) < BINDINGS / 8, `${Math.max(...back)} come in one second`);
  assert.equal(world.core.sizes().registrations, BINDINGS);
  assert.deepEqual(world.events, [], 'no application hears of it');
});
