/** One-time tickets: what a page shows in its first message, since browsers cannot set Authorization on a WebSocket. */
import { createHash, randomBytes } from 'node:crypto';

export interface Tickets {
  issue(now: number): { ticket: string; ticketExpiresAt: number };
  /** True once for each good ticket. */
  redeem(ticket: string, now: number): boolean;
}

/** Unused tickets of one channel; the oldest goes when more are asked for. */
const MOST = 16;

/** Makes the tickets of one channel; only their hashes are kept, and a restart forgets them: the page asks for a new one. */
export function createTickets(lifeMs: number): Tickets {
  const expiry = new Map<string, number>();

  return {
    issue(now) {
      for (const [hash, expiresAt] of expiry) if (expiresAt <= now || expiry.size >= MOST) expiry.delete(hash);
      const ticket = secret();
      expiry.set(hashOf(ticket), now + lifeMs);
      return { ticket, ticketExpiresAt: now + lifeMs };
    },
    redeem(ticket, now) {
      const hash = hashOf(ticket);
      const expiresAt = expiry.get(hash);
      expiry.delete(hash);
      return expiresAt !== undefined && expiresAt > now;
    },
  };
}

/** 256 random bits, base64url. */
export function secret(): string {
  return randomBytes(32).toString('base64url');
}

/** What is kept of a secret. */
export function hashOf(ticket: string): string {
  return createHash('sha256').update(ticket).digest('base64');
}
