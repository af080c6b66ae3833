/** kill -9 of the gateway at random moments while calls run: no event that is owed is lost, doubled, or out of order. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts';
import { Device, EVENT_TYPES, fetchToken } from '../support/camara.ts';
import { checkOrder, type EventSink, SINK_CA, startEventSink } from '../support/event-sink.ts';
import { browserPeer } from '../support/media-browser.ts';
import { SCALE } from '../support/scale.ts';

const HOST = '127.0.0.46';
const KILLS = 5 * SCALE;
/** Calls that end by themselves, in several ways: busy, declined, and rings until it is cancelled. */
const NUMBERS = ['+15550109003', '+15550109004', '+15550109005'];
const USERS = ['+15550100001', '+15550100002', '+15550100003'];

const dataDir = mkdtempSync(join(tmpdir(), 'lineside-kill-'));
let sandbox: Sandbox;
let sink: EventSink;
let log = '';

before(async () => {
  sink = await startEventSink();
  // The gateway is a child of this process and takes over its environment.
  process.env['NODE_EXTRA_CA_CERTS'] = SINK_CA;
  sandbox = await startSandbox({
    host: HOST,
    dataDir,
    settings: { log: { level: 'warn' } },
    onLog: text => {
      log += text;
    },
  });
});
after(async () => {
  await sandbox?.close();
  await sink?.close();
  rmSync(dataDir, { recursive: true, force: true });
});

/** A pause before a kill, in ms: from a seed, so that a failure can be played again. */
function pauses(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return 100 + (state % 1200);
  };
}

async function subscribed(number: string): Promise<Device> {
  const device = new Device(sandbox.pages, await fetchToken(sandbox.issuer, number));
  const made = await device.call('POST', '/webrtc-events-subscriptions/v0.3rc1/subscriptions', {
    protocol: 'HTTP',
    sink: sink.url,
    sinkCredential: {
      credentialType: 'ACCESSTOKEN',
      accessToken: 'secret-of-the-sink',
      accessTokenExpiresUtc: new Date(Date.now() + 3_600_000).toISOString(),
      accessTokenType: 'bearer',
    },
    types: EVENT_TYPES,
    config: { subscriptionDetail: { deviceId: device.deviceId } },
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const registered = await device.call('POST', '/webrtc-registration/v0.4rc1/sessions', { deviceId: device.deviceId });
  assert.equal(registered.status, 201, JSON.stringify(registered.body));
  device.registrationId = registered.body.registrationId;
  return device;
}

test('every session that was answered for has its events, in order, up to its end, whenever the gateway dies', async t => {
  const peer = browserPeer();
  const sdp = await peer.offer();
  const devices = await Promise.all(USERS.map(subscribed));
  const promised = new Set<string>();
  let working = true;
  let tries = 0;
  // Sinks have bad moments too, so that some of what is owed is still owed when the gateway dies.
  sink.answer = async () => {
    if (sink.tried.length % 7 === 0) return 503;
    await sleep(20);
    return 204;
  };

  async function caller(device: Device, number: string): Promise<void> {
    for (let n = 0; working; n += 1) {
      tries += 1;
      try {
        const made = await device.startCall(NUMBERS[n % NUMBERS.length] ?? '', sdp, number);
        if (made.status !== 201) {
          await sleep(100);
          continue;
        }
        const id: string = made.body.mediaSessionId;
        promised.add(id);
        await sleep(150);
        await device.hangUp(id);
      } catch {
        // The gateway is dead just now.
        await sleep(50);
      }
    }
  }

  const callers = devices.flatMap((device, n) => [1, 2].map(() => caller(device, USERS[n] ?? '')));
  const pause = pauses(20_261_122);
  for (let n = 0; n < KILLS; n += 1) {
    await sleep(pause());
    process.kill(sandbox.gatewayPid(), 'SIGKILL');
    await sandbox.gatewayEnded();
    await sandbox.restartGateway();
  }
  await sleep(1000);
  working = false;
  await Promise.all(callers);
  const until = Date.now() + 40_000;
  let told = checkOrder(sink.taken);
  while ((told.open.size > 0 || [...promised].some(id => !told.ended.has(id))) && Date.now() < until) {
    await sleep(100);
    told = checkOrder(sink.taken);
  }
  await peer.close();
  t.diagnostic(
    `${promised.size} calls of ${tries} tries, ${sink.taken.length} events, ${told.repeats} repeats, ${KILLS} kills`,
  );
  assert.ok(promised.size > 10 * KILLS, 'there was load');
  const lost = [...promised].filter(id => !told.ended.has(id));
  assert.deepEqual(lost.slice(0, 5), [], `${lost.length} sessions without an end`);
  assert.deepEqual([...told.open], [], 'sessions that were begun and never ended');
  for (const device of devices) {
    const list = await device.call('GET', '/webrtc-events-subscriptions/v0.3rc1/subscriptions');
    assert.equal(list.body.length, 1);
    assert.doesNotMatch(JSON.stringify(list.body), /secret-of-the-sink/);
    const registered = await device.call('GET', `/webrtc-registration/v0.4rc1/sessions/${device.registrationId}`);
    assert.equal(registered.status, 200);
  }
  assert.doesNotMatch(log, /uncaught|unhandled|secret-of-the-sink/i);
});

test('the store is whole after all that, and holds no token in the clear', async () => {
  await sandbox.close();
  const db = new DatabaseSync(join(dataDir, 'lineside.sqlite'));
  assert.deepEqual({ ...db.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' });
  const rows = db.prepare('SELECT value FROM rows').all();
  assert.ok(rows.length > 0);
  for (const { value } of rows) assert.doesNotMatch(String(value), /secret-of-the-sink/);
  db.close();
});
