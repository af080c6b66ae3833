import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import type { Call } from './call.ts';
import { CallingError } from './errors.ts';
import { CHALLENGE, type FakeService, fakeService, settle } from './fake-service.ts';
import { VisitorClient, type VisitorClientOptions } from './visitor.ts';

const ENTRY_POINT = 'a b';

function visitorOf(service: FakeService, options: Partial<VisitorClientOptions> = {}): VisitorClient {
  return new VisitorClient({ entryPoint: ENTRY_POINT, environment: service.environment, ...options });
}

async function called(service: FakeService): Promise<{ visitor: VisitorClient; call: Call }> {
  const visitor = visitorOf(service);
  const call = await visitor.call();
  await service.ready({ sessions: [{ mediaSessionId: 'call-1', status: 'InProgress' }] });
  return { visitor, call };
}

/** `answer` comes by the channel. */
const connect = (service: FakeService) =>
  service.event('session-status', {
    mediaSessionId: 'call-1',
    status: 'Connected',
    answer: { sdp: 'a' },
  });

const asked = (service: FakeService) =>
  service.asked.map(({ method, path }) => `${method} ${path.replace('/webrtc-click-to-call/v0.1/', '')}`);

const rejectsWith = (work: Promise<unknown>, name: string) =>
  assert.rejects(work, (error: unknown) => error instanceof CallingError && error.name === name);

test('a visitor needs a look, some work, a token and an offer to be in a call', async () => {
  const service = fakeService();
  const visitor = visitorOf(service);
  const states: string[] = [];
  visitor.on('stateChanged', state => states.push(state));
  const call = await visitor.call();
  assert.deepEqual(asked(service), [
    'GET public/entry-points/a%20b',
    'POST public/entry-points/a%20b/visitor-tokens',
    'POST calls',
  ]);
  const [look, token, post] = service.asked;
  assert.equal(look?.headers.get('authorization'), null);
  assert.equal(token?.headers.get('authorization'), null);
  const { challenge, solution } = (token?.body?.['proof'] ?? {}) as Record<string, string>;
  assert.equal(challenge, CHALLENGE);
  assert.ok(createHash('sha256').update(`${challenge}${solution}`).digest().readUInt8() < 16, 'four zero bits');
  assert.equal(post?.headers.get('authorization'), 'Bearer visitor-token');
  assert.deepEqual(post?.body, { offer: { sdp: 'offer-of-browser' } });
  assert.equal(visitor.current, call);
  assert.deepEqual(states, ['microphone', 'preparing', 'calling']);
});

test('ICE servers come with the call and count from its first candidate on', async () => {
  const service = fakeService();
  await visitorOf(service).call();
  assert.deepEqual(service.peer().done, ['configuration', 'local offer']);
  assert.deepEqual(service.peer().iceServers, [{ urls: ['turn:relay'], username: 'u', credential: 'c' }]);
});

test('the call lives by its own channel: rings, is answered, is hung up over there', async () => {
  const service = fakeService();
  const { visitor, call } = await called(service);
  assert.deepEqual(service.socket().sent[0], { op: 'hello', ticket: 't1' });
  assert.equal(call.status, 'InProgress', 'what had happened before the channel was open');
  await service.event('session-status', { mediaSessionId: 'call-1', status: 'Ringing' });
  assert.equal(call.status, 'Ringing');
  await connect(service);
  assert.equal(call.status, 'Connected');
  assert.ok(service.peer().done.includes('remote answer a'));
  await service.event('session-status', { mediaSessionId: 'call-1', status: 'Terminated' });
  assert.equal(call.end?.by, 'remote');
  assert.equal(visitor.state, 'idle');
  assert.equal(service.socket().closed, 1000);
  assert.ok(service.tracks[0]?.stopped);
});

