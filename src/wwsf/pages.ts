/** The WWSF's pages and their back end: a confidential client that keeps the tokens and hands short ones to its own page. TS 24.371 */
import { randomBytes, timingSafeEqual } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Settings, SettingsError } from '../config/settings.ts';
import { type ErrorCode, errorTable } from '../errors.ts';
import { type Log, maskNumbers } from '../runtime/log.ts';
import { createCodeFlow } from './code-flow.ts';
import { readCookie, writeCookie } from './cookie.ts';
import { messagePage, pageHeaders } from './html.ts';
import { servePageFiles } from './page-files.ts';
import { isSameOrigin } from './same-origin.ts';
import { createSessionTable, type WebSession } from './session-table.ts';
import { createSignInStates, safeReturnTo } from './sign-in-state.ts';

export interface PagesOptions {
  settings: Settings['web'];
  /** Public base URL, without a slash at its end; asked on each use, since port 0 is known late. */
  publicUrl(): string;
  log: Log;
  /** ms since the epoch. */
  now(): number;
}

export interface Pages {
  /** Adds the routes, in a scope of their own, before `app` listens. */
  mountPages(app: FastifyInstance): Promise<void>;
}

const SIGN_IN_MS = 600_000;
const MAX_SESSIONS = 10_000;
/** A token handed out lives at least this long, else it is refreshed first. */
const MIN_TOKEN_MS = 90_000;

const EVENT = 'webrtc-events-subscriptions:org.camaraproject.webrtc-events-subscriptions.v0';
/** What the softphone needs, and no more. CAMARA digest 3.1, 3.3. */
const SCOPE = [
  'openid',
  'offline_access',
  'dpv:RequestedServiceProvision',
  ...['create', 'read', 'write', 'delete'].map(action => `webrtc-registration:sessions:${action}`),
  ...['create', 'read', 'write', 'delete'].map(action => `webrtc-call-handling:sessions:${action}`),
  ...['session-status', 'session-invitation', 'registration-ends'].map(event => `${EVENT}.${event}:create`),
  ...['create', 'read', 'delete'].map(action => `webrtc-notification-channels:channels:${action}`),
].join(' ');

