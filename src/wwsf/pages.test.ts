import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fastify from 'fastify';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { checkSettings, SettingsError } from '../config/settings.ts';
import { silentLog } from '../runtime/log.ts';
import { createPages } from './pages.ts';
import { safeReturnTo } from './sign-in-state.ts';

const PUBLIC = 'https://phone.example';

type TokenAnswer = (form: URLSearchParams) => { status: number; body: unknown };

/** An identity provider whose token endpoint says what the test wants. */
async function fakeProvider(t: TestContext) {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true });
  let answer: TokenAnswer = () => ({ status: 500, body: {} });
  let issuer = '';
  const asked: URLSearchParams[] = [];
  const server = createServer(async (request, response) => {
    let form = '';
    for await (const chunk of request) form += chunk;
    const send = (status: number, body: unknown) => response.writeHead(status).end(JSON.stringify(body));
    if (request.url === '/.well-known/openid-configuration') {
      send(200, {
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        revocation_endpoint: `${issuer}/revoke`,
        jwks_uri: `${issuer}/keys`,
      });
    } else if (request.url === '/keys')
      send(200, { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: '1' }] });
    else {
      asked.push(new URLSearchParams(form));
      const { status, body } = answer(new URLSearchParams(form));
      send(status, body);
    }
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const idToken = (claims: Record<string, unknown>, kid = '1') =>
    new SignJWT({ sub: 'somebody', phone_number: '+15550100004', ...claims })
      .setProtectedHeader({ alg: 'ES256', kid })
      .setIssuer(issuer)
      .setAudience('lineside-web')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
  return {
    issuer,
    asked,
    idToken,
    close: () => server.close(),
    answer(next: TokenAnswer) {
      answer = next;
    },
  };
}

async function pagesOf(t: TestContext, web: Record<string, unknown>, now: () => number = Date.now) {
  const app = fastify();
  t.after(() => app.close());
  const { web: settings } = checkSettings({ web: { enabled: true, clientSecret: 's', pagesDir: '/nowhere', ...web } });
  await createPages({ settings, emergencyNumbers: ['110'], publicUrl: () => PUBLIC, log: silentLog, now }).mountPages(
    app,
  );
  return app;
}

type App = Awaited<ReturnType<typeof pagesOf>>;

/** Starts a sign-in; the state, nonce and cookie a callback needs. */
async function begin(app: App) {
  const response = await app.inject({ url: '/sign-in?return=/softphone/' });
  assert.equal(response.statusCode, 302, response.body);
  const query = new URL(String(response.headers.location)).searchParams;
  const cookie = String(response.headers['set-cookie']).split(';')[0] ?? '';
  return { state: query.get('state') ?? '', nonce: query.get('nonce') ?? '', query, cookie };
}

async function signedIn(t: TestContext, now: () => number = Date.now) {
  const provider = await fakeProvider(t);
  const app = await pagesOf(t, { issuer: provider.issuer }, now);
  const { state, nonce, cookie } = await begin(app);
  const id_token = await provider.idToken({ nonce });
  provider.answer(() => ({
    status: 200,
    body: { access_token: 'A1', refresh_token: 'R1', expires_in: 300, id_token },
  }));
  const done = await app.inject({ url: `/sign-in/callback?code=c&state=${state}`, headers: { cookie } });
  assert.equal(done.statusCode, 303, done.body);
  const session = [done.headers['set-cookie']].flat().find(line => String(line).includes('lineside_session'));
  const own = String(session).split(';')[0] ?? '';
  const { csrf } = (await app.inject({ url: '/session', headers: { cookie: own } })).json();
  const headers = { cookie: own, 'x-csrf-token': csrf, origin: PUBLIC };
  return { provider, app, headers, setCookie: String(session) };
}

test('the way to the provider carries PKCE, state, nonce, and a cookie no script can read', async t => {
  const { issuer } = await fakeProvider(t);
  const app = await pagesOf(t, { issuer });
  const first = await begin(app);
  assert.equal(first.query.get('code_challenge_method'), 'S256');
  assert.equal(first.query.get('redirect_uri'), `${PUBLIC}/sign-in/callback`);
  assert.match(first.query.get('scope') ?? '', /^openid offline_access dpv:RequestedServiceProvision /);
  const again = await begin(app);
  for (const name of ['state', 'nonce', 'code_challenge']) {
    assert.notEqual(first.query.get(name), again.query.get(name), name);
  }
});

test('a session cookie is HttpOnly, SameSite=Lax, Secure, bound to the host', async t => {
  const { setCookie } = await signedIn(t);
  assert.match(
    setCookie,
    /^__Host-lineside_session=[\w-]{43}; Path=\/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure$/,
  );
});

