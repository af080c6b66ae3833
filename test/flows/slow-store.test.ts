/** A store that needs time: nothing is told to the outside before it has kept what it was given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Write } from '../../src/ep-cscf/effect.ts';
import { slowStore } from '../support/slow-store.ts';
import { dial, dialled, ready, subscribe } from '../support/steps.ts';
import { CALLS, EVENTS, REGISTRATION, type Response, wholeGateway } from '../support/whole-gateway.ts';

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

test('several inputs are in flight: a call does not wait for the commit of another', async () => {
  let slow = false;
  const { store, waiting, release } = slowStore(() => slow);
  const g = await wholeGateway({ store });
  const registrations = [await ready(g, 'ada', 1), await ready(g, 'bela', 2)];
  slow = true;
  let answered = 0;
  const asked: Promise<Response>[] = [];
  for (const ask of [
    () => dial(g, 'ada', registrations[0] ?? ''),
    () => dial(g, 'bela', registrations[1] ?? ''),
    // Nothing of it is to be kept, but it may tell of what is.
    () => g.call('ada', 'GET', `${REGISTRATION}/sessions/${registrations[0]}`),
  ]) {
    const answer = ask();
    asked.push(answer);
    void answer.then(() => {
      answered += 1;
    });
    await g.settle();
  }
  assert.deepEqual([waiting(), answered], [2, 0]);
  while (waiting() > 0) {
    release();
    await g.settle();
  }
  assert.deepEqual(
    (await Promise.all(asked)).map(({ status }) => status),
    [201, 201, 200],
  );
});

/** Whether an event of this status is among the writes. */
function holds(writes: readonly Write[], status: string): boolean {
  return writes.some(write => write.op === 'put' && write.kind === 'outbox' && JSON.stringify(write).includes(status));
}

test('an event does not leave with the one before it, which the store kept at once, while the store still works on it', async () => {
  let slow = false;
  const { store, waiting, release } = slowStore(writes => {
    // Both are handled in one turn: the first is to be dispatched when the second is in the hands of the store.
    if (holds(writes, 'Ringing')) g.network.rejected(g.network.lastCall(), 486, 'Busy Here');
    slow ||= holds(writes, 'Busy');
    return slow;
  });
  const g = await wholeGateway({ store });
  await dialled(g);
  g.network.progress(g.network.lastCall(), 180);
  await g.settle();
  assert.ok(waiting() > 0);
  assert.deepEqual(
    g.delivered.map(({ event }) => event.data.status),
    ['Ringing'],
  );
  while (waiting() > 0) {
    release();
    await g.settle();
  }
  await g.settle();
  assert.deepEqual(
    g.delivered.map(({ event }) => event.data.status),
    ['Ringing', 'Busy'],
  );
});

/** Whether the end of a subscription is among the writes. */
function holdsEnd(writes: readonly Write[]): boolean {
  return writes.some(
    write => write.op === 'put' && write.kind === 'outbox' && JSON.stringify(write).includes('-ended'),
  );
}

test('the end of a subscription is told neither before its own commit nor with the events of others', async () => {
  const { store, waiting, release } = slowStore(holdsEnd);
  const g = await wholeGateway({ store });
  const id = await subscribe(g, 'bela', 2);
  await dialled(g);
  const removed = g.call('bela', 'DELETE', `${EVENTS}/subscriptions/${id}`);
  await g.settle();
  // An event that nobody listens to, and one that somebody does.
  g.network.progress(g.network.lastCall(), 180);
  await g.settle();
  assert.equal(waiting(), 1);
  assert.ok(!g.delivered.some(({ event }) => event.type.endsWith('subscription-ended')));
  release();
  assert.equal((await removed).status, 204);
  await g.settle();
  assert.deepEqual(g.delivered.map(({ event }) => event.data.status ?? event.data.terminationReason).sort(), [
    'Ringing',
    'SUBSCRIPTION_DELETED',
  ]);
});

test('an event that the store works on does not leave with the end of a subscription', async () => {
  let slow = false;
  const { store, waiting, release } = slowStore(writes => slow && !holdsEnd(writes));
  const g = await wholeGateway({ store });
  const id = await subscribe(g, 'bela', 2);
  await dialled(g);
  slow = true;
  g.network.progress(g.network.lastCall(), 180);
  await g.settle();
  const removed = g.call('bela', 'DELETE', `${EVENTS}/subscriptions/${id}`);
  await g.settle();
  assert.equal((await removed).status, 204);
  assert.equal(g.delivered.length, 0);
  while (waiting() > 0) {
    release();
    await g.settle();
  }
  assert.deepEqual(
    g.delivered.map(({ event }) => event.data.status ?? event.data.terminationReason),
    ['Ringing', 'SUBSCRIPTION_DELETED'],
  );
});
