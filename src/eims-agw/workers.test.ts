/** The supervisor of media workers: starts, restarts, hung workers, the end. Time is the test's. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorkers } from './workers.ts';

const FILE = new URL('../../test/support/media-worker.mjs', import.meta.url);

function rig(how = 'well', count = 1) {
  const timers = new Set<{ ms: number; run: () => void }>();
  const lost: number[] = [];
  const said: unknown[] = [];
  let wake: () => void = () => undefined;
  const state = { how };
  const workers = createWorkers({
    file: FILE,
    count,
    init: () => ({ type: 'init', how: state.how }),
    clock: {
      now: () => 0,
      after(ms, run) {
        const timer = { ms, run };
        timers.add(timer);
        return () => timers.delete(timer);
      },
    },
    log: () => undefined,
    onCount: () => undefined,
    onCounts: () => undefined,
    onMessage: (_, message) => {
      said.push(message);
      wake();
    },
    onLost: index => {
      lost.push(index);
      wake();
    },
  });
  /** Runs the timers that wait this long. */
  const fire = (ms: number) => {
    for (const timer of [...timers]) {
      if (timer.ms !== ms) continue;
      timers.delete(timer);
      timer.run();
    }
  };
  const until = async (what: () => boolean) => {
    const end = Date.now() + 5_000;
    while (!what()) {
      if (Date.now() > end) throw new Error('it did not happen in time');
      await new Promise<void>(resolve => {
        const timer = setTimeout(resolve, 20);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  };
  return { workers, timers, lost, said, fire, until, state };
}

const alive = (pid: number | null) => {
  try {
    return pid !== null && process.kill(pid, 0);
  } catch {
    return false;
  }
};

test('workers start, take messages, and end without leaving a process or a timer', async () => {
  const { workers, said, until, timers } = rig('well', 2);
  await workers.start();
  const pids = [workers.pid(0), workers.pid(1)];
  assert.deepEqual([workers.usable(0), workers.usable(1), workers.usable(2)], [true, true, false]);
  assert.equal(workers.send(1, { type: 'echo', text: 'a' }), true);
  await until(() => said.length === 1);
  assert.deepEqual(said, [{ type: 'said', text: 'a' }]);
  // The start has asked already.
  await until(() => workers.lagMs(0) === 3);
  await workers.close();
  assert.deepEqual([pids.some(alive), timers.size, workers.send(0, { type: 'echo' })], [false, 0, false]);
});

test('a worker that cannot work gives its sentence', async () => {
  const { workers, timers } = rig('unable');
  await assert.rejects(workers.start(), { message: 'It cannot work here.' });
  assert.equal(timers.size, 0);
});

test('a worker that dies while starting is told', async () => {
  const { workers } = rig('crash');
  await assert.rejects(workers.start(), /ended while starting \(3\)/);
});

test('Ctrl-C does not end a worker, a kill is told and mended, with longer waits when it goes on', async () => {
  const { workers, lost, fire, until, state } = rig();
  await workers.start();
  const first = workers.pid(0) ?? 0;
  process.kill(first, 'SIGINT');
  workers.send(0, { type: 'echo', text: 'still here' });
  process.kill(first, 'SIGKILL');
  // The first restart is at once: what is sent meanwhile waits for it.
  state.how = 'crash';
  await until(() => lost.length === 1);
  assert.equal(workers.usable(0), false);
  assert.equal(workers.waiting(0), true);
  await until(() => lost.length === 2);
  assert.equal(workers.pid(0), null);
  assert.equal(workers.waiting(0), false);
  state.how = 'well';
  fire(100);
  assert.equal(workers.pid(0), null);
  fire(500);
  await until(() => workers.usable(0));
  assert.notEqual(workers.pid(0), first);
  await workers.close();
});

test('a worker that answers no pings is ended and replaced', async () => {
  const { workers, lost, fire, until } = rig();
  await workers.start();
  workers.send(0, { type: 'mute' });
  for (let i = 0; i < 5; i += 1) fire(1_000);
  assert.equal(lost.length, 0);
  // Pings sent before the worker turned mute may still be answered.
  for (let i = 0; i < 6; i += 1) fire(1_000);
  await until(() => lost.length === 1);
  await until(() => workers.usable(0));
  await workers.close();
});
