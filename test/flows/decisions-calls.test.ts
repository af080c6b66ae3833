/** Decisions about calls where CAMARA's texts are silent or disagree, through the whole gateway. CAMARA digest 10. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { browserOffer, imsSdp } from '../support/core-world.ts';
import { dial, dialled, invited, put, ready, register, story } from '../support/steps.ts';
import { CALLS, REGISTRATION, wholeGateway } from '../support/whole-gateway.ts';

test('A-03 neither /session nor a PUT without /status leads anywhere', async () => {
  const g = await wholeGateway();
  const id = await dialled(g);
  assert.equal((await g.call('ada', 'PUT', `${CALLS}/sessions/${id}`, { status: 'Hold' })).status, 405);
  for (const path of [
    `${CALLS}/session/${id}`,
    `/webrtc-call-handling/v0.2/sessions/${id}`,
    `/vvoip/v0.2/sessions/${id}`,
  ]) {
    assert.equal((await g.call('ada', 'GET', path)).status, 404, path);
  }
});

test('A-04 registrationId means nothing but on POST', async () => {
  const g = await wholeGateway();
  const id = await dialled(g);
  for (const registrationId of ['wrong', 'x'.repeat(300)]) {
    const shown = await g.call('ada', 'GET', `${CALLS}/sessions/${id}`, undefined, { registrationId });
    assert.equal(shown.status, 200);
  }
  const wrong = { registrationId: 'wrong' };
  assert.equal((await g.call('ada', 'DELETE', `${CALLS}/sessions/${id}`, undefined, wrong)).status, 204);
});

test('A-08 an unknown, an ended and a foreign registration are refused alike', async () => {
  const g = await wholeGateway();
  const ended = await register(g, 'ada', 1);
  assert.equal((await g.call('ada', 'DELETE', `${REGISTRATION}/sessions/${ended}`)).status, 204);
  const foreign = await register(g, 'bela', 2);
  const answers = new Set<string>();
  for (const id of [ended, foreign, '7d444840-9dc0-41d1-b245-5ffdce74fad2']) {
    const { status, body } = await dial(g, 'ada', id);
    answers.add(`${status} ${JSON.stringify(body)}`);
  }
  assert.equal(answers.size, 1);
  assert.match([...answers][0] ?? '', /^403 .*INVALID_TOKEN_CONTEXT/);
});

test('A-09 an offerless INVITE is announced with an offer all the same', async () => {
  const g = await wholeGateway();
  await ready(g, 'ada', 1);
  g.network.give({
    type: 'ims-invited',
    owner: 'cin-offerless' as never,
    binding: g.network.bindingOf('+15550100001'),
    correlator: 'in-1',
    caller: 'tel:+15550109999',
    callerName: null,
    called: 'tel:+15550100001',
    sdp: null,
    location: null,
    diverted: null,
    emergency: false,
    callerReady: true,
    identity: null,
  });
  await g.settle();
  const { data } = g.delivered.at(-1)?.event ?? {};
  assert.match(data.offer.sdp, /^v=0/);
  assert.equal((await g.call('ada', 'GET', `${CALLS}/sessions/${data.mediaSessionId}`)).body.offer.sdp, data.offer.sdp);
});

test('A-11 A-35 status, answer and clientCorrelator have no place in POST; what is good is 201', async () => {
  const g = await wholeGateway();
  const registrationId = await ready(g, 'ada', 1);
  for (const change of [{ status: 'Initial' }, { answer: { sdp: browserOffer() } }, { clientCorrelator: 'x' }]) {
    const got = await dial(g, 'ada', registrationId, undefined, change);
    assert.deepEqual([got.status, got.body.code], [400, 'INVALID_ARGUMENT'], JSON.stringify(change).slice(0, 40));
  }
  assert.equal((await dial(g, 'ada', registrationId)).status, 201);
});

test('A-16 an answer may come with any status before the pick-up, and the first one counts', async () => {
  for (const status of ['InProgress', 'Ringing']) {
    const g = await wholeGateway();
    const id = await invited(g);
    const first = browserOffer('b');
    assert.equal((await put(g, 'ada', id, { status, answer: { sdp: first } })).status, 200);
    const other = await put(g, 'ada', id, { status: 'Connected', answer: { sdp: browserOffer('c') } });
    assert.deepEqual([other.status, other.body.code], [409, 'INCOMPATIBLE_STATE']);
    const connected = await put(g, 'ada', id, { status: 'Connected' });
    assert.deepEqual([connected.status, connected.body.answer.sdp], [200, first]);
  }
});

test('A-18 A-19 what has ended is not found, however it is asked for', async () => {
  const g = await wholeGateway();
  const id = await dialled(g);
  assert.equal((await g.call('ada', 'DELETE', `${CALLS}/sessions/${id}`)).status, 204);
  for (const method of ['DELETE', 'GET'])
    assert.equal((await g.call('ada', method, `${CALLS}/sessions/${id}`)).status, 404);
  for (const status of ['Hold', 'Ringing', 'Terminated', 'nonsense']) {
    assert.equal((await put(g, 'ada', id, { status })).status, 404);
  }
});

test('A-23 A-48 PUT answers 200 with the session, and Hold needs no SDP', async () => {
  const g = await wholeGateway();
  const id = await dialled(g);
  g.network.answered(g.network.lastCall());
  await g.settle();
  const held = await put(g, 'ada', id, { status: 'Hold' });
  assert.deepEqual([held.status, held.body.status, held.body.mediaSessionId], [200, 'Hold', id]);
  assert.match(held.body.answer.sdp, /^v=0/);
  await g.settle();
  assert.ok(g.network.effects.some(({ type }) => type === 'ims.update'));
});

test('A-36 A-37 the first event of a call out is 1, of a call in the invitation; own changes are told too', async () => {
  const out = await wholeGateway();
  const id = await dialled(out);
  assert.deepEqual(story(out, id), [], '201 is no event');
  out.network.progress(out.network.lastCall(), 180);
  await out.settle();
  assert.deepEqual(story(out, id), ['1 Ringing']);
  const within = await wholeGateway();
  const other = await invited(within);
  assert.equal((await put(within, 'ada', other, { status: 'Ringing' })).status, 200);
  await within.settle();
  assert.deepEqual(story(within, other), ['1 Initial', '2 Ringing']);
});

test('A-39 SDP stands in JSON as it is: no CDATA goes out, and one that comes in is no SDP', async () => {
  const g = await wholeGateway();
  const registrationId = await ready(g, 'ada', 1);
  const wrapped = { offer: { sdp: `<![CDATA[${browserOffer()}]]>` } };
  assert.equal((await dial(g, 'ada', registrationId, undefined, wrapped)).status, 400);
  const made = await dial(g, 'ada', registrationId);
  await g.settle();
  g.network.progress(g.network.lastCall(), 183, imsSdp());
  await g.settle();
  assert.match(g.delivered.at(-1)?.event.data.answer.sdp, /^v=0\r\n/);
  assert.equal(made.body.offer.sdp, browserOffer());
});

test('A-44 409 on a status out of place, 429 on a call too many, though no document lists them', async () => {
  const g = await wholeGateway({ settings: { call: { perRegistration: 1 } } });
  const registrationId = await ready(g, 'ada', 1);
  const made = await dial(g, 'ada', registrationId);
  const early = await put(g, 'ada', made.body.mediaSessionId, { status: 'Hold' });
  assert.deepEqual([early.status, early.body.code], [409, 'INCOMPATIBLE_STATE']);
  const more = await dial(g, 'ada', registrationId);
  assert.deepEqual([more.status, more.body.code], [429, 'QUOTA_EXCEEDED']);
});

test('A-47 ORG-06 201 at once, though the network says nothing at all; its silence is Failed', async () => {
  const g = await wholeGateway();
  const id = await dialled(g);
  assert.equal((await g.call('ada', 'GET', `${CALLS}/sessions/${id}`)).body.status, 'Initial');
  const outcome = { code: 0, phrase: '', q850: null, local: 'no-response', reason: null } as const;
  g.network.give({ type: 'ims-rejected', owner: g.network.lastCall(), outcome });
  await g.settle();
  assert.deepEqual(story(g, id), ['1 Failed']);
  assert.notEqual(g.delivered.at(-1)?.event.data.reason, undefined);
});

test('A-50 an emergency by type or by address alone is 501; where they are taken both must agree', async () => {
  const off = await wholeGateway();
  const registrationId = await ready(off, 'ada', 1);
  const emergency = { callType: 'EMERGENCY' };
  for (const [receiver, change] of [
    ['urn:service:sos', {}],
    ['tel:+15550109000', emergency],
    ['urn:service:sos.fire', emergency],
  ] as const) {
    const got = await dial(off, 'ada', registrationId, receiver, change);
    assert.deepEqual([got.status, got.body.code], [501, 'CALLTYPE_EMERGENCY_NOT_SUPPORTED'], receiver);
  }
  const on = await wholeGateway({ settings: { emergency: { route: 'scscf' } } });
  const there = await ready(on, 'ada', 1);
  for (const [receiver, change] of [
    ['tel:+15550109000', emergency],
    ['urn:service:sos', { callType: 'REGULAR' }],
  ] as const) {
    const got = await dial(on, 'ada', there, receiver, change);
    assert.deepEqual([got.status, got.body.code], [400, 'INVALID_ARGUMENT'], receiver);
  }
  assert.equal((await dial(on, 'ada', there, 'urn:service:sos', emergency)).status, 201);
});