test('hanging up is told to the service with the token of the call', async () => {
  const service = fakeService();
  const { call } = await called(service);
  await call.hangup();
  assert.equal(asked(service).at(-1), 'DELETE calls/call-1');
  assert.equal(service.asked.at(-1)?.headers.get('authorization'), 'Bearer visitor-token');
});

test('a lost channel comes back with a new ticket of the call; one that the service no longer knows ends it', async () => {
  const service = fakeService();
  const { visitor, call } = await called(service);
  await connect(service);
  service.socket().drop(1006);
  assert.equal(visitor.state, 'offline');
  await service.pass(500);
  assert.equal(asked(service).at(-1), 'POST calls/call-1/tickets');
  await service.ready({ sessions: [{ mediaSessionId: 'call-1', status: 'Connected' }] });
  assert.deepEqual(service.socket().sent[0], { op: 'hello', ticket: 't2', lastSeq: 1 });
  assert.equal(visitor.state, 'calling');
  service.on('POST visitor-calls/*/tickets', () => ({ status: 404, body: { code: 'NOT_FOUND' } }));
  service.socket().drop(1006);
  await service.pass(500);
  assert.equal(call.end?.status, 'Terminated');
});

test('a channel that is refused in a call leaves the call, and says that the service is away', async () => {
  const service = fakeService();
  const { visitor, call } = await called(service);
  await connect(service);
  service.on('GET visitor-calls/*', () => ({ status: 200, body: { mediaSessionId: 'call-1', status: 'Connected' } }));
  service.socket().drop(4403);
  await settle();
  assert.deepEqual([visitor.state, call.end], ['offline', null]);
});

test('a channel that is refused from the first on says so too', async () => {
  const service = fakeService();
  const visitor = visitorOf(service);
  const call = await visitor.call();
  service.on('GET visitor-calls/*', () => ({ status: 200, body: { mediaSessionId: 'call-1', status: 'Ringing' } }));
  service.socket().drop(4403);
  await settle();
  assert.deepEqual([visitor.state, call.end], ['offline', null]);
});

test('a look that is still good spares the second; its challenge is used once', async () => {
  const service = fakeService();
  const visitor = visitorOf(service);
  const { displayName, open } = await visitor.look();
  assert.deepEqual([displayName, open], ['Shop', true]);
  service.asked.length = 0;
  const first = await visitor.call();
  assert.equal(asked(service)[0]?.split(' ')[0], 'POST');
  await first.hangup();
  service.asked.length = 0;
  const second = await visitor.call();
  assert.equal(asked(service)[0]?.split(' ')[0], 'GET');
  await second.hangup();
  await visitor.look();
  await service.pass(110_000);
  service.asked.length = 0;
  await visitor.call();
  assert.equal(asked(service)[0]?.split(' ')[0], 'GET', 'the challenge was about to end');
});

test('who is closed is not called, and says when it opens', async () => {
  const service = fakeService();
  const body = { displayName: 'Shop', open: false, opensAt: '2026-01-02T08:00:00Z', proof: { type: 'none' } };
  service.on('GET entry-points/*', () => ({ status: 200, body }));
  const visitor = visitorOf(service);
  assert.equal((await visitor.look()).opensAt, Date.UTC(2026, 0, 2, 8));
  await rejectsWith(visitor.call(), 'closed');
  await settle();
  assert.ok(service.tracks[0]?.stopped, 'the microphone is given back');
  assert.ok(!asked(service).some(request => request.startsWith('POST')));
  assert.equal(visitor.state, 'idle');
});

test('an entry point without work wants none', async () => {
  const service = fakeService();
  service.on('GET entry-points/*', () => ({
    status: 200,
    body: { displayName: 'S', open: true, proof: { type: 'none' } },
  }));
  await visitorOf(service).call();
  assert.deepEqual(service.asked[1]?.body, {});
});

