/** A store that fails is noticed whoever writes, and its recovery without anybody's write. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turns } from 'node:timers/promises';
import type { Write } from '../ep-cscf/effect.ts';
import { watchStore } from './store-watch.ts';

const WRITE: Write[] = [{ op: 'put', kind: 'call', key: 'k', value: 1 }];

function rig(slow = false) {
  const disk = { full: false, commits: 0 };
  const timers: Array<() => void> = [];
  const told: string[] = [];
  let counted = 0;
  const commit = () => {
    disk.commits += 1;
    if (disk.full) throw new Error('the disk is full');
  };
  const store = watchStore(
    {
      load: () => [],
      commit: () => (slow ? Promise.resolve().then(commit) : commit()),
      close: () => undefined,
    },
    {
      log: { info: (_, text) => told.push(text), error: (fields, text) => told.push(`${text}: ${fields['fault']}`) },
      metrics: {
        count(name) {
          assert.equal(name, 'store_failures_total');
          counted += 1;
        },
      },
      after: (ms, fire) => {
        assert.equal(ms, 1000);
        timers.push(fire);
      },
    },
  );
  const second = async () => {
    for (const fire of timers.splice(0)) fire();
    await turns();
  };
  return { store, disk, told, timers, second, counted: () => counted };
}

for (const slow of [false, true]) {
  const kind = slow ? 'a store that takes time' : 'a store that is at once';

  test(`${kind}: every failure counts, one line tells, and the writer hears of it`, async () => {
    const { store, disk, told, counted } = rig(slow);
    await store.commit(WRITE);
    assert.equal(store.healthy(), true);
    disk.full = true;
    for (let i = 0; i < 3; i += 1) await assert.rejects(async () => store.commit(WRITE), /the disk is full/);
    assert.equal(store.healthy(), false);
    assert.equal(counted(), 3);
    assert.deepEqual(told, ['the store cannot keep state: the disk is full']);
  });

  test(`${kind}: it is found well again without anybody's write`, async () => {
    const { store, disk, told, timers, second, counted } = rig(slow);
    disk.full = true;
    await assert.rejects(async () => store.commit(WRITE));
    await second();
    await second();
    assert.equal(store.healthy(), false);
    disk.full = false;
    await second();
    assert.equal(store.healthy(), true);
    assert.equal(counted(), 1);
    assert.deepEqual(told.slice(1), ['the store keeps state again']);
    assert.equal(timers.length, 0);
  });
}

test('a closed store is probed no more', async () => {
  const { store, disk, second } = rig();
  disk.full = true;
  await assert.rejects(async () => store.commit(WRITE));
  await store.close();
  const { commits } = disk;
  await second();
  assert.equal(disk.commits, commits);
});
