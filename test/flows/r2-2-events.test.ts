/** webrtc-events v0.2 (CAMARA r2.2) beside today's subscriptions, over one event side. CAMARA digest 9. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { createMemoryStore } from '../../src/store/memory.ts';
import { browserOffer } from '../support/core-world.ts';
import { createManualClock } from '../support/manual-clock.ts';
import { CALLS, EVENTS, REGISTRATION, SINK, type WholeGateway, wholeGateway } from '../support/whole-gateway.ts';

const OLD = '/webrtc-events/v0.2';
const DEVICE = '00000000-0000-4000-8000-000000000001';
const settings = { api: { eventsV02Paths: [OLD] } };
const PUBLISHED = new URL('../../../shared/camara/v0.3/webrtc-events.yaml', import.meta.url);
const type = (name: string) => `org.camaraproject.webrtc-events.v0.${name}`;

async function registered(g: WholeGateway, who = 'ada', deviceId = DEVICE): Promise<string> {
  const made = await g.call(who, 'POST', `${REGISTRATION}/sessions`, { deviceId });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  return made.body.registrationId;
}

function subscribe(g: WholeGateway, name: string, detail: object, change: object = {}, who = 'ada') {
  const body = { protocol: 'HTTP', sink: SINK, types: [type(name)], config: { subscriptionDetail: detail }, ...change };
  return g.call(who, 'POST', `${OLD}/subscriptions`, body);
}

async function callOut(g: WholeGateway, registrationId: string): Promise<string> {
  const body = { originatorAddress: 'tel:+15550100001', receiverAddress: 'tel:+15550109000' };
  const offer = { sdp: browserOffer() };
  const made = await g.call('ada', 'POST', `${CALLS}/sessions`, { ...body, offer }, { registrationId });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  await g.settle();
  return made.body.mediaSessionId;
}

/** Holds an event against the published file. */
function publishedCheck(): (event: { type: string }) => void {
  const { components } = parse(readFileSync(PUBLISHED, 'utf8'));
  const { CloudEvent, EventSessionStatus } = components.schemas;
  const { mapping } = CloudEvent.discriminator;
  // It asks for two fields of the data beside the data; its own example has none there, nor may CloudEvents have such names.
  delete EventSessionStatus.allOf[1].required;
  const ajv = new Ajv({ strict: false, validateFormats: false });
  return event => {
    const validate = ajv.compile({ $ref: mapping[event.type], components });
    assert.ok(validate(event), `${event.type}: ${ajv.errorsText(validate.errors)}`);
  };
}

test('9 it is off unless paths are set', async () => {
  const g = await wholeGateway();
  assert.equal((await g.call('ada', 'GET', `${OLD}/subscriptions`)).status, 404);
});

test('9 a registration names the device, events bear the old name, and each line sees its own subscriptions', async () => {
  const g = await wholeGateway({ settings });
  const registrationId = await registered(g);
  const made = await subscribe(
    g,
    'session-status',
    { registrationId, colour: 'red' },
    { protocolSettings: {}, more: 1 },
  );
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { id, types, config } = made.body;
  assert.deepEqual(
    [types, config],
    [[type('session-status')], { subscriptionDetail: { registrationId, deviceId: DEVICE } }],
  );
  assert.equal(made.headers['location'], `https://gateway.example.com${OLD}/subscriptions/${id}`);
  assert.equal(
    (await subscribe(g, 'session-invitation', { registrationId, deviceId: DEVICE.toUpperCase() })).status,
    201,
  );
  assert.equal((await subscribe(g, 'session-status', { registrationId })).status, 409);
  const today = await g.call('ada', 'POST', `${EVENTS}/subscriptions`, {
    protocol: 'HTTP',
    sink: SINK,
    types: ['org.camaraproject.webrtc-events-subscriptions.v0.session-status'],
    config: { subscriptionDetail: { deviceId: DEVICE } },
  });
  assert.equal(today.status, 201, 'the same events by the other line are no conflict');

  const listed = async (base: string) => (await g.call('ada', 'GET', `${base}/subscriptions`)).body.length;
  assert.deepEqual([await listed(OLD), await listed(EVENTS)], [2, 1]);
  assert.deepEqual((await g.call('ada', 'GET', `${OLD}/subscriptions/${id}`)).body, made.body);
  for (const [base, other] of [
    [EVENTS, id],
    [OLD, today.body.id],
  ]) {
    assert.equal((await g.call('ada', 'GET', `${base}/subscriptions/${other}`)).status, 404);
    assert.equal((await g.call('ada', 'DELETE', `${base}/subscriptions/${other}`)).status, 404);
  }
  assert.equal((await g.call('ada', 'PUT', `${OLD}/subscriptions/${id}`, {})).status, 405);

  await callOut(g, registrationId);
  g.network.progress(g.network.lastCall(), 180);
  g.network.invite('+15550100001');
  await g.settle();
  const told = g.delivered.map(({ event }) => `${event.type.split('.')[2]} ${event.data.status}`);
  assert.deepEqual(told.sort(), [
    'webrtc-events Initial',
    'webrtc-events Ringing',
    'webrtc-events-subscriptions Ringing',
  ]);
  assert.equal((await g.call('ada', 'DELETE', `${OLD}/subscriptions/${id}`)).status, 204);
  await g.settle();
  assert.equal(g.delivered.at(-1)?.event.type, type('subscription-ended'));
});

