/** Tests of the access-token check against an issuer on loopback that can lie, die and change its keys. CAMARA digest 3.2. */
import assert from 'node:assert/strict';
import { createHmac, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { exportJWK, exportSPKI, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { createProver } from '../../test/support/dpop.ts';
import { checkSettings } from '../config/settings.ts';
import { silentLog } from '../runtime/log.ts';
import { createAccessTokens, type TokenCheck } from './access-token.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');
const NOW_S = NOW / 1000;

interface Key {
  kid: string | undefined;
  privateKey: KeyObject;
  publicKey: KeyObject;
}
type Route = { status: number; body: unknown; location?: string };

let server: Server;
let issuer = '';
let fetches: string[] = [];
const routes = new Map<string, Route>();
const keys: Record<string, Key> = {};

async function makeKey(kid: string | undefined, alg = 'ES256'): Promise<Key> {
  const pair = await generateKeyPair(alg, { extractable: true });
  return {
    kid,
    privateKey: pair.privateKey as unknown as KeyObject,
    publicKey: pair.publicKey as unknown as KeyObject,
  };
}

async function publish(...published: Key[]): Promise<void> {
  const list = await Promise.all(
    published.map(async ({ kid, publicKey }) => ({
      ...(await exportJWK(publicKey)),
      ...(kid === undefined ? {} : { kid }),
    })),
  );
  routes.set('/.well-known/openid-configuration', { status: 200, body: { issuer, jwks_uri: `${issuer}/jwks` } });
  routes.set('/jwks', { status: 200, body: { keys: list } });
}

before(async () => {
  server = createServer((request, response) => {
    fetches.push(request.url ?? '');
    const { status, body, location } = routes.get(request.url ?? '') ?? { status: 404, body: {} };
    response.writeHead(status, { 'content-type': 'application/json', ...(location ? { location } : {}) });
    response.end(JSON.stringify(body));
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const kid of ['one', 'two']) keys[kid] = await makeKey(kid);
  keys['rsa'] = await makeKey('rsa', 'RS256');
  keys['bare'] = await makeKey(undefined);
  keys['bare2'] = await makeKey(undefined);
});

after(() => {
  server.close();
});

interface Kit {
  check: TokenCheck;
  time: { now: number };
  reasons: string[];
  logged: string[];
}

async function kit(auth: Record<string, unknown> = {}): Promise<Kit> {
  await publish(key('one'), key('rsa'));
  fetches = [];
  const time = { now: NOW };
  const reasons: string[] = [];
  const logged: string[] = [];
  const keep = (fields: object, message: string) => {
    logged.push(JSON.stringify(fields) + message);
  };
  const settings = checkSettings({ auth: { issuers: [issuer], ...auth } }).auth;
  const check = createAccessTokens({
    settings,
    clock: { now: () => time.now },
    log: { ...silentLog, info: keep, warn: keep },
    metrics: { count: (_name, labels = {}) => void reasons.push(labels['reason'] ?? '') },
  });
  return { check, time, reasons, logged };
}

function key(name: string): Key {
  const found = keys[name];
  if (found === undefined) throw new Error(`no key ${name}`);
  return found;
}

const claims: JWTPayload = {
  client_id: 'demo',
  sub: 'alice',
  phone_number: '+15550100001',
  scope: 'a b',
  aud: 'lineside',
  exp: NOW_S + 600,
};

function sign(
  change: Record<string, unknown> = {},
  by = key('one'),
  header: Record<string, unknown> = {},
): Promise<string> {
  const kid = by.kid === undefined ? {} : { kid: by.kid };
  const payload = Object.fromEntries(
    Object.entries({ iss: issuer, ...claims, ...change }).filter(([, v]) => v !== undefined),
  );
  return new SignJWT(payload)
    .setProtectedHeader({ alg: by.kid === 'rsa' ? 'RS256' : 'ES256', ...kid, ...header })
    .sign(by.privateKey);
}

function part(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

test('3.2 a good token gives the caller, the scopes and the end', async () => {
  const { check, reasons } = await kit();
  assert.deepEqual(await check.verify(await sign({ aud: ['x', 'lineside'] }, key('one'), { typ: 'at+jwt' })), {
    principal: { clientId: 'demo', subject: 'alice', number: '+15550100001', legs: 3 },
    scopes: new Set(['a', 'b']),
    purpose: null,
    emergencyAddress: true,
    expiresAt: NOW + 600_000,
  });
  const azp = await check.verify(await sign({ client_id: undefined, azp: 'pages', scope: ['c', 7, 'd'] }, key('rsa')));
  assert.ok(azp !== null && 'principal' in azp);
  assert.equal(azp.principal.clientId, 'pages');
  assert.deepEqual(azp.scopes, new Set(['c', 'd']));
  assert.deepEqual(reasons, []);
});

test('A-06 3.2 two legs or three', async () => {
  const { check } = await kit();
  for (const sub of [undefined, 'demo']) {
    const got = await check.verify(await sign({ sub, phone_number: undefined }));
    assert.ok(got !== null && 'principal' in got);
    assert.deepEqual(got.principal, { clientId: 'demo', subject: null, number: null, legs: 2 });
  }
  for (const change of [
    { phone_number: undefined },
    { phone_number: '15550100001' },
    { phone_number: 1 },
    { sub: 'demo', phone_number: '+0123456' },
  ]) {
    assert.deepEqual(await check.verify(await sign(change)), { ok: false, error: 'token-context' });
  }
  const other = await kit({ numberClaim: 'msisdn' });
  const got = await other.check.verify(await sign({ phone_number: undefined, msisdn: '+15550100009' }));
  assert.ok(got !== null && 'principal' in got && got.principal.number === '+15550100009');
});

test('4.5 whether an address for emergency calls is on file is read from the claim of the operator, when there is one', async () => {
  const onFile = async (given: Kit, change: Record<string, unknown>) => {
    const got = await given.check.verify(await sign(change));
    assert.ok(got !== null && 'principal' in got);
    return got.emergencyAddress;
  };
  assert.equal(await onFile(await kit(), {}), true);
  const wanted = await kit({ emergencyAddressClaim: 'emergency_address' });
  for (const given of [true, 'Main Street 1', { locality: 'Springfield' }]) {
    assert.equal(await onFile(wanted, { emergency_address: given }), true, JSON.stringify(given));
  }
  for (const given of [undefined, false, null, '', 0]) {
    assert.equal(await onFile(wanted, { emergency_address: given }), false, JSON.stringify(given));
  }
  assert.equal(await onFile(wanted, { emergency_address: true, sub: 'demo', phone_number: undefined }), true);
});

test('2.1 step 3 tokens that are not good, each with its reason in the log and none in the answer', async () => {
  const { check, reasons, logged } = await kit();
  const good = await sign();
  const [head = '', body = '', signature = ''] = good.split('.');
  const pem = await exportSPKI(key('one').publicKey as unknown as CryptoKey);
  const hmacBody = `${part({ alg: 'HS256', kid: 'one' })}.${body}`;
  const forged = part({ iss: issuer, ...claims, phone_number: '+15550100002' });
  const cases: Array<[reason: string, token: string]> = [
    ['expired', await sign({ exp: NOW_S - 11 })],
    ['not-yet', await sign({ nbf: NOW_S + 11 })],
    ['audience', await sign({ aud: 'other' })],
    ['audience', await sign({ aud: undefined })],
    ['claims', await sign({ exp: undefined })],
    ['issuer', await sign({ iss: 'https://evil.example' })],
    ['issuer', await sign({ iss: `${issuer}/` })],
    ['malformed', await sign({ iss: undefined })],
    ['client', await sign({ client_id: undefined })],
    ['client', await sign({ client_id: ['demo'] })],
    ['sender-constrained', await sign({ cnf: { jkt: 'x' } })],
    ['signature', await sign({}, { ...key('two'), kid: 'one' })],
    ['signature', `${head}.${forged}.${signature}`],
    ['unknown-key', await sign({}, key('two'))],
    ['algorithm', `${part({ alg: 'none' })}.${body}.`],
    ['algorithm', `${part({ alg: 'NONE', kid: 'one' })}.${body}.${signature}`],
    ['algorithm', `${hmacBody}.${createHmac('sha256', pem).update(hmacBody).digest('base64url')}`],
    ['malformed', 'x'],
    ['malformed', '..'],
    ['malformed', `${head}.${body}`],
    ['malformed', `${good}.x.y`],
    ['malformed', 'x'.repeat(20_000)],
    [
      'algorithm',
      await sign({}, key('one'), { alg: 'ES256', crit: ['x'], x: 1 }).catch(
        () => `${part({ alg: 'ES256', kid: 'one', crit: ['x'], x: 1 })}.${body}.${signature}`,
      ),
    ],
  ];
  for (const [reason, token] of cases) {
    assert.equal(await check.verify(token), null, reason);
    assert.equal(reasons.pop(), reason, token.slice(0, 60));
    assert.ok(!logged.join().includes(token.slice(0, 40)) || token.length < 3);
  }
  assert.ok(await check.verify(await sign({ exp: NOW_S - 9, nbf: NOW_S + 9 })), 'clock skew is forgiven');
});

test('3.3 a token bound to a key counts with a proof of it only, an unbound one without any', async () => {
  const { check, reasons } = await kit();
  const prover = await createProver();
  const url = 'https://gateway.example.com/x';
  const proofFor = async (token: string) => ({
    jwt: await prover.prove({ method: 'GET', url, token, atMs: NOW }),
    method: 'GET',
    url,
  });
  const bound = await sign({ cnf: { jkt: prover.thumbprint }, scope: 'a dpv:RequestedServiceProvision' });
  const good = await check.verify(bound, await proofFor(bound));
  assert.ok(good !== null && 'principal' in good);
  assert.equal(good.purpose, 'dpv:RequestedServiceProvision');
  assert.ok(await check.verify(bound, await proofFor(bound)), 'from the cache, with a new proof');
  const unbound = await sign();
  assert.equal(await check.verify(bound), null);
  assert.equal(await check.verify(unbound, await proofFor(unbound)), null);
  assert.equal(await check.verify(bound, await proofFor(unbound)), null);
  const once = await proofFor(bound);
  assert.ok(await check.verify(bound, once));
  assert.equal(await check.verify(bound, once), null);
  const otherwise = await sign({ cnf: { 'x5t#S256': 'x' } });
  assert.equal(await check.verify(otherwise, await proofFor(otherwise)), null);
  assert.deepEqual(reasons, ['sender-constrained', 'unbound', 'proof', 'proof-replay', 'sender-constrained']);
});

test('3.2 good results are kept for 60 s, never past the end, and bad ones not at all', async () => {
  const { check, time } = await kit();
  const token = await sign({ exp: NOW_S + 30 });
  const first = await check.verify(token);
  assert.equal(await check.verify(token), first);
  time.now = NOW + 29_999;
  assert.equal(await check.verify(token), first);
  time.now = NOW + 41_000;
  assert.equal(await check.verify(token), null);
  const long = await sign({ exp: NOW_S + 600 });
  const held = await check.verify(long);
  time.now += 59_999;
  assert.equal(await check.verify(long), held);
  time.now += 1;
  const again = await check.verify(long);
  assert.notEqual(again, held);
  assert.deepEqual(again, held);
});

test('3.2 keys: found once, fetched again for an unknown key but not twice in 30 s', async () => {
  const { check, time } = await kit();
  await Promise.all([check.verify(await sign()), check.verify(await sign({ jti: '2' }))]);
  assert.deepEqual(fetches, ['/.well-known/openid-configuration', '/jwks']);
  await publish(key('two'));
  assert.equal(await check.verify(await sign({}, key('two'))), null);
  assert.equal(fetches.length, 2);
  time.now += 30_000;
  assert.ok(await check.verify(await sign({ exp: NOW_S + 900 }, key('two'))));
  assert.equal(fetches.length, 4);
  assert.equal(await check.verify(await sign({ jti: '3' })), null);
  assert.equal(fetches.length, 4);
});

test('3.2 keys without kid: each that could fit is tried', async () => {
  const { check } = await kit();
  await publish(key('bare'), key('bare2'));
  assert.ok(await check.verify(await sign({}, key('bare2'))));
  assert.equal(await check.verify(await sign({ exp: NOW_S - 60 }, key('bare2'))), null);
  assert.equal(await check.verify(await sign({}, { ...key('two'), kid: undefined })), null);
});

test('3.2 keys that cannot be had: 503 without any, old ones serve on', async () => {
  const down: Array<[path: string, route: Route]> = [
    ['/.well-known/openid-configuration', { status: 500, body: {} }],
    ['/.well-known/openid-configuration', { status: 302, body: {}, location: '/moved' }],
    [
      '/.well-known/openid-configuration',
      { status: 200, body: { issuer: 'https://evil.example', jwks_uri: `${issuer}/jwks` } },
    ],
    ['/.well-known/openid-configuration', { status: 200, body: { issuer, jwks_uri: 'http://evil.example/jwks' } }],
    ['/jwks', { status: 200, body: [] }],
    ['/jwks', { status: 200, body: { keys: 'x' } }],
    ['/jwks', { status: 200, body: { keys: [], padding: 'x'.repeat(1_100_000) } }],
  ];
  for (const [path, route] of down) {
    const { check, time, logged } = await kit();
    routes.set('/moved', { status: 200, body: { issuer, jwks_uri: `${issuer}/jwks` } });
    routes.set(path, route);
    const refusal = { ok: false, error: 'network-unavailable', retryAfterS: 5 };
    assert.deepEqual(await check.verify(await sign()), refusal, JSON.stringify(route).slice(0, 100));
    const tried = fetches.length;
    assert.deepEqual(await check.verify(await sign()), refusal);
    assert.equal(fetches.length, tried, 'no new try at once');
    assert.equal(logged.length, 1);
    await publish(key('one'));
    time.now += 1000;
    assert.ok('principal' in ((await check.verify(await sign())) ?? {}));
    await check.close();
  }
  const { check, time } = await kit({ jwksCacheMs: 1000 });
  assert.ok(await check.verify(await sign()));
  routes.set('/jwks', { status: 500, body: {} });
  time.now += 5000;
  assert.ok(await check.verify(await sign({ jti: '2' })));
});

test('settings that would open a hole are refused', () => {
  const build = (auth: object) =>
    createAccessTokens({
      settings: checkSettings({ auth }).auth,
      clock: { now: () => NOW },
      log: silentLog,
      metrics: { count: () => {} },
    });
  for (const name of ['none', 'HS256', 'hs256', '']) assert.throws(() => build({ algorithms: [name] }), RangeError);
  for (const name of ['http://idp.example', 'ftp://127.0.0.1', 'idp', 'http://127.0.0.1.evil.example']) {
    assert.throws(() => build({ issuers: [name] }), RangeError);
  }
});
