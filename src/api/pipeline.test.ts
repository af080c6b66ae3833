/** Tests of the request pipeline: the order of its steps, its headers, and hostile requests. CAMARA digest 2. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CALLS, DEVICE, EVENTS, REGISTRATION, send, testApi } from '../../test/support/api-kit.ts';
import type { Reply } from '../ep-cscf/api-request.ts';
import { pipeline } from './pipeline.ts';
import type { ApiParts } from './server.ts';
import { IN_FLIGHT_LIMIT } from './service.ts';

const SESSIONS = `${REGISTRATION}/sessions`;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const good = { deviceId: DEVICE };

test('2.1 each step comes before the next', async () => {
  const { api } = testApi({ ratePerUser: 1000, ratePerClient: 1000 });
  // Every later fault is in the request too; one after the other is mended.
  const faulty = { headers: { 'x-correlator': 'a b', 'content-type': 'text/plain' }, body: '{"strange":' };
  const item = `${SESSIONS}/unknown`;
  const ladder: Array<[status: number, code: string, method: string, url: string, sent: object]> = [
    [404, 'NOT_FOUND', 'PATCH', `${REGISTRATION}/nothing`, { token: null, ...faulty }],
    [405, 'METHOD_NOT_ALLOWED', 'PATCH', item, { token: null, ...faulty }],
    [401, 'UNAUTHENTICATED', 'PUT', item, { token: null, ...faulty }],
    [403, 'PERMISSION_DENIED', 'PUT', item, { token: 'narrow', ...faulty }],
    [400, 'INVALID_ARGUMENT', 'PUT', item, faulty],
    [415, 'UNSUPPORTED_MEDIA_TYPE', 'PUT', item, { headers: { 'content-type': 'text/plain' }, body: '{"strange":' }],
    [400, 'INVALID_ARGUMENT', 'PUT', item, { body: '{"strange":' }],
    [404, 'NOT_FOUND', 'PUT', item, { body: '{"strange":1}' }],
  ];
  for (const [status, code, method, url, sent] of ladder) {
    const got = await send(api, method, url, sent);
    assert.deepEqual([got.status, got.body.code, got.body.status], [status, code, status]);
    assert.equal(got.headers['content-type'], 'application/json');
    assert.equal(got.headers['cache-control'], 'no-store');
  }
  assert.equal(new Set(pipeline.map(([name]) => name)).size, pipeline.length);
});

test('2.1 step 1: paths are decoded once and never walked', async () => {
  const { api, core } = testApi();
  for (const url of [
    `${REGISTRATION}`,
    `${REGISTRATION}/`,
    `${REGISTRATION}/sessions/a/b`,
    `${REGISTRATION}/sessions/a/`,
    `${REGISTRATION}/Sessions`,
    `${REGISTRATION}/sessions%2Fa`,
    `${REGISTRATION}/sessions/%zz`,
    `${REGISTRATION}x/sessions`,
    '/webrtc-registration/vwip/sessions',
    `${CALLS}/sessions/a/state`,
  ]) {
    const got = await send(api, 'GET', url, { headers: { host: '127.0.0.1' } });
    assert.deepEqual([got.status, got.body?.code], [404, 'NOT_FOUND'], url);
  }
  for (const id of ['%2F', 'a%2Fb', '%00', '%2e%2e%2f', 'a%0d%0ab', '%2525', '__proto__', 'a b'.replace(' ', '%20')]) {
    const got = await send(api, 'GET', `${SESSIONS}/${id}`);
    assert.equal(got.status, 404, id);
  }
  assert.deepEqual(
    core.asked.map(request => 'registrationId' in request && request.registrationId),
    ['__proto__'],
  );
  assert.equal((await send(api, 'GET', `${SESSIONS}/${'x'.repeat(256)}`)).status, 404);
  assert.equal((await send(api, 'GET', `${SESSIONS}/${'x'.repeat(257)}`)).status, 400);
});

test('A-20 2.1 step 2: 405 with Allow; an empty id is 400 after authentication', async () => {
  const { api } = testApi();
  const patch = await send(api, 'PATCH', `${SESSIONS}/a`, { token: null });
  assert.equal(patch.status, 405);
  assert.equal(patch.headers['allow'], 'GET, HEAD, PUT, DELETE, OPTIONS');
  assert.equal((await send(api, 'PUT', `${CALLS}/sessions/a`)).headers['allow'], 'GET, HEAD, DELETE, OPTIONS');
  const options = await send(api, 'OPTIONS', SESSIONS, { token: null });
  assert.deepEqual([options.status, options.headers['allow']], [204, 'GET, HEAD, POST, OPTIONS']);
  assert.equal((await send(api, 'POST', `${SESSIONS}/`)).status, 405);
  for (const [method, url] of [
    ['GET', `${SESSIONS}/`],
    ['PUT', `${SESSIONS}/`],
    ['DELETE', SESSIONS],
    ['PUT', SESSIONS],
    ['GET', `${CALLS}/sessions`],
    ['DELETE', `${CALLS}/sessions/`],
    ['PUT', `${CALLS}/sessions//status`],
    ['GET', `${EVENTS}/subscriptions/`],
    ['DELETE', `${EVENTS}/subscriptions`],
  ] as const) {
    assert.equal((await send(api, method, url, { token: null })).status, 401, `${method} ${url}`);
    const got = await send(api, method, url, method === 'PUT' ? { body: {} } : {});
    assert.deepEqual([got.status, got.body.code], [400, 'INVALID_ARGUMENT'], `${method} ${url}`);
  }
  assert.equal((await send(api, 'GET', `${EVENTS}/subscriptions`)).status, 200);
});

test('ARC-01 2.1 step 3: every bad credential gets the same 401, and the core hears nothing', async () => {
  const { api, core, counted } = testApi();
  const texts = new Set<string>();
  for (const authorization of [
    undefined,
    '',
    'Bearer',
    'Bearer ',
    'Bearer unknown',
    'Bearer alice alice',
    'Bearer alice, Bearer alice',
    'Basic YWxpY2U6eA==',
    'alice',
    ['Bearer alice', 'Bearer alice'],
  ]) {
    const headers = authorization === undefined ? {} : { authorization };
    const got = await send(api, 'GET', `${SESSIONS}?deviceId=${DEVICE}`, { token: null, headers });
    assert.equal(got.status, 401, String(authorization));
    assert.equal(got.headers['www-authenticate'], 'Bearer');
    texts.add(got.text);
  }
  assert.equal(texts.size, 1);
  const body = { deviceId: DEVICE };
  assert.equal((await send(api, 'POST', `${REGISTRATION}/sessions`, { token: 'unknown', body })).status, 401);
  assert.deepEqual(core.asked, []);
  for (const token of [null, 'alice']) {
    const query = await send(api, 'GET', `${SESSIONS}?deviceId=${DEVICE}&access_token=alice`, { token });
    assert.equal(query.status, 401);
  }
  assert.equal(
    (
      await send(api, 'GET', `${SESSIONS}?deviceId=${DEVICE}`, {
        token: null,
        headers: { authorization: 'bearer  alice' },
      })
    ).status,
    200,
  );
  const form = await send(api, 'POST', SESSIONS, {
    token: null,
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: `access_token=alice&deviceId=${DEVICE}`,
  });
  assert.equal(form.status, 401);
  const down = await send(api, 'GET', `${SESSIONS}?deviceId=${DEVICE}`, { token: 'unchecked' });
  assert.deepEqual([down.status, down.headers['retry-after']], [503, '5']);
  assert.ok(
    counted.some(({ name, labels }) => name === 'api_rejections_total' && labels['reason'] === 'unauthenticated'),
  );
});

test('3.3 a token is shown as bearer or with one proof, for the address as the outside knows it', async () => {
  const shown: unknown[] = [];
  const tokens: ApiParts['tokens'] = {
    async verify(token, proof) {
      shown.push([token, proof]);
      return null;
    },
  };
  const { api } = testApi({}, { tokens });
  const get = (authorization: string, headers: Record<string, string | string[]> = {}) =>
    send(api, 'GET', `${SESSIONS}?deviceId=x`, { token: null, headers: { authorization, ...headers } });
  await get('Bearer a');
  await get('Bearer a', { dpop: 'proof' });
  const refused = await get('DPoP a', { dpop: 'proof' });
  const url = shown.map(each => (each as [string, { url: string } | null])[1]?.url ?? '').at(-1);
  assert.match(url ?? '', /^http:\/\/127\.0\.0\.1:\d+\/webrtc-registration\/v0\.4rc1\/sessions$/);
  assert.deepEqual(shown, [
    ['a', null],
    ['a', null],
    ['a', { jwt: 'proof', method: 'GET', url }],
  ]);
  assert.deepEqual([refused.status, refused.headers['www-authenticate']], [401, 'DPoP']);
  for (const [authorization, headers] of [
    ['DPoP a', {}],
    ['DPoP a', { dpop: ['one', 'two'] }],
    ['DPoP', { dpop: 'proof' }],
  ] as const) {
    assert.equal((await get(authorization, headers as Record<string, string | string[]>)).status, 401);
  }
  assert.equal(shown.length, 3);
});

test('2.1 step 4: rates by address, client and user', async () => {
  const list = `${SESSIONS}?deviceId=${DEVICE}`;
  const users = testApi({ ratePerUser: 2, ratePerClient: 100 });
  const statuses: number[] = [];
  for (let i = 0; i < 5; i += 1) statuses.push((await send(users.api, 'GET', list)).status);
  assert.deepEqual(statuses, [200, 200, 200, 200, 429]);
  assert.equal((await send(users.api, 'GET', list, { token: 'bob' })).status, 200);
  const limited = await send(users.api, 'GET', list);
  assert.deepEqual([limited.body.code, limited.headers['retry-after']], ['TOO_MANY_REQUESTS', '1']);
  users.time.now += 500;
  assert.equal((await send(users.api, 'GET', list)).status, 200);
  assert.equal((await send(users.api, 'GET', list)).status, 429);

  const clients = testApi({ ratePerClient: 2 });
  for (const token of ['alice', 'bob']) assert.equal((await send(clients.api, 'GET', list, { token })).status, 200);
  assert.equal((await send(clients.api, 'GET', list, { token: 'business' })).status, 429);
  assert.equal((await send(clients.api, 'GET', list, { token: 'other' })).status, 200);

  const addresses = testApi({ ratePerAddress: 2 });
  for (let i = 0; i < 2; i += 1) assert.equal((await send(addresses.api, 'GET', list, { token: null })).status, 401);
  assert.equal((await send(addresses.api, 'GET', list)).status, 429);
});

test('2.2 x-correlator is echoed on every response, or replaced when it may not be', async () => {
  const { api } = testApi();
  const value = 'a-Z_0:9;./<>{}';
  for (const [method, url, token, status] of [
    ['GET', `${SESSIONS}?deviceId=${DEVICE}`, 'alice', 200],
    ['GET', `${REGISTRATION}/nothing`, null, 404],
    ['PATCH', SESSIONS, null, 405],
    ['GET', SESSIONS, null, 401],
    ['GET', SESSIONS, 'status', 403],
    ['DELETE', `${SESSIONS}/x`, 'alice', 404],
  ] as const) {
    const got = await send(api, method, url, { token, headers: { 'x-correlator': value } });
    assert.deepEqual([got.status, got.headers['x-correlator']], [status, value]);
  }
  for (const bad of ['a b', 'a,b', 'a=b', 'a%b', '"a"', 'a+b', 'a@b', 'é', 'x'.repeat(257), ['a', 'b'], ['', 'a']]) {
    const got = await send(api, 'GET', `${SESSIONS}?deviceId=${DEVICE}`, { headers: { 'x-correlator': bad } });
    assert.deepEqual([got.status, got.body.code], [400, 'INVALID_ARGUMENT'], String(bad));
    assert.match(String(got.headers['x-correlator']), UUID);
  }
  for (const headers of [{}, { 'x-correlator': '' }]) {
    const got = await send(api, 'GET', `${SESSIONS}?deviceId=${DEVICE}`, { headers });
    assert.equal(got.status, 200);
    assert.match(String(got.headers['x-correlator']), UUID);
  }
});

test('2.3 media types: only JSON in UTF-8 comes in, only JSON goes out', async () => {
  const { api } = testApi();
  const bodies = (type: string | undefined) =>
    send(api, 'POST', SESSIONS, {
      body: '{',
      headers: type === undefined ? { 'content-type': [] } : { 'content-type': type },
    });
  for (const type of [
    'text/plain',
    'application/cloudevents+json',
    'application/json; charset=latin1',
    'application/json; v=1',
    'application/json, text/plain',
    'x',
  ]) {
    assert.equal((await bodies(type)).status, 415, type);
  }
  for (const type of ['application/json', 'Application/JSON;charset=UTF-8', 'application/json; charset="utf-8"']) {
    assert.equal((await bodies(type)).status, 400, type);
  }
  const zipped = await send(api, 'POST', SESSIONS, { body: good, headers: { 'content-encoding': 'gzip' } });
  assert.equal(zipped.status, 415);
  const list = (accept: string) => send(api, 'GET', `${SESSIONS}?deviceId=${DEVICE}`, { headers: { accept } });
  for (const accept of [
    '*/*',
    'application/*',
    'text/html, application/json;q=0.1',
    '',
    'application/json;q=0.5,*/*;q=0',
  ]) {
    assert.equal((await list(accept)).status, 200, accept);
  }
  for (const accept of ['text/html', 'application/json;q=0', '*/*, application/json;q=0', 'application/problem+json']) {
    const got = await list(accept);
    assert.deepEqual([got.status, got.body.code], [406, 'NOT_ACCEPTABLE'], accept);
  }
});

