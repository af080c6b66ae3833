import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Call } from './call.ts';
import { CallingClient } from './client.ts';
import { endText } from './end.ts';
import { CallingError } from './errors.ts';
import { registered } from './fake-page.ts';
import { type FakeService, fakeService, NUMBER, settle } from './fake-service.ts';
import { dialAddress } from './session.ts';

const token = async () => 'token';

async function calling(service: FakeService): Promise<{ client: CallingClient; call: Call }> {
  const client = await registered(service);
  return { client, call: await client.call('+1 (555) 010-9000') };
}

const methods = (service: FakeService) =>
  service.asked.map(({ method, path }) => `${method} ${path.replace(/^\/[^/]+\/[^/]+\//, '')}`);

const rejectsWith = (work: Promise<unknown>, name: string) =>
  assert.rejects(work, (error: unknown) => error instanceof CallingError && error.name === name);

test('events are asked for before the registration, so that no call is lost', async () => {
  const service = fakeService();
  const client = await registered(service);
  assert.deepEqual(methods(service), ['POST channels', 'POST sessions']);
  assert.equal(service.asked[0]?.body?.['deviceId'], client.deviceId);
  assert.equal(((service.asked[0]?.body?.['types'] ?? []) as string[]).length, 3);
  assert.deepEqual(service.socket().protocols, ['webrtc-gateway.v1']);
  assert.deepEqual(service.socket().sent[0], { op: 'hello', ticket: 't1' });
  assert.equal(client.state, 'registered');
  assert.deepEqual(client.numbers, [NUMBER]);
  assert.equal(service.asked[0]?.headers.get('authorization'), 'Bearer token');
});

test('after a reload the registration and the channel are found again', async () => {
  const service = fakeService();
  const before = await registered(service);
  await service.event('session-status', { mediaSessionId: 'x', status: 'Ringing' });
  service.on('POST registrations', () => ({ status: 409, body: { code: 'ALREADY_EXISTS' } }));
  service.asked.length = 0;
  const after = await registered(service);
  assert.equal(after.deviceId, before.deviceId);
  assert.deepEqual(methods(service), ['POST channels/ch-1/tickets', 'PUT sessions/reg-1']);
  assert.deepEqual(service.socket().sent[0], { op: 'hello', ticket: 't2', lastSeq: 1 });
});

test('a registration that the page forgot, or that the service does not know any more, is found or made', async () => {
  const service = fakeService();
  const { deviceId } = await registered(service);
  service.on('PUT registrations/*', () => ({ status: 404, body: { code: 'NOT_FOUND' } }));
  service.asked.length = 0;
  await registered(service);
  assert.deepEqual(methods(service).slice(1), ['PUT sessions/reg-1', 'POST sessions']);
  service.on('PUT registrations/*', () => ({
    status: 200,
    body: { registrationId: 'reg-1', regInfo: { phoneNumber: NUMBER }, expiresAt: '2026-01-01T01:00:00Z' },
  }));
  service.on('POST registrations', () => ({ status: 409, body: { code: 'ALREADY_EXISTS' } }));
  service.environment.profile.removeItem(`lineside.registration.${deviceId}`);
  service.asked.length = 0;
  await registered(service);
  assert.deepEqual(methods(service).slice(1), [
    'POST sessions',
    `GET sessions?deviceId=${deviceId}`,
    'PUT sessions/reg-1',
  ]);
});

test('a device id that is registered by somebody else is told', async () => {
  const service = fakeService();
  service.on('POST registrations', () => ({ status: 409, body: { code: 'ALREADY_EXISTS' } }));
  service.on('GET registrations', () => ({ status: 200, body: [] }));
  const client = new CallingClient({ token, environment: service.environment });
  const done = client.register();
  const told = rejectsWith(done, 'device-taken');
  await service.ready();
  await service.pass(1000);
  await service.pass(1000);
  await service.pass(1000);
  await told;
  assert.equal(client.state, 'idle');
});

test('a registration that another tab is just making, or just ending, is waited for', async () => {
  const service = fakeService();
  const mine = { registrationId: 'reg-1', regInfo: { phoneNumber: NUMBER }, expiresAt: '2026-01-01T01:00:00Z' };
  let seen = 0;
  service.on('POST registrations', () => ({ status: 409, body: { code: 'ALREADY_EXISTS' } }));
  service.on('GET registrations', () => {
    seen += 1;
    return { status: 200, body: seen > 1 ? [mine] : [] };
  });
  const client = new CallingClient({ token, environment: service.environment });
  const done = client.register();
  await service.ready();
  await service.pass(1000);
  assert.equal((await done).number, NUMBER);
});

