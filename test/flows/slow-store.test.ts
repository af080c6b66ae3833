/** A store that needs time: nothing is told to the outside before it has kept what it was given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../../src/ep-cscf/ports.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { dialled } from '../support/steps.ts';
import { CALLS, wholeGateway } from '../support/whole-gateway.ts';

/** A store whose commits wait for `release` where `isSlow` says so. */
function slowStore(isSlow: () => boolean): { store: Store; waiting(): number; release(): void } {
  const memory = createMemoryStore();
  let held: Array<() => void> = [];
  return {
    store: {
      ...memory,
      commit(writes) {
        if (!isSlow()) return memory.commit(writes);
        return new Promise<void>(resolve => {
          held.push(() => {
            memory.commit(writes);
            resolve();
          });
        });
      },
    },
    waiting: () => held.length,
    release() {
      const free = held;
      held = [];
      for (const each of free) each();
    },
  };
}

test('no response and no event leaves before the commit', async () => {
  let slow = false;
  const { store, waiting, release } = slowStore(() => slow);
  const g = await wholeGateway({ store });
  const id = await dialled(g);
  slow = true;
  g.network.progress(g.network.lastCall(), 180);
  await g.settle();
  assert.equal(waiting(), 1);
  assert.equal(g.delivered.length, 0);
  let answered = false;
  const ended = g.call('ada', 'DELETE', `${CALLS}/sessions/${id}`).then(got => {
    answered = true;
    return got.status;
  });
  await g.settle();
  assert.equal(answered, false);
  while (waiting() > 0) {
    release();
    await g.settle();
  }
  assert.equal(await ended, 204);
  await g.settle();
  assert.deepEqual(
    g.delivered.map(({ event }) => event.data.status),
    ['Ringing', 'SessionCancelled'],
  );
});

test('an event does not leave with the one before it, which the store kept at once, while the store still works on it', async () => {
  let commits = 0;
  let armed = false;
  const { store, waiting, release } = slowStore(() => {
    commits += 1;
    return armed && commits > 1;
  });
  const g = await wholeGateway({ store });
  await dialled(g);
  [armed, commits] = [true, 0];
  // Both are handled in one turn: the first is to be dispatched when the second is in the hands of the store.
  g.network.progress(g.network.lastCall(), 180);
  g.network.rejected(g.network.lastCall(), 486, 'Busy Here');
  await g.settle();
  assert.equal(waiting(), 1);
  assert.ok(!g.delivered.some(({ event }) => event.data.status === 'Busy'), 'told before it was kept');
  armed = false;
  release();
  await g.settle();
  assert.deepEqual(
    g.delivered.map(({ event }) => event.data.status),
    ['Ringing', 'Busy'],
  );
});