test('2.3 bodies that are not what JSON should be', async () => {
  const { api } = testApi();
  const text = JSON.stringify(good);
  const nested = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  for (const body of [
    '',
    'null',
    '[]',
    '"x"',
    '{',
    `${text}x`,
    `\ufeff${text}`,
    `{"deviceId":"${DEVICE}","deviceId":"${DEVICE}"}`,
    `{"deviceId":"${DEVICE}","\\u0064eviceId":"${DEVICE}"}`,
    '{"deviceId":NaN}',
    '{"deviceId":"\\ud800"}',
    '{"deviceId":"\\udc00\\ud800"}',
    nested(17),
    '['.repeat(100_000),
    '{"a":'.repeat(50_000),
    '{"__proto__":{"deviceId":"x"}}',
    '{"constructor":1}',
    `{"deviceId":"${DEVICE}","prototype":{}}`,
    new Uint8Array([0x7b, 0x22, 0xc3, 0x28, 0x22, 0x3a, 0x31, 0x7d]),
    new Uint8Array([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d]),
    Buffer.from(text, 'utf16le'),
  ]) {
    const got = await send(api, 'POST', SESSIONS, { body });
    assert.deepEqual([got.status, got.body.code], [400, 'INVALID_ARGUMENT'], String(body).slice(0, 80));
    assert.ok(got.body.message.length <= 512);
  }
  const unknown = await send(api, 'POST', SESSIONS, { body: { ...good, ['<script>\n'.repeat(100)]: 'secret' } });
  assert.match(unknown.body.message, /^The property "[A-Za-z0-9?._$-]{96}" is unknown\.$/);
  assert.equal((await send(api, 'POST', SESSIONS, { body: ` \t\r\n${text}\n` })).status, 201);
});