test('the registration is extended 120 s before its end, again and again', async () => {
  const service = fakeService();
  const client = await registered(service);
  service.asked.length = 0;
  const puts = () => service.asked.filter(({ method }) => method === 'PUT').length;
  // The heartbeat keeps the channel alive meanwhile.
  const quiet = async (ms: number) => {
    for (let left = ms; left > 0; left -= 20_000) {
      await service.pass(Math.min(left, 20_000));
      service.socket().say({ op: 'ping' });
    }
  };
  await quiet(3_479_000);
  assert.equal(puts(), 0);
  await quiet(2000);
  assert.equal(puts(), 1);
  await quiet(3_480_000);
  assert.equal(puts(), 2);
  assert.deepEqual(service.socket().sent.at(-1), { op: 'pong' });
  assert.equal(client.state, 'registered');
});

test('an extension that finds nothing registers anew; one that cannot reach the service tries again', async () => {
  const service = fakeService();
  const client = await registered(service);
  let fails = 2;
  service.on('PUT registrations/*', () => {
    fails -= 1;
    return fails >= 0 ? 'no network' : { status: 404, body: { code: 'NOT_FOUND' } };
  });
  service.asked.length = 0;
  await service.pass(3_480_000);
  await service.pass(10_000);
  const path = '/webrtc-registration/v0.4rc1/sessions';
  const seen = service.asked.filter(asked => asked.path.startsWith(path)).map(({ method }) => method);
  assert.deepEqual(seen, ['PUT', 'PUT', 'PUT', 'POST']);
  assert.deepEqual(client.numbers, [NUMBER]);
});

test('a registration ended by the network is told; an expired one is made again', async () => {
  const service = fakeService();
  const client = await registered(service);
  const ends: unknown[] = [];
  client.on('unregistered', end => ends.push(end));
  service.asked.length = 0;
  await service.event('registration-ends', { registrationId: 'reg-1', terminationReason: 'REGISTRATION_EXPIRED' });
  assert.deepEqual(methods(service), ['POST sessions']);
  await service.event('registration-ends', { registrationId: 'foreign', terminationReason: 'NETWORK_TERMINATED' });
  assert.equal(ends.length, 0);
  await service.event('registration-ends', { registrationId: 'reg-1', terminationReason: 'NETWORK_TERMINATED' });
  assert.equal(ends.length, 1);
  assert.equal(client.state, 'idle');
});

test('a call out posts its offer at once, alone, and takes the answer that an event brings', async () => {
  const service = fakeService();
  const { call } = await calling(service);
  const post = service.asked.at(-1);
  assert.equal(post?.headers.get('registrationId'), 'reg-1');
  assert.deepEqual(post?.body, {
    originatorAddress: `tel:${NUMBER}`,
    receiverAddress: 'tel:+15550109000',
    offer: { sdp: 'offer-of-browser' },
  });
  const heard: string[] = [];
  call.on('statusChanged', status => heard.push(status));
  call.on('ringing', ({ earlyMedia }) => heard.push(`early media ${earlyMedia}`));
  call.on('connected', () => heard.push('connected'));
  const news = { mediaSessionId: 'call-1', offer: { sdp: 'o' }, answer: { sdp: 'answer-of-gateway' } };
  await service.event('session-status', { ...news, status: 'Ringing', sequenceNumber: 1 });
  await service.event('session-status', { ...news, status: 'Connected', sequenceNumber: 2 });
  assert.deepEqual(heard, ['Ringing', 'early media true', 'Connected', 'connected']);
  assert.deepEqual(service.peer().done, ['local offer', 'remote answer answer-of-gateway']);
  service.peer().becomes('connected');
  assert.equal(call.media, 'flowing');
});