test('a token of the own back end spares look and work; one it cannot give is told', async () => {
  const service = fakeService();
  const token = async () => ({ visitorToken: 'own', expiresAt: service.environment.now() + 100_000 });
  await visitorOf(service, { token }).call();
  assert.deepEqual(asked(service), ['POST calls']);
  assert.equal(service.asked[0]?.headers.get('authorization'), 'Bearer own');
  const refused = visitorOf(service, { token: () => Promise.reject(new Error('no')) });
  await rejectsWith(refused.call(), 'token-unavailable');
  const unreached = visitorOf(service, { token: () => Promise.reject(new TypeError('Failed to fetch')) });
  await rejectsWith(unreached.call(), 'network');
  service.on('POST entry-points/*/visitor-tokens', () => ({ status: 409, body: { code: 'ENTRY_POINT_CLOSED' } }));
  await rejectsWith(visitorOf(service).call(), 'closed');
});

test('a token that ran out while the browser asked for the microphone is replaced before the call', async () => {
  const service = fakeService();
  let allow = () => {};
  const { openMicrophone } = service.environment;
  service.environment.openMicrophone = async constraints => {
    await new Promise<void>(resolve => {
      allow = resolve;
    });
    return openMicrophone(constraints);
  };
  const visitor = visitorOf(service);
  const calling = visitor.call();
  await settle();
  assert.equal(visitor.state, 'microphone');
  await service.pass(119_000);
  let body = { visitorToken: 'fresh', expiresAt: new Date(service.environment.now() + 120_000).toISOString() };
  service.on('POST entry-points/*/visitor-tokens', () => ({ status: 201, body }));
  allow();
  await calling;
  assert.equal(service.asked.at(-1)?.headers.get('authorization'), 'Bearer fresh');
  body = { ...body, visitorToken: 'of another call' };
  await visitor.current?.hangup();
  assert.equal(service.asked.at(-1)?.headers.get('authorization'), 'Bearer fresh');
});

test('a refused microphone, and lines that are all busy, leave nothing open', async () => {
  const service = fakeService();
  service.microphone.refuse = 'NotAllowedError';
  const visitor = visitorOf(service);
  await rejectsWith(visitor.call(), 'microphone-denied');
  service.microphone.refuse = null;
  const answer = { status: 429, body: { code: 'QUOTA_EXCEEDED' }, headers: { 'retry-after': '7' } };
  service.on('POST visitor-calls', () => answer);
  await assert.rejects(visitor.call(), { name: 'too-many-calls', retryAfterS: 7 });
  assert.equal(visitor.state, 'idle');
  assert.ok(service.peer().closed);
  assert.ok(service.tracks.every(({ stopped }) => stopped));
});

test('CTC-02 CTC-16 what a token has cost is not lost on a call that was not made: busy lines, no microphone, a change of mind', async () => {
  const service = fakeService();
  const visitor = visitorOf(service);
  const paid = () => asked(service).filter(request => request.endsWith('visitor-tokens')).length;
  const busy = { status: 429, body: { code: 'QUOTA_EXCEEDED' } };
  service.on('POST visitor-calls', () => busy);
  await rejectsWith(visitor.call(), 'too-many-calls');
  service.microphone.refuse = 'NotAllowedError';
  await rejectsWith(visitor.call(), 'microphone-denied');
  service.microphone.refuse = null;
  await rejectsWith(visitor.call(), 'too-many-calls');
  assert.equal(paid(), 1);
  await service.pass(116_000);
  await rejectsWith(visitor.call(), 'too-many-calls');
  assert.equal(paid(), 2, 'it was about to end');
  service.on('POST visitor-calls', () => ({ status: 401, body: { code: 'UNAUTHENTICATED' } }));
  await rejectsWith(visitor.call(), 'token-refused');
  await rejectsWith(visitor.call(), 'token-refused');
  assert.equal(paid(), 3, 'the service does not know it any more');
});

