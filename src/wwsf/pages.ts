/** The WWSF's pages and their back end: a confidential client that keeps the tokens and hands short ones to its own page. TS 24.371 */
import { readFileSync } from 'node:fs';
import type { FastifyInstance } from 'fastify';
import { type Settings, SettingsError } from '../config/settings.ts';
import type { Log } from '../runtime/log.ts';
import { createCodeFlow } from './code-flow.ts';
import { pageHeaders } from './html.ts';
import { servePageFiles } from './page-files.ts';
import type { PageParts } from './page-parts.ts';
import { sessionRoutes } from './session-routes.ts';
import { createSessionTable } from './session-table.ts';
import { signInRoutes } from './sign-in-routes.ts';
import { createSignInStates } from './sign-in-state.ts';

export interface PagesOptions {
  settings: Settings['web'];
  /** Told to the pages, so that they dial them. */
  emergencyNumbers: readonly string[];
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
  'webrtc-ice-servers:servers:retrieve',
].join(' ');

/** Throws SettingsError when the client secret cannot be read or the issuer is missing. */
export function createPages(options: PagesOptions): Pages {
  const { settings, emergencyNumbers, publicUrl, log, now } = options;
  if (settings.issuer === '') throw new SettingsError('The setting "web.issuer" is needed when the pages are enabled.');
  const secure = () => publicUrl().startsWith('https:');
  const parts: PageParts = {
    settings,
    emergencyNumbers,
    publicUrl,
    log,
    now,
    secure,
    sessions: createSessionTable(MAX_SESSIONS, now),
    states: createSignInStates(SIGN_IN_MS, now),
    signInMs: SIGN_IN_MS,
    flow: createCodeFlow({
      issuer: settings.issuer,
      clientId: settings.clientId,
      clientSecret: clientSecretOf(settings),
      scope: SCOPE,
      redirectUri: () => `${publicUrl()}/sign-in/callback`,
      now,
    }),
    // The prefix keeps a sibling host from setting the cookie. RFC 6265bis 4.1.3
    sessionCookie: () => (secure() ? '__Host-lineside_session' : 'lineside_session'),
    stateCookie: () => (secure() ? '__Secure-lineside_sign_in' : 'lineside_sign_in'),
  };
  return {
    async mountPages(app) {
      await app.register(async scope => {
        scope.addHook('onRequest', async (_request, reply) => {
          reply.headers({ ...pageHeaders(publicUrl()), 'cache-control': 'no-store' });
        });
        signInRoutes(scope, parts);
        sessionRoutes(scope, parts);
        await servePageFiles(scope, settings.pagesDir);
      });
    },
  };
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
