/** One WebSocket of a notification channel: the subprotocol `webrtc-gateway.v1`. CAMARA digest 11a. */
import type { RawData, WebSocket } from 'ws';
import type { Ring } from './channel-ring.ts';
import type { Clock, Snapshot, TimerHandle } from './ports.ts';

export const SUBPROTOCOL = 'webrtc-gateway.v1';

/** Why a connection was closed, as the page sees it. */
const CLOSE = {
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

/** Largest frame a client may send. */
export const CLIENT_FRAME_BYTES = 4096;
const HELLO_MS = 5000;
const HEARTBEAT_S = 25;
/** More than this is not handed to the socket at once. */
const SOCKET_BYTES = 262_144;
const BACKLOG_BYTES = 1_048_576;

export interface ConnectionHandlers {
  /** The first message. `lastSeq` null: the page starts afresh. */
  hello(ticket: string, lastSeq: number | null): void;
  ack(seq: number): void;
  closed(): void;
}

export interface Connection {
  /** Ends the wait for the page's snapshot: `ready`, `reset` when events were lost to this page, then what the ring holds. */
  begin(snapshot: Snapshot, reset: boolean, ring: Ring): void;
  /** Sends what the ring holds and this connection has not sent. Nothing before `begin`. */
  pump(): void;
  /** An event that no ring keeps. */
  last(seq: number, body: string): void;
  close(cause: CloseCause): void;
}

/** Speaks for one accepted socket. It must say hello in 5 s and answer each heartbeat before the next. */
export function createConnection(socket: WebSocket, clock: Clock, handlers: ConnectionHandlers): Connection {
  let greeted = false;
  let alive = true;
  let ring: Ring | null = null;
  let sent = 0;
  /** What was there before the page came is no sign of its being slow. */
  let replay = 0;
  let timer: TimerHandle = clock.setTimer(HELLO_MS, () => close('ticket'));

  const open = (): boolean => socket.readyState === socket.OPEN;

  function close(cause: CloseCause): void {
    if (open()) closeSocket(socket, cause);
  }

  function beat(): void {
    timer = clock.setTimer(HEARTBEAT_S * 1000, () => {
      if (!alive) {
        socket.terminate();
        return;
      }
      alive = false;
      if (open()) socket.send('{"op":"ping"}');
      beat();
    });
  }

  function pump(): void {
    if (ring === null || !open()) return;
    let behind = 0;
    for (const { seq, row } of ring.entries) {
      if (seq <= sent) continue;
      if (socket.bufferedAmount > SOCKET_BYTES) {
        if (seq > replay) behind += row.body.length;
        continue;
      }
      sent = seq;
      socket.send(eventMessage(seq, row.body), () => {
        if (ring?.entries.at(-1)?.seq !== sent) pump();
      });
    }
    if (behind + socket.bufferedAmount > BACKLOG_BYTES) close('backlog');
  }

  function hear(data: RawData, binary: boolean): void {
    alive = true;
    const message = binary ? null : read(String(data));
    const lastSeq = message?.lastSeq;
    if (message === null) close('protocol');
    else if (!greeted) {
      if (message.op !== 'hello' || typeof message.ticket !== 'string') close('protocol');
      else if (lastSeq !== undefined && lastSeq !== null && !isSeq(lastSeq)) close('protocol');
      else {
        greeted = true;
        clock.clearTimer(timer);
        beat();
        handlers.hello(message.ticket, isSeq(lastSeq) ? lastSeq : null);
      }
    } else if (message.op === 'ack' && isSeq(message.seq)) handlers.ack(message.seq);
    else if (message.op !== 'pong') close('protocol');
  }

  socket.on('message', (data, binary) => {
    if (open()) hear(data, binary);
  });
  // The close that follows tells all there is to know.
  socket.on('error', () => {});
  socket.on('close', () => {
    clock.clearTimer(timer);
    handlers.closed();
  });

  return {
    begin(snapshot, reset, from) {
      if (!open()) return;
      const shown = JSON.stringify({ sessions: snapshot.sessions, registrations: snapshot.registrations });
      socket.send(`{"op":"ready","snapshot":${shown},"heartbeat":${HEARTBEAT_S}}`);
      if (reset) socket.send(`{"op":"reset","snapshot":${shown}}`);
      ring = from;
      replay = from.entries.at(-1)?.seq ?? 0;
      pump();
    },
    pump,
    last(seq, body) {
      if (ring !== null && open()) socket.send(eventMessage(seq, body));
    },
    close,
  };
}

/** Closes with the code and reason of a cause. */
export function closeSocket(socket: WebSocket, cause: CloseCause): void {
  const [code, reason] = CLOSE[cause];
  socket.close(code, reason);
}

/** The event is JSON text already: it is not read again. */
function eventMessage(seq: number, body: string): string {
  return `{"op":"event","seq":${seq},"event":${body}}`;
}

function read(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function isSeq(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}