test('an offer that the browser itself cannot use ends the call at the service', async () => {
  const service = fakeService();
  const visitor = visitorOf(service);
  const { openPeer } = service.environment;
  service.environment.openPeer = configuration => {
    const peer = openPeer(configuration);
    peer.setLocalDescription = () => Promise.reject(new Error('unusable'));
    return peer;
  };
  await rejectsWith(visitor.call(), 'media-failed');
  await settle();
  assert.equal(asked(service).at(-1), 'DELETE calls/call-1');
});

test('a call that is given up before it is made: at once, whatever is waited for', async () => {
  const service = fakeService();
  const visitor = visitorOf(service);
  const stop = new AbortController();
  const { openMicrophone } = service.environment;
  let allow = () => {};
  service.environment.openMicrophone = async constraints => {
    await new Promise<void>(resolve => {
      allow = resolve;
    });
    return openMicrophone(constraints);
  };
  const calling = visitor.call({ signal: stop.signal });
  await settle();
  stop.abort();
  await rejectsWith(calling, 'cancelled');
  assert.equal(visitor.state, 'idle');
  allow();
  await settle();
  assert.ok(service.tracks[0]?.stopped, 'the microphone that came late');
  service.environment.openMicrophone = openMicrophone;
  service.on('POST visitor-calls', () => {
    late.abort();
    return {
      status: 201,
      body: { mediaSessionId: 'call-2', status: 'Initial', channel: { websocketUrl: 'ws://h', ticket: 't' } },
    };
  });
  const late = new AbortController();
  await rejectsWith(visitor.call({ signal: late.signal }), 'cancelled');
  await settle();
  assert.equal(asked(service).at(-1), 'DELETE calls/call-2');
});

test('an answered call goes on in the next page of the site, muted as it was', async () => {
  const service = fakeService();
  const { call } = await called(service);
  await connect(service);
  call.mute(true);
  service.leave();
  await settle();
  service.on('GET visitor-calls/*', () => ({
    status: 200,
    body: { mediaSessionId: 'call-1', status: 'Connected', offer: { sdp: 'o' }, answer: { sdp: 'a' } },
  }));
  service.on('PUT visitor-calls/*/status', () => ({
    status: 200,
    body: { mediaSessionId: 'call-1', status: 'Connected', answer: { sdp: 'again' } },
  }));
  assert.equal(await visitorOf(service, { entryPoint: 'another' }).resume(), null);
  const next = visitorOf(service);
  service.asked.length = 0;
  const resumed = await next.resume();
  assert.deepEqual([resumed?.muted, resumed?.answeredAt], [true, call.answeredAt]);
  await settle();
  assert.deepEqual(asked(service), ['GET calls/call-1', 'PUT calls/call-1/status', 'POST calls/call-1/tickets']);
  assert.equal(service.asked[0]?.headers.get('authorization'), 'Bearer visitor-token');
  assert.equal(service.peer().iceServers.length, 1);
  assert.equal(await visitorOf(service).resume(), null, 'no page after that finds it as well');
});

test('the next page gives the call up without a microphone, and finds it again after a service that was away', async () => {
  const service = fakeService();
  await called(service);
  await connect(service);
  service.leave();
  await settle();
  service.on('GET visitor-calls/*', () => ({ status: 503, body: { code: 'UNAVAILABLE' } }));
  await assert.rejects(visitorOf(service).resume());
  service.on('GET visitor-calls/*', () => ({
    status: 200,
    body: { mediaSessionId: 'call-1', status: 'Connected', offer: { sdp: 'o' }, answer: { sdp: 'a' } },
  }));
  service.microphone.refuse = 'NotAllowedError';
  await rejectsWith(visitorOf(service).resume(), 'microphone-denied');
  assert.equal(asked(service).at(-1), 'DELETE calls/call-1');
});

test('a call that nobody has answered is given up when its page is left', async () => {
  const service = fakeService();
  await called(service);
  service.leave();
  await settle();
  assert.equal(asked(service).at(-1), 'DELETE calls/call-1');
  assert.equal(await visitorOf(service).resume(), null);
});