test('a callback that was not asked for, or not by this browser, signs nobody in', async t => {
  const provider = await fakeProvider(t);
  const app = await pagesOf(t, { issuer: provider.issuer });
  const { state, cookie } = await begin(app);
  const other = await begin(app);
  for (const [url, headers] of [
    [`/sign-in/callback?code=c&state=${state}`, {}],
    [`/sign-in/callback?code=c&state=${other.state}`, { cookie }],
    ['/sign-in/callback?code=c', { cookie }],
    [`/sign-in/callback?code=c&state=${state}`, { cookie: `${cookie.slice(0, -4)}AAAA` }],
    [`/sign-in/callback?code=c&state=${state}&iss=https://evil.example`, { cookie }],
    [`/sign-in/callback?state=${state}`, { cookie }],
  ] as const) {
    const response = await app.inject({ url, headers });
    assert.equal(response.statusCode, 400, url);
    assert.match(response.body, /Sign in again/);
    assert.doesNotMatch(String(response.headers['set-cookie']), /lineside_session=/);
  }
  assert.equal(provider.asked.length, 0, 'the code went nowhere');
});

test('an ID token that is not for this sign-in is refused', async t => {
  const provider = await fakeProvider(t);
  const app = await pagesOf(t, { issuer: provider.issuer });
  const attempts: Array<(nonce: string) => Promise<string>> = [
    async () => provider.idToken({ nonce: 'another' }),
    async nonce => provider.idToken({ nonce }, 'unknown-key'),
    async nonce => `${await provider.idToken({ nonce })}x`,
    async nonce => provider.idToken({ nonce, azp: 'somebody-else' }),
    async () => '',
  ];
  for (const attempt of attempts) {
    const { state, nonce, cookie } = await begin(app);
    const id_token = await attempt(nonce);
    provider.answer(() => ({ status: 200, body: { access_token: 'A', expires_in: 300, id_token } }));
    const response = await app.inject({ url: `/sign-in/callback?code=c&state=${state}`, headers: { cookie } });
    assert.equal(response.statusCode, 400);
    assert.match(response.body, /did not confirm/);
  }
});

test('a declined sign-in, a refused code and a provider that is away are told in words', async t => {
  const provider = await fakeProvider(t);
  const app = await pagesOf(t, { issuer: provider.issuer });
  const go = async (tail: string) => {
    const { state, cookie } = await begin(app);
    return app.inject({ url: `/sign-in/callback?state=${state}&${tail}`, headers: { cookie } });
  };
  assert.match((await go('error=access_denied')).body, /declined/);
  provider.answer(() => ({ status: 400, body: { error: 'invalid_grant' } }));
  assert.equal((await go('code=c')).statusCode, 400);
  provider.answer(() => ({ status: 502, body: {} }));
  assert.equal((await go('code=c')).statusCode, 503);
  const away = await pagesOf(t, { issuer: 'http://127.0.0.1:1' });
  const response = await away.inject({ url: '/sign-in' });
  assert.equal(response.statusCode, 503);
  assert.match(response.body, /cannot be reached/);
});

test('the page learns the emergency numbers of the service', async t => {
  const { app, headers } = await signedIn(t);
  const { emergencyNumbers } = (await app.inject({ url: '/session', headers })).json();
  assert.deepEqual(emergencyNumbers, ['110']);
});

test('tokens go to our own page only', async t => {
  const { app, headers } = await signedIn(t);
  const ask = async (change: Record<string, string | undefined>) => {
    const all = Object.entries({ ...headers, ...change }).filter(([, value]) => value !== undefined);
    const sent = Object.fromEntries(all) as Record<string, string>;
    return (await app.inject({ method: 'POST', url: '/session/token', headers: sent })).statusCode;
  };
  assert.equal(await ask({}), 200);
  assert.equal(await ask({ origin: undefined, 'sec-fetch-site': 'same-origin' }), 200);
  assert.equal(await ask({ origin: undefined }), 403);
  assert.equal(await ask({ origin: 'https://evil.example' }), 403);
  assert.equal(await ask({ 'sec-fetch-site': 'cross-site' }), 403);
  assert.equal(await ask({ 'sec-fetch-site': 'same-site' }), 403);
  assert.equal(await ask({ 'x-csrf-token': undefined }), 403);
  assert.equal(await ask({ 'x-csrf-token': 'x' }), 403);
  assert.equal(await ask({ cookie: '__Host-lineside_session=guess' }), 401);
});

