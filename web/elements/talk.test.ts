import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type FakeService, fakeService, settle } from '../client/fake-service.ts';
import { VisitorClient } from '../client/index.ts';
import { createTalk, type Talk, type TalkState } from './talk.ts';

function talkOn(service: FakeService) {
  const { environment } = service;
  const told: string[] = [];
  const states: TalkState[] = [];
  const talk = createTalk({
    visitor: new VisitorClient({ entryPoint: 'shop', environment }),
    environment,
    show: state => states.push(state),
    name: name => told.push(name),
    listen: call => told.push(call === null ? 'silence' : 'sound'),
    ringback: on => told.push(on ? 'ringback' : 'no ringback'),
    fault: error => told.push(`fault ${error.name}`),
  });
  const names = () => states.map(({ name }) => name).filter((name, n, all) => name !== all[n - 1]);
  return { talk, states, names, told };
}

/** Calls and waits until the channel of the call is open. */
async function placed(service: FakeService, talk: Talk): Promise<void> {
  await talk.call();
  await service.ready({ sessions: [{ mediaSessionId: 'call-1', status: 'InProgress' }] });
}

const becomes = (service: FakeService, status: string, more: Record<string, unknown> = {}) =>
  service.event('session-status', { mediaSessionId: 'call-1', status, ...more });

const closedShop = (service: FakeService) => {
  const body = { displayName: 'Shop', open: false, opensAt: '2026-01-02T08:00:00Z', proof: { type: 'none' } };
  service.on('GET entry-points/*', () => ({ status: 200, body }));
};

test('a press leads to ringing, talking and an end, and to the next press', async () => {
  const service = fakeService();
  const { talk, names, told } = talkOn(service);
  await placed(service, talk);
  await becomes(service, 'Ringing');
  assert.ok(told.includes('ringback'));
  await becomes(service, 'Connected', { answer: { sdp: 'a' } });
  assert.equal(told.at(-1), 'no ringback');
  await becomes(service, 'Terminated');
  assert.deepEqual(names(), ['preparing', 'calling', 'ringing', 'talking', 'ended']);
  assert.deepEqual(talk.state, { name: 'ended', reason: 'hung-up', durationMs: 0 });
  assert.deepEqual(
    told.filter(word => word === 'sound' || word === 'silence'),
    ['sound', 'silence'],
  );
  talk.dismiss();
  assert.equal(talk.state.name, 'idle');
  await placed(service, talk);
  assert.equal(talk.state.name, 'calling');
});

test('ringback of our own is not mixed with sound of the network', async () => {
  const service = fakeService();
  const { talk, told } = talkOn(service);
  await placed(service, talk);
  await becomes(service, 'Ringing', { answer: { sdp: 'early' } });
  assert.equal(talk.state.name, 'ringing');
  assert.ok(!told.includes('ringback'));
});

test('that the browser asks is said when it does, not when it need not', async () => {
  const service = fakeService();
  const { talk, names } = talkOn(service);
  let allow = () => {};
  const { openMicrophone } = service.environment;
  service.environment.openMicrophone = async constraints => {
    await new Promise<void>(resolve => {
      allow = resolve;
    });
    return openMicrophone(constraints);
  };
  const calling = talk.call();
  await settle();
  assert.equal(talk.state.name, 'preparing');
  await service.pass(400);
  assert.equal(talk.state.name, 'asking');
  allow();
  await calling;
  assert.deepEqual(names(), ['preparing', 'asking', 'preparing', 'calling']);
});

test('in a call: muted, held by the other side, without a network, and back', async () => {
  const service = fakeService();
  const { talk } = talkOn(service);
  await placed(service, talk);
  await becomes(service, 'Connected', { answer: { sdp: 'a' } });
  service.peer().becomes('connected');
  const shown = () => {
    const { state } = talk;
    assert.ok(state.name === 'talking');
    return [state.muted, state.held, state.reconnecting];
  };
  assert.deepEqual(shown(), [false, false, false]);
  talk.mute(true);
  assert.deepEqual(shown(), [true, false, false]);
  await becomes(service, 'Hold');
  assert.deepEqual(shown(), [true, true, false]);
  await becomes(service, 'Connected');
  service.peer().becomes('disconnected');
  assert.deepEqual(shown(), [true, false, true]);
  service.peer().becomes('connected');
  assert.deepEqual(shown(), [true, false, false]);
  service.socket().drop(1006);
  assert.deepEqual(shown(), [true, false, true]);
  await talk.digits('4#');
  assert.deepEqual(service.peer().tones, ['4#']);
});

test('who is closed says so before the press and after it, with the time when it opens', async () => {
  const service = fakeService();
  const { talk, told } = talkOn(service);
  await talk.look();
  assert.deepEqual(
    told.filter(word => word === 'Shop'),
    ['Shop'],
  );
  assert.equal(talk.state.name, 'idle');
  closedShop(service);
  await talk.call();
  await settle();
  const closed = { name: 'closed', opensAt: Date.UTC(2026, 0, 2, 8) };
  assert.deepEqual(talk.state, { name: 'calling' }, 'it was open a moment ago');
  await talk.hangUp();
  talk.dismiss();
  await talk.call();
  await settle();
  assert.deepEqual(talk.state, closed);
});

test('all lines busy: not before the time that the service asks for', async () => {
  const service = fakeService();
  const { talk, told } = talkOn(service);
  const busy = { status: 429, body: { code: 'QUOTA_EXCEEDED' }, headers: { 'retry-after': '7' } };
  const before = { ...busy, body: { code: 'SOURCE_QUOTA_EXCEEDED' }, headers: {} };
  service.on('POST visitor-calls', () => before);
  await talk.call();
  assert.deepEqual(talk.state, { name: 'failed', error: 'too-many-from-here', retryAt: null }, 'not the same');
  service.on('POST visitor-calls', () => busy);
  await talk.call();
  const retryAt = service.environment.now() + 7000;
  assert.deepEqual(talk.state, { name: 'failed', error: 'too-many-calls', retryAt });
  assert.ok(told.includes('fault too-many-calls'));
  service.asked.length = 0;
  await service.pass(6999);
  await talk.call();
  assert.equal(service.asked.length, 0);
  await service.pass(1);
  await talk.call();
  assert.ok(service.asked.length > 0);
});

test('a refused microphone is told; giving up before there is a call leaves no trace', async () => {
  const service = fakeService();
  const { talk } = talkOn(service);
  service.microphone.refuse = 'NotAllowedError';
  await talk.call();
  assert.deepEqual(talk.state, { name: 'failed', error: 'microphone-denied', retryAt: null });
  talk.dismiss();
  service.microphone.refuse = null;
  service.environment.openMicrophone = () => new Promise(() => {});
  const calling = talk.call();
  await settle();
  await talk.hangUp();
  await calling;
  assert.equal(talk.state.name, 'idle');
});

test('the call of the page before goes on without a press', async () => {
  const service = fakeService();
  const first = talkOn(service);
  await placed(service, first.talk);
  await becomes(service, 'Connected', { answer: { sdp: 'a' } });
  service.leave();
  await settle();
  const answer = { mediaSessionId: 'call-1', status: 'Connected', answer: { sdp: 'b' } };
  service.on('GET visitor-calls/*', () => ({ status: 200, body: answer }));
  service.on('PUT visitor-calls/*/status', () => ({ status: 200, body: answer }));
  const { talk, told } = talkOn(service);
  await talk.resume();
  assert.equal(talk.state.name, 'talking');
  await settle();
  assert.ok(told.includes('sound') && told.includes('Shop'));
});
