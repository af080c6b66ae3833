import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { fetchToken } from '../token.ts';
import { type IdentityProvider, startIdentityProvider } from './provider.ts';
import { demoClients } from './subscriber.ts';

let provider: IdentityProvider;
before(async () => {
  provider = await startIdentityProvider({ host: '127.0.0.1', port: 0 });
});
after(() => provider.close());

const verify = async (token: string) =>
  jwtVerify(token, createRemoteJWKSet(new URL(`${provider.issuer}/jwks`)), {
    issuer: provider.issuer,
    audience: 'lineside',
  });

async function tokenOf(...args: string[]): Promise<string> {
  const result = await fetchToken(args, provider.issuer);
  assert.ok(result.ok, result.ok ? '' : result.sentence);
  return result.token;
}

test('a token names the number, the client, every scope and the audience, and never the number as subject', async () => {
  const { payload } = await verify(await tokenOf('--number', '+15550100003'));
  assert.equal(payload['phone_number'], '+15550100003');
  assert.equal(payload['client_id'], 'demo');
  assert.doesNotMatch(String(payload.sub), /15550100003/);
  const scopes = String(payload['scope']).split(' ');
  for (const scope of [
    'webrtc-registration:sessions:create',
    'webrtc-call-handling:sessions:write',
    'webrtc-events-subscriptions:org.camaraproject.webrtc-events-subscriptions.v0.session-status:create',
    'webrtc-events-subscriptions:update',
    'webrtc-notification-channels:channels:create',
  ]) {
    assert.ok(scopes.includes(scope), scope);
  }
});

test('a token can be expired, for another audience, of another client, of few scopes, two-legged', async () => {
  await assert.rejects(verify(await tokenOf('--number', '+15550100001', '--ttl', '-60')), { code: 'ERR_JWT_EXPIRED' });
  // Far enough gone that no forgiveness for clocks saves it.
  const barely = await tokenOf('--number', '+15550100001', '--ttl', '-1');
  await assert.rejects(
    jwtVerify(barely, createRemoteJWKSet(new URL(`${provider.issuer}/jwks`)), { clockTolerance: 300 }),
    { code: 'ERR_JWT_EXPIRED' },
  );
  await assert.rejects(verify(await tokenOf('--number', '+15550100001', '--audience', 'else')), {
    code: 'ERR_JWT_CLAIM_VALIDATION_FAILED',
  });
  const other = await verify(await tokenOf('--number=+15550100001', '--client', 'other', '--scope', 'a b'));
  assert.equal(other.payload['client_id'], 'other');
  assert.equal(other.payload['scope'], 'a b');
  const two = await verify(await tokenOf('--two-legged'));
  assert.equal(two.payload['phone_number'], undefined);
  assert.equal(two.payload.sub, 'demo');
});

test('client credentials give a two-legged JWT for the allotted scopes', async () => {
  const response = await fetch(`${provider.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa(`demo:${demoClients['demo']}`)}` },
    body: new URLSearchParams({ grant_type: 'client_credentials', scope: 'webrtc-registration:sessions:create' }),
  });
  const { payload } = await verify(((await response.json()) as { access_token: string }).access_token);
  assert.equal(payload.sub, 'demo');
  assert.equal(payload['phone_number'], undefined);
  assert.equal(payload['scope'], 'webrtc-registration:sessions:create');
});

test('wrong arguments and a missing provider are told in one sentence', async () => {
  for (const args of [
    [],
    ['--number', '+15550199999'],
    ['--number', '+15550100001', '--client', 'nobody'],
    ['--number', '+15550100001', '--ttl', 'soon'],
    ['--number', '+15550100001', '--colour', 'red'],
  ]) {
    const result = await fetchToken(args, provider.issuer);
    assert.equal(result.ok, false, args.join(' '));
    assert.match(result.ok ? '' : result.sentence, /^[^\n]+$/);
  }
  const down = await fetchToken(['--number', '+15550100001'], 'http://127.0.0.1:1');
  assert.match(down.ok ? '' : down.sentence, /not up/);
});

test('the sandbox grant needs a known client', async () => {
  const response = await fetch(`${provider.issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('demo:wrong')}` },
    body: new URLSearchParams({ grant_type: 'urn:lineside:sandbox', number: '+15550100001' }),
  });
  assert.equal(response.status, 401);
});
