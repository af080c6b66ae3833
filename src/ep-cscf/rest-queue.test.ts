/** The order in which a pool leases its numbers, against a plain walk over all of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../test/support/property.ts';
import { SCALE } from '../../test/support/scale.ts';
import { type Binding, emptyBinding } from './binding.ts';
import type { BindingId, E164 } from './ids.ts';
import {
  createNumberPool,
  type LeaseRow,
  leaseNumber,
  poolRetryS,
  restoreLeases,
  settleNumber,
} from './number-pool.ts';
import { addBinding, createRegistry, removeBinding } from './registry.ts';
import { dequeue, enqueue, type RestQueue } from './rest-queue.ts';
import { coreSettings, type Pool } from './settings.ts';
import type { Turn } from './turn.ts';

const ids = { ref: never, registration: never } as unknown as Turn['ids'];

function never(): never {
  throw new Error('nothing here needs an id');
}

const TO = { entryPoint: 'ep', source: null };

const numbersOf = (count: number) => Array.from({ length: count }, (_, n) => `+1555010${9000 + n}` as E164);
const bindingOf = (number: E164): Binding => emptyBinding(`b${number}` as BindingId, number, 'active');

function turnOf(numbers: readonly E164[]): { turn: Turn; pool: Pool } {
  const pool: Pool = { id: 'p', clients: ['shop'], numbers, mainNumber: null };
  const settings = coreSettings('ims.example', { pool: { pools: [pool], quarantineMs: 60_000, perSource: 3 } });
  const turn: Turn = {
    now: 0,
    out: [],
    correlator: null,
    settings,
    ids,
    registry: createRegistry(),
    numbers: createNumberPool(settings.pool),
    draining: false,
    changedCalls: new Set(),
    changedBindings: new Set(),
    idleBindings: new Set(),
    arrivals: [],
  };
  return { turn, pool };
}

/** What is to be leased, or how long to wait: all numbers looked at in their order. */
function walk({ now, numbers: { leases }, registry }: Turn, { numbers }: Pool): E164 | number {
  let best: E164 | null = null;
  let since = Number.POSITIVE_INFINITY;
  let soonest = Number.POSITIVE_INFINITY;
  for (const number of numbers) {
    const lease = leases.get(number);
    if (lease?.state === 'held') continue;
    const freeAt = lease?.freeAt ?? Number.NEGATIVE_INFINITY;
    if (freeAt > now) soonest = Math.min(soonest, freeAt - now);
    else if (freeAt < since && !registry.bindingOf.has(number)) [best, since] = [number, freeAt];
  }
  return best ?? Math.max(1, Math.ceil((soonest === Number.POSITIVE_INFINITY ? 30_000 : soonest) / 1000));
}

const step = fc.tuple(fc.constantFrom('lease', 'lease', 'lease', 'settle', 'bind', 'wait', 'restart'), fc.nat(9999));

test('REG-21 the number that has rested longest is the one that a walk over all of them finds, in any order of events', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 7 }), fc.array(step, { maxLength: 80 }), (count, steps) => {
      const numbers = numbersOf(count);
      let { turn, pool } = turnOf(numbers);
      for (const [kind, n] of steps) {
        const number = numbers[n % count] as E164;
        const bound = turn.registry.bindingOf.get(number);
        if (kind === 'lease') {
          const wanted = walk(turn, pool);
          assert.equal(leaseNumber(turn, pool, TO) ?? poolRetryS(turn, pool), wanted);
        } else if (kind === 'settle') settleNumber(turn, number, n % 3 === 0 ? turn.now + n : null);
        else if (kind === 'wait') turn.now += n * 20;
        else if (kind === 'restart') turn = restarted(turn, numbers);
        else if (bound === undefined) addBinding(turn.registry, bindingOf(number));
        else {
          removeBinding(turn.registry, bound);
          settleNumber(turn, number, null);
        }
      }
    }),
    { numRuns: 300 * SCALE },
  );
});

/** Bindings and leases are as they were, and all else is made of them. */
function restarted(before: Turn, numbers: readonly E164[]): Turn {
  const { turn } = turnOf(numbers);
  const bindings = before.registry.bindingOf.values();
  for (const binding of bindings) addBinding(turn.registry, binding);
  const rows = [...before.numbers.leases.values()].map(({ source: _, ...lease }): LeaseRow => ({ v: 1, ...lease }));
  restoreLeases(turn, rows);
  turn.now = before.now;
  return turn;
}

test('REG-21 a lease looks at no more of a pool than it takes', () => {
  const { turn, pool } = turnOf(numbersOf(10));
  Object.defineProperty(pool, 'numbers', { get: () => assert.fail('all numbers are looked at') });
  for (const number of numbersOf(10)) assert.equal(leaseNumber(turn, pool, TO), number);
  assert.equal(leaseNumber(turn, pool, TO), null);
  assert.equal(poolRetryS(turn, pool), 30);
});

test('what is put into a queue comes out by its time, then by its place', () => {
  fc.assert(
    fc.property(fc.array(fc.constantFrom(Number.NEGATIVE_INFINITY, 0, 1, 2, 3, 5, 8)), times => {
      const places = times.map((freeAt, index) => ({ number: '+1' as E164, index, freeAt }));
      const queue: RestQueue = [];
      for (const place of places) enqueue(queue, place);
      const out = places.map(() => {
        const [front] = queue;
        dequeue(queue);
        return front;
      });
      // A sort by time that leaves equals where they are.
      assert.deepEqual(
        out,
        places.toSorted((a, b) => (a.freeAt === b.freeAt ? 0 : a.freeAt - b.freeAt)),
      );
      assert.equal(queue.length, 0);
    }),
  );
});
