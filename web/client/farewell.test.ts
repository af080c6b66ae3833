/** Calls that end here while the service cannot be reached. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from './call.ts';
import { endText } from './end.ts';
import { registered } from './fake-page.ts';
import { type FakeService, fakeService, NUMBER, settle } from './fake-service.ts';

const deletes = (service: FakeService) => service.asked.filter(({ method }) => method === 'DELETE').length;

async function talking(service: FakeService): Promise<Call> {
  const call = await (await registered(service)).call('+15550109000');
  const news = { mediaSessionId: call.id, status: 'Connected', answer: { sdp: 'a' }, sequenceNumber: 1 };
  await service.event('session-status', news);
  return call;
}

test('a call hung up while the service is away is over at once, and the service hears of it once it is back', async () => {
  const service = fakeService();
  const call = await talking(service);
  service.on('DELETE calls/*', () => 'no network');
  const told = call.hangup();
  assert.equal(call.end && endText(call.end, 'outbound'), 'You hung up.');
  assert.ok(service.peer().closed && service.tracks[0]?.stopped);
  await told;
  await service.pass(20_000);
  const tries = deletes(service);
  assert.ok(tries > 2 && tries < 10, `${tries} tries`);
  service.on('DELETE calls/*', () => ({ status: 204 }));
  service.online();
  await settle();
  assert.equal(deletes(service), tries + 1, 'on line again it is told at once');
  await service.pass(60_000);
  assert.equal(deletes(service), tries + 1, 'and once');
});

test('a new connection is the moment to tell it, too; what the service refuses is not repeated', async () => {
  const service = fakeService();
  const call = await talking(service);
  service.on('DELETE calls/*', () => 'no network');
  service.socket().drop(1006);
  await call.hangup();
  await service.pass(500);
  service.on('DELETE calls/*', () => ({ status: 500, body: { code: 'INTERNAL' } }));
  const before = deletes(service);
  await service.ready({ sessions: [{ mediaSessionId: call.id, status: 'Connected' }] });
  assert.equal(deletes(service), before + 1);
  await service.pass(60_000);
  assert.equal(deletes(service), before + 1);
});

test('the service is told for ten minutes, not for ever', async () => {
  const service = fakeService();
  const call = await talking(service);
  service.on('DELETE calls/*', () => 'no network');
  await call.hangup();
  await service.pass(700_000);
  const tries = deletes(service);
  await service.pass(3_600_000);
  assert.equal(deletes(service), tries);
});

test('a call declined while the service is away does not ring again', async () => {
  const service = fakeService();
  const client = await registered(service);
  const calls: Call[] = [];
  client.on('incoming', call => calls.push(call));
  const session = {
    mediaSessionId: 'in-1',
    status: 'Initial',
    originatorAddress: 'tel:+15550100002',
    receiverAddress: `tel:${NUMBER}`,
    offer: { sdp: 'o' },
  };
  await service.event('session-invitation', { ...session, sequenceNumber: 1 });
  service.on('DELETE calls/*', () => 'no network');
  await calls[0]?.reject();
  assert.equal(calls[0]?.end && endText(calls[0].end, 'inbound'), 'You declined the call.');
  service.socket().drop(1006);
  await service.pass(500);
  await service.ready({ sessions: [session] });
  assert.equal(calls.length, 1);
});

test('a call that ended while nobody could tell says no more than that', async () => {
  const service = fakeService();
  const call = await talking(service);
  service.socket().drop(1006);
  await service.pass(500);
  await service.ready();
  await settle();
  assert.equal(call.end?.by, 'network');
  assert.equal(call.end && endText(call.end, 'outbound'), 'The call ended while the service could not be reached.');
});

test('a browser that loses its network says so at once, though its connection looks open', async () => {
  const service = fakeService();
  const client = await registered(service);
  service.offline();
  assert.equal(client.state, 'offline');
  await service.pass(500);
  await service.ready();
  assert.equal(client.state, 'registered');
});