test('events that overtake the answer to the POST are not lost', async () => {
  const service = fakeService();
  const client = await registered(service);
  service.on('POST calls', ({ body }) => {
    for (const [status, sequenceNumber] of [
      ['Ringing', 1],
      ['Connected', 2],
    ] as const) {
      const data = { mediaSessionId: 'call-1', status, sequenceNumber, answer: { sdp: 'a' } };
      void service.event('session-status', data);
    }
    return { status: 201, body: { ...body, mediaSessionId: 'call-1', status: 'Initial' } };
  });
  const call = await client.call('tel:+15550109000');
  const heard: string[] = [];
  call.on('statusChanged', status => heard.push(status));
  await service.pass(0);
  assert.deepEqual(heard, ['Ringing', 'Connected']);
});

test('events that come twice or late change nothing; a gap is filled by asking', async () => {
  const service = fakeService();
  const { call } = await calling(service);
  const event = (status: string, sequenceNumber: number) =>
    service.event('session-status', { mediaSessionId: 'call-1', status, sequenceNumber });
  await event('Hold', 3);
  await event('Connected', 2);
  await event('Connected', 3);
  assert.equal(call.status, 'Hold');
  await event('Connected', 4);
  assert.equal(call.status, 'Connected');
  service.on('GET calls/*', () => ({ status: 200, body: { mediaSessionId: 'call-1', status: 'Hold' } }));
  await event('Connected', 6);
  await settle();
  assert.equal(call.status, 'Hold');
});

test('every end of a call out has its sentence', async () => {
  for (const [status, reason, sentence] of [
    ['Busy', 'SIP;cause=486;text="Busy Here"', 'The other side is busy.'],
    ['Declined', 'SIP;cause=603', 'The other side declined the call.'],
    ['NoAnswer', 'SIP;cause=408', 'Nobody answered.'],
    ['NotReachable', 'SIP;cause=404', 'The number cannot be reached.'],
    ['Failed', 'SIP;cause=503;text="No media resources"', 'The network is busy. Try again in a moment.'],
    ['Failed', 'SIP;cause=488', 'The two sides have no sound format in common.'],
    ['Terminated', 'SIP BYE', 'The other side hung up.'],
    ['Terminated', 'GW;cause=3;text="media timeout"', 'The call was cut because no sound came through.'],
  ] as const) {
    const service = fakeService();
    const { client, call } = await calling(service);
    await service.event('session-status', { mediaSessionId: 'call-1', status, reason, sequenceNumber: 1 });
    assert.ok(call.end !== null, status);
    assert.equal(endText(call.end, call.direction), sentence);
    assert.equal(client.calls.size, 0);
    assert.ok(service.peer().closed);
    assert.ok(service.tracks[0]?.stopped);
    await rejectsWith(call.hold(), 'call-over');
  }
});

test('hanging up says who did it, before and after the answer, also when the call was over already', async () => {
  const service = fakeService();
  const { client, call } = await calling(service);
  await call.hangup();
  assert.equal(call.end?.status, 'SessionCancelled');
  assert.equal(call.end && endText(call.end, 'outbound'), 'You cancelled the call.');
  const second = await client.call(NUMBER.replace('001', '002'));
  await service.event('session-status', { mediaSessionId: 'call-1', status: 'Connected', sequenceNumber: 1 });
  await service.pass(5000);
  service.on('DELETE calls/*', () => ({ status: 404, body: { code: 'NOT_FOUND' } }));
  await second.hangup();
  assert.equal(second.end?.durationMs, 5000);
  assert.equal(second.end && endText(second.end, 'outbound'), 'You hung up.');
});

test('an incoming call is announced, rings, is answered with its own description', async () => {
  const service = fakeService();
  const client = await registered(service);
  const calls: Call[] = [];
  client.on('incoming', call => calls.push(call));
  await service.event('session-invitation', {
    mediaSessionId: 'in-1',
    status: 'Initial',
    originatorAddress: 'tel:+15550100002',
    originatorName: 'Bela',
    receiverAddress: `tel:${NUMBER}`,
    offer: { sdp: 'offer-of-gateway' },
    sequenceNumber: 1,
  });
  const [call] = calls;
  assert.ok(call);
  assert.equal(call.remote.number, '+15550100002');
  assert.equal(call.remote.display, 'Bela');
  assert.equal(call.status, 'Ringing');
  assert.deepEqual(service.asked.at(-1)?.body, { status: 'Ringing' });
  assert.equal(service.peers.length, 0, 'no microphone before the answer');
  await call.answer();
  assert.deepEqual(service.asked.at(-1)?.body, { status: 'Connected', answer: { sdp: 'answer-of-browser' } });
  assert.deepEqual(service.peer().done, ['remote offer offer-of-gateway', 'local answer']);
  assert.equal(call.status, 'Connected');
  await service.event('session-status', { mediaSessionId: 'in-1', status: 'Ringing', sequenceNumber: 2 });
  assert.equal(call.status, 'Connected', 'what was true before the answer is not true again');
});

