/** Registrations at a real core that lasts, restarts, and loses its HSS: short expiries, so that refreshes come by themselves. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connected, type LabBench, metric, startLabBench, until } from '../support/lab-bench.ts';
import { ADA, BELA, CHIDI } from '../support/number.ts';

const OK = 'ims_register_total{outcome="ok",sip_code="200"}';
const SESSIONS = '/webrtc-registration/v0.4rc1/sessions';

let bench: LabBench;

before(async () => {
  bench = await startLabBench('127.0.0.112', '127.0.0.113', { ims: { registerExpiresS: 10 } });
});
after(() => bench?.close());

const registered = async (number: string) => (await bench.core.subscriber(number)).state === 'REGISTERED';

test('a binding of nine seconds is refreshed again and again, and calls come', async () => {
  const [ada, bela] = [await bench.registered(ADA), await bench.registered(BELA)];
  const icscf = 'sip_peer_up{peer="127.0.0.112:4060;transport=tcp"}';
  await until(async () => (await metric(bench.sandbox, icscf)) === 1, 'our OPTIONS answered');
  const before = await metric(bench.sandbox, OK);
  // Two numbers, a refresh each about every four seconds: three cycles outlive what was granted first.
  await until(async () => (await metric(bench.sandbox, OK)) >= before + 6, 'three refreshes of each number', 20_000);
  const pair = await connected(bench, ada, bela, BELA, ADA);
  await ada.hangUp(pair.out);
  await bela.waitStatus(pair.in, 'Terminated');
  assert.ok(!ada.events.some(event => event.type.endsWith('.registration-ends')));
});

test('an S-CSCF that lost everything is registered at again, and calls come', async () => {
  const [ada, bela] = [await bench.registered(ADA), await bench.registered(BELA)];
  await bench.core.stop('scscf');
  await bench.core.start('scscf');
  const before = await metric(bench.sandbox, OK);
  await until(async () => (await metric(bench.sandbox, OK)) >= before + 2, 'both numbers registered again', 30_000);
  await sleep(4500);
  const pair = await connected(bench, ada, bela, BELA, ADA);
  await bela.hangUp(pair.in);
  await ada.waitStatus(pair.out, 'Terminated');
});

test('without its HSS the core refuses: 503, and everything works once the HSS is back', async () => {
  await bench.core.stop('hss');
  const chidi = await bench.device(CHIDI);
  const refused = await chidi.call('POST', SESSIONS, { deviceId: chidi.deviceId });
  assert.equal(refused.status, 503, JSON.stringify(refused.body));
  assert.equal(refused.body.code, 'UNAVAILABLE');
  await bench.core.start('hss');
  for (const part of ['icscf', 'scscf'] as const) await until(() => bench.core.attached(part), part, 20_000);
  const accepted = await chidi.call('POST', SESSIONS, { deviceId: chidi.deviceId });
  assert.equal(accepted.status, 201, JSON.stringify(accepted.body));
  await until(() => registered(CHIDI), 'the HSS names the S-CSCF again');
});

test('the network takes a number out by its HSS: the device is told at once', async () => {
  const ada = await bench.registered(ADA);
  await until(async () => (await metric(bench.sandbox, 'sip_subscriptions')) > 0, 'the subscription');
  await sleep(500);
  assert.equal(await bench.core.removeByNetwork(ADA), true);
  const ended = await ada.waitFor(event => event.type.endsWith('.registration-ends'), 5000);
  assert.equal(ended.data.terminationReason, 'NETWORK_TERMINATED');
  assert.equal((await ada.call('GET', `${SESSIONS}/${ada.registrationId}`)).status, 404);
  assert.equal(await registered(ADA), false);
});
