/** /sign-in and its callback: the browser's way to the identity provider and back. OpenID Connect Core 3.1 */
import { randomBytes } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { readCookie, writeCookie } from './cookie.ts';
import { messagePage } from './html.ts';
import { type PageParts, sessionOf } from './page-parts.ts';
import { safeReturnTo } from './sign-in-state.ts';

type Query = Readonly<Record<string, unknown>>;

export function signInRoutes(scope: FastifyInstance, parts: PageParts): void {
  scope.get('/sign-in', (request, reply) => signIn(request.query as Query, reply, parts));
  scope.get('/sign-in/callback', (request, reply) => callback(request, reply, parts));
}

async function signIn(query: Query, reply: FastifyReply, parts: PageParts) {
  const state = parts.states.fresh(safeReturnTo(query['return']));
  const result = await parts.flow.authorizationUrl(state);
  if (!result.ok) return cannotSignIn(reply, result, parts);
  reply.header('set-cookie', stateCookie(await parts.states.seal(state), parts.signInMs / 1000, parts));
  return reply.redirect(result.url, 302);
}

async function callback(request: FastifyRequest, reply: FastifyReply, parts: PageParts) {
  const query = request.query as Query;
  const sealed = readCookie(request.headers.cookie, parts.stateCookie());
  const state = sealed === null ? null : await parts.states.open(sealed);
  const forget = stateCookie('', 0, parts);
  reply.header('set-cookie', forget);
  if (state === null || query['state'] !== state.state) {
    return tell(reply, 400, 'This sign-in is over, or it was started in another window.');
  }
  // RFC 9207 2.4: an answer that names another issuer was meant for somebody else.
  if (query['iss'] !== undefined && query['iss'] !== parts.settings.issuer) {
    return tell(reply, 400, 'The answer did not come from the identity provider that was asked.');
  }
  if (query['error'] === 'access_denied') return tell(reply, 403, 'The sign-in was declined.');
  const code = query['code'];
  if (typeof code !== 'string' || code === '' || code.length > 4096) {
    const detail = `callback: ${String(query['error']).slice(0, 64)}`;
    return cannotSignIn(reply, { fault: 'refused', detail }, parts);
  }
  const result = await parts.flow.exchange(code, state);
  if (!result.ok) return cannotSignIn(reply, result, parts);
  const old = sessionOf(request, parts).id;
  if (old !== null) parts.sessions.remove(old);
  const { sessionMs } = parts.settings;
  const id = parts.sessions.add({
    subject: result.subject,
    number: result.number,
    csrf: randomBytes(24).toString('base64url'),
    accessToken: result.tokens.accessToken,
    accessTokenExpiresAt: result.tokens.expiresAt,
    refreshToken: result.tokens.refreshToken,
    expiresAt: parts.now() + sessionMs,
    refreshing: null,
  });
  const cookie = { maxAgeS: Math.floor(sessionMs / 1000), path: '/', secure: parts.secure() };
  // `header` adds to the cookie set above.
  reply.header('set-cookie', writeCookie(parts.sessionCookie(), id, cookie));
  parts.log.info({ number: result.number }, 'signed in on the pages');
  return reply.redirect(state.returnTo, 303);
}

function stateCookie(value: string, maxAgeS: number, parts: PageParts): string {
  return writeCookie(parts.stateCookie(), value, { maxAgeS, path: '/sign-in', secure: parts.secure() });
}

function cannotSignIn(
  reply: FastifyReply,
  result: { fault: 'unreachable' | 'refused'; detail: string },
  { log }: PageParts,
) {
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
