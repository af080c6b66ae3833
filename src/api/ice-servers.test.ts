/** webrtc-ice-servers through the pipeline: what is given, to whom, how often, and that a credential says nothing and leaks nowhere. CAMARA digest 11c. */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CHANNELS, DEVICE, ICE_SERVERS, NOW, REGISTRATION, send, testApi } from '../../test/support/api-kit.ts';
import { checkSettings } from '../config/settings.ts';
import { turnCredential } from './ice-servers-credential.ts';

const RETRIEVE = `${ICE_SERVERS}/retrieve`;
const SECRET = 'a-secret-of-the-test';
const URLS = ['stun:turn.example:3478', 'turn:turn.example:3478?transport=udp', 'turns:turn.example:443?transport=tcp'];

function withTurn(turn: Record<string, unknown>) {
  return testApi({}, { settings: checkSettings({ api: { port: 0 }, turn }) });
}

test('ICE-10 a credential is the end and a random id, signed with the shared secret', () => {
  const { username, credential } = turnCredential('north', 'abc', 1_700_000_000_999);
  assert.equal(username, '1700000000:abc');
  assert.equal(credential, createHmac('sha1', 'north').update('1700000000:abc').digest('base64'));
});

test('11c the servers come in the shape a browser takes, the relays with a credential that ends', async () => {
  const { api } = withTurn({ urls: URLS, secret: SECRET, ttlS: 600 });
  const { status, headers, body } = await send(api, 'POST', RETRIEVE);
  assert.equal(status, 200);
  assert.equal(headers['cache-control'], 'no-store');
  const [open, relays] = body.iceServers;
  assert.deepEqual(open, { urls: URLS.slice(0, 1) });
  assert.deepEqual(relays.urls, URLS.slice(1));
  const [end, id] = relays.username.split(':');
  assert.equal(Number(end), NOW / 1000 + 600);
  assert.match(id, /^[0-9a-f-]{36}$/);
  assert.equal(relays.credential, turnCredential(SECRET, id, NOW + 600_000).credential);
  assert.deepEqual([body.ttl, body.expiresAt], [600, new Date(NOW + 600_000).toISOString()]);
  const again = await send(api, 'POST', RETRIEVE, { body: {} });
  assert.notEqual(again.body.iceServers[1].username, relays.username);
});

test('11c without servers the list is empty, and a STUN server alone needs no credential', async () => {
  const none = await send(withTurn({}).api, 'POST', RETRIEVE);
  assert.deepEqual([none.status, none.body.iceServers, none.body.ttl], [200, [], 3600]);
  const stun = await send(withTurn({ urls: ['stun:a.example'] }).api, 'POST', RETRIEVE);
  assert.deepEqual(stun.body.iceServers, [{ urls: ['stun:a.example'] }]);
});

test('ICE-11 three-legged and two-legged tokens are served; others are refused as everywhere', async () => {
  const { api } = withTurn({ urls: URLS, secret: SECRET });
  for (const token of ['alice', 'business']) assert.equal((await send(api, 'POST', RETRIEVE, { token })).status, 200);
  for (const [token, status, code] of [
    [null, 401, 'UNAUTHENTICATED'],
    ['nobody', 401, 'UNAUTHENTICATED'],
    ['narrow', 403, 'PERMISSION_DENIED'],
    ['numberless', 403, 'INVALID_TOKEN_CONTEXT'],
    ['unchecked', 503, 'UNAVAILABLE'],
  ] as const) {
    const { status: got, body, headers } = await send(api, 'POST', RETRIEVE, { token });
    assert.deepEqual([got, body.code], [status, code], String(token));
    assert.ok(headers['x-correlator']);
  }
  assert.equal((await send(api, 'GET', RETRIEVE)).status, 405);
  assert.equal((await send(api, 'POST', `${RETRIEVE}/x`)).status, 404);
});

