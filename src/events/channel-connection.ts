/** One open connection of a notification channel, whatever carries it. CAMARA digest 11a. */
import type { Written } from './channel-replay.ts';
import type { Ring } from './channel-ring.ts';
import type { Snapshot } from './ports.ts';

/** Why a connection was closed, as the page sees it. */
export const CLOSE = {
  protocol: [4400, 'protocol error'],
  ticket: [4401, 'ticket refused'],
  origin: [4403, 'origin refused'],
  replaced: [4409, 'replaced by a newer connection'],
  deleted: [4410, 'channel deleted'],
  failed: [1011, 'internal error'],
  restart: [1012, 'service restart'],
  backlog: [1013, 'too slow'],
} as const satisfies Record<string, readonly [code: number, reason: string]>;
export type CloseCause = keyof typeof CLOSE;

/** More than this is not handed to the socket at once. */
export const SOCKET_BYTES = 262_144;
/** A page that is further behind than this is too slow. */
export const BACKLOG_BYTES = 1_048_576;

export interface Connection {
  readonly transport: 'WEBSOCKET' | 'SSE';
  /**
   * Ends the wait for the page's snapshot: `ready`, `reset` when events were lost to this page, then `again` (written before, perhaps not
   * received), then what the ring holds.
   */
  begin(snapshot: Snapshot, reset: boolean, ring: Ring, again: readonly Written[]): void;
  /** Sends what the ring holds and this connection has not sent. Nothing before `begin`. */
  pump(): void;
  /** An event that no ring keeps. */
  last(seq: number, body: string): void;
  close(cause: CloseCause): void;
}