test('an incoming call can be refused, be busy, be answered elsewhere, be given up', async () => {
  const invite = async (service: FakeService) => {
    const client = await registered(service);
    const calls: Call[] = [];
    client.on('incoming', call => calls.push(call));
    const data = { mediaSessionId: 'in-1', status: 'Initial', offer: { sdp: 'o' }, sequenceNumber: 1 };
    await service.event('session-invitation', data);
    return calls[0] as Call;
  };
  const words = (call: Call) => (call.end === null ? null : endText(call.end, call.direction));
  let service = fakeService();
  let call = await invite(service);
  await call.reject();
  assert.equal(methods(service).at(-1), 'DELETE sessions/in-1');
  assert.equal(words(call), 'You declined the call.');
  service = fakeService();
  call = await invite(service);
  await call.reject('busy');
  assert.deepEqual(service.asked.at(-1)?.body, { status: 'Busy' });
  for (const [reason, sentence] of [
    ['SIP;cause=200;text="Call completed elsewhere"', 'The call was answered on another device.'],
    ['GW;cause=5;text="answered elsewhere"', 'The call was answered on another device.'],
    ['SIP;cause=487', 'The caller gave up.'],
  ]) {
    service = fakeService();
    call = await invite(service);
    const data = { mediaSessionId: 'in-1', status: 'SessionCancelled', reason, sequenceNumber: 2 };
    await service.event('session-status', data);
    assert.equal(words(call), sentence);
  }
});

test('a refused microphone leaves an incoming call ringing and makes no call out', async () => {
  const service = fakeService();
  const client = await registered(service);
  const calls: Call[] = [];
  client.on('incoming', call => calls.push(call));
  await service.event('session-invitation', { mediaSessionId: 'in-1', status: 'Initial', offer: { sdp: 'o' } });
  service.microphone.refuse = 'NotAllowedError';
  await rejectsWith(calls[0]?.answer() ?? Promise.resolve(), 'microphone-denied');
  assert.equal(calls[0]?.status, 'Ringing');
  const asked = service.asked.length;
  await rejectsWith(client.call('+15550109000'), 'microphone-denied');
  assert.equal(service.asked.length, asked);
  service.microphone.refuse = null;
  await calls[0]?.answer();
  assert.equal(calls[0]?.status, 'Connected');
});

test('a call the service refuses gives the microphone back and says why', async () => {
  const service = fakeService();
  const client = await registered(service);
  service.on('POST calls', () => ({ status: 501, body: { code: 'CALLTYPE_EMERGENCY_NOT_SUPPORTED', message: 'no' } }));
  await rejectsWith(client.call('112'), 'emergency-not-supported');
  assert.ok(service.peer().closed);
  assert.ok(service.tracks[0]?.stopped);
  await rejectsWith(client.call('113'), 'number-not-dialable');
  const local = await registered(fakeService(), { emergencyNumbers: ['113'] });
  assert.equal((await local.call('113')).remote.address, 'urn:service:sos');
  const message = 'The value of "receiverAddress" cannot be used.';
  service.on('POST calls', () => ({ status: 400, body: { code: 'INVALID_ARGUMENT', message } }));
  await rejectsWith(client.call('sip:a@b.example'), 'number-not-dialable');
});

test('what a person may write as a number', () => {
  for (const [typed, address] of [
    ['+1 (555) 010-9000', 'tel:+15550109000'],
    ['0044 20 7946 0000', 'tel:+442079460000'],
    ['112', 'urn:service:sos'],
    ['urn:service:sos.fire', 'urn:service:sos.fire'],
    ['sip:bob@ims.example.com', 'sip:bob@ims.example.com'],
    ['sip:x@y', null],
    ['sip:bob@192.0.2.1', null],
    ['5550109000', null],
    ['', null],
  ] as const)
    assert.equal(dialAddress(typed), address, typed);
  for (const typed of ['110', 'tel:110', '1-1-0', '911'])
    assert.equal(dialAddress(typed, ['110', '118']), 'urn:service:sos', typed);
  assert.equal(dialAddress('1100', ['110']), null);
});

