/** Stories through the whole gateway in memory: every response and every event is held against the served documents. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserOffer, imsSdp } from '../support/core-world.ts';
import { deviceId, dial, put, ready, register, story, subscribe } from '../support/steps.ts';
import { CALLS, EVENTS, REGISTRATION, SINK, wholeGateway } from '../support/whole-gateway.ts';

test('7.2 a call out with early media, answer, hold, resume and hang-up', async () => {
  const g = await wholeGateway();
  const registrationId = await ready(g, 'ada', 1);
  const made = await dial(g, 'ada', registrationId);
  assert.equal(made.status, 201);
  assert.equal(made.body.status, 'Initial');
  const id = made.body.mediaSessionId;
  await g.settle();
  assert.deepEqual(story(g, id), []);
  const call = g.network.lastCall();
  g.network.progress(call, 183, imsSdp());
  await g.settle();
  g.network.progress(call, 180);
  await g.settle();
  g.network.answered(call);
  await g.settle();
  const events = g.delivered.filter(({ event }) => event.data.mediaSessionId === id).map(({ event }) => event.data);
  assert.deepEqual(story(g, id), ['1 InProgress', '2 Ringing', '3 Connected']);
  assert.equal(events[2].answer.sdp, events[0].answer.sdp);
  assert.equal(g.delivered.at(-1)?.correlator, 'call-1');
  for (const status of ['Hold', 'Resume']) {
    const changed = await put(g, 'ada', id, { status });
    assert.equal(changed.status, 200);
    assert.equal(changed.body.status, status);
    await g.settle();
  }
  assert.equal((await g.call('ada', 'GET', `${CALLS}/sessions/${id}`)).status, 200);
  assert.equal((await g.call('ada', 'DELETE', `${CALLS}/sessions/${id}`)).status, 204);
  await g.settle();
  assert.deepEqual(story(g, id).slice(3), ['4 Hold', '5 Resume', '6 Terminated']);
  for (const method of ['GET', 'DELETE']) {
    assert.equal((await g.call('ada', method, `${CALLS}/sessions/${id}`)).status, 404);
  }
  assert.equal((await put(g, 'ada', id, { status: 'Hold' })).status, 404);
});

test('6 the response goes out first, its event after it', async () => {
  const g = await wholeGateway();
  const registrationId = await ready(g, 'ada', 1);
  const { body } = await dial(g, 'ada', registrationId);
  const responses = 3;
  assert.equal((await g.call('ada', 'DELETE', `${CALLS}/sessions/${body.mediaSessionId}`)).status, 204);
  await g.settle();
  assert.deepEqual(story(g, body.mediaSessionId), ['1 SessionCancelled']);
  assert.ok((g.delivered.at(-1)?.afterResponse ?? 0) > responses);
});

test('5.7 every way a call out can fail has its status and its reason', async () => {
  for (const [code, phrase, status] of [
    [486, 'Busy Here', 'Busy'],
    [603, 'Decline', 'Declined'],
    [404, 'Not Found', 'NotReachable'],
    [408, 'Request Timeout', 'NoAnswer'],
    [503, 'Service Unavailable', 'Failed'],
  ] as const) {
    const g = await wholeGateway();
    const registrationId = await ready(g, 'ada', 1);
    const { body } = await dial(g, 'ada', registrationId);
    await g.settle();
    g.network.progress(g.network.lastCall(), 180);
    g.network.rejected(g.network.lastCall(), code, phrase);
    await g.settle();
    assert.deepEqual(story(g, body.mediaSessionId), ['1 Ringing', `2 ${status}`]);
    assert.match(g.delivered.at(-1)?.event.data.reason, new RegExp(String(code)));
    assert.equal((await g.call('ada', 'GET', `${CALLS}/sessions/${body.mediaSessionId}`)).status, 404);
  }
});

test('7.4 a call in: invitation, 183 with SDP, ringing, answered, ended by the caller', async () => {
  const g = await wholeGateway();
  await ready(g, 'ada', 1);
  const call = g.network.invite('+15550100001');
  await g.settle();
  const invitation = g.delivered.at(-1)?.event;
  assert.match(invitation.type, /session-invitation$/);
  assert.equal(invitation.data.originatorAddress, 'tel:+15550109999');
  const id = invitation.data.mediaSessionId;
  assert.equal((await g.call('ada', 'GET', `${CALLS}/sessions/${id}`)).body.offer.sdp, invitation.data.offer.sdp);
  assert.equal((await put(g, 'ada', id, { status: 'Connected' })).status, 400);
  const answer = { sdp: browserOffer('b') };
  assert.equal((await put(g, 'ada', id, { status: 'InProgress', answer })).status, 200);
  assert.equal((await put(g, 'ada', id, { status: 'Ringing' })).status, 200);
  assert.equal((await put(g, 'ada', id, { status: 'Connected' })).status, 200);
  g.network.give({ type: 'ims-acked', owner: call, sdp: null });
  await g.settle();
  g.network.ended(call);
  await g.settle();
  assert.deepEqual(story(g, id), ['1 Initial', '2 InProgress', '3 Ringing', '4 Connected', '5 Terminated']);
});

test('7.5 two devices ring, one answers, the other is told elsewhere', async () => {
  const g = await wholeGateway();
  await ready(g, 'ada', 1);
  await ready(g, 'ada', 2);
  g.network.invite('+15550100001');
  await g.settle();
  const [first, second] = g.delivered
    .filter(({ event }) => event.type.endsWith('session-invitation'))
    .map(({ event }) => event.data.mediaSessionId);
  const answer = { sdp: browserOffer('b') };
  assert.equal((await put(g, 'ada', second, { status: 'Connected', answer })).status, 200);
  assert.equal((await put(g, 'ada', first, { status: 'Connected', answer })).status, 404);
  await g.settle();
  assert.deepEqual(story(g, second), ['1 Initial', '2 Connected']);
  assert.deepEqual(story(g, first), ['1 Initial', '2 SessionCancelled']);
  const told = g.delivered.filter(({ event }) => event.data.mediaSessionId === first).at(-1);
  assert.match(told?.event.data.reason, /elsewhere/i);
});

test('7.5 decline by PUT Declined, Busy, DELETE; nobody who could be told', async () => {
  for (const [how, status, code] of [
    ['Declined', 'Declined', 486],
    ['Busy', 'Busy', 486],
    ['DELETE', 'Declined', 486],
  ] as const) {
    const g = await wholeGateway();
    await ready(g, 'ada', 1);
    g.network.invite('+15550100001');
    await g.settle();
    const id = g.delivered.at(-1)?.event.data.mediaSessionId;
    const done =
      how === 'DELETE'
        ? await g.call('ada', 'DELETE', `${CALLS}/sessions/${id}`)
        : await put(g, 'ada', id, { status: how });
    assert.equal(done.status, how === 'DELETE' ? 204 : 200);
    await g.settle();
    assert.deepEqual(story(g, id), ['1 Initial', `2 ${status}`]);
    const ended = g.network.effects.at(-1);
    assert.ok(ended?.type === 'ims.end' && ended.code === code, how);
  }
  const g = await wholeGateway();
  await register(g, 'ada', 1);
  g.network.invite('+15550100001');
  await g.settle();
  await g.advance(10_000);
  const ended = g.network.effects.at(-1);
  assert.ok(ended?.type === 'ims.end' && ended.code === 480);
});

test('A-05 2.5 what belongs to somebody else does not exist', async () => {
  const g = await wholeGateway();
  const registrationId = await ready(g, 'ada', 1);
  const subscription = await subscribe(g, 'ada', 2);
  const { body } = await dial(g, 'ada', registrationId);
  const unknown = await g.call('bela', 'GET', `${CALLS}/sessions/nothing-here`);
  for (const who of ['bela', 'ada-other', 'shop']) {
    for (const [method, path] of [
      ['GET', `${REGISTRATION}/sessions/${registrationId}`],
      ['PUT', `${REGISTRATION}/sessions/${registrationId}`],
      ['DELETE', `${REGISTRATION}/sessions/${registrationId}`],
      ['GET', `${CALLS}/sessions/${body.mediaSessionId}`],
      ['DELETE', `${CALLS}/sessions/${body.mediaSessionId}`],
      ['GET', `${EVENTS}/subscriptions/${subscription}`],
      ['DELETE', `${EVENTS}/subscriptions/${subscription}`],
    ] as const) {
      const got = await g.call(who, method, path);
      assert.equal(got.status, 404, `${who} ${method} ${path}`);
      assert.deepEqual(got.body, unknown.body);
    }
    // Before the body is looked at.
    assert.equal((await put(g, who, body.mediaSessionId, { nonsense: 1 })).status, 404);
    assert.deepEqual((await g.call(who, 'GET', `${EVENTS}/subscriptions`)).body, []);
    const listed = await g.call(who, 'GET', `${REGISTRATION}/sessions?deviceId=${deviceId(1)}`);
    assert.deepEqual(listed.body, []);
    const called = await g.call(
      who,
      'POST',
      `${CALLS}/sessions`,
      { originatorAddress: 'tel:+15550100001', receiverAddress: 'tel:+15550109000', offer: { sdp: browserOffer() } },
      { registrationId },
    );
    assert.equal(called.status, 403);
    assert.equal(called.body.code, 'INVALID_TOKEN_CONTEXT');
  }
});

test('A-45 8.3 one deviceId, two numbers: each hears of its own only', async () => {
  const g = await wholeGateway();
  await subscribe(g, 'ada', 1, `${SINK}/ada`);
  await subscribe(g, 'bela', 1, `${SINK}/bela`);
  await register(g, 'ada', 1);
  await register(g, 'bela', 1);
  g.network.invite('+15550100002');
  await g.settle();
  assert.deepEqual(
    g.delivered.map(({ url }) => url),
    [`${SINK}/bela`],
  );
});

test('4.2 two-legged: phoneNumber is needed and must be allotted; the sink of the client hears', async () => {
  const g = await wholeGateway();
  await subscribe(g, 'shop', 1);
  const at = `${REGISTRATION}/sessions`;
  const without = await g.call('shop', 'POST', at, { deviceId: deviceId(1) });
  assert.deepEqual([without.status, without.body.code], [422, 'MISSING_IDENTIFIER']);
  const foreign = await g.call('shop', 'POST', at, { deviceId: deviceId(1), phoneNumber: '+15550100001' });
  assert.deepEqual([foreign.status, foreign.body.code], [403, 'PERMISSION_DENIED']);
  const named = await g.call('ada', 'POST', at, { deviceId: deviceId(1), phoneNumber: '+15550100001' });
  assert.deepEqual([named.status, named.body.code], [422, 'UNNECESSARY_IDENTIFIER']);
  const good = await g.call('shop', 'POST', at, { deviceId: deviceId(1), phoneNumber: '+15550100003' });
  assert.equal(good.status, 201);
  g.network.invite('+15550100003');
  await g.settle();
  assert.match(g.delivered.at(-1)?.event.type, /session-invitation$/);
});

test('4.3, 4.6 expiry: capped, refused, to the millisecond, and told; calls go on', async () => {
  const g = await wholeGateway();
  await subscribe(g, 'ada', 1);
  const at = `${REGISTRATION}/sessions`;
  const iso = (ms: number) => new Date(g.now() + ms).toISOString();
  const post = (ms: number) => g.call('ada', 'POST', at, { deviceId: deviceId(1), registrationExpireTime: iso(ms) });
  for (const ms of [-1000, 1000, 58_000]) {
    const early = await post(ms);
    assert.deepEqual([early.status, early.body.code], [400, 'OUT_OF_RANGE']);
  }
  const capped = await post(2 * 86_400_000);
  assert.equal(capped.body.expiresAt, iso(86_400_000));
  const { registrationId } = capped.body;
  const again = await post(120_000);
  assert.deepEqual([again.status, again.body.code], [409, 'ALREADY_EXISTS']);
  const end = iso(60_000);
  const shorter = await g.call('ada', 'PUT', `${at}/${registrationId}`, { registrationExpireTime: end });
  assert.equal(shorter.body.expiresAt, end);
  const { body } = await dial(g, 'ada', registrationId);
  await g.settle();
  g.network.answered(g.network.lastCall());
  g.network.give({ type: 'media-connected', owner: g.network.lastCall(), leg: body.mediaSessionId });
  await g.advance(59_999);
  assert.equal((await g.call('ada', 'GET', `${at}/${registrationId}`)).status, 200);
  await g.advance(1);
  for (const method of ['GET', 'PUT', 'DELETE']) {
    assert.equal((await g.call('ada', method, `${at}/${registrationId}`)).status, 404);
  }
  await g.advance(1000);
  const told = g.delivered.filter(({ event }) => event.type.endsWith('registration-ends'));
  assert.equal(told.length, 1);
  assert.equal(told[0]?.event.data.terminationReason, 'REGISTRATION_EXPIRED');
  assert.equal((await put(g, 'ada', body.mediaSessionId, { status: 'Hold' })).status, 200);
});

test('4.5 what the network says to a REGISTER', async () => {
  for (const [said, status, code] of [
    [403, 403, 'PERMISSION_DENIED'],
    [404, 403, 'PERMISSION_DENIED'],
    [500, 503, 'UNAVAILABLE'],
  ] as const) {
    const g = await wholeGateway();
    g.network.register = said;
    const got = await g.call('ada', 'POST', `${REGISTRATION}/sessions`, { deviceId: deviceId(1) });
    assert.deepEqual([got.status, got.body.code], [status, code]);
    assert.deepEqual((await g.call('ada', 'GET', `${REGISTRATION}/sessions?deviceId=${deviceId(1)}`)).body, []);
  }
  const g = await wholeGateway();
  g.network.register = 'silent';
  const waiting = g.call('ada', 'POST', `${REGISTRATION}/sessions`, { deviceId: deviceId(1) });
  await g.settle();
  await g.advance(10_100);
  const got = await waiting;
  assert.deepEqual([got.status, got.body.code], [504, 'TIMEOUT']);
});

test('A-26 4.4 of many equal registrations at once one wins and one REGISTER leaves', async () => {
  const g = await wholeGateway();
  const all = await Promise.all(
    Array.from({ length: 20 }, () => g.call('ada', 'POST', `${REGISTRATION}/sessions`, { deviceId: deviceId(1) })),
  );
  assert.deepEqual(all.map(({ status }) => status).sort(), [201, ...Array.from({ length: 19 }, () => 409)]);
  assert.equal(g.network.effects.filter(({ type }) => type === 'ims.register').length, 1);
});

test('5.6 POST is checked in its order', async () => {
  const g = await wholeGateway();
  const registrationId = await ready(g, 'ada', 1);
  const good = {
    originatorAddress: 'tel:+15550100001',
    receiverAddress: 'tel:+15550109000',
    offer: { sdp: browserOffer() },
  };
  const post = (change: object, headers: Record<string, string> = { registrationId }) =>
    g.call('ada', 'POST', `${CALLS}/sessions`, { ...good, ...change }, headers);
  for (const [change, status, code] of [
    [{ status: 'Initial' }, 400, 'INVALID_ARGUMENT'],
    [{ answer: { sdp: 'v=0' } }, 400, 'INVALID_ARGUMENT'],
    [{ offer: { type: 'offer', sdp: browserOffer() } }, 400, 'INVALID_ARGUMENT'],
    [{ offer: {} }, 400, 'INVALID_ARGUMENT'],
    [{ offer: { sdp: 'v=0' } }, 400, 'INVALID_ARGUMENT'],
    [{ clientCorrelator: 'x' }, 400, 'INVALID_ARGUMENT'],
    [{ originatorName: 'a\nb' }, 400, 'INVALID_ARGUMENT'],
    [{ originatorAddress: 'tel:+15550100002' }, 403, 'INVALID_TOKEN_CONTEXT'],
    [{ receiverAddress: 'sip:anonymous@anonymous.invalid' }, 400, 'INVALID_ARGUMENT'],
    [{ receiverAddress: 'urn:service:sos' }, 501, 'CALLTYPE_EMERGENCY_NOT_SUPPORTED'],
    [{ receiverAddress: 'tel:112;phone-context=ims.example.com' }, 501, 'CALLTYPE_EMERGENCY_NOT_SUPPORTED'],
    [{ callType: 'EMERGENCY' }, 501, 'CALLTYPE_EMERGENCY_NOT_SUPPORTED'],
  ] as const) {
    const got = await post(change);
    assert.deepEqual([got.status, got.body.code], [status, code], JSON.stringify(change).slice(0, 60));
  }
  assert.equal((await post({}, {})).status, 400);
  const unknown = await post({}, { registrationId: deviceId(9) });
  assert.deepEqual([unknown.status, unknown.body.code], [403, 'INVALID_TOKEN_CONTEXT']);
  assert.equal(g.network.effects.filter(({ type }) => type === 'ims.invite').length, 0);
  // readable, but of no use to the media plane.
  g.network.mediaFailure = 'bad-sdp';
  const made = await post({});
  assert.equal(made.status, 201);
  await g.settle();
  assert.deepEqual(story(g, made.body.mediaSessionId), ['1 Failed']);
  assert.match(g.delivered.at(-1)?.event.data.reason, /^SIP;cause=488/);
});

test('13 calls are limited by registration', async () => {
  const g = await wholeGateway();
  const registrationId = await ready(g, 'ada', 1);
  for (let n = 0; n < 4; n += 1) assert.equal((await dial(g, 'ada', registrationId)).status, 201);
  const more = await dial(g, 'ada', registrationId);
  assert.deepEqual([more.status, more.body.code], [429, 'QUOTA_EXCEEDED']);
});

test('a kill loses no event: what was owed comes after the restart, in order, and lost calls get their end', async () => {
  const first = await wholeGateway();
  const registrationId = await ready(first, 'ada', 1);
  const { body } = await dial(first, 'ada', registrationId);
  await first.settle();
  first.answer = () => new Promise(() => {});
  const call = first.network.lastCall();
  first.network.progress(call, 180);
  first.network.answered(call);
  await first.settle();
  first.kill();
  const second = await wholeGateway({ store: first.store });
  await second.advance(1000);
  assert.deepEqual(story(second, body.mediaSessionId), ['1 Ringing', '2 Connected', '3 Terminated']);
  assert.equal((await second.call('ada', 'GET', `${REGISTRATION}/sessions/${registrationId}`)).status, 200);
});
