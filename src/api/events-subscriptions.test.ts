/** Flow tests of webrtc-events-subscriptions and of the notification channels, on an event side in memory. CAMARA digest 8, 11a. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CHANNELS, DEVICE, EVENTS, send, testApi } from '../../test/support/api-kit.ts';

const SUBSCRIPTIONS = `${EVENTS}/subscriptions`;
const PREFIX = 'org.camaraproject.webrtc-events-subscriptions.v0.';
const credential = {
  credentialType: 'ACCESSTOKEN',
  accessToken: 'sink-token',
  accessTokenExpiresUtc: '2026-03-02T00:00:00Z',
  accessTokenType: 'bearer',
};
const body = {
  protocol: 'HTTP',
  sink: 'https://sink.example/events',
  types: [`${PREFIX}session-invitation`, `${PREFIX}session-status`, `${PREFIX}session-invitation`],
  config: { subscriptionDetail: { deviceId: DEVICE } },
};

test('8.1 a subscription is made, seen, renewed, listed and ended; its credential is never shown', async () => {
  const { api } = testApi();
  const made = await send(api, 'POST', SUBSCRIPTIONS, {
    body: {
      ...body,
      sinkCredential: credential,
      config: {
        subscriptionDetail: { deviceId: DEVICE.toUpperCase() },
        subscriptionExpireTime: '2026-03-01T13:00:00+00:00',
        subscriptionMaxEvents: 5,
        initialEvent: false,
      },
    },
  });
  assert.equal(made.status, 201);
  assert.deepEqual(made.body, {
    id: 'subscription-1',
    protocol: 'HTTP',
    sink: body.sink,
    types: [`${PREFIX}session-status`, `${PREFIX}session-invitation`],
    config: {
      subscriptionDetail: { deviceId: DEVICE },
      subscriptionExpireTime: '2026-03-01T13:00:00.000Z',
      subscriptionMaxEvents: 5,
      initialEvent: false,
    },
    startsAt: '2026-03-01T12:00:00.000Z',
    expiresAt: '2026-03-01T13:00:00.000Z',
    status: 'ACTIVE',
  });
  const item = `${SUBSCRIPTIONS}/subscription-1`;
  assert.deepEqual((await send(api, 'GET', item)).body, made.body);
  assert.deepEqual((await send(api, 'GET', SUBSCRIPTIONS)).body, [made.body]);
  assert.deepEqual((await send(api, 'GET', SUBSCRIPTIONS, { token: 'bob' })).body, []);
  const renewed = await send(api, 'PUT', item, {
    body: { config: { subscriptionExpireTime: '2026-03-01T14:00:00Z' }, sinkCredential: credential },
  });
  assert.equal(renewed.status, 200);
  assert.equal(renewed.body.expiresAt, '2026-03-01T14:00:00.000Z');
  assert.equal((await send(api, 'DELETE', item, { token: 'bob' })).status, 404);
  assert.equal((await send(api, 'DELETE', item)).status, 204);
  assert.equal((await send(api, 'GET', item)).status, 404);
  assert.equal((await send(api, 'PUT', item, { body: {} })).status, 404);
});

test('8.2 fields of a subscription, each with its own code', async () => {
  const { api } = testApi();
  const { accessToken: _, ...tokenless } = credential;
  const detail = body.config;
  const bad: Array<[code: string, change: object]> = [
    ['INVALID_PROTOCOL', { protocol: 'MQTT5' }],
    ['INVALID_PROTOCOL', { protocol: '' }],
    ['INVALID_ARGUMENT', { protocol: 1 }],
    ['INVALID_ARGUMENT', { protocol: undefined }],
    ['INVALID_SINK', { sink: 'http://sink.example/' }],
    ['INVALID_SINK', { sink: 'https://' }],
    ['INVALID_SINK', { sink: 'https://a b' }],
    ['INVALID_SINK', { sink: 'https://sink.example/\n' }],
    ['INVALID_SINK', { sink: `https://sink.example/${'x'.repeat(1024)}` }],
    ['INVALID_SINK', { sink: 'https://refused.example/' }],
    ['INVALID_ARGUMENT', { sink: null }],
    ['INVALID_ARGUMENT', { types: [] }],
    ['INVALID_ARGUMENT', { types: [...body.types, `${PREFIX}registration-ends`] }],
    ['INVALID_ARGUMENT', { types: [`${PREFIX}subscription-ended`] }],
    ['INVALID_ARGUMENT', { types: ['session-status'] }],
    ['INVALID_ARGUMENT', { config: {} }],
    ['INVALID_ARGUMENT', { config: { ...detail, subscriptionExpireTime: '2026-03-01T11:59:59Z' } }],
    ['INVALID_ARGUMENT', { config: { ...detail, subscriptionMaxEvents: 1.5 } }],
    ['OUT_OF_RANGE', { config: { ...detail, subscriptionMaxEvents: 0 } }],
    ['OUT_OF_RANGE', { config: { ...detail, subscriptionMaxEvents: 1_000_001 } }],
    ['INVALID_ARGUMENT', { config: { subscriptionDetail: { deviceId: DEVICE, registrationId: 'x' } } }],
    ['INVALID_ARGUMENT', { sinkCredential: {} }],
    ['INVALID_CREDENTIAL', { sinkCredential: { credentialType: 'PLAIN', identifier: 'a', secret: 'b' } }],
    ['INVALID_CREDENTIAL', { sinkCredential: { credentialType: 'PRIVATE_KEY_JWT' } }],
    ['INVALID_TOKEN', { sinkCredential: { ...credential, accessTokenType: 'mac' } }],
    ['INVALID_ARGUMENT', { sinkCredential: tokenless }],
    ['INVALID_ARGUMENT', { sinkCredential: { ...credential, accessToken: 'a b' } }],
    ['INVALID_ARGUMENT', { sinkCredential: { ...credential, accessToken: 'x'.repeat(8193) } }],
    ['INVALID_ARGUMENT', { sinkCredential: { ...credential, accessTokenExpiresUtc: '2026-03-01T12:00:00Z' } }],
    ['INVALID_ARGUMENT', { sinkCredential: { ...credential, accessTokenExpireUtc: '2026-03-02T00:00:00Z' } }],
    ['INVALID_ARGUMENT', { strange: 1 }],
  ];
  for (const [code, change] of bad) {
    const got = await send(api, 'POST', SUBSCRIPTIONS, { body: { ...body, ...change } });
    assert.deepEqual([got.status, got.body.code], [400, code], JSON.stringify(change).slice(0, 200));
    assert.ok(!got.text.includes('sink-token'));
  }
  await send(api, 'POST', SUBSCRIPTIONS, { body });
  for (const change of [
    {},
    { config: {} },
    { config: detail },
    { sink: body.sink },
    { sinkCredential: credential, config: {} },
  ]) {
    const got = await send(api, 'PUT', `${SUBSCRIPTIONS}/subscription-1`, { body: change });
    assert.equal(got.body.code, 'INVALID_ARGUMENT', JSON.stringify(change));
  }
});

test('A-30 3.1 the create scope of each type asked for, and of no other', async () => {
  const { api } = testApi();
  const post = (token: string, names: string[]) =>
    send(api, 'POST', SUBSCRIPTIONS, { token, body: { ...body, types: names.map(name => PREFIX + name) } });
  assert.equal((await post('status', ['session-status'])).status, 201);
  const more = await post('status', ['session-status', 'session-invitation']);
  assert.deepEqual([more.status, more.body.code], [403, 'PERMISSION_DENIED']);
  assert.equal((await post('narrow', ['session-status'])).status, 403);
});

test('11a a channel is opened, seen, given a ticket and closed', async () => {
  const { api } = testApi();
  const made = await send(api, 'POST', `${CHANNELS}/channels`, {
    body: { deviceId: DEVICE, types: [`${PREFIX}session-status`] },
  });
  assert.equal(made.status, 201);
  assert.equal(made.body.subscriptionId, 'subscription-1');
  assert.equal(made.body.sinkCredential.accessTokenExpiresUtc, '2026-03-02T12:00:00.000Z');
  const item = `${CHANNELS}/channels/${made.body.channelId}`;
  assert.deepEqual((await send(api, 'GET', item)).body, {
    channelId: 'channel-1',
    deviceId: DEVICE,
    state: 'DISCONNECTED',
    lastSeq: 0,
    expiresAt: '2026-03-02T12:00:00.000Z',
  });
  assert.deepEqual((await send(api, 'POST', `${item}/tickets`)).body, {
    ticket: 'second',
    ticketExpiresAt: '2026-03-01T12:00:30.000Z',
  });
  for (const [method, path] of [
    ['GET', item],
    ['DELETE', item],
    ['POST', `${item}/tickets`],
  ] as const) {
    assert.equal((await send(api, method, path, { token: 'bob' })).status, 404);
  }
  assert.equal((await send(api, 'DELETE', item)).status, 204);
  assert.equal((await send(api, 'DELETE', item)).status, 404);
  const past = await send(api, 'POST', `${CHANNELS}/channels`, {
    body: { deviceId: DEVICE, expireTime: '2026-03-01T12:00:00Z' },
  });
  assert.equal(past.body.code, 'INVALID_ARGUMENT');
});
