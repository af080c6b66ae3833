/** Who is signed in on the pages: a bounded table in memory, the oldest session goes first. */
import { randomBytes } from 'node:crypto';

export interface WebSession {
  /** Subject of the ID token. */
  subject: string;
  /** E.164, or null when the identity provider did not tell. */
  number: string | null;
  /** Sent back by our own page with every change it asks for. */
  csrf: string;
  accessToken: string;
  /** ms since the epoch. */
  accessTokenExpiresAt: number;
  refreshToken: string | null;
  /** ms since the epoch. */
  expiresAt: number;
  /** The refresh under way, so that a hundred requests make one. */
  refreshing: Promise<boolean> | null;
}

export interface SessionTable {
  /** Keeps a session and returns its id: 256 random bits, base64url. */
  add(session: WebSession): string;
  /** The live session, or null. */
  get(id: string | null): WebSession | null;
  remove(id: string): void;
  readonly size: number;
}

/** A table of at most `limit` sessions; `now` in ms since the epoch. */
export function createSessionTable(limit: number, now: () => number): SessionTable {
  const sessions = new Map<string, WebSession>();

  function makeRoom(): void {
    for (const [id, session] of sessions) if (session.expiresAt <= now()) sessions.delete(id);
    for (const id of sessions.keys()) {
      if (sessions.size < limit) return;
      sessions.delete(id);
    }
  }

  return {
    add(session) {
      if (sessions.size >= limit) makeRoom();
      const id = randomBytes(32).toString('base64url');
      sessions.set(id, session);
      return id;
    },
    get(id) {
      const session = id === null ? undefined : sessions.get(id);
      if (session === undefined || id === null) return null;
      if (session.expiresAt > now()) return session;
      sessions.delete(id);
      return null;
    },
    remove(id) {
      sessions.delete(id);
    },
    get size() {
      return sessions.size;
    },
  };
}
