/** The demo operator's identity provider: OpenID Connect with JWT access tokens, for the sandbox only. */
import { generateKeyPairSync, type KeyObject, randomBytes, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { SignJWT } from 'jose';
import Provider, { type Configuration, errors, interactionPolicy } from 'oidc-provider';
import { backchannel, CIBA_GRANT } from './backchannel.ts';
import { interactionHandler } from './interaction.ts';
import { memoryAdapter } from './memory-adapter.ts';
import { sandboxGrant, sandboxGrantParameters, type TokenContent } from './sandbox-grant.ts';
import { errorPage, policyOf } from './sign-in-page.ts';
import { AUDIENCE, apiScopes, demoClients, PURPOSE, SANDBOX_GRANT, subscriberBySubject } from './subscriber.ts';

export interface IdentityProviderOptions {
  host: string;
  /** 0 lets the system choose. */
  port: number;
  /** PEM files; absent: plain HTTP, which the gateway takes from a loopback address only. */
  tls?: { cert: string; key: string };
  /** Base URLs the pages are served at; the sign-in may return to their `/sign-in/callback`. */
  pagesUrls?: string[];
  /** Secret of the client `lineside-web`; made up when absent. */
  webClientSecret?: string;
  /** Life of the access tokens of `lineside-web` and of client credentials, in seconds; default 600. */
  accessTokenS?: number;
}

export interface IdentityProvider {
  issuer: string;
  webClientId: string;
  webClientSecret: string;
  /** Private key of the client `backend`, which signs in by `private_key_jwt`. */
  backendKey: KeyObject;
  close(): Promise<void>;
}

const RESOURCE = 'urn:lineside:api';
const ALGORITHM = 'ES256';
/** More than any resource server forgives for clocks that differ: a token made to be expired is refused for sure. */
const FORGIVEN_S = 300;
const REQUEST_MS = 10_000;

/** Starts the provider; keys are made at start. Rejects when the address cannot be listened on. */
export async function startIdentityProvider(options: IdentityProviderOptions): Promise<IdentityProvider> {
  const webClientSecret = options.webClientSecret ?? randomBytes(24).toString('base64url');
  const pagesUrls = options.pagesUrls ?? ['http://127.0.0.1:9091'];
  const { tls } = options;
  const server =
    tls === undefined
      ? createServer({ requestTimeout: REQUEST_MS })
      : createSecureServer({ requestTimeout: REQUEST_MS, cert: readFileSync(tls.cert), key: readFileSync(tls.key) });
  await listen(server, options.host, options.port);
  const issuer = `${tls === undefined ? 'http' : 'https'}://${options.host}:${(server.address() as AddressInfo).port}`;
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const backend = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const kid = randomUUID();
  const provider: Provider = new Provider(
    issuer,
    configurationOf({
      privateKey,
      kid,
      pagesUrls,
      accessTokenS: options.accessTokenS ?? 600,
      clients: clientsOf(pagesUrls, webClientSecret, backend.publicKey),
      backchannel: backchannel(() => provider, RESOURCE),
    }),
  );
  provider.registerGrantType(
    SANDBOX_GRANT,
    sandboxGrant(content => signToken(content, issuer, privateKey, kid)),
    sandboxGrantParameters,
  );
  // An answer to a broken request is the protocol's business; nothing of it belongs on the sandbox's screen.
  for (const event of ['server_error'] as const) provider.on(event, () => {});
  const handle = provider.callback();
  const interact = interactionHandler(provider, pagesUrls);
  server.on('request', (request, response) => {
    if (!interact(request, response)) void handle(request, response);
  });
  return {
    issuer,
    webClientId: 'lineside-web',
    webClientSecret,
    backendKey: backend.privateKey,
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function signToken(content: TokenContent, issuer: string, key: KeyObject, kid: string): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const expired = content.ttlS <= 0;
  return new SignJWT({
    client_id: content.clientId,
    scope: content.scope,
    ...(content.number === null ? {} : { phone_number: content.number }),
  })
    .setProtectedHeader({ alg: ALGORITHM, kid, typ: 'at+jwt' })
    .setIssuer(issuer)
    .setSubject(content.subject)
    .setAudience(content.audience)
    .setJti(randomUUID())
    .setIssuedAt(expired ? now + content.ttlS - FORGIVEN_S - 60 : now)
    .setExpirationTime(expired ? now + content.ttlS - FORGIVEN_S : now + content.ttlS)
    .sign(key);
}

function clientsOf(
  pagesUrls: string[],
  webClientSecret: string,
  backendKey: KeyObject,
): NonNullable<Configuration['clients']> {
  const machines = Object.entries(demoClients).map(([client_id, client_secret]) => ({
    client_id,
    client_secret,
    grant_types: ['client_credentials', SANDBOX_GRANT],
    redirect_uris: [],
    response_types: [],
  }));
  return [
    {
      client_id: 'lineside-web',
      client_secret: webClientSecret,
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: pagesUrls.map(url => `${url}/sign-in/callback`),
      response_types: ['code'],
    },
    ...machines,
    // As the profile of CAMARA wants it: a key, no secret; the subscriber is asked on the phone.
    {
      client_id: 'backend',
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: ALGORITHM,
      jwks: { keys: [{ ...backendKey.export({ format: 'jwk' }), alg: ALGORITHM, use: 'sig' } as never] },
      grant_types: ['client_credentials', CIBA_GRANT],
      backchannel_token_delivery_mode: 'poll',
      redirect_uris: [],
      response_types: [],
    },
  ];
}

/** Nobody is remembered: each sign-in asks who it is, so two subscribers can be tried one after the other. */
function alwaysAsk() {
  const policy = interactionPolicy.base();
  policy.remove('consent');
  policy
    .get('login')
    ?.checks.add(
      new interactionPolicy.Check('who_is_it', 'Each sign-in asks for the subscriber', ctx =>
        ctx.oidc.result?.login === undefined
          ? interactionPolicy.Check.REQUEST_PROMPT
          : interactionPolicy.Check.NO_NEED_TO_PROMPT,
      ),
    );
  return policy;
}

interface ConfigurationParts {
  privateKey: KeyObject;
  kid: string;
  pagesUrls: string[];
  accessTokenS: number;
  clients: NonNullable<Configuration['clients']>;
  backchannel: NonNullable<NonNullable<Configuration['features']>['ciba']>;
}

function configurationOf(parts: ConfigurationParts): Configuration {
  const { privateKey, kid, pagesUrls, accessTokenS } = parts;
  const formPolicy = policyOf(pagesUrls);
  return {
    adapter: memoryAdapter(),
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid, alg: ALGORITHM, use: 'sig' } as never] },
    clients: parts.clients,
    clientDefaults: { id_token_signed_response_alg: ALGORITHM, token_endpoint_auth_method: 'client_secret_basic' },
    scopes: ['openid', 'offline_access', PURPOSE, ...apiScopes],
    claims: { openid: ['sub', 'phone_number'] },
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    cookies: { keys: [randomBytes(24).toString('base64url')] },
    interactions: { policy: alwaysAsk(), url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      clientCredentials: { enabled: true },
      ciba: parts.backchannel,
      revocation: { enabled: true, allowedPolicy: async (_ctx, client, token) => token.clientId === client.clientId },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo(_ctx, resource) {
          if (resource !== RESOURCE) throw new errors.InvalidTarget();
          return {
            audience: AUDIENCE,
            scope: [...apiScopes, PURPOSE].join(' '),
            accessTokenFormat: 'jwt',
            accessTokenTTL: accessTokenS,
            jwt: { sign: { alg: ALGORITHM } },
          };
        },
      },
    },
    async findAccount(_ctx, subject) {
      const subscriber = subscriberBySubject(subject);
      if (subscriber === undefined) return undefined;
      return { accountId: subject, claims: async () => ({ sub: subject, phone_number: subscriber.number }) };
    },
    async extraTokenClaims(_ctx, token) {
      const subject = 'accountId' in token ? token.accountId : undefined;
      const number = subject === undefined ? undefined : subscriberBySubject(subject)?.number;
      return number === undefined ? undefined : { phone_number: number };
    },
    /** The operator's own application: what it asks for is granted, without a second page. */
    async loadExistingGrant(ctx) {
      const { client, session, params, provider } = ctx.oidc;
      const account = session?.accountId;
      if (client === undefined || account === undefined) return undefined;
      const grant = new provider.Grant({ clientId: client.clientId, accountId: account });
      const asked = String(params?.['scope'] ?? '');
      grant.addOIDCScope(asked);
      grant.addResourceScope(RESOURCE, asked);
      await grant.save();
      return grant;
    },
    issueRefreshToken: async (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: async () => false,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: accessTokenS,
      ClientCredentials: accessTokenS,
      AuthorizationCode: 60,
      IdToken: 600,
      Interaction: 600,
      BackchannelAuthenticationRequest: 120,
      Session: 600,
      Grant: 86_400,
      RefreshToken: 86_400,
    },
    clientBasedCORS: () => false,
    renderError(ctx, out) {
      ctx.type = 'html';
      ctx.set('content-security-policy', formPolicy);
      ctx.body = errorPage(`The sign-in cannot go on: ${out.error_description ?? out.error}.`);
    },
  };
}
