/** Lineside as an IMS client: behind the access proxy of a real core, registered by digest. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  connected,
  hearEachOther,
  type LabBench,
  metric,
  ringing,
  startLabBench,
  until,
} from '../support/lab-bench.ts';
import { ADA, BELA, CHIDI } from '../support/number.ts';

let bench: LabBench;

before(async () => {
  const wrong = { 'web-15550100003@ims.mnc001.mcc001.3gppnetwork.org': 'wrong' };
  const ims = { mode: 'client', passwordTemplate: 'pw-web-{digits}', passwords: wrong, registerExpiresS: 10 };
  bench = await startLabBench('127.0.0.114', '127.0.0.115', { ims }, 'pcscf');
});
after(() => bench?.close());

test('numbers register by digest and are refreshed, calls go both ways', async () => {
  const [ada, bela] = [await bench.registered(ADA), await bench.registered(BELA)];
  assert.deepEqual((await bench.core.subscriber(ADA)).registeredImpis, [
    'web-15550100001@ims.mnc001.mcc001.3gppnetwork.org',
  ]);
  const count = () => metric(bench.sandbox, 'ims_register_total{outcome="ok",sip_code="200"}');
  const before = await count();
  await until(async () => (await count()) >= before + 4, 'two refreshes of each number', 20_000);
  const pair = await connected(bench, ada, bela, BELA, ADA);
  await hearEachOther(pair);
  await bela.hangUp(pair.in);
  await ada.waitStatus(pair.out, 'Terminated');
  const { out, leg } = await ringing(bench, bela, ada, ADA, BELA);
  await bela.hangUp(out);
  await ada.waitStatus(leg, 'SessionCancelled');
  await ada.leave();
  await until(async () => (await bench.core.subscriber(ADA)).state === 'NOT_REGISTERED', 'the HSS hears of it');
});

test('the network takes a number out: told through the access proxy too', async () => {
  const bela = await bench.registered(BELA);
  await until(async () => (await metric(bench.sandbox, 'sip_subscriptions')) > 0, 'the subscription');
  await new Promise(resolve => setTimeout(resolve, 500));
  assert.equal(await bench.core.removeByNetwork(BELA), true);
  const ended = await bela.waitFor(event => event.type.endsWith('.registration-ends'), 5000);
  assert.equal(ended.data.terminationReason, 'NETWORK_TERMINATED');
});

test('a wrong password is refused', async () => {
  const chidi = await bench.device(CHIDI);
  const refused = await chidi.call('POST', '/webrtc-registration/v0.4rc1/sessions', { deviceId: chidi.deviceId });
  assert.ok([403, 503].includes(refused.status), JSON.stringify(refused.body));
  assert.match(bench.log.join(''), /digest-refused|REGISTER failed/);
});
