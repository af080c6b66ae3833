/** The way a CAMARA back end signs in: a key instead of a secret, the subscriber asked on the phone. OpenID CIBA Core 1.0, RFC 7523. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify, SignJWT } from 'jose';
import { checkSettings } from '../../src/config/settings.ts';
import { silentLog } from '../../src/runtime/log.ts';
import { createAccessTokens } from '../../src/waf/access-token.ts';
import { createProver } from '../../test/support/dpop.ts';
import { type IdentityProvider, startIdentityProvider } from './provider.ts';

let provider: IdentityProvider;
before(async () => {
  provider = await startIdentityProvider({ host: '127.0.0.1', port: 0 });
});
after(() => provider.close());

async function post(path: string, form: Record<string, string>, lifeS = 60, headers: Record<string, string> = {}) {
  const now = Math.floor(Date.now() / 1000);
  const assertion = await new SignJWT({})
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuer('backend')
    .setSubject('backend')
    .setAudience(provider.issuer)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(now + lifeS)
    .sign(provider.backendKey);
  const response = await fetch(provider.issuer + path, {
    method: 'POST',
    headers,
    body: new URLSearchParams({
      client_id: 'backend',
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      ...form,
    }),
  });
  return { status: response.status, body: (await response.json()) as Record<string, string> };
}

async function claimsOf(token: string) {
  const keys = createRemoteJWKSet(new URL(`${provider.issuer}/jwks`));
  return (await jwtVerify(token, keys, { issuer: provider.issuer, audience: 'lineside' })).payload;
}

const SCOPE = 'openid dpv:RequestedServiceProvision webrtc-registration:sessions:create';

test('client credentials by private_key_jwt give a two-legged token', async () => {
  const got = await post('/token', { grant_type: 'client_credentials', scope: 'webrtc-registration:sessions:create' });
  assert.equal(got.status, 200, JSON.stringify(got.body));
  const claims = await claimsOf(got.body['access_token'] ?? '');
  assert.deepEqual([claims['client_id'], claims.sub, claims['phone_number']], ['backend', 'backend', undefined]);
  const expired = await post('/token', { grant_type: 'client_credentials' }, -60);
  assert.equal(expired.status, 401);
});

test('3.3 a proof of a key at the token endpoint binds the token to it, and the gateway asks for that key', async () => {
  const prover = await createProver();
  const dpop = await prover.prove({ method: 'POST', url: `${provider.issuer}/token`, token: null, atMs: Date.now() });
  const scope = 'webrtc-registration:sessions:create';
  const got = await post('/token', { grant_type: 'client_credentials', scope }, 60, { dpop });
  assert.equal(got.status, 200, JSON.stringify(got.body));
  assert.equal(got.body['token_type'], 'DPoP');
  const token = got.body['access_token'] ?? '';
  assert.deepEqual((await claimsOf(token))['cnf'], { jkt: prover.thumbprint });
  const { auth } = checkSettings({ auth: { issuers: [provider.issuer] } });
  const metrics = { count() {} };
  const check = createAccessTokens({ settings: auth, clock: { now: Date.now }, log: silentLog, metrics });
  const url = 'https://gateway.example.com/webrtc-registration/v0.4rc1/sessions';
  const jwt = await prover.prove({ method: 'POST', url, token, atMs: Date.now() });
  const verified = await check.verify(token, { jwt, method: 'POST', url });
  assert.ok(verified !== null && 'principal' in verified);
  assert.deepEqual([verified.principal.clientId, verified.principal.legs], ['backend', 2]);
  assert.equal(await check.verify(token), null);
  await check.close();
});

test('A-07 3.3 CIBA by number: pending, then a three-legged token for that number', async () => {
  const started = await post('/backchannel', {
    login_hint: 'tel:+15550100002',
    scope: SCOPE,
    binding_message: 'ignored',
  });
  assert.equal(started.status, 200, JSON.stringify(started.body));
  const poll = () =>
    post('/token', { grant_type: 'urn:openid:params:grant-type:ciba', auth_req_id: started.body['auth_req_id'] ?? '' });
  let got = await poll();
  assert.equal(got.body['error'], 'authorization_pending');
  const until = Date.now() + 5000;
  while (got.body['error'] === 'authorization_pending' && Date.now() < until) {
    await new Promise(resolve => setTimeout(resolve, 50));
    got = await poll();
  }
  assert.equal(got.status, 200, JSON.stringify(got.body));
  const claims = await claimsOf(got.body['access_token'] ?? '');
  assert.equal(claims['phone_number'], '+15550100002');
  assert.equal(claims['client_id'], 'backend');
  assert.match(String(claims['scope']), /webrtc-registration:sessions:create/);
  assert.equal((await poll()).body['error'], 'invalid_grant');
});

test('CIBA refuses who is no subscriber, and hints of other kinds', async () => {
  for (const login_hint of ['tel:+15559999999', '+15550100002', 'tel:']) {
    assert.equal((await post('/backchannel', { login_hint, scope: SCOPE })).body['error'], 'unknown_user_id');
  }
  assert.equal((await post('/backchannel', { scope: SCOPE })).body['error'], 'invalid_request');
});