test('A-21 2.3 a body over the limit is 400, also where bodies are ignored', async () => {
  const { api } = testApi({ bodyLimitBytes: 1024 });
  const padded = (size: number) => JSON.stringify(good).padEnd(size);
  assert.equal((await send(api, 'POST', SESSIONS, { body: padded(1024) })).status, 201);
  for (const [method, url] of [
    ['POST', SESSIONS],
    ['GET', `${SESSIONS}?deviceId=${DEVICE}`],
    ['DELETE', `${SESSIONS}/x`],
  ] as const) {
    const got = await send(api, method, url, { body: padded(1025) });
    assert.deepEqual([got.status, got.body.code], [400, 'INVALID_ARGUMENT'], method);
    assert.equal(got.headers['connection'], 'close');
  }
  const ignored = await send(api, 'GET', `${SESSIONS}?deviceId=${DEVICE}`, {
    body: 'not json',
    headers: { 'content-type': 'x' },
  });
  assert.equal(ignored.status, 200);
});

test('ARC-02 2.2 CORS: preflight by the union of origins, requests by the client’s own', async () => {
  const { api } = testApi();
  const preflight = (origin: string, url = `${SESSIONS}/x`) =>
    send(api, 'OPTIONS', url, { token: null, headers: { origin, 'access-control-request-method': 'PUT' } });
  for (const origin of ['https://demo.example', 'https://other.example']) {
    const got = await preflight(origin);
    assert.equal(got.status, 204);
    assert.equal(got.headers['access-control-allow-origin'], origin);
    assert.equal(got.headers['access-control-allow-methods'], 'GET, HEAD, PUT, DELETE, OPTIONS');
    assert.equal(
      got.headers['access-control-allow-headers'],
      'Authorization, Content-Type, x-correlator, registrationId, Last-Event-ID, DPoP',
    );
    assert.equal(got.headers['access-control-allow-credentials'], undefined);
    assert.match(String(got.headers['x-correlator']), UUID);
  }
  const strange = await preflight('https://evil.example');
  assert.deepEqual([strange.status, strange.headers['access-control-allow-origin']], [204, undefined]);
  assert.equal((await preflight('https://demo.example', `${REGISTRATION}/nothing`)).status, 404);
  const list = (origin: string, token: string | null) =>
    send(api, 'GET', `${SESSIONS}?deviceId=${DEVICE}`, { token, headers: { origin } });
  const own = await list('https://demo.example', 'alice');
  assert.equal(own.headers['access-control-allow-origin'], 'https://demo.example');
  assert.equal(own.headers['access-control-expose-headers'], 'x-correlator, Retry-After, Location');
  assert.equal(own.headers['vary'], 'Origin');
  assert.equal((await list('https://other.example', 'alice')).headers['access-control-allow-origin'], undefined);
  assert.equal(
    (await list('https://other.example', 'other')).headers['access-control-allow-origin'],
    'https://other.example',
  );
  assert.equal(
    (await list('https://demo.example', null)).headers['access-control-allow-origin'],
    'https://demo.example',
  );
});

