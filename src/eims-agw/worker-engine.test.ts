/** Where new calls go: to the worker with the fewest, never to one that is late or full. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EngineEvent } from './engine.ts';
import { MEDIA_DEFAULTS } from './settings.ts';
import { createWorkerEngine } from './worker-engine.ts';

const PROGRAM = new URL('../../test/support/media-worker.mjs', import.meta.url);

test('EMB-07 a worker more than 20 ms late, or full, takes no new call; all of them: overload', async t => {
  const events: EngineEvent[] = [];
  const timers: Array<() => void> = [];
  const logged: object[] = [];
  const engine = createWorkerEngine({
    settings: { ...MEDIA_DEFAULTS, workers: 2, sessionsPerWorker: 2 },
    onEvent: event => events.push(event),
    clock: {
      now: () => 0,
      after(ms, run) {
        if (ms === 1_000) timers.push(run);
        return () => undefined;
      },
    },
    log: (level, message, fields) => level === 'warn' && logged.push({ message, ...fields }),
    count: () => undefined,
    program: PROGRAM,
  });
  await engine.start();
  t.after(() => engine.close());
  let session = 0;
  /** The worker that takes it tells `lagMs` from now on. */
  const open = (lagMs: number) => {
    session += 1;
    engine.send({ type: 'open', session, op: lagMs, place: { realm: null, family: 'IP4' }, legs: [] });
    return events.find(e => e.session === session)?.type ?? 'taken';
  };
  /** Both workers have told how late they are. */
  const told = async () => {
    for (const run of timers.splice(0)) run();
    await new Promise(resolve => setTimeout(resolve, 100));
  };
  assert.deepEqual([open(21), open(20)], ['taken', 'taken']);
  await told();
  // Two more fit beside the first two, but one of the workers is late.
  assert.deepEqual([open(20), open(20)], ['taken', 'refused']);
  assert.deepEqual(events, [{ type: 'refused', session: 4, op: 20, failure: 'overload' }]);
  assert.deepEqual(logged, [
    { message: 'calls refused by the media plane', reason: 'late', count: 1, sessions: 3, lagMs: 21 },
  ]);
  assert.equal(engine.health().load, 0.75);
});
