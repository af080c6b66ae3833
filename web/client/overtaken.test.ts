/** A page that registers and leaves at once, or is refused meanwhile: every promise ends, and nothing stays behind. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallingClient } from './client.ts';
import { registered } from './fake-page.ts';
import { type FakeService, fakeService, NUMBER, settle } from './fake-service.ts';

const clientOf = ({ environment }: FakeService) => new CallingClient({ token: async () => 'token', environment });
/** The name of the error, or what came. */
const outcome = (work: Promise<unknown>) => work.then(String, error => error.name);
const deleted = (service: FakeService) =>
  service.asked.filter(({ method }) => method === 'DELETE').map(({ path }) => path.split('/').at(-1));

/** Holds the next answers back until `answer` is called. */
function late(service: FakeService, what: string, status: number, body: unknown): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  service.on(what, () => promise.then(() => ({ status, body })));
  return resolve;
}

const registration = (registrationId: string) => ({
  registrationId,
  regInfo: { phoneNumber: NUMBER },
  expiresAt: '2026-01-01T01:00:00Z',
});

for (const deed of ['unregister', 'close'] as const) {
  test(`${deed} before the channel is open ends the registering too`, async () => {
    const service = fakeService();
    const client = clientOf(service);
    const registering = outcome(client.register());
    await settle();
    await client[deed]();
    assert.equal(await registering, 'not-registered');
    assert.equal(client.state, deed === 'close' ? 'closed' : 'idle');
    assert.deepEqual([service.socket().closed, deleted(service)], [1000, ['ch-1']]);
  });

  test(`${deed} before the registration is answered ends it at the service`, async () => {
    const service = fakeService();
    const answer = late(service, 'POST registrations', 201, registration('reg-1'));
    const client = clientOf(service);
    const registering = outcome(client.register());
    await service.ready();
    await client[deed]();
    answer();
    assert.equal(await registering, 'not-registered');
    assert.equal(client.state, deed === 'close' ? 'closed' : 'idle');
    assert.deepEqual(deleted(service), ['ch-1', 'reg-1']);
    await service.pass(7_200_000);
    assert.deepEqual(deleted(service), ['ch-1', 'reg-1']);
  });
}

test('a channel that is refused before the registration is answered refuses the registering', async () => {
  const service = fakeService();
  const answer = late(service, 'POST registrations', 201, registration('reg-1'));
  const client = clientOf(service);
  const heard: unknown[] = [];
  client.on('unregistered', ({ error }) => heard.push(error?.name));
  const registering = outcome(client.register());
  await service.ready();
  service.socket().drop(4403);
  answer();
  assert.equal(await registering, 'not-allowed');
  assert.deepEqual([client.state, heard], ['idle', []]);
  assert.deepEqual(deleted(service), ['ch-1', 'reg-1']);
});

test('a channel that is refused in a call leaves the call its registration, whose end would be the call’s', async () => {
  for (const again of ['never', 'refused', 'taken'] as const) {
    const service = fakeService();
    const client = await registered(service);
    const call = await client.call('+15550109000');
    await service.event('session-status', { mediaSessionId: 'call-1', status: 'Connected', answer: { sdp: 'a' } });
    const heard: unknown[] = [];
    client.on('unregistered', ({ error }) => heard.push(error?.name));
    service.socket().drop(4403);
    await settle();
    assert.deepEqual([client.state, heard, client.numbers], ['idle', ['not-allowed'], []]);
    if (again !== 'never') {
      const registering = outcome(client.register());
      await settle();
      if (again === 'refused') service.socket().drop(4403);
      else await service.ready({ sessions: [{ mediaSessionId: 'call-1', status: 'Connected' }] });
      await registering;
    }
    assert.deepEqual([call.end, deleted(service).includes('reg-1')], [null, false], again);
    await call.hangup();
    await settle();
    const isLeft = again === 'taken';
    assert.deepEqual(
      [client.state, deleted(service).includes('reg-1')],
      [isLeft ? 'registered' : 'idle', !isLeft],
      again,
    );
  }
});

test('who registers twice at once waits for the same registration', async () => {
  const service = fakeService();
  const client = clientOf(service);
  const both = Promise.all([client.register(), client.register()]);
  await service.ready();
  const [first, second] = await both;
  assert.deepEqual([first, service.sockets.length], [second, 1]);
});

