/** The authorization code flow against the operator's identity provider. OpenID Connect Core 3.1, RFC 7636. */
import { createHash } from 'node:crypto';
import { createLocalJWKSet, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { type JsonReply, requestJson } from './json-request.ts';
import type { SignInState } from './sign-in-state.ts';

export interface CodeFlowOptions {
  issuer: string;
  clientId: string;
  clientSecret: string;
  scope: string;
  redirectUri(): string;
  now(): number;
}

interface Tokens {
  accessToken: string;
  /** ms since the epoch. */
  expiresAt: number;
  refreshToken: string | null;
}

/** `fault`: unreachable (try again later) or refused (sign in again). `detail` is for the log. */
type FlowResult<T> = ({ ok: true } & T) | { ok: false; fault: 'unreachable' | 'refused'; detail: string };

export interface CodeFlow {
  authorizationUrl(state: SignInState): Promise<FlowResult<{ url: string }>>;
  exchange(
    code: string,
    state: SignInState,
  ): Promise<FlowResult<{ tokens: Tokens; subject: string; number: string | null }>>;
  refresh(refreshToken: string): Promise<FlowResult<{ tokens: Tokens }>>;
  /** Ends the refresh token at the provider, as far as it lets us. RFC 7009 */
  revoke(refreshToken: string): Promise<void>;
}

interface Provider {
  authorizationEndpoint: string;
  tokenEndpoint: string;
  revocationEndpoint: string | null;
  jwksUri: string;
  postSecret: boolean;
  keys: JSONWebKeySet;
  readAt: number;
}

const PROVIDER_LIFE_MS = 600_000;
const ALGORITHMS = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA'];
const NUMBER = /^\+[1-9][0-9]{4,14}$/;

export function createCodeFlow(options: CodeFlowOptions): CodeFlow {
  let known: Provider | null = null;

  async function provider(): Promise<FlowResult<{ provider: Provider }>> {
    if (known !== null && options.now() - known.readAt < PROVIDER_LIFE_MS) return { ok: true, provider: known };
    const found = await discover(options.issuer, options.now());
    if (found.ok) known = found.provider;
    return found;
  }

  /** The provider may have new keys since; read them once more before saying no. */
  async function checkIdToken(idToken: string, nonce: string, at: Provider): Promise<JWTPayload | string> {
    const first = await verifyIdToken(idToken, nonce, at.keys, options);
    if (typeof first !== 'string') return first;
    known = null;
    const again = await provider();
    return again.ok ? verifyIdToken(idToken, nonce, again.provider.keys, options) : first;
  }

  async function tokenRequest(
    form: URLSearchParams,
    at: Provider,
  ): Promise<FlowResult<{ tokens: Tokens; idToken: string }>> {
    if (at.postSecret) {
      form.set('client_id', options.clientId);
      form.set('client_secret', options.clientSecret);
    }
    const auth = at.postSecret ? {} : { authorization: basic(options.clientId, options.clientSecret) };
    return readTokens(await requestJson(at.tokenEndpoint, { form, ...auth }), options.now());
  }

  return {
    async authorizationUrl(state) {
      const found = await provider();
      if (!found.ok) return found;
      const url = new URL(found.provider.authorizationEndpoint);
      const parameters = {
        response_type: 'code',
        client_id: options.clientId,
        redirect_uri: options.redirectUri(),
        scope: options.scope,
        state: state.state,
        nonce: state.nonce,
        code_challenge: createHash('sha256').update(state.verifier).digest('base64url'),
        code_challenge_method: 'S256',
      };
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return { ok: true, url: url.href };
    },
    async exchange(code, state) {
      const found = await provider();
      if (!found.ok) return found;
      const form = new URLSearchParams({
        grant_type: 'authorization_code',
        code,
        redirect_uri: options.redirectUri(),
        code_verifier: state.verifier,
      });
      const result = await tokenRequest(form, found.provider);
      if (!result.ok) return result;
      const claims = await checkIdToken(result.idToken, state.nonce, found.provider);
      if (typeof claims === 'string') return { ok: false, fault: 'refused', detail: `ID token: ${claims}` };
      const number = claims['phone_number'];
      return {
        ok: true,
        tokens: result.tokens,
        subject: claims.sub ?? '',
        number: typeof number === 'string' && NUMBER.test(number) ? number : null,
      };
    },
    async refresh(refreshToken) {
      const found = await provider();
      if (!found.ok) return found;
      return tokenRequest(
        new URLSearchParams({ grant_type: 'refresh_token', refresh_token: refreshToken }),
        found.provider,
      );
    },
    async revoke(refreshToken) {
      const found = await provider();
      if (!found.ok || found.provider.revocationEndpoint === null) return;
      await requestJson(found.provider.revocationEndpoint, {
        form: new URLSearchParams({ token: refreshToken, token_type_hint: 'refresh_token' }),
        authorization: basic(options.clientId, options.clientSecret),
      });
    },
  };
}

async function discover(issuer: string, now: number): Promise<FlowResult<{ provider: Provider }>> {
  const reply = await requestJson(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
  if (!reply.ok || reply.status !== 200) return unreachable('discovery', reply);
  const field = (name: string) => (typeof reply.body[name] === 'string' ? reply.body[name] : null);
  const [authorizationEndpoint, tokenEndpoint, jwksUri] = [
    field('authorization_endpoint'),
    field('token_endpoint'),
    field('jwks_uri'),
  ];
  // OpenID Connect Discovery 4.3: the document must be the issuer's own.
  if (field('issuer') !== issuer || authorizationEndpoint === null || tokenEndpoint === null || jwksUri === null) {
    return { ok: false, fault: 'unreachable', detail: 'discovery: not a document of this issuer' };
  }
  const keys = await requestJson(jwksUri);
  if (!keys.ok || keys.status !== 200 || !Array.isArray(keys.body['keys'])) return unreachable('keys', keys);
  const methods = reply.body['token_endpoint_auth_methods_supported'];
  return {
    ok: true,
    provider: {
      authorizationEndpoint,
      tokenEndpoint,
      jwksUri,
      revocationEndpoint: field('revocation_endpoint'),
      postSecret: Array.isArray(methods) && !methods.includes('client_secret_basic'),
      keys: keys.body as unknown as JSONWebKeySet,
      readAt: now,
    },
  };
}

/** Claims, or a word for what is wrong. OpenID Connect Core 3.1.3.7 */
async function verifyIdToken(
  idToken: string,
  nonce: string,
  keys: JSONWebKeySet,
  options: CodeFlowOptions,
): Promise<JWTPayload | string> {
  try {
    const { payload } = await jwtVerify(idToken, createLocalJWKSet(keys), {
      issuer: options.issuer,
      audience: options.clientId,
      algorithms: ALGORITHMS,
      clockTolerance: 10,
      currentDate: new Date(options.now()),
      requiredClaims: ['sub', 'exp', 'iat'],
    });
    if (payload['nonce'] !== nonce) return 'nonce';
    if (payload['azp'] !== undefined && payload['azp'] !== options.clientId) return 'azp';
    return payload;
  } catch (error) {
    return (error as { code?: string }).code ?? 'unreadable';
  }
}

function readTokens(reply: JsonReply, now: number): FlowResult<{ tokens: Tokens; idToken: string }> {
  if (!reply.ok || reply.status >= 500) return unreachable('token', reply);
  const { access_token, refresh_token, expires_in, id_token, error } = reply.body;
  if (typeof access_token !== 'string') {
    return {
      ok: false,
      fault: 'refused',
      detail: `token: ${typeof error === 'string' ? error.slice(0, 64) : reply.status}`,
    };
  }
  const lifeS = typeof expires_in === 'number' && expires_in > 0 ? expires_in : 60;
  return {
    ok: true,
    idToken: typeof id_token === 'string' ? id_token : '',
    tokens: {
      accessToken: access_token,
      expiresAt: now + lifeS * 1000,
      refreshToken: typeof refresh_token === 'string' ? refresh_token : null,
    },
  };
}

function unreachable(what: string, reply: JsonReply): { ok: false; fault: 'unreachable'; detail: string } {
  return { ok: false, fault: 'unreachable', detail: `${what}: ${reply.ok ? reply.status : reply.fault}` };
}

/** RFC 6749 2.3.1: both halves form-encoded. */
function basic(id: string, secret: string): string {
  const encode = (text: string) => encodeURIComponent(text).replaceAll('%20', '+');
  return `Basic ${Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')}`;
}
