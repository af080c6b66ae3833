/** A connection whose page says nothing back: what was written counts as delivered. CAMARA digest 11a: SSE, CloudEvents over WebSocket. */
import type { Connection } from './channel-connection.ts';
import { BACKLOG_BYTES, type CloseCause, SOCKET_BYTES } from './channel-connection.ts';
import type { Ring } from './channel-ring.ts';
import type { Clock, TimerHandle } from './ports.ts';

/** How one transport writes. */
export interface Outlet {
  open(): boolean;
  /** Bytes accepted and not yet sent. */
  buffered(): number;
  /** One event; `sent` is called once it has left, not at all when it could not. */
  event(seq: number, body: string, sent: () => void): void;
  /** What the device holds, as JSON text: at the start, and again when events were lost. */
  snapshot(kind: 'ready' | 'reset', shown: string): void;
  heartbeat(): void;
  close(cause: CloseCause): void;
}

export interface OneWayHandlers {
  /** It has left: no more than that can be known. */
  written(seq: number, body: string): void;
}

const HEARTBEAT_MS = 20_000;

/** Speaks through an outlet. `closed` is to be called when the transport has ended. */
export function createOneWay(
  transport: Connection['transport'],
  outlet: Outlet,
  clock: Clock,
  handlers: OneWayHandlers,
): Connection & { closed(): void } {
  let ring: Ring | null = null;
  let sent = 0;
  let replay = 0;
  let timer: TimerHandle | null = null;

  function beat(): void {
    timer = clock.setTimer(HEARTBEAT_MS, () => {
      if (outlet.open()) outlet.heartbeat();
      beat();
    });
  }

  function pump(): void {
    if (ring === null || !outlet.open()) return;
    let behind = 0;
    // A copy: what is written leaves the ring.
    for (const { seq, row } of [...ring.entries]) {
      if (seq <= sent) continue;
      if (outlet.buffered() > SOCKET_BYTES) {
        if (seq > replay) behind += row.body.length;
        continue;
      }
      sent = seq;
      outlet.event(seq, row.body, () => {
        handlers.written(seq, row.body);
        pump();
      });
    }
    if (behind + outlet.buffered() > BACKLOG_BYTES) outlet.close('backlog');
  }

  return {
    transport,
    begin(snapshot, reset, from, again) {
      if (!outlet.open()) return;
      const shown = JSON.stringify({ sessions: snapshot.sessions, registrations: snapshot.registrations });
      outlet.snapshot('ready', shown);
      if (reset) outlet.snapshot('reset', shown);
      for (const { seq, body } of again) outlet.event(seq, body, () => {});
      beat();
      ring = from;
      replay = from.entries.at(-1)?.seq ?? 0;
      pump();
    },
    pump,
    last(seq, body) {
      if (ring !== null && outlet.open()) outlet.event(seq, body, () => {});
    },
    close(cause) {
      if (outlet.open()) outlet.close(cause);
    },
    closed() {
      if (timer !== null) clock.clearTimer(timer);
      timer = null;
      ring = null;
    },
  };
}
