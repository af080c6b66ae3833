/** A process with the event side over an sqlite store, to be killed: publishes `COUNT` events over four calls to `SINK`, or only goes on (0). */
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { Value } from 'typebox/value';
import { events as eventsArea } from '../../src/config/events.ts';
import { sink as sinkArea } from '../../src/config/sink.ts';
import type { EventEffect } from '../../src/ep-cscf/effect.ts';
import { createEvents } from '../../src/events/events.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createMetrics } from '../../src/runtime/metrics.ts';
import { createSqliteStore } from '../../src/store/sqlite.ts';
import { alice, DEVICE, session, subscription } from './event-rig.ts';

const [file = '', sink = '', count = '0'] = process.argv.slice(2);
const store = createSqliteStore(file);
const events = createEvents({
  settings: {
    sink: Value.Default(sinkArea, { allow: ['127.0.0.0/8'], ports: ['1024-65535'] }) as never,
    events: Value.Default(eventsArea, {}) as never,
  },
  publicUrl: () => 'https://gateway.example.com',
  channelsPath: '/webrtc-notification-channels/v0.1',
  store,
  key: Buffer.alloc(32, 7),
  emit() {},
  ids: { uuid: () => randomUUID() },
  clock: {
    now: Date.now,
    setTimer: (ms, fire) => setTimeout(fire, ms),
    clearTimer: h => clearTimeout(h as NodeJS.Timeout),
  },
  log: silentLog,
  metrics: createMetrics(),
  snapshot: async () => ({ registrations: [], sessions: [] }),
  origins: { ofClient: () => false, ofVisitors: () => false },
});
events.start();
if (count !== '0') {
  const made = await events.subscriptions.create(alice, subscription({ sink }), 'c');
  if (!made.ok) throw new Error(made.error);
}
const { clientId, subject, number, legs } = alice;
for (let n = 0; n < Number(count); n += 1) {
  const call = `m${n % 4}`;
  const effect = {
    type: 'event.publish',
    owner: 'c1',
    correlator: 'c',
    audience: { deviceId: DEVICE, clientId, subject, number, legs },
    event: session(call, 1 + Math.floor(n / 4)),
  } as EventEffect;
  await store.commit(events.port.plan(effect, Date.now()));
  events.port.dispatch(events.port.planned());
  writeSync(1, `${call}:${1 + Math.floor(n / 4)}\n`);
  // Stay below the bound of the queue: what it drops is not owed.
  while (events.sizes().backlog > 100) await new Promise(resolve => setTimeout(resolve, 1));
}
