/** The servers of the service: asked for once, before a call; no call waits without need; renewed before they end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallingClient } from './client.ts';
import { registered } from './fake-page.ts';
import { type FakeService, fakeService, settle } from './fake-service.ts';

const ECHO = '+15550109000';
const server = (name: string) => [{ urls: ['turn:a.example'], username: name, credential: 'x' }];

/** Gives server 1, 2, ... for `ttl` seconds each. */
function giving(service: FakeService, ttl = 3600): void {
  let count = 0;
  service.on('POST ice-servers', () => {
    count += 1;
    return { status: 200, body: { iceServers: server(String(count)), ttl, expiresAt: '2000-01-01T00:00:00Z' } };
  });
}

test('they are asked for once, with the registration, and every call uses them', async () => {
  const service = fakeService();
  giving(service);
  const client = await registered(service);
  assert.equal(service.iceServersAsked.length, 1);
  assert.equal(service.iceServersAsked[0]?.headers.get('authorization'), 'Bearer token');
  for (let calls = 0; calls < 2; calls += 1) {
    await client.call(ECHO);
    assert.deepEqual(service.peer().iceServers, server('1'));
  }
  await service.event('session-invitation', {
    mediaSessionId: 'in-1',
    status: 'Initial',
    originatorAddress: 'tel:+15550100002',
    receiverAddress: 'tel:+15550100001',
    offer: { sdp: 'offer-of-gateway' },
  });
  await client.calls.get('in-1')?.answer();
  assert.deepEqual(service.peer().iceServers, server('1'));
  assert.equal(service.iceServersAsked.length, 1);
});

test('they are renewed before they end, whatever the clock of this computer says, until the page signs out', async () => {
  const service = fakeService();
  giving(service, 600);
  const client = await registered(service);
  await service.pass(449_000);
  assert.equal(service.iceServersAsked.length, 1);
  await service.pass(2000);
  assert.equal(service.iceServersAsked.length, 2);
  await client.call(ECHO);
  assert.deepEqual(service.peer().iceServers, server('2'));
  await client.unregister();
  await service.pass(3_600_000);
  assert.equal(service.iceServersAsked.length, 2);
});

test('they are not asked for while there is no registration', async () => {
  const service = fakeService();
  service.on('POST ice-servers', () => 'no network');
  service.on('POST registrations', () => ({ status: 403, body: { code: 'PERMISSION_DENIED' } }));
  await assert.rejects(registered(service));
  await service.pass(3_600_000);
  assert.equal(service.iceServersAsked.length, 1);
});

test('a service without them, or that does not let us ask, is asked once and delays no call', async () => {
  for (const answer of [
    { status: 200, body: { iceServers: [], ttl: 3600 } },
    { status: 404, body: { code: 'NOT_FOUND' } },
    { status: 403, body: { code: 'PERMISSION_DENIED' } },
  ]) {
    const service = fakeService();
    service.on('POST ice-servers', () => answer);
    const client = await registered(service);
    await client.call(ECHO);
    assert.deepEqual([service.peer().iceServers, service.iceServersAsked.length], [[], 1]);
    await service.pass(2_000_000);
    assert.equal(service.iceServersAsked.length, 1);
  }
});

test('a first call waits for a slow answer, and no longer than two seconds', async () => {
  for (const [afterMs, expected] of [
    [500, server('late')],
    [60_000, []],
  ] as const) {
    const service = fakeService();
    const { fetch } = service.environment;
    let give = () => {};
    service.environment.fetch = async (url, init) => {
      if (url.includes('ice-servers')) await new Promise<void>(resolve => (give = resolve));
      return fetch(url, init);
    };
    service.on('POST ice-servers', () => ({ status: 200, body: { iceServers: server('late'), ttl: 3600 } }));
    const client = await registered(service);
    const calling = client.call(ECHO);
    await settle();
    assert.equal(service.peers.length, 0);
    service.environment.after(afterMs, () => give());
    await service.pass(Math.min(afterMs, 2000));
    await calling;
    assert.deepEqual(service.peer().iceServers, expected);
  }
});

test('an answer that cannot be had or read is asked for again, and meanwhile no call waits', async () => {
  for (const answer of ['no network', { status: 503, body: {} }, { status: 200, body: { iceServers: 'x' } }] as const) {
    const service = fakeService();
    service.on('POST ice-servers', () => answer);
    const client = await registered(service);
    await client.call(ECHO);
    assert.deepEqual(service.peer().iceServers, []);
    giving(service);
    await service.pass(31_000);
    await client.call(ECHO);
    assert.deepEqual(service.peer().iceServers, server('1'));
  }
});

test('after a sleep the next call waits for new ones, and being on line again asks at once', async () => {
  const service = fakeService();
  giving(service);
  let slept = 0;
  const { now } = service.environment;
  service.environment.now = () => now() + slept;
  const client = await registered(service);
  slept = 7_200_000;
  await client.call(ECHO);
  assert.deepEqual(service.peer().iceServers, server('2'));
  slept *= 2;
  service.online();
  await settle();
  assert.equal(service.iceServersAsked.length, 3);
});

test('what the application gives is used, and nothing is asked', async () => {
  const service = fakeService();
  giving(service);
  const token = async () => 'token';
  const client = new CallingClient({ token, environment: service.environment, iceServers: server('own') });
  const done = client.register();
  await service.ready();
  await done;
  await client.call(ECHO);
  assert.deepEqual([service.peer().iceServers, service.iceServersAsked.length], [server('own'), 0]);
});