const skip = existsSync(PUBLISHED) ? false : 'the published file does not lie beside the repository';
test('9 each kind of event is what the published file says', { skip }, async () => {
  const g = await wholeGateway({ settings });
  const registrationId = await registered(g);
  const kinds = ['session-invitation', 'session-status', 'registration-ends'];
  for (const kind of kinds) assert.equal((await subscribe(g, kind, { registrationId })).status, 201);
  await callOut(g, registrationId);
  g.network.progress(g.network.lastCall(), 180);
  g.network.invite('+15550100001');
  await g.settle();
  await g.advance(3_600_000);
  for (const { id } of (await g.call('ada', 'GET', `${OLD}/subscriptions`)).body)
    await g.call('ada', 'DELETE', `${OLD}/subscriptions/${id}`);
  await g.settle();
  const check = publishedCheck();
  for (const { event } of g.delivered) check(event);
  const told = new Set(g.delivered.map(({ event }) => event.type));
  assert.deepEqual(told, new Set([...kinds, 'subscription-ended'].map(type)));
  for (const { event } of g.delivered)
    assert.throws(() => check({ ...event, data: {} }), /must have required property/);
});

test('9 sessionId keeps other sessions away, also over a restart', async () => {
  const clock = createManualClock();
  const store = createMemoryStore();
  const first = await wholeGateway({ settings, clock, store });
  const registrationId = await registered(first);
  const one = await callOut(first, registrationId);
  // The published example has the name mediaSessionId.
  for (const detail of [{ sessionId: one }, { mediaSessionId: one }]) {
    const status = detail.sessionId === undefined ? 409 : 201;
    assert.equal((await subscribe(first, 'session-status', { registrationId, ...detail })).status, status);
  }
  const two = await callOut(first, registrationId);
  assert.equal((await subscribe(first, 'session-status', { registrationId, sessionId: two })).status, 201);
  first.network.progress(first.network.lastCall(), 180);
  await first.settle();
  assert.deepEqual(
    first.delivered.map(({ event }) => event.data.mediaSessionId),
    [two],
  );
  await first.advance(1000);
  first.kill();
  const second = await wholeGateway({ settings, clock, store });
  await second.settle();
  const ended = second.delivered.map(({ event }) => `${event.type} ${event.data.mediaSessionId} ${event.data.status}`);
  assert.deepEqual(ended.sort(), [one, two].map(id => `${type('session-status')} ${id} Failed`).sort());
  const shown = (await second.call('ada', 'GET', `${OLD}/subscriptions`)).body;
  assert.deepEqual(
    shown.map(
      (each: { config: { subscriptionDetail: { sessionId: string } } }) => each.config.subscriptionDetail.sessionId,
    ),
    [one, two],
  );
});

test('9 the subscription outlives its registration and hears of its end', async () => {
  const g = await wholeGateway({ settings });
  const registrationId = await registered(g);
  assert.equal((await subscribe(g, 'registration-ends', { registrationId })).status, 201);
  await g.advance(3_600_000);
  const { event } = g.delivered.at(-1) ?? {};
  assert.deepEqual([event.type, event.data.registrationId], [type('registration-ends'), registrationId]);
  assert.equal((await g.call('ada', 'GET', `${OLD}/subscriptions`)).body.length, 1);
  assert.equal((await subscribe(g, 'session-status', { registrationId })).body.code, 'SUBSCRIPTION_MISMATCH');
});

test('9, 2.5 a registration that is not the caller’s, or another device, is a mismatch and tells nothing more', async () => {
  const g = await wholeGateway({ settings });
  const mine = await registered(g);
  const theirs = await registered(g, 'bela', '00000000-0000-4000-8000-000000000002');
  const details = [
    { registrationId: theirs },
    { registrationId: '7d444840-9dc0-41d1-b245-5ffdce74fad2' },
    { registrationId: '../x' },
    { registrationId: mine, deviceId: '7d444840-9dc0-41d1-b245-5ffdce74fad2' },
  ];
  const answers = new Set<string>();
  for (const detail of details) {
    const { status, body } = await subscribe(g, 'session-status', detail);
    answers.add(`${status} ${JSON.stringify(body)}`);
  }
  assert.equal(answers.size, 1, [...answers].join('\n'));
  assert.match([...answers][0] ?? '', /^403 .*SUBSCRIPTION_MISMATCH/);
});

test('9, 8.2 one type, a registration, a good sink and credential, or 400', async () => {
  const g = await wholeGateway({ settings });
  const registrationId = await registered(g);
  const token = { credentialType: 'ACCESSTOKEN', accessToken: 'secret', accessTokenType: 'bearer' };
  const later = new Date(g.now() + 3_600_000).toISOString();
  const code = async (detail: object, change: object = {}) =>
    (await subscribe(g, 'session-status', detail, change)).body.code;
  assert.equal(await code({ deviceId: DEVICE }), 'INVALID_ARGUMENT');
  assert.equal(
    await code({ registrationId }, { types: [type('session-status'), type('registration-ends')] }),
    'INVALID_ARGUMENT',
  );
  assert.equal(
    await code({ registrationId }, { types: ['org.camaraproject.webrtc-events-subscriptions.v0.session-status'] }),
    'INVALID_ARGUMENT',
  );
  assert.equal(await code({ registrationId }, { protocol: 'MQTT3' }), 'INVALID_PROTOCOL');
  assert.equal(await code({ registrationId }, { sink: 'https://127.0.0.1/x' }), 'INVALID_SINK');
  assert.equal(await code({ registrationId }, { sinkCredential: { credentialType: 'PLAIN' } }), 'INVALID_CREDENTIAL');
  assert.equal(await code({ registrationId }, { sinkCredential: { ...token } }), 'INVALID_ARGUMENT');
  // One published example spells it so.
  const credential = { sinkCredential: { ...token, accessTokenExpireUtc: later } };
  assert.equal((await subscribe(g, 'session-status', { registrationId }, credential)).status, 201);
  await callOut(g, registrationId);
  g.network.progress(g.network.lastCall(), 180);
  await g.settle();
  assert.equal(g.delivered.at(-1)?.accessToken, 'secret');
});
