/** Calls between two subscribers through a real IMS core: Kamailio as I-CSCF and S-CSCF, an HSS behind it. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Device } from '../support/camara.ts';
import { connected, hearEachOther, type LabBench, ringing, startLabBench, until } from '../support/lab-bench.ts';
import { ADA, BELA } from '../support/number.ts';

let bench: LabBench;
let ada: Device;
let bela: Device;

before(async () => {
  bench = await startLabBench('127.0.0.110', '127.0.0.111');
  ada = await bench.registered(ADA);
  bela = await bench.registered(BELA);
});
after(() => bench?.close());

test('a number is registered by trust: no challenge, its private identity in the HSS', async () => {
  const held = await bench.core.subscriber(ADA);
  assert.equal(held.state, 'REGISTERED');
  assert.deepEqual(held.registeredImpis, ['web-15550100001@ims.mnc001.mcc001.3gppnetwork.org']);
  assert.doesNotMatch(bench.log.join(''), /tna-refused/);
});

test('a call is answered, both hear each other, the caller hangs up', async () => {
  const pair = await connected(bench, ada, bela, BELA, ADA);
  await hearEachOther(pair);
  await ada.hangUp(pair.out);
  await ada.waitStatus(pair.out, 'Terminated');
  const ended = await bela.waitStatus(pair.in, 'Terminated');
  assert.match(ended.data.reason, /cause=1;text="User ends call"/);
});

test('the called one hangs up', async () => {
  const pair = await connected(bench, bela, ada, ADA, BELA);
  await ada.hangUp(pair.in);
  await Promise.all([ada.waitStatus(pair.in, 'Terminated'), bela.waitStatus(pair.out, 'Terminated')]);
});

test('the caller gives up while it rings', async () => {
  const { out, leg } = await ringing(bench, ada, bela, BELA, ADA);
  await ada.hangUp(out);
  await Promise.all([ada.waitStatus(out, 'SessionCancelled'), bela.waitStatus(leg, 'SessionCancelled')]);
});

test('a declined call comes back as busy', async () => {
  const { out, leg } = await ringing(bench, ada, bela, BELA, ADA);
  await bela.hangUp(leg);
  await Promise.all([bela.waitStatus(leg, 'Declined'), ada.waitStatus(out, 'Busy')]);
});

test('hold and resume go through the core to the other side', async () => {
  const pair = await connected(bench, ada, bela, BELA, ADA);
  assert.equal((await ada.putStatus(pair.out, { status: 'Hold' })).status, 200);
  await bela.waitStatus(pair.in, 'Hold');
  assert.equal((await ada.putStatus(pair.out, { status: 'Resume' })).status, 200);
  await bela.waitStatus(pair.in, 'Resume');
  await hearEachOther(pair);
  await ada.hangUp(pair.out);
  await bela.waitStatus(pair.in, 'Terminated');
});

for (const [number, status, why] of [
  ['+15550100009', 'NotReachable', 'a subscriber who is not registered'],
  ['+15559999999', 'NotReachable', 'a number nobody has'],
] as const) {
  test(`${why} is ${status}`, async () => {
    const created = await ada.startCall(number, await bench.peer().offer(), ADA);
    assert.equal(created.status, 201);
    const event = await ada.waitStatus(created.body.mediaSessionId, status);
    assert.match(event.data.reason, /^SIP;cause=4(04|80)/);
  });
}

test('signing out takes the number out of the HSS', async () => {
  await bela.leave();
  await until(async () => (await bench.core.subscriber(BELA)).state === 'NOT_REGISTERED', 'the HSS hears of it');
});
