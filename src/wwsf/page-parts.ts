/** What the routes of the pages share, and who a request comes from. */
import type { FastifyRequest } from 'fastify';
import type { Settings } from '../config/settings.ts';
import type { Log } from '../runtime/log.ts';
import type { CodeFlow } from './code-flow.ts';
import { readCookie } from './cookie.ts';
import type { SessionTable, WebSession } from './session-table.ts';
import type { SignInStates } from './sign-in-state.ts';

export interface PageParts {
  settings: Settings['web'];
  /** What the page takes for an emergency call. */
  emergencyNumbers: readonly string[];
  publicUrl(): string;
  log: Log;
  now(): number;
  /** Whether cookies are for TLS only. */
  secure(): boolean;
  sessions: SessionTable;
  states: SignInStates;
  /** How long a person may take to sign in. */
  signInMs: number;
  flow: CodeFlow;
  sessionCookie(): string;
  stateCookie(): string;
}

/** The session of the request's cookie; both null when there is no live one. */
export function sessionOf(
  request: FastifyRequest,
  { sessions, sessionCookie }: PageParts,
): { id: string; session: WebSession } | { id: null; session: null } {
  const id = readCookie(request.headers.cookie, sessionCookie());
  const session = sessions.get(id);
  return id === null || session === null ? { id: null, session: null } : { id, session };
}