test('2.4 a broken promise of ours is a bare 500, and every request leaves one line without secrets', async () => {
  const kit = testApi({}, { core: { ask: () => Promise.reject(new Error('secret detail')) } });
  const got = await send(kit.api, 'GET', `${SESSIONS}/abc`, { headers: { 'x-correlator': 'mine' } });
  assert.deepEqual(got.body, { status: 500, code: 'INTERNAL', message: 'Internal error.' });
  const line = kit.logged.at(-1);
  assert.deepEqual(
    { ...line, ms: 0 },
    {
      correlator: 'mine',
      client: 'demo',
      purpose: undefined,
      api: 'webrtc-registration',
      operation: 'getRegistrationById',
      status: 500,
      reason: 'internal',
      ms: 0,
    },
  );
  const duration = kit.counted.find(({ name }) => name === 'api_request_duration_seconds');
  assert.deepEqual(duration?.labels, { api: 'webrtc-registration', operation: 'getRegistrationById', code: '500' });
  assert.ok(!JSON.stringify(kit.logged).includes('alice'));
});

test('13 requests that the core keeps waiting are bounded in number', async () => {
  const release: Array<() => void> = [];
  const ask = () =>
    new Promise<Reply>(resolve => {
      release.push(() => resolve({ ok: false, error: 'not-found' }));
    });
  const rates = { ratePerUser: 1e6, ratePerClient: 1e6, ratePerAddress: 1e6 };
  const { api, counted } = testApi(rates, { core: { ask } });
  const waiting = Array.from({ length: IN_FLIGHT_LIMIT }, () => send(api, 'GET', `${SESSIONS}/x`));
  while (release.length < IN_FLIGHT_LIMIT) await new Promise(setImmediate);
  const shed = await send(api, 'GET', `${SESSIONS}/x`);
  assert.deepEqual([shed.status, shed.body.code, shed.headers['retry-after']], [503, 'UNAVAILABLE', '5']);
  assert.ok(counted.some(({ name }) => name === 'overload_shed_total'));
  for (const go of release) go();
  assert.ok((await Promise.all(waiting)).every(({ status }) => status === 404));
  const after = send(api, 'GET', `${SESSIONS}/x`);
  while (release.length === IN_FLIGHT_LIMIT) await new Promise(setImmediate);
  release.at(-1)?.();
  assert.equal((await after).status, 404);
});
