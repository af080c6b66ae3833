import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from './call.ts';
import { CallingClient } from './client.ts';
import { CallingError } from './errors.ts';
import { registered } from './fake-page.ts';
import { type FakeService, fakeService, NUMBER, settle } from './fake-service.ts';

const paths = (service: FakeService) => service.asked.map(({ method, path }) => `${method} ${path.split('/v0.1/')[1]}`);

test('a lost connection comes back with a new ticket and goes on where it was', async () => {
  const service = fakeService();
  const client = await registered(service);
  const call = await client.call('+15550109000');
  await service.event('session-status', { mediaSessionId: 'call-1', status: 'Ringing', sequenceNumber: 1 });
  assert.deepEqual(service.socket().sent.at(-1), { op: 'ack', seq: 1 });
  service.asked.length = 0;
  service.socket().drop(1006);
  assert.equal(client.state, 'offline');
  await service.pass(499);
  assert.equal(service.sockets.length, 1);
  await service.pass(1);
  assert.deepEqual(paths(service), ['POST channels/ch-1/tickets']);
  await service.ready({ sessions: [{ mediaSessionId: 'call-1', status: 'Connected', answer: { sdp: 'a' } }] });
  assert.deepEqual(service.socket().sent[0], { op: 'hello', ticket: 't2', lastSeq: 1 });
  assert.equal(client.state, 'registered');
  assert.equal(call.status, 'Connected', 'the snapshot told what was missed');
});

test('tries come farther and farther apart, and at once when the browser is on line again', async () => {
  const service = fakeService();
  await registered(service);
  service.on('POST channels/*/tickets', () => 'no network');
  service.asked.length = 0;
  service.socket().drop(1006);
  await service.pass(500);
  assert.equal(service.asked.length, 1);
  await service.pass(999);
  assert.equal(service.asked.length, 1);
  await service.pass(1);
  assert.equal(service.asked.length, 2);
  await service.pass(60_000);
  const before = service.asked.length;
  assert.ok(before <= 9, `${before} tries in a minute`);
  service.on('POST channels/*/tickets', () => ({ status: 201, body: { ticket: 't3' } }));
  service.online();
  await settle();
  assert.equal(service.sockets.length, 2);
});

test('an event that comes again after a resume is heard once', async () => {
  const service = fakeService();
  const client = await registered(service);
  const calls: Call[] = [];
  client.on('incoming', call => calls.push(call));
  const data = { mediaSessionId: 'in-1', status: 'Initial', offer: { sdp: 'o' }, sequenceNumber: 1 };
  await service.event('session-invitation', data);
  await calls[0]?.reject();
  const type = 'org.camaraproject.webrtc-events-subscriptions.v0.session-invitation';
  service.socket().say({ op: 'event', seq: 1, event: { type, data } });
  assert.equal(calls.length, 1);
  assert.equal(service.socket().sent.filter(({ op }) => op === 'ack').length, 2, 'but it is acknowledged again');
});

test('a channel that is gone, deleted or taken over is replaced', async () => {
  for (const prepare of [
    (service: FakeService) => {
      service.on('POST channels/*/tickets', () => ({ status: 404, body: { code: 'NOT_FOUND' } }));
      service.socket().drop(1006);
    },
    (service: FakeService) => service.socket().drop(4409),
    (service: FakeService) => service.socket().drop(4410),
  ]) {
    const service = fakeService();
    await registered(service);
    service.asked.length = 0;
    prepare(service);
    await service.pass(500);
    assert.equal(paths(service).at(-1), 'POST channels');
    assert.equal(service.sockets.length, 2);
  }
});

test('a connection that says nothing is given up', async () => {
  const service = fakeService();
  await registered(service);
  await service.pass(62_000);
  assert.equal(service.sockets.length, 1);
  await service.pass(1000);
  assert.equal(service.sockets[0]?.closed, 1000);
  await service.pass(1000);
  assert.equal(service.sockets.length, 2);
});

test('a page whose origin is refused is registered no more, told why, and does not try again', async () => {
  const service = fakeService();
  const client = await registered(service);
  const heard: unknown[] = [];
  client.on('unregistered', ({ error }) => heard.push(error?.name, client.state));
  client.on('connectionChanged', ({ state }) => heard.push(state));
  service.asked.length = 0;
  service.socket().drop(4403);
  await service.pass(60_000);
  assert.equal(service.sockets.length, 1);
  assert.deepEqual(heard, ['offline', 'idle', 'not-allowed', 'idle']);
  assert.deepEqual(
    service.asked.map(({ method, path }) => `${method} ${path.split('/').at(-1)}`),
    ['DELETE reg-1', 'DELETE ch-1'],
  );
});

test('a page that lost its channel while it registered is not registered before events come again', async () => {
  const service = fakeService();
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>();
  const body = { registrationId: 'reg-1', regInfo: { phoneNumber: NUMBER }, expiresAt: '2026-01-01T01:00:00Z' };
  service.on('POST registrations', () => answered.then(() => ({ status: 201, body })));
  const client = new CallingClient({ token: async () => 'token', environment: service.environment });
  const calls: Call[] = [];
  client.on('incoming', call => calls.push(call));
  const done = client.register();
  await service.ready();
  service.socket().drop(1006);
  answer();
  await done;
  assert.equal(client.state, 'offline');
  await service.pass(500);
  await service.ready({ sessions: [{ mediaSessionId: 'in-1', status: 'Initial', offer: { sdp: 'o' } }] });
  assert.deepEqual([client.state, calls.length], ['registered', 1]);
});

