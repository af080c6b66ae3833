import assert from 'node:assert/strict';
import { test } from 'node:test';
import { registered } from './fake-page.ts';
import { type FakeService, fakeService, settle } from './fake-service.ts';
import { type Call, type CallEvents, CallingError } from './index.ts';

const NEW_ANSWER = 'new-answer-of-gateway';

/** A call that is answered and heard; the service answers every new offer. */
async function talking(service: FakeService): Promise<Call> {
  const call = await (await registered(service)).call('+15550109000');
  const news = { mediaSessionId: call.id, answer: { sdp: 'answer-of-gateway' } };
  await service.event('session-status', { ...news, status: 'Connected', sequenceNumber: 1 });
  service.peer().becomes('connected');
  service.on('PUT calls/*/status', ({ body }) => answered(call.id, body?.['status']));
  service.on('GET calls/*', () => answered(call.id, 'Connected'));
  service.asked.length = 0;
  return call;
}

const answered = (mediaSessionId: string, status: unknown) => ({
  status: 200,
  body: {
    mediaSessionId,
    status,
    receiverAddress: 'tel:+15550109000',
    offer: { sdp: 'x' },
    answer: { sdp: NEW_ANSWER },
  },
});

const asked = (service: FakeService) => service.asked.map(({ method, path }) => `${method} ${path.split('/').at(-1)}`);

function heard(call: Call): string[] {
  const all: string[] = [];
  const names: Array<keyof CallEvents> = ['reconnecting', 'reconnected', 'ended'];
  for (const name of names) call.on(name, () => all.push(name));
  return all;
}

test('sound that is lost for 3 s comes back over a new connection', async () => {
  const service = fakeService();
  const call = await talking(service);
  const events = heard(call);
  service.peer().becomes('disconnected');
  await service.pass(2900);
  assert.deepEqual([service.peers.length, call.media], [1, 'recovering']);
  await service.pass(200);
  assert.deepEqual([service.peers.length, service.peers[0]?.closed], [2, true]);
  assert.deepEqual(service.asked.at(-1)?.body, { status: 'Connected', offer: { sdp: 'offer-of-browser' } });
  assert.deepEqual(service.peer().done, ['local offer', `remote answer ${NEW_ANSWER}`]);
  service.peer().becomes('connected');
  await service.pass(60_000);
  assert.deepEqual([service.peers.length, events, call.media], [2, ['reconnecting', 'reconnected'], 'flowing']);
  assert.equal(service.tracks[0]?.stopped, false);
});

test('a stumble of the connection is waited for', async () => {
  const service = fakeService();
  await talking(service);
  service.peer().becomes('disconnected');
  await service.pass(2000);
  service.peer().becomes('connected');
  await service.pass(60_000);
  assert.equal(service.peers.length, 1);
});

test('a failed connection is replaced at once, and again until there is sound or the call is over', async () => {
  const service = fakeService();
  const call = await talking(service);
  const events = heard(call);
  service.on('PUT calls/*/status', () => 'no network');
  service.peer().becomes('failed');
  await settle();
  assert.equal(service.peers.length, 2);
  await service.pass(5000);
  assert.equal(service.peers.length, 3);
  for (const what of ['PUT calls/*/status', 'GET calls/*']) service.on(what, () => ({ status: 404 }));
  await service.pass(5000);
  assert.deepEqual(events, ['reconnecting', 'ended']);
  await service.pass(60_000);
  assert.equal(service.peers.length, 4);
});

test('on line again the sound takes the new network at once; a call that the user holds stays held', async () => {
  const service = fakeService();
  const call = await talking(service);
  await call.hold();
  service.online();
  await settle();
  assert.equal(service.peers.length, 2);
  assert.equal(service.asked.at(-1)?.body?.['status'], 'Hold');
  service.peer().becomes('connected');
  await service.pass(60_000);
  assert.deepEqual([service.peers.length, call.status], [2, 'Hold']);
});

test('an answered call goes on after its page was loaded again, as muted and as long as it was', async () => {
  const service = fakeService();
  const before = await talking(service);
  before.mute();
  await service.pass(10_000);
  service.leave();
  assert.deepEqual(asked(service), [], 'nobody is told');
  assert.equal(service.peer().closed, true, 'but the connection says goodbye');
  const client = await registered(service);
  service.asked.length = 0;
  const call = await client.resume();
  assert.deepEqual(asked(service), [`GET ${before.id}`, 'PUT status']);
  assert.deepEqual(
    [call?.id, call?.direction, call?.status, call?.muted, call?.answeredAt, call?.remote.number],
    [before.id, 'outbound', 'Connected', true, before.answeredAt, '+15550109000'],
  );
  assert.deepEqual(service.peer().done, ['local offer', `remote answer ${NEW_ANSWER}`]);
  assert.equal(await client.resume(), null, 'once');
});

test('a call out that nobody has answered is given up when its page is left', async () => {
  const service = fakeService();
  const call = await (await registered(service)).call('+15550109000');
  service.asked.length = 0;
  service.leave();
  await settle();
  assert.deepEqual([asked(service), call.end?.status], [[`DELETE ${call.id}`], 'SessionCancelled']);
  assert.equal(await (await registered(service)).resume(), null);
});

test('a call that ended meanwhile is not resumed', async () => {
  const service = fakeService();
  await talking(service);
  service.leave();
  service.on('GET calls/*', () => ({ status: 404 }));
  assert.equal(await (await registered(service)).resume(), null);
});

test('a call that cannot be asked about now is resumed by the next try', async () => {
  const service = fakeService();
  const { id } = await talking(service);
  service.leave();
  const client = await registered(service);
  let reachable = false;
  const session = { mediaSessionId: id, status: 'Connected', receiverAddress: 'tel:+15550109000' };
  service.on('GET calls/*', () => (reachable ? { status: 200, body: session } : 'no network'));
  await assert.rejects(client.resume(), CallingError);
  reachable = true;
  assert.equal((await client.resume())?.id, id);
});

test('a call that cannot go on without a microphone ends', async () => {
  const service = fakeService();
  const { id } = await talking(service);
  service.leave();
  const client = await registered(service);
  service.microphone.refuse = 'NotAllowedError';
  service.asked.length = 0;
  await assert.rejects(client.resume(), (e: unknown) => e instanceof CallingError && e.name === 'microphone-denied');
  assert.deepEqual(asked(service), [`GET ${id}`, `DELETE ${id}`]);
});

test('what the tab kept and cannot be read is no call', async () => {
  const service = fakeService();
  for (const text of ['', '{', '{"id":1}', 'null', '{"id":"a","direction":"up","answeredAt":1}']) {
    service.environment.tab.setItem('lineside.call', text);
    assert.equal(await (await registered(service)).resume(), null, text);
  }
});

test('the name of the far end may become known with the answer', async () => {
  const service = fakeService();
  const call = await (await registered(service)).call('+15550109000');
  assert.equal(call.remote.display, null);
  await service.event('session-status', {
    mediaSessionId: call.id,
    status: 'Connected',
    receiverName: 'Echo',
    answer: { sdp: 'answer-of-gateway' },
    sequenceNumber: 1,
  });
  assert.deepEqual([call.remote.display, call.remote.number], ['Echo', '+15550109000']);
});