test('hold, resume, mute and digits', async () => {
  const service = fakeService();
  const { call } = await calling(service);
  await rejectsWith(call.hold(), 'wrong-moment');
  await service.event('session-status', { mediaSessionId: 'call-1', status: 'Connected', sequenceNumber: 1 });
  const heard: string[] = [];
  call.on('held', ({ by }) => heard.push(`held by ${by}`));
  call.on('resumed', () => heard.push('resumed'));
  await call.hold();
  assert.deepEqual(service.asked.at(-1)?.body, { status: 'Hold' });
  await call.unhold();
  await service.event('session-status', { mediaSessionId: 'call-1', status: 'Hold', sequenceNumber: 2 });
  assert.deepEqual(heard, ['held by local', 'resumed', 'held by remote']);
  assert.equal(call.heldBy, 'remote');
  await rejectsWith(call.unhold(), 'wrong-moment');
  assert.deepEqual(service.asked.at(-1)?.body, { status: 'Resume' }, 'nothing was asked');
  await call.hold();
  assert.equal(call.heldBy, 'both');
  await rejectsWith(call.hold(), 'wrong-moment');
  await call.unhold();
  assert.equal(call.heldBy, null);
  await call.hold();
  const reason = 'SIP;cause=488';
  await service.event('session-status', { mediaSessionId: 'call-1', status: 'Connected', reason, sequenceNumber: 3 });
  assert.equal(call.heldBy, null, 'the far end refused to be held');
  service.on('PUT calls/*/status', () => ({ status: 409, body: { code: 'INCOMPATIBLE_STATE' } }));
  await rejectsWith(call.hold(), 'wrong-moment');
  assert.equal(call.heldBy, null);
  call.mute();
  assert.equal(service.tracks[0]?.enabled, false);
  await call.sendDigits('12w#a');
  assert.deepEqual(service.peer().tones, ['12,#A']);
  await rejectsWith(call.sendDigits('12x'), 'digits-unusable');
});

test('another microphone takes over in the call, muted as the first was; a refused one changes nothing', async () => {
  const service = fakeService();
  const { client, call } = await calling(service);
  call.mute();
  await client.useMicrophone({ deviceId: { exact: 'headset' } });
  const [first, second] = service.tracks;
  assert.equal(first?.stopped, true);
  assert.deepEqual([second?.stopped, second?.enabled], [false, false]);
  assert.equal(service.peer().sending.at(-1), second);
  service.microphone.refuse = 'NotFoundError';
  await rejectsWith(client.useMicrophone(true), 'microphone-missing');
  assert.equal(second?.stopped, false);
  await call.hangup();
  assert.equal(second?.stopped, true);
});

test('a new offer of the gateway in a call is answered', async () => {
  const service = fakeService();
  const { call } = await calling(service);
  const news = { mediaSessionId: 'call-1', status: 'Connected' };
  await service.event('session-status', { ...news, answer: { sdp: 'a' }, offer: { sdp: 'o' }, sequenceNumber: 1 });
  await service.event('session-status', { ...news, offer: { sdp: 'offer-2' }, sequenceNumber: 2 });
  assert.deepEqual(service.asked.at(-1)?.body, { status: 'Connected', answer: { sdp: 'answer-of-browser' } });
  assert.deepEqual(service.peer().done.slice(-2), ['remote offer offer-2', 'local answer']);
  assert.equal(call.end, null);
});

test('a call whose answer cannot be used ends, at the service too', async () => {
  const service = fakeService();
  const { call } = await calling(service);
  service.peer().refuseRemote = true;
  const data = { mediaSessionId: 'call-1', status: 'Connected', answer: { sdp: 'rubbish' }, sequenceNumber: 1 };
  await service.event('session-status', data);
  assert.equal(call.end?.status, 'Failed');
  assert.equal(methods(service).at(-1), 'DELETE sessions/call-1');
});

test('unregistering ends calls, registration and channel', async () => {
  const service = fakeService();
  const { client, call } = await calling(service);
  service.asked.length = 0;
  await client.unregister();
  assert.deepEqual(methods(service), ['DELETE sessions/call-1', 'DELETE sessions/reg-1', 'DELETE channels/ch-1']);
  assert.ok(call.end !== null);
  assert.equal(client.state, 'idle');
  await rejectsWith(client.call('+15550109000'), 'not-registered');
});