test('ICE-11 a registration or a channel that is named has to be the caller’s', async () => {
  const { api } = withTurn({ urls: URLS, secret: SECRET });
  const { registrationId } = (await send(api, 'POST', `${REGISTRATION}/sessions`, { body: { deviceId: DEVICE } })).body;
  const { channelId } = (await send(api, 'POST', `${CHANNELS}/channels`, { body: { deviceId: DEVICE } })).body;
  for (const body of [{ registrationId }, { channelId }]) {
    assert.equal((await send(api, 'POST', RETRIEVE, { body })).status, 200);
    const [foreign, unknown] = [
      await send(api, 'POST', RETRIEVE, { body, token: 'bob' }),
      await send(api, 'POST', RETRIEVE, { body: { [Object.keys(body)[0] ?? '']: 'unknown' } }),
    ];
    assert.deepEqual([foreign.status, foreign.body.code], [404, 'NOT_FOUND']);
    assert.deepEqual([foreign.body, foreign.status], [unknown.body, unknown.status]);
    const odd = await send(api, 'POST', RETRIEVE, { body: { [Object.keys(body)[0] ?? '']: '../x' } });
    assert.equal(odd.status, 404);
  }
});

test('11c the body is strict', async () => {
  const { api } = withTurn({ urls: URLS, secret: SECRET });
  for (const body of [
    { registrationId: 'a', channelId: 'b' },
    { registrationId: null },
    { channelId: 1 },
    { deviceId: DEVICE },
    { channelId: 'x'.repeat(257) },
    '[]',
    '{',
  ]) {
    const { status, body: error } = await send(api, 'POST', RETRIEVE, { body });
    assert.deepEqual([status, error.code], [400, 'INVALID_ARGUMENT'], JSON.stringify(body));
  }
  const plain = await send(api, 'POST', RETRIEVE, { body: '{}', headers: { 'content-type': 'text/plain' } });
  assert.equal(plain.status, 415);
});

test('ICE-11 a user has a rate, refusals count too, and neither other users nor businesses suffer', async () => {
  const kit = withTurn({ urls: URLS, secret: SECRET, ratePerUser: 2 });
  const ask = (token: string, body = {}) => send(kit.api, 'POST', RETRIEVE, { token, body });
  assert.equal((await ask('alice')).status, 200);
  assert.equal((await ask('alice', { channelId: 'unknown' })).status, 404);
  const { status, body, headers } = await ask('alice');
  assert.deepEqual([status, body.code, headers['retry-after']], [429, 'TOO_MANY_REQUESTS', '30']);
  assert.equal((await ask('bob')).status, 200);
  for (let i = 0; i < 4; i += 1) assert.equal((await ask('business')).status, 200);
  kit.time.now += 30_000;
  assert.equal((await ask('alice')).status, 200);
  assert.equal((await ask('alice')).status, 429);
});

test('ICE-10 neither secret nor credential reaches the log, and the username names nobody', async () => {
  const kit = withTurn({ urls: URLS, secret: SECRET });
  const { iceServers } = (await send(kit.api, 'POST', RETRIEVE)).body;
  const { username, credential } = iceServers[1];
  const log = JSON.stringify(kit.logged);
  assert.ok(kit.logged.length > 0);
  for (const secret of [SECRET, username, credential]) assert.ok(!log.includes(secret));
  for (const personal of ['alice', '5550100001', 'demo']) assert.ok(!username.includes(personal));
});

test('ICE-12 a new secret is taken from its file on reload, and one that cannot be used is not', async t => {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-turn-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const secretFile = join(folder, 'secret');
  const write = (text: string) => writeFileSync(secretFile, text, { mode: 0o600 });
  write('the-first-secret-of-two\n');
  const kit = withTurn({ urls: URLS, secretFile });
  const signedWith = async () => {
    const { username, credential } = (await send(kit.api, 'POST', RETRIEVE)).body.iceServers[1];
    const [end, id] = username.split(':');
    return ['the-first-secret-of-two', 'the-second-secret-of-two'].find(
      secret => turnCredential(secret, id, end * 1000).credential === credential,
    );
  };
  assert.equal(await signedWith(), 'the-first-secret-of-two');
  write('the-second-secret-of-two\n');
  assert.equal(await signedWith(), 'the-first-secret-of-two');
  kit.api.reload();
  assert.equal(await signedWith(), 'the-second-secret-of-two');
  write('short');
  kit.api.reload();
  assert.equal(await signedWith(), 'the-second-secret-of-two');
});

test('11c without a path the API is not served', async () => {
  const { api } = testApi({ iceServersPaths: [] });
  assert.equal((await api.inject({ method: 'POST', url: RETRIEVE })).statusCode, 404);
});
