/** Decisions about registrations, subscriptions and errors where CAMARA's texts are silent or disagree, through the whole gateway. CAMARA digest 10. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { errorTable } from '../../src/errors.ts';
import { deviceId, ready, register, subscribe, subscriptionBody, TYPES } from '../support/steps.ts';
import { CALLS, CHANNELS, EVENTS, REGISTRATION, wholeGateway } from '../support/whole-gateway.ts';

const SUBSCRIPTIONS = `${EVENTS}/subscriptions`;

test('A-01 no version that never was: no vwip, no webrtc-events v0.3rc1', async () => {
  const g = await wholeGateway();
  for (const path of [
    '/webrtc-registration/vwip/sessions',
    '/webrtc-call-handling/vwip/sessions',
    '/webrtc-events/vwip/subscriptions',
    '/webrtc-events/v0.3rc1/subscriptions',
    '/webrtc-registration/v0.4/sessions',
  ]) {
    assert.equal((await g.call('ada', 'GET', path)).status, 404, path);
  }
});

test('A-01 on the day of the final versions they are served beside the candidates, over the same core', async () => {
  const api = {
    registrationPaths: [REGISTRATION, '/webrtc-registration/v0.4'],
    callHandlingPaths: [CALLS, '/webrtc-call-handling/v0.4'],
    eventsPaths: [EVENTS, '/webrtc-events-subscriptions/v0.3'],
  };
  const g = await wholeGateway({ settings: { api } });
  const at = '/webrtc-registration/v0.4/sessions';
  const made = await g.call('ada', 'POST', at, { deviceId: deviceId(1) });
  assert.equal(made.headers['location'], `https://gateway.example.com${at}/${made.body.registrationId}`);
  const seen = await g.call('ada', 'GET', `${REGISTRATION}/sessions/${made.body.registrationId}`);
  assert.deepEqual(seen.body, made.body);
  const subscribed = await g.call(
    'ada',
    'POST',
    '/webrtc-events-subscriptions/v0.3/subscriptions',
    subscriptionBody(1),
  );
  assert.equal(subscribed.status, 201);
  assert.deepEqual((await g.call('ada', 'GET', SUBSCRIPTIONS)).body, [subscribed.body]);
  const document = await g.call(null, 'GET', '/webrtc-call-handling/v0.4/openapi.json');
  assert.equal(document.body.servers[0].url, '{apiRoot}/webrtc-call-handling/v0.4');
  assert.equal(document.body.info.version, '0.4.0');
  assert.equal((await g.call(null, 'GET', `${CALLS}/openapi.json`)).body.info.version, '0.4.0-rc.1');
});

test('A-02 a body is needed everywhere but to renew a registration', async () => {
  const g = await wholeGateway();
  const registrationId = await register(g, 'ada', 1);
  const subscription = await subscribe(g, 'ada', 1);
  for (const [method, path] of [
    ['POST', `${REGISTRATION}/sessions`],
    ['POST', SUBSCRIPTIONS],
    ['PUT', `${SUBSCRIPTIONS}/${subscription}`],
  ] as const) {
    const got = await g.call('ada', method, path);
    assert.equal(got.body.code, 'INVALID_ARGUMENT', path);
  }
  const call = await g.call('ada', 'POST', `${CALLS}/sessions`, undefined, { registrationId });
  assert.equal(call.body.code, 'INVALID_ARGUMENT');
  assert.equal((await g.call('ada', 'PUT', `${REGISTRATION}/sessions/${registrationId}`)).status, 200);
});

test('A-22 A-49 what is not found is NOT_FOUND; reserved codes and events are not used', async () => {
  const codes = new Set(Object.values(errorTable).map(({ code }) => code));
  for (const unused of ['IDENTIFIER_NOT_FOUND', 'CONFLICT', 'SERVICE_NOT_APPLICABLE', 'UNSUPPORTED_IDENTIFIER']) {
    assert.ok(!codes.has(unused), unused);
  }
  const g = await wholeGateway();
  const unknown = '7d444840-9dc0-41d1-b245-5ffdce74fad2';
  for (const path of [`${REGISTRATION}/sessions`, `${CALLS}/sessions`, SUBSCRIPTIONS, `${CHANNELS}/channels`]) {
    assert.equal((await g.call('ada', 'GET', `${path}/${unknown}`)).body.code, 'NOT_FOUND', path);
  }
  for (const name of ['subscription-started', 'subscription-updated', 'subscription-ended']) {
    const types = [`org.camaraproject.webrtc-events-subscriptions.v0.${name}`];
    const got = await g.call('ada', 'POST', SUBSCRIPTIONS, subscriptionBody(1, { types }));
    assert.equal(got.body.code, 'INVALID_ARGUMENT', name);
  }
});

test('A-27 a registration that its own user deletes ends without registration-ends', async () => {
  const g = await wholeGateway();
  const registrationId = await ready(g, 'ada', 1);
  assert.equal((await g.call('ada', 'DELETE', `${REGISTRATION}/sessions/${registrationId}`)).status, 204);
  await g.advance(7_200_000);
  assert.deepEqual(g.delivered, []);
  assert.equal((await g.call('ada', 'GET', SUBSCRIPTIONS)).body.length, 1, 'the subscription lives on');
});

test('A-32 A-33 A-38 A-41 one subscription for three types, before any registration, at once, with its device', async () => {
  const g = await wholeGateway();
  const made = await g.call('ada', 'POST', SUBSCRIPTIONS, subscriptionBody(1));
  assert.deepEqual([made.status, made.body.status], [201, 'ACTIVE']);
  assert.deepEqual([...made.body.types].sort(), [...TYPES].sort());
  assert.deepEqual(made.body.config.subscriptionDetail, { deviceId: deviceId(1) });
  await register(g, 'ada', 1);
  g.network.invite('+15550100001');
  await g.settle();
  assert.equal(g.delivered.length, 1);
  const gone = await g.call('ada', 'DELETE', `${SUBSCRIPTIONS}/${made.body.id}`);
  assert.deepEqual([gone.status, gone.body], [204, null]);
});

test('A-34 A-40 A-43 A-46 times in the past, tokens too long, other credentials and odd sinks are refused by name', async () => {
  const g = await wholeGateway();
  const iso = (ms: number) => new Date(g.now() + ms).toISOString();
  const token = {
    credentialType: 'ACCESSTOKEN',
    accessToken: 'x'.repeat(8192),
    accessTokenExpiresUtc: iso(3_600_000),
    accessTokenType: 'bearer',
  };
  const config = { subscriptionDetail: { deviceId: deviceId(1) } };
  const code = async (change: object) =>
    (await g.call('ada', 'POST', SUBSCRIPTIONS, subscriptionBody(1, change))).body.code;
  assert.equal(
    await code({ config: { ...config, subscriptionExpireTime: '2024-11-17T13:18:23.682Z' } }),
    'INVALID_ARGUMENT',
  );
  assert.equal(await code({ sinkCredential: { ...token, accessToken: 'x'.repeat(8193) } }), 'INVALID_ARGUMENT');
  assert.equal(await code({ sinkCredential: { ...token, accessTokenExpiresUtc: iso(0) } }), 'INVALID_ARGUMENT');
  assert.equal(await code({ sinkCredential: { credentialType: 'PRIVATE_KEY_JWT' } }), 'INVALID_CREDENTIAL');
  assert.equal(await code({ sink: 'https://a b' }), 'INVALID_SINK');
  assert.equal(await code({ sinkCredential: token }), undefined);
});

test('A-42 a browser gets its https sink from a channel, and its events there', async () => {
  const g = await wholeGateway();
  const opened = await g.call('ada', 'POST', `${CHANNELS}/channels`, { deviceId: deviceId(1) });
  assert.match(opened.body.sink, /^https:\/\/gateway\.example\.com\//);
  const { sink, sinkCredential } = opened.body;
  const made = await g.call('ada', 'POST', SUBSCRIPTIONS, subscriptionBody(1, { sink, sinkCredential }));
  assert.equal(made.status, 201, JSON.stringify(made.body));
  await register(g, 'ada', 1);
  g.network.invite('+15550100001');
  await g.settle();
  const shown = await g.call('ada', 'GET', `${CHANNELS}/channels/${opened.body.channelId}`);
  assert.equal(shown.body.lastSeq, 1);
  assert.deepEqual(g.delivered, [], 'never by HTTP to itself');
  assert.equal((await g.call('bela', 'POST', SUBSCRIPTIONS, subscriptionBody(1, { sink }))).body.code, 'INVALID_SINK');
});