test('an access token near its end is refreshed once, however many ask', async t => {
  let now = Date.now();
  const { app, provider, headers } = await signedIn(t, () => now);
  const asked = provider.asked.length;
  provider.answer(() => ({ status: 200, body: { access_token: 'A2', refresh_token: 'R2', expires_in: 300 } }));
  now += 250_000;
  const answers = await Promise.all(
    Array.from({ length: 5 }, () => app.inject({ method: 'POST', url: '/session/token', headers })),
  );
  for (const answer of answers) assert.equal(answer.json().accessToken, 'A2');
  assert.deepEqual(
    provider.asked.slice(asked).map(form => form.get('refresh_token')),
    ['R1'],
  );
});

test('a refused refresh ends the session when the token does; an unreachable provider does not', async t => {
  let now = Date.now();
  const { app, provider, headers } = await signedIn(t, () => now);
  const ask = () => app.inject({ method: 'POST', url: '/session/token', headers });
  provider.answer(() => ({ status: 503, body: {} }));
  now += 250_000;
  assert.equal((await ask()).json().accessToken, 'A1', 'good for 50 s more');
  now += 60_000;
  assert.equal((await ask()).statusCode, 503);
  provider.answer(() => ({ status: 400, body: { error: 'invalid_grant' } }));
  assert.equal((await ask()).statusCode, 401);
  assert.deepEqual((await app.inject({ url: '/session', headers })).json(), { signedIn: false });
});

test('signing out forgets the session and revokes the refresh token', async t => {
  const { app, provider, headers } = await signedIn(t);
  provider.answer(() => ({ status: 200, body: {} }));
  assert.equal((await app.inject({ method: 'POST', url: '/sign-out', headers })).statusCode, 204);
  assert.equal(provider.asked.at(-1)?.get('token'), 'R1');
  assert.equal((await app.inject({ method: 'POST', url: '/session/token', headers })).statusCode, 401);
});

test('pages are served with a policy without inline code; HTML is not kept, assets are', async t => {
  const pagesDir = mkdtempSync(join(tmpdir(), 'lineside-pages-'));
  t.after(() => rmSync(pagesDir, { recursive: true }));
  for (const folder of ['softphone', 'assets']) mkdirSync(join(pagesDir, folder));
  writeFileSync(join(pagesDir, 'softphone/index.html'), '<!doctype html>');
  writeFileSync(join(pagesDir, 'assets/a-1.js'), '1');
  writeFileSync(join(pagesDir, 'secret.txt'), 'secret');
  const app = await pagesOf(t, { issuer: 'http://127.0.0.1:1', pagesDir });
  assert.equal((await app.inject({ url: '/' })).headers.location, '/softphone/');
  const html = await app.inject({ url: '/softphone/' });
  assert.equal(html.statusCode, 200);
  assert.equal(html.headers['cache-control'], 'no-store');
  assert.equal(html.headers['x-content-type-options'], 'nosniff');
  const policy = String(html.headers['content-security-policy']);
  assert.match(policy, /default-src 'none'/);
  assert.match(policy, /connect-src 'self' wss:\/\/phone\.example/);
  assert.doesNotMatch(policy, /unsafe/);
  const asset = await app.inject({ url: '/assets/a-1.js' });
  assert.match(String(asset.headers['cache-control']), /immutable/);
  for (const url of ['/softphone/../secret.txt', '/assets/..%2fsecret.txt', '/softphone/missing']) {
    assert.equal((await app.inject({ url })).statusCode, 404, url);
  }
});

test('pages that are not built say so', async t => {
  const app = await pagesOf(t, { issuer: 'http://127.0.0.1:1' });
  const response = await app.inject({ url: '/softphone/' });
  assert.equal(response.statusCode, 503);
  assert.match(response.body, /not been built/);
});

test('the way back after a sign-in stays on this origin', () => {
  assert.equal(safeReturnTo('/softphone/?to=1'), '/softphone/?to=1');
  for (const bad of ['//evil.example', '/\\evil.example', 'https://evil.example', '/a\r\nb', undefined, ['/a']]) {
    assert.equal(safeReturnTo(bad), '/softphone/', String(bad));
  }
});

test('a missing issuer or secret file is told before anything starts', () => {
  const make = (web: Record<string, unknown>) =>
    createPages({
      settings: checkSettings({ web }).web,
      emergencyNumbers: [],
      publicUrl: () => PUBLIC,
      log: silentLog,
      now: Date.now,
    });
  assert.throws(() => make({}), SettingsError);
  assert.throws(() => make({ issuer: 'http://127.0.0.1:1', clientSecretFile: '/nowhere/secret' }), SettingsError);
});