test('a page whose registration is made again is not registered meanwhile', async () => {
  const service = fakeService();
  const client = await registered(service);
  const states: string[] = [];
  client.on('connectionChanged', ({ state }) => states.push(state));
  service.on('POST registrations', () => ({ status: 503, body: { code: 'UNAVAILABLE' } }));
  const ends = { registrationId: 'reg-1', terminationReason: 'REGISTRATION_EXPIRED' };
  await service.event('registration-ends', ends);
  assert.deepEqual(states, ['offline']);
  const body = { registrationId: 'reg-2', regInfo: { phoneNumber: NUMBER }, expiresAt: '2026-01-01T01:00:00Z' };
  service.on('POST registrations', () => ({ status: 201, body }));
  await service.pass(2000);
  assert.deepEqual(states, ['offline', 'registered']);
});

test('a page that is on line again while it connects opens one connection', async () => {
  const service = fakeService();
  await registered(service);
  const { promise: asked, resolve: answer } = Promise.withResolvers<void>();
  service.on('POST channels/*/tickets', () => asked.then(() => ({ status: 201, body: { ticket: 't2' } })));
  service.offline();
  service.online();
  service.online();
  answer();
  await settle();
  assert.equal(service.sockets.length, 2);
});

test('a call that is over by the time the connection is back ends; one that waits is announced', async () => {
  const service = fakeService();
  const client = await registered(service);
  const call = await client.call('+15550109000');
  const calls: Call[] = [];
  client.on('incoming', incoming => calls.push(incoming));
  service.socket().drop(1006);
  await service.pass(500);
  const waiting = {
    mediaSessionId: 'in-1',
    status: 'Initial',
    originatorAddress: 'tel:+15550100002',
    receiverAddress: `tel:${NUMBER}`,
    offer: { sdp: 'o' },
  };
  // A call of another tab of this browser is none of ours.
  const foreign = {
    mediaSessionId: 'tab-2',
    status: 'Connected',
    originatorAddress: `tel:${NUMBER}`,
    offer: { sdp: 'o' },
  };
  await service.ready({ sessions: [waiting, foreign] });
  assert.ok(call.end !== null);
  assert.deepEqual(
    calls.map(({ id }) => id),
    ['in-1'],
  );
});

test('what is not our protocol is ignored', async () => {
  const service = fakeService();
  const client = await registered(service);
  for (const data of [
    '',
    'null',
    '[]',
    '{"op":"event"}',
    '{"op":"event","seq":"x"}',
    '{"op":"event","seq":9,"event":null}',
  ]) {
    service.socket().onmessage?.({ data });
  }
  service.socket().say({ op: 'event', seq: 10, event: { type: 'x.session-status', data: { status: 3 } } });
  assert.equal(client.state, 'registered');
});

test('a token that ran out is asked for once more; one that is kept is not asked for again', async () => {
  const service = fakeService();
  let tokens = 0;
  const client = new CallingClient({
    environment: service.environment,
    async token() {
      tokens += 1;
      return { accessToken: `token-${tokens}`, expiresAt: service.environment.now() + 600_000 };
    },
  });
  const done = client.register();
  await service.ready();
  await done;
  assert.equal(tokens, 1);
  let refusals = 1;
  service.on('POST calls', ({ body, headers }) => {
    refusals -= 1;
    if (refusals >= 0) return { status: 401, body: { code: 'UNAUTHENTICATED' } };
    assert.equal(headers.get('authorization'), 'Bearer token-2');
    return { status: 201, body: { ...body, mediaSessionId: 'call-1', status: 'Initial' } };
  });
  await client.call('+15550109000');
  assert.equal(tokens, 2);
});

test('a network that is gone when a new token is needed costs nobody the sign-in', async () => {
  const service = fakeService();
  let there = true;
  const client = new CallingClient({
    environment: service.environment,
    // As `fetch` does.
    token: () => (there ? Promise.resolve('token') : Promise.reject(new TypeError('Failed to fetch'))),
  });
  const errors: unknown[] = [];
  client.on('unregistered', ({ error }) => errors.push(error));
  const registering = client.register();
  await service.ready();
  await registering;
  there = false;
  service.offline();
  await service.pass(60_000);
  assert.deepEqual([client.state, errors], ['offline', []]);
  await assert.rejects(client.call('+15550109000'), { name: 'network' });
  there = true;
  service.online();
  await service.ready();
  assert.equal(client.state, 'registered');
});

test('a page that may not have a token is told what to do', async () => {
  const service = fakeService();
  const client = new CallingClient({
    environment: service.environment,
    token: () => Promise.reject(new Error('signed out')),
  });
  await assert.rejects(client.register(), (error: unknown) => {
    assert.ok(error instanceof CallingError);
    assert.equal(error.code, 10001);
    assert.deepEqual(error.solutions, ['Sign in again.']);
    return true;
  });
});