test('who registers again while the registration is made again keeps the connection', async () => {
  const service = fakeService();
  const client = await registered(service);
  service.on('PUT registrations/*', () => ({ status: 404 }));
  const answer = late(service, 'POST registrations', 201, registration('reg-2'));
  await service.event('registration-ends', {
    registrationId: 'reg-1',
    terminationReason: 'REGISTRATION_EXPIRED',
  });
  const again = client.register();
  await settle();
  answer();
  assert.equal((await again).registrationId, 'reg-2');
  assert.deepEqual([client.state, service.sockets.length], ['registered', 1]);
});

test('a channel that was given up while it came back takes nothing down with it', async () => {
  const service = fakeService();
  const client = await registered(service);
  const { promise: asked, resolve: answer } = Promise.withResolvers<void>();
  service.on('POST channels/*/tickets', () => asked.then(() => ({ status: 503 })));
  service.socket().drop(1006);
  await service.pass(500);
  await client.unregister();
  const again = client.register();
  await service.ready();
  await again;
  const heard: unknown[] = [];
  client.on('unregistered', event => heard.push(event));
  answer();
  await settle();
  assert.deepEqual([client.state, heard], ['registered', []]);
});

test('who registers before the leaving is through is registered and hears events', async () => {
  const service = fakeService();
  const client = await registered(service);
  const answer = late(service, 'DELETE registrations/*', 204, undefined);
  const leaving = client.unregister();
  const again = client.register();
  await settle();
  answer();
  await leaving;
  await service.ready();
  await again;
  assert.equal(client.state, 'registered');
  service.socket().drop(1006);
  assert.equal(client.state, 'offline');
});

test('an extension that is answered after the end of its registration brings it not back', async () => {
  const service = fakeService();
  const soon = { ...registration('reg-1'), expiresAt: '2026-01-01T00:01:00Z' };
  service.on('POST registrations', () => ({ status: 201, body: soon }));
  const client = await registered(service);
  const answer = late(service, 'PUT registrations/*', 200, registration('reg-1'));
  await service.pass(30_000);
  service.on('POST registrations', () => ({ status: 201, body: registration('reg-2') }));
  await service.event('registration-ends', {
    registrationId: 'reg-1',
    terminationReason: 'REGISTRATION_EXPIRED',
  });
  answer();
  await settle();
  await service.event('registration-ends', {
    registrationId: 'reg-2',
    terminationReason: 'NETWORK_DISCONNECTED',
  });
  assert.equal(client.state, 'idle');
});

test('a registration that a connection shows to be over is never said to be there', async () => {
  const service = fakeService();
  const client = await registered(service);
  service.socket().drop(1006);
  await service.pass(500);
  const states: string[] = [];
  client.on('connectionChanged', ({ state }) => states.push(state));
  late(service, 'POST registrations', 201, registration('reg-2'));
  await service.ready({ registrations: [] });
  assert.deepEqual(states, []);
});

test('closing tells the other tabs before it stops talking to them', async () => {
  const service = fakeService();
  let open = true;
  const said: string[] = [];
  const openTabs = () => ({
    // As a BroadcastChannel does.
    say(word: string) {
      if (!open) throw new Error('InvalidStateError');
      said.push(word);
    },
    close() {
      open = false;
    },
  });
  const client = await registered(service, { environment: { ...service.environment, openTabs } });
  await client.close();
  assert.deepEqual([said, open, service.socket().closed], [['reg-1'], false, 1000]);
});

test('who leaves and registers again before the first registering is through is registered', async () => {
  const service = fakeService();
  const answer = late(service, 'POST registrations', 201, registration('reg-1'));
  const client = clientOf(service);
  const first = outcome(client.register());
  await service.ready();
  const leaving = client.unregister();
  const again = client.register();
  service.on('POST registrations', () => ({ status: 201, body: registration('reg-2') }));
  answer();
  await leaving;
  await settle();
  await service.ready();
  assert.deepEqual([await first, (await again).registrationId], ['not-registered', 'reg-2']);
  assert.equal(client.state, 'registered');
});
