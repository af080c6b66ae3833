/** One WebSocket that carries SIP: a message in each frame, keep-alive, and its limits. RFC 7118 5, RFC 5626 4.4. */
import type { RawData, WebSocket } from 'ws';
import type { SipTimers, Target } from '../sip/index.ts';

/** Why we close a connection, as its client sees it. */
const CLOSE = {
  flood: [1008, 'too many messages'],
  restart: [1012, 'service restart'],
  slow: [1013, 'too slow'],
  token: [4401, 'token refused'],
  origin: [4403, 'origin refused'],
  unregistered: [4408, 'not registered in time'],
  replaced: [4409, 'replaced by a newer connection'],
  ended: [4410, 'registration ended'],
} as const satisfies Record<string, readonly [code: number, reason: string]>;
export type CloseCause = keyof typeof CLOSE;

/** A client that is further behind than this is too slow. */
const BACKLOG_BYTES = 1_048_576;
/** A browser answers each ping before the next, or is gone. */
const PING_MS = 25_000;
const PONG = '\r\n';

export interface Flow {
  readonly id: string;
  /** Where its messages come from; responses go back to it alone. */
  readonly source: Target;
  /** Of the page, or null: a program's. */
  readonly origin: string | null;
  /** False: nothing will leave any more. */
  readonly open: boolean;
  /** False: it did not leave. */
  send(packet: Uint8Array): boolean;
  close(cause: CloseCause): void;
}

export interface FlowSetup {
  id: string;
  socket: WebSocket;
  source: Omit<Target, 'connection'>;
  origin: string | null;
  timers: SipTimers;
  /** Messages per second; twice as many at once. */
  messagesPerS: number;
  now(): number;
  /** A whole message, as it came. */
  onMessage(bytes: Buffer): void;
  /** `cause` null: the client, or the network. */
  onGone(cause: CloseCause | null): void;
}

/** Takes an accepted socket over. */
export function createFlow(setup: FlowSetup): Flow {
  const { id, socket, timers, now, messagesPerS } = setup;
  const pingKey = `${id}.ping`;
  let alive = true;
  let cause: CloseCause | null = null;
  let left = 2 * messagesPerS;
  let countedAt = now();

  function close(why: CloseCause): void {
    cause ??= why;
    const [code, reason] = CLOSE[why];
    socket.close(code, reason);
  }

  function ping(): void {
    timers.start(pingKey, PING_MS, () => {
      if (!alive) {
        socket.terminate();
        return;
      }
      alive = false;
      socket.ping();
      ping();
    });
  }

  function mayTake(): boolean {
    const at = now();
    left = Math.min(2 * messagesPerS, left + ((at - countedAt) * messagesPerS) / 1000) - 1;
    countedAt = at;
    return left >= 0;
  }

  /** Whether what came may be looked at: pings count too. */
  function admits(): boolean {
    if (socket.readyState !== socket.OPEN) return false;
    alive = true;
    if (mayTake()) return true;
    close('flood');
    return false;
  }

  /** Whether so much more may wait for the client; else it is too slow. */
  function fits(bytes: number): boolean {
    if (socket.readyState !== socket.OPEN) return false;
    if (socket.bufferedAmount + bytes <= BACKLOG_BYTES) return true;
    cause ??= 'slow';
    socket.terminate();
    return false;
  }

  function hear(data: RawData): void {
    if (!admits()) return;
    const bytes = Buffer.isBuffer(data) ? data : Buffer.concat([data].flat().map(part => Buffer.from(part as Buffer)));
    // A keep-alive, or the answer to one; RFC 7118 6 leaves it to either side.
    if (bytes.length <= 4 && /^(\r\n){0,2}$/.test(bytes.toString('latin1'))) {
      if (bytes.length === 4 && fits(PONG.length)) socket.send(PONG);
      return;
    }
    setup.onMessage(bytes);
  }

  socket.on('message', hear);
  socket.on('ping', admits);
  socket.on('pong', () => {
    alive = true;
  });
  // The close that follows tells all there is to know.
  socket.on('error', () => {});
  socket.on('close', () => {
    timers.stop(pingKey);
    setup.onGone(cause);
  });
  ping();

  return {
    id,
    source: { ...setup.source, connection: id },
    origin: setup.origin,
    get open() {
      return socket.readyState === socket.OPEN;
    },
    send(packet) {
      if (!fits(packet.length)) return false;
      socket.send(packet, { binary: false });
      return true;
    },
    close,
  };
}