/** Throws SettingsError when the client secret cannot be read or the issuer is missing. */
export function createPages(options: PagesOptions): Pages {
  const { settings, log, now } = options;
  if (settings.issuer === '') throw new SettingsError('The setting "web.issuer" is needed when the pages are enabled.');
  const sessions = createSessionTable(MAX_SESSIONS, now);
  const states = createSignInStates(SIGN_IN_MS, now);
  const flow = createCodeFlow({
    issuer: settings.issuer,
    clientId: settings.clientId,
    clientSecret: clientSecretOf(settings),
    scope: SCOPE,
    redirectUri: () => `${options.publicUrl()}/sign-in/callback`,
    now,
  });
  const secure = () => options.publicUrl().startsWith('https:');
  const sessionCookie = () => (secure() ? '__Host-lineside_session' : 'lineside_session');
  const stateCookie = () => (secure() ? '__Secure-lineside_sign_in' : 'lineside_sign_in');

  const sessionOf = (request: FastifyRequest) => {
    const id = readCookie(request.headers.cookie, sessionCookie());
    return { id, session: sessions.get(id) };
  };

  async function signIn(request: FastifyRequest, reply: FastifyReply) {
    const state = states.fresh(safeReturnTo((request.query as Record<string, unknown>)['return']));
    const result = await flow.authorizationUrl(state);
    if (!result.ok) return cannotSignIn(reply, result);
    reply.header(
      'set-cookie',
      writeCookie(stateCookie(), await states.seal(state), {
        maxAgeS: SIGN_IN_MS / 1000,
        path: '/sign-in',
        secure: secure(),
      }),
    );
    return reply.redirect(result.url, 302);
  }

  async function callback(request: FastifyRequest, reply: FastifyReply) {
    const query = request.query as Record<string, unknown>;
    const sealed = readCookie(request.headers.cookie, stateCookie());
    const state = sealed === null ? null : await states.open(sealed);
    const forget = writeCookie(stateCookie(), '', { maxAgeS: 0, path: '/sign-in', secure: secure() });
    reply.header('set-cookie', forget);
    if (state === null || query['state'] !== state.state) {
      return tell(reply, 400, 'This sign-in is over, or it was started in another window.');
    }
    if (query['iss'] !== undefined && query['iss'] !== settings.issuer) {
      return tell(reply, 400, 'The answer did not come from the identity provider that was asked.');
    }
    if (query['error'] === 'access_denied') return tell(reply, 403, 'The sign-in was declined.');
    const code = query['code'];
    if (typeof code !== 'string' || code === '' || code.length > 4096) {
      return cannotSignIn(reply, { fault: 'refused', detail: `callback: ${String(query['error']).slice(0, 64)}` });
    }
    const result = await flow.exchange(code, state);
    if (!result.ok) return cannotSignIn(reply, result);
    const id = sessions.add({
      subject: result.subject,
      number: result.number,
      csrf: randomBytes(24).toString('base64url'),
      accessToken: result.tokens.accessToken,
      accessTokenExpiresAt: result.tokens.expiresAt,
      refreshToken: result.tokens.refreshToken,
      expiresAt: now() + settings.sessionMs,
      refreshing: null,
    });
    const old = sessionOf(request).id;
    if (old !== null) sessions.remove(old);
    const maxAgeS = Math.floor(settings.sessionMs / 1000);
    reply.header('set-cookie', [forget, writeCookie(sessionCookie(), id, { maxAgeS, path: '/', secure: secure() })]);
    log.info({ number: result.number }, 'signed in on the pages');
    return reply.redirect(state.returnTo, 303);
  }

  function cannotSignIn(reply: FastifyReply, result: { fault: 'unreachable' | 'refused'; detail: string }) {
    log.warn({ fault: result.fault, detail: result.detail }, 'sign-in failed');
    return result.fault === 'unreachable'
      ? tell(reply, 503, 'The identity provider cannot be reached now. Try again in a moment.')
      : tell(reply, 400, 'The identity provider did not confirm this sign-in.');
  }

  function tell(reply: FastifyReply, status: number, sentence: string) {
    return reply
      .code(status)
      .type('text/html; charset=utf-8')
      .send(messagePage('Signing in did not work', sentence, { href: '/sign-in', text: 'Sign in again' }));
  }

  /** Our own page only, and it must know the session's CSRF value. */
  function changeAllowed(request: FastifyRequest, session: WebSession): boolean {
    const given = request.headers['x-csrf-token'];
    return typeof given === 'string' && equal(given, session.csrf);
  }

  async function token(request: FastifyRequest, reply: FastifyReply) {
    if (!isSameOrigin(request.headers, new URL(options.publicUrl()).origin)) return refuse(reply, 'token-context');
    const { id, session } = sessionOf(request);
    if (id === null || session === null) return refuse(reply, 'unauthenticated');
    if (!changeAllowed(request, session)) return refuse(reply, 'token-context');
    if (session.accessTokenExpiresAt - now() < MIN_TOKEN_MS) {
      session.refreshing ??= refresh(id, session).finally(() => {
        session.refreshing = null;
      });
      const reachable = await session.refreshing;
      if (sessions.get(id) === null) return refuse(reply, 'unauthenticated');
      if (!reachable && session.accessTokenExpiresAt <= now()) return refuse(reply, 'network-unavailable');
    }
    return { accessToken: session.accessToken, expiresAt: new Date(session.accessTokenExpiresAt).toISOString() };
  }

  /** False: the provider could not be asked. A refusal ends the session, unless the token at hand still lives. */
  async function refresh(id: string, session: WebSession): Promise<boolean> {
    const left = session.accessTokenExpiresAt - now();
    if (session.refreshToken === null) {
      if (left <= 0) sessions.remove(id);
      return true;
    }
    const result = await flow.refresh(session.refreshToken);
    if (result.ok) {
      session.accessToken = result.tokens.accessToken;
      session.accessTokenExpiresAt = result.tokens.expiresAt;
      session.refreshToken = result.tokens.refreshToken ?? session.refreshToken;
      return true;
    }
    log.warn({ fault: result.fault, detail: result.detail }, 'access token not refreshed');
    if (result.fault === 'refused') {
      session.refreshToken = null;
      if (left <= 0) sessions.remove(id);
      return true;
    }
    return false;
  }

  async function signOut(request: FastifyRequest, reply: FastifyReply) {
    if (!isSameOrigin(request.headers, new URL(options.publicUrl()).origin)) return refuse(reply, 'token-context');
    const { id, session } = sessionOf(request);
    if (id !== null && session !== null) {
      if (!changeAllowed(request, session)) return refuse(reply, 'token-context');
      sessions.remove(id);
      if (session.refreshToken !== null) await flow.revoke(session.refreshToken);
    }
    reply.header('set-cookie', writeCookie(sessionCookie(), '', { maxAgeS: 0, path: '/', secure: secure() }));
    return reply.code(204).send();
  }

  function whoAmI(request: FastifyRequest) {
    const { session } = sessionOf(request);
    if (session === null) return { signedIn: false };
    return {
      signedIn: true,
      number: session.number === null ? null : maskNumbers(session.number),
      csrf: session.csrf,
      expiresAt: new Date(session.expiresAt).toISOString(),
    };
  }

  return {
    async mountPages(app) {
      await app.register(async scope => {
        scope.addHook('onRequest', async (request, reply) => {
          const elsewhere = redirectToPublicUrl(request, options.publicUrl());
          if (elsewhere !== null) return reply.redirect(elsewhere, 302);
          reply.headers({ ...pageHeaders(options.publicUrl()), 'cache-control': 'no-store' });
        });
        scope.get('/sign-in', signIn);
        scope.get('/sign-in/callback', callback);
        scope.post('/sign-out', signOut);
        scope.get('/session', whoAmI);
        scope.post('/session/token', token);
        await servePageFiles(scope, settings.pagesDir);
      });
    },
  };
}

/** The cookie and the redirect URI belong to one host: `localhost` goes to 127.0.0.1 before anything is kept under it. */
function redirectToPublicUrl(request: FastifyRequest, publicUrl: string): string | null {
  const own = new URL(publicUrl);
  const asked = request.headers.host?.toLowerCase();
  if (request.method !== 'GET' || asked === undefined || own.hostname !== '127.0.0.1') return null;
  return asked === `localhost:${own.port}` ? `${own.origin}${request.url}` : null;
}

function refuse(reply: FastifyReply, error: ErrorCode) {
  const { status, code, message } = errorTable[error];
  return reply.code(status).send({ status, code, message });
}

function equal(given: string, expected: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(expected)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function clientSecretOf(settings: Settings['web']): string {
  if (settings.clientSecretFile === '') return settings.clientSecret;
  try {
    return readFileSync(settings.clientSecretFile, 'utf8').trim();
  } catch (error) {
    throw new SettingsError(
      `The file of the setting "web.clientSecretFile" cannot be read: ${(error as NodeJS.ErrnoException).code}.`,
    );
  }
}
