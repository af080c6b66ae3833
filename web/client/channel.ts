/** The notification channel: events over one WebSocket, with resume after a loss, and a new channel when the old is gone. */
import type { ChannelTickets, Ticket } from './channel-tickets.ts';
import type { Environment } from './environment.ts';
import { CallingError } from './errors.ts';

export interface Snapshot {
  sessions: unknown[];
  registrations: unknown[];
}

export interface ChannelOptions {
  environment: Environment;
  tickets: ChannelTickets;
  /** A CloudEvent, in order, each once. */
  onEvent(event: { type: string; data: Record<string, unknown> }): void;
  /** What the device holds now: after each connection. */
  onSnapshot(snapshot: Snapshot): void;
  onState(state: 'connecting' | 'open' | 'closed'): void;
  /** Nothing more comes: the service refuses this page. */
  onRefused(error: CallingError): void;
}

export interface Channel {
  /** Resolves with the first connection. Rejects with CallingError when the channel cannot be made, or is stopped before. */
  start(): Promise<void>;
  /** Connects at once instead of waiting for the next try. */
  wake(): void;
  /** The network is gone: what is open counts for nothing, the next try comes soon. */
  drop(): void;
  /** Ends the channel at the service too. */
  stop(): Promise<void>;
}

const SUBPROTOCOL = 'webrtc-gateway.v1';
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;
const HELLO_MS = 10_000;
/** Close codes of the service. CAMARA digest 11a. */
const TAKEN_OVER = 4409;
const DELETED = 4410;
const WRONG_ORIGIN = 4403;

export function createChannel(options: ChannelOptions): Channel {
  const { environment, tickets } = options;
  let socket: WebSocket | null = null;
  let running = false;
  let connecting = false;
  let failures = 0;
  let stopWaiting: () => void = () => {};
  let stopWatching: () => void = () => {};
  let started: { resolve(): void; reject(error: CallingError): void } | null = null;

  async function connect(): Promise<void> {
    connecting = true;
    options.onState('connecting');
    try {
      const ticket = await tickets.next();
      if (running) open(ticket);
    } catch (error) {
      if (!running) return;
      const known = error instanceof CallingError ? error : new CallingError('network', { cause: error });
      if (known.retryable) retry(known.retryAfterS);
      else refused(known);
    } finally {
      connecting = false;
    }
  }

  function refused(error: CallingError): void {
    running = false;
    if (started !== null) started.reject(error);
    else options.onRefused(error);
    started = null;
  }

  function open({ url, ticket, lastSeq }: Ticket): void {
    const mine = environment.openSocket(url, [SUBPROTOCOL]);
    socket = mine;
    watch(HELLO_MS);
    mine.onopen = () => mine.send(JSON.stringify({ op: 'hello', ticket, ...(lastSeq === 0 ? {} : { lastSeq }) }));
    mine.onmessage = ({ data }) => {
      if (socket === mine && typeof data === 'string') hear(mine, data);
    };
    mine.onclose = ({ code }) => {
      if (socket === mine) lost(code);
    };
  }

  /** A connection that says nothing for this long is dead, whatever TCP believes. */
  function watch(ms: number): void {
    stopWatching();
    stopWatching = environment.after(ms, drop);
  }

  function drop(): void {
    const silent = socket;
    if (silent === null) return;
    lost(1006);
    silent.close();
  }

  let quietMs = HELLO_MS;
  function hear(from: WebSocket, text: string): void {
    const message = parse(text);
    if (message === null) return;
    switch (message['op']) {
      case 'ready':
      case 'reset': {
        const heartbeatS = Number(message['heartbeat']);
        if (heartbeatS > 0) quietMs = heartbeatS * 2500;
        failures = 0;
        options.onState('open');
        started?.resolve();
        started = null;
        options.onSnapshot(snapshotOf(message['snapshot']));
        break;
      }
      case 'event':
        event(from, message);
        break;
      case 'ping':
        from.send(JSON.stringify({ op: 'pong' }));
        break;
    }
    watch(quietMs);
  }

  function event(from: WebSocket, message: Record<string, unknown>): void {
    const seq = Number(message['seq']);
    if (!Number.isSafeInteger(seq)) return;
    if (seq > tickets.lastSeq) {
      tickets.lastSeq = seq;
      const { type, data } = (message['event'] ?? {}) as Record<string, unknown>;
      if (typeof type === 'string' && typeof data === 'object' && data !== null) {
        options.onEvent({ type, data: data as Record<string, unknown> });
      }
    }
    from.send(JSON.stringify({ op: 'ack', seq }));
  }

  function lost(code: number): void {
    socket = null;
    stopWatching();
    if (!running) return;
    if (code === WRONG_ORIGIN) {
      refused(new CallingError('not-allowed', { message: 'This page may not open a notification channel.' }));
      return;
    }
    // Another tab may hold a copy of this tab's channel: each gets its own.
    if (code === TAKEN_OVER || code === DELETED) tickets.forget();
    retry(null);
  }

  function retry(afterS: number | null): void {
    options.onState('closed');
    const longest = Math.min(FIRST_WAIT_MS * 2 ** failures, LONGEST_WAIT_MS);
    failures = Math.min(failures + 1, 10);
    const waitMs = Math.max(longest * (0.5 + environment.random() / 2), (afterS ?? 0) * 1000);
    stopWaiting();
    stopWaiting = environment.after(waitMs, () => void connect());
  }

  return {
    start() {
      running = true;
      return new Promise((resolve, reject) => {
        started = { resolve, reject };
        void connect();
      });
    },
    wake() {
      // A second connection would take the place of the first, and each close the other.
      if (!running || connecting || socket !== null) return;
      stopWaiting();
      failures = 0;
      void connect();
    },
    drop,
    async stop() {
      running = false;
      stopWaiting();
      stopWatching();
      started?.reject(new CallingError('not-registered'));
      started = null;
      const open = socket;
      socket = null;
      open?.close(1000);
      await tickets.end();
    },
  };
}

function parse(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

function snapshotOf(value: unknown): Snapshot {
  const { sessions, registrations } = (value ?? {}) as Record<string, unknown>;
  return {
    sessions: Array.isArray(sessions) ? sessions : [],
    registrations: Array.isArray(registrations) ? registrations : [],
  };
}
