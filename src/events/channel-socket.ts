/** One WebSocket of a notification channel: the subprotocol `webrtc-gateway.v1`. CAMARA digest 11a. */
import type { RawData, WebSocket } from 'ws';
import { BACKLOG_BYTES, CLOSE, type CloseCause, type Connection, SOCKET_BYTES } from './channel-connection.ts';
import { createOneWay, type OneWayHandlers } from './channel-one-way.ts';
import type { Ring } from './channel-ring.ts';
import type { Clock, TimerHandle } from './ports.ts';

export const SUBPROTOCOL = 'webrtc-gateway.v1';
/** CloudEvents over WebSockets, JSON format: each message is one event, nothing comes back. */
export const CLOUD_EVENTS = 'cloudevents.json';

/** Largest frame a client may send. */
export const CLIENT_FRAME_BYTES = 4096;
const HELLO_MS = 5000;
const HEARTBEAT_S = 25;

export interface ConnectionHandlers {
  /** The first message: `secret` is a ticket or the resume token, `lastSeq` null when the page starts afresh. */
  hello(secret: string, lastSeq: number | null): void;
  ack(seq: number): void;
  closed(): void;
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
      const secret = message.ticket ?? message.resumeToken;
      if (message.op !== 'hello' || typeof secret !== 'string') close('protocol');
      else if (lastSeq !== undefined && lastSeq !== null && !isSeq(lastSeq)) close('protocol');
      else {
        greeted = true;
        clock.clearTimer(timer);
        beat();
        handlers.hello(secret, isSeq(lastSeq) ? lastSeq : null);
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
    transport: 'WEBSOCKET',
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

/** Speaks `cloudevents.json` for a socket whose ticket was good. CloudEvents WebSockets protocol binding 1.0. */
export function createPlainConnection(
  socket: WebSocket,
  clock: Clock,
  handlers: OneWayHandlers & { closed(): void },
): Connection {
  const connection = createOneWay(
    'WEBSOCKET',
    {
      open: () => socket.readyState === socket.OPEN,
      buffered: () => socket.bufferedAmount,
      event: (_seq, body, sent) => {
        socket.send(body, error => {
          if (error === undefined || error === null) sent();
        });
      },
      // The binding knows events only.
      snapshot() {},
      heartbeat: () => socket.ping(),
      close: cause => closeSocket(socket, cause),
    },
    clock,
    handlers,
  );
  socket.on('message', () => connection.close('protocol'));
  socket.on('error', () => {});
  socket.on('close', () => {
    connection.closed();
    handlers.closed();
  });
  return connection;
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
