/** Who is signed in, short access tokens for our own page, and the way out. */
import { timingSafeEqual } from 'node:crypto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type ErrorCode, errorTable } from '../errors.ts';
import { maskNumbers } from '../runtime/log.ts';
import { writeCookie } from './cookie.ts';
import { type PageParts, sessionOf } from './page-parts.ts';
import { isSameOrigin } from './same-origin.ts';
import type { WebSession } from './session-table.ts';

/** A token handed out lives at least this long, else it is refreshed first. */
const MIN_TOKEN_MS = 90_000;

export function sessionRoutes(scope: FastifyInstance, parts: PageParts): void {
  scope.get('/session', request => whoAmI(request, parts));
  scope.post('/session/token', (request, reply) => token(request, reply, parts));
  scope.post('/sign-out', (request, reply) => signOut(request, reply, parts));
}

function whoAmI(request: FastifyRequest, parts: PageParts) {
  const { session } = sessionOf(request, parts);
  if (session === null) return { signedIn: false };
  return {
    signedIn: true,
    number: session.number === null ? null : maskNumbers(session.number),
    csrf: session.csrf,
    emergencyNumbers: parts.emergencyNumbers,
    expiresAt: new Date(session.expiresAt).toISOString(),
  };
}

async function token(request: FastifyRequest, reply: FastifyReply, parts: PageParts) {
  if (!isSameOrigin(request.headers, new URL(parts.publicUrl()).origin)) return refuse(reply, 'token-context');
  const { id, session } = sessionOf(request, parts);
  if (session === null) return refuse(reply, 'unauthenticated');
  if (!knowsCsrf(request, session)) return refuse(reply, 'token-context');
  if (session.accessTokenExpiresAt - parts.now() < MIN_TOKEN_MS) {
    session.refreshing ??= refresh(id, session, parts).finally(() => {
      session.refreshing = null;
    });
    const asked = await session.refreshing;
    if (parts.sessions.get(id) === null) return refuse(reply, 'unauthenticated');
    if (!asked && session.accessTokenExpiresAt <= parts.now()) return refuse(reply, 'network-unavailable');
  }
  return { accessToken: session.accessToken, expiresAt: new Date(session.accessTokenExpiresAt).toISOString() };
}

/** False: the provider could not be asked. A refusal ends the session as soon as the token at hand is over. */
async function refresh(id: string, session: WebSession, parts: PageParts): Promise<boolean> {
  const over = () => session.accessTokenExpiresAt <= parts.now();
  if (session.refreshToken === null) {
    if (over()) parts.sessions.remove(id);
    return true;
  }
  const result = await parts.flow.refresh(session.refreshToken);
  if (result.ok) {
    session.accessToken = result.tokens.accessToken;
    session.accessTokenExpiresAt = result.tokens.expiresAt;
    session.refreshToken = result.tokens.refreshToken ?? session.refreshToken;
    return true;
  }
  parts.log.warn({ fault: result.fault, detail: result.detail }, 'access token not refreshed');
  if (result.fault === 'unreachable') return false;
  session.refreshToken = null;
  if (over()) parts.sessions.remove(id);
  return true;
}

async function signOut(request: FastifyRequest, reply: FastifyReply, parts: PageParts) {
  if (!isSameOrigin(request.headers, new URL(parts.publicUrl()).origin)) return refuse(reply, 'token-context');
  const { id, session } = sessionOf(request, parts);
  if (session !== null) {
    if (!knowsCsrf(request, session)) return refuse(reply, 'token-context');
    parts.sessions.remove(id);
    if (session.refreshToken !== null) await parts.flow.revoke(session.refreshToken);
  }
  const gone = { maxAgeS: 0, path: '/', secure: parts.secure() };
  return reply
    .header('set-cookie', writeCookie(parts.sessionCookie(), '', gone))
    .code(204)
    .send();
}

/** Our own page read the value by GET /session; another site cannot. */
function knowsCsrf(request: FastifyRequest, session: WebSession): boolean {
  const given = request.headers['x-csrf-token'];
  if (typeof given !== 'string') return false;
  const [a, b] = [Buffer.from(given), Buffer.from(session.csrf)];
  return a.length === b.length && timingSafeEqual(a, b);
}

function refuse(reply: FastifyReply, error: ErrorCode) {
  const { status, code, message } = errorTable[error];
  return reply.code(status).send({ status, code, message });
}
