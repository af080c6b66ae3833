/** A store that needs time: nothing is told to the outside before it has kept what it was given. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Store } from '../../src/ep-cscf/ports.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { browserOffer } from '../support/core-world.ts';
import { CALLS, EVENTS, REGISTRATION, SINK, wholeGateway } from '../support/whole-gateway.ts';

test('no response and no event leaves before the commit', async () => {
  const memory = createMemoryStore();
  let release: Array<() => void> = [];
  let slow = false;
  const store: Store = {
    ...memory,
    commit(writes) {
      if (!slow) return memory.commit(writes);
      return new Promise<void>(resolve => {
        release.push(() => {
          memory.commit(writes);
          resolve();
        });
      });
    },
  };
  const g = await wholeGateway({ store });
  const deviceId = '00000000-0000-4000-8000-000000000001';
  const types = ['org.camaraproject.webrtc-events-subscriptions.v0.session-status'];
  const body = { protocol: 'HTTP', sink: SINK, types, config: { subscriptionDetail: { deviceId } } };
  assert.equal((await g.call('ada', 'POST', `${EVENTS}/subscriptions`, body)).status, 201);
  const { registrationId } = (await g.call('ada', 'POST', `${REGISTRATION}/sessions`, { deviceId })).body;
  const call = { originatorAddress: 'tel:+15550100001', receiverAddress: 'tel:+15550109000' };
  const offer = { sdp: browserOffer() };
  const made = await g.call('ada', 'POST', `${CALLS}/sessions`, { ...call, offer }, { registrationId });
  await g.settle();
  slow = true;
  g.network.progress(g.network.lastCall(), 180);
  await g.settle();
  assert.equal(release.length, 1);
  assert.equal(g.delivered.length, 0);
  let answered = false;
  const ended = g.call('ada', 'DELETE', `${CALLS}/sessions/${made.body.mediaSessionId}`).then(got => {
    answered = true;
    return got.status;
  });
  await g.settle();
  assert.equal(answered, false);
  while (release.length > 0) {
    const waiting = release;
    release = [];
    for (const free of waiting) free();
    await g.settle();
  }
  assert.equal(await ended, 204);
  await g.settle();
  assert.deepEqual(
    g.delivered.map(({ event }) => event.data.status),
    ['Ringing', 'SessionCancelled'],
  );
});
