/** Speaks ng with one daemon: cookies, copies, replies; what goes over the wire and when is decided in `exchange.ts`. */
import type { Clock, Count } from '../settings.ts';
import { abandon, ask, type Exchange, type ExchangeEffect, heard, nextWake, wake } from './exchange.ts';
import { type NgReply, type NgRequest, readReply, writeRequest } from './ng.ts';

/** Datagrams to and from one address. */
export interface Wire {
  send(text: string): void;
  close(): void;
}

export interface WireEvents {
  datagram(bytes: Uint8Array): void;
  /** The host says that nobody listens there. */
  refused(): void;
}

export interface NgClient {
  /** Calls `done` once: with the reply, or null when none came in `patienceMs` or nobody listens. */
  ask(request: NgRequest, patienceMs: number, done: (reply: NgReply | null) => void): void;
  /** Whatever waits is done with null. */
  close(): void;
}

export interface NgClientOptions {
  /** Name of the daemon in metrics. */
  daemon: string;
  /** Begins every cookie; another one after each start, since a daemon remembers cookies. */
  prefix: string;
  open: (events: WireEvents) => Wire;
  clock: Clock;
  count: Count;
  onRefused: () => void;
}

interface Asked {
  command: NgRequest['command'];
  done: (reply: NgReply | null) => void;
}

export function createNgClient({ daemon, prefix, open, clock, count, onRefused }: NgClientOptions): NgClient {
  const exchange: Exchange = new Map();
  const asked = new Map<string, Asked>();
  let number = 0;
  let cancel: (() => void) | null = null;
  const wire = open({
    datagram(bytes) {
      const read = readReply(bytes);
      if (read === null) return;
      perform(out => heard(exchange, clock.now(), read.cookie, out), read.reply);
    },
    refused() {
      onRefused();
      perform(out => abandon(exchange, out), null);
    },
  });

  function perform(act: (out: ExchangeEffect[]) => void, reply: NgReply | null): void {
    const out: ExchangeEffect[] = [];
    act(out);
    for (const effect of out) {
      if (effect.type === 'send') {
        if (effect.copy) count('rtpengine_resends_total', { daemon }, 1);
        wire.send(effect.text);
      } else
        settle(effect.cookie, effect.type === 'answered' ? reply : null, effect.type === 'answered' ? effect.ms : null);
    }
    cancel?.();
    const next = nextWake(exchange);
    cancel = next === null ? null : clock.after(Math.max(0, next - clock.now()), wakeUp);
  }

  function wakeUp(): void {
    cancel = null;
    perform(out => wake(exchange, clock.now(), out), null);
  }

  function settle(cookie: string, reply: NgReply | null, ms: number | null): void {
    const request = asked.get(cookie);
    if (request === undefined) return;
    asked.delete(cookie);
    const { command } = request;
    count('rtpengine_requests_total', { daemon, command, outcome: outcomeOf(reply) }, 1);
    if (ms !== null) count('rtpengine_round_trip_seconds', { daemon }, ms / 1000);
    request.done(reply);
  }

  return {
    ask(request, patienceMs, done) {
      const cookie = `${prefix}${number++}`;
      asked.set(cookie, { command: request.command, done });
      perform(
        out => ask(exchange, clock.now(), { cookie, text: writeRequest(cookie, request), patienceMs }, out),
        null,
      );
    },
    close() {
      perform(out => abandon(exchange, out), null);
      wire.close();
    },
  };
}

function outcomeOf(reply: NgReply | null): string {
  if (reply === null) return 'unanswered';
  return reply.ok ? 'ok' : 'error';
}
