/** Tokens that only the authorization server can read, against one on loopback that can lie, fail and be slow. RFC 7662. */
import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { jwtVerify } from 'jose';
import { checkSettings } from '../config/settings.ts';
import { silentLog } from '../runtime/log.ts';
import { createAccessTokens } from './access-token.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const ISSUER = 'https://id.example.com';

let server: Server;
let url = '';
let asked: Array<{ form: URLSearchParams; authorization: string | undefined }> = [];
let answer: { status: number; body: unknown } = { status: 200, body: {} };
let gate: Promise<void> = Promise.resolve();
const directory = mkdtempSync(join(tmpdir(), 'lineside-introspection-'));

before(async () => {
  server = createServer(async (request, response) => {
    let text = '';
    for await (const chunk of request) text += String(chunk);
    asked.push({ form: new URLSearchParams(text), authorization: request.headers.authorization });
    await gate;
    response.writeHead(answer.status, { 'content-type': 'application/json', location: '/elsewhere' });
    response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/introspect`;
});
after(() => {
  server.closeAllConnections();
  server.close();
  rmSync(directory, { recursive: true, force: true });
});

const good = {
  active: true,
  client_id: 'demo',
  sub: 'alice',
  phone_number: '+15550100001',
  scope: 'a b',
  aud: 'lineside',
  iss: ISSUER,
  exp: NOW / 1000 + 600,
};

function kit(change: Record<string, unknown> = {}) {
  asked = [];
  answer = { status: 200, body: good };
  gate = Promise.resolve();
  const time = { now: NOW };
  const reasons: string[] = [];
  const check = createAccessTokens({
    settings: checkSettings({
      auth: {
        issuers: [ISSUER],
        introspection: 'opaque',
        introspectionUrl: url,
        introspectionClientId: 'gate way',
        introspectionClientSecret: 'a:b',
        ...change,
      },
    }).auth,
    clock: { now: () => time.now },
    log: silentLog,
    metrics: { count: (_name, labels = {}) => void reasons.push(labels['reason'] ?? '') },
  });
  return { check, time, reasons };
}

test('an opaque token is asked about once, then known for a minute, and never past its end', async () => {
  const { check, time } = kit();
  const verified = await check.verify('opaque-token');
  assert.ok(verified !== null && 'principal' in verified);
  assert.deepEqual(verified.principal, { clientId: 'demo', subject: 'alice', number: '+15550100001', legs: 3 });
  assert.deepEqual([...verified.scopes], ['a', 'b']);
  assert.equal(verified.expiresAt, NOW + 600_000);
  assert.equal(asked[0]?.form.get('token'), 'opaque-token');
  assert.equal(asked[0]?.authorization, `Basic ${btoa('gate+way:a%3Ab')}`);
  time.now += 59_999;
  await check.verify('opaque-token');
  assert.equal(asked.length, 1);
  // Revoked meanwhile: it counts within the minute.
  answer = { status: 200, body: { active: false } };
  time.now += 1;
  assert.equal(await check.verify('opaque-token'), null);
  assert.equal(asked.length, 2);
  answer = { status: 200, body: { ...good, exp: (time.now + 1000) / 1000 } };
  assert.ok(await check.verify('short'));
  time.now += 1000;
  answer = { status: 200, body: { active: false } };
  assert.equal(await check.verify('short'), null);
  await check.close();
});

test('nothing bad is kept', async () => {
  const { check, reasons } = kit();
  answer = { status: 200, body: { active: false } };
  assert.equal(await check.verify('t'), null);
  answer = { status: 200, body: good };
  assert.ok(await check.verify('t'));
  assert.equal(asked.length, 2);
  assert.deepEqual(reasons, ['inactive']);
  await check.close();
});

test('what the server tells of an active token is held against the settings', async () => {
  const { check, reasons } = kit();
  for (const [change, reason] of [
    [{ exp: NOW / 1000 - 11 }, 'expired'],
    [{ exp: 'tomorrow' }, 'expired'],
    [{ nbf: NOW / 1000 + 11 }, 'not-yet'],
    [{ aud: 'else' }, 'audience'],
    [{ aud: ['x', 'y'] }, 'audience'],
    [{ iss: 'https://else.example.com' }, 'issuer'],
    [{ client_id: undefined }, 'client'],
    [{ cnf: { jkt: 'x' } }, 'sender-constrained'],
    [{ token_type: 'DPoP' }, 'sender-constrained'],
    [{ active: 'true' }, 'inactive'],
  ] as const) {
    answer = { status: 200, body: { ...good, ...change } };
    reasons.length = 0;
    assert.equal(await check.verify(randomBytes(8).toString('hex')), null, reason);
    assert.deepEqual(reasons, [reason]);
  }
  answer = { status: 200, body: { ...good, phone_number: undefined } };
  assert.deepEqual(await check.verify('numberless'), { ok: false, error: 'token-context' });
  answer = { status: 200, body: { ...good, phone_number: undefined, sub: 'demo', aud: ['a', 'lineside'] } };
  const two = await check.verify('two-legged');
  assert.ok(two !== null && 'principal' in two && two.principal.legs === 2);
  await check.close();
});

test('a server that fails is no refusal: 503, and nothing is kept', async () => {
  const { check } = kit();
  for (const broken of [
    { status: 500, body: {} },
    { status: 401, body: {} },
    { status: 302, body: {} },
    { status: 200, body: 'no json' },
    { status: 200, body: [] },
    { status: 200, body: { active: true, padding: 'x'.repeat(70_000) } },
  ]) {
    answer = broken;
    assert.deepEqual(await check.verify('t'), { ok: false, error: 'network-unavailable', retryAfterS: 5 });
  }
  answer = { status: 200, body: good };
  assert.ok(await check.verify('t'));
  await check.close();
});

test('equal questions at once are one; a flood of different ones is bounded', async () => {
  const { check } = kit();
  let open = () => {};
  gate = new Promise(resolve => {
    open = resolve;
  });
  const same = Array.from({ length: 10 }, () => check.verify('same'));
  const flood = Array.from({ length: 300 }, (_, n) => check.verify(`token-${n}`));
  open();
  assert.ok((await Promise.all(same)).every(token => token !== null && 'principal' in token));
  const refused = (await Promise.all(flood)).filter(result => result !== null && 'error' in result);
  assert.equal(refused.length, 300 - 127);
  assert.equal(asked.length, 128);
  await check.close();
});

test('private_key_jwt: an assertion of a minute, for the issuer, never the same twice', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const file = join(directory, 'key.pem');
  writeFileSync(file, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  const { check } = kit({ introspectionKeyFile: file, introspection: 'all' });
  await check.verify('one');
  await check.verify('two');
  const ids = new Set<unknown>();
  for (const { form, authorization } of asked) {
    assert.equal(authorization, undefined);
    const { payload } = await jwtVerify(form.get('client_assertion') ?? '', publicKey, {
      issuer: 'gate way',
      subject: 'gate way',
      audience: ISSUER,
      currentDate: new Date(NOW),
    });
    assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 60);
    ids.add(payload.jti);
  }
  assert.equal(ids.size, 2);
  await check.close();
});

test('settings that cannot work are told in one sentence', () => {
  for (const [change, pattern] of [
    [{ introspectionUrl: 'http://id.example.com/x' }, /must be an https URL/],
    [{ introspectionClientId: '' }, /introspectionClientId is needed/],
    [{ introspectionKeyFile: '/nowhere.pem' }, /is not a private key/],
  ] as const) {
    assert.throws(() => kit(change), { message: pattern });
  }
});
