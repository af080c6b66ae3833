/** Test help: a clock moved by hand and a network that loses, doubles and reorders packets from a seed. */

import type { ParseResult } from '../../src/sip/message/message.ts';
import { parseMessage } from '../../src/sip/message/parse.ts';
import type { SipTimers, Wire } from '../../src/sip/transaction/port.ts';
import type { Target } from '../../src/sip/transaction/types.ts';
import { markReceived } from '../../src/sip/transport/received.ts';

interface Due {
  at: number;
  order: number;
  fire: () => void;
}

export interface FakeClock {
  now(): number;
  timers: SipTimers;
  /** Timers running, without packets on their way. */
  readonly running: number;
  /** Runs `fire` after `ms`, outside the count of timers. */
  later(ms: number, fire: () => void): void;
  /** Moves on by `ms`, firing what comes due in order. */
  advance(ms: number): void;
  /** Moves on until nothing is due any more; false when that takes more than `maxMs`. */
  drain(maxMs: number): boolean;
}

export function createFakeClock(): FakeClock {
  let now = 0;
  let order = 0;
  const timers = new Map<string, Due>();
  const others = new Set<Due>();

  function due(ms: number, fire: () => void): Due {
    order += 1;
    return { at: now + ms, order, fire };
  }

  function next(): { item: Due; key: string | null } | null {
    let best: { item: Due; key: string | null } | null = null;
    const before = (a: Due, b: Due) => a.at < b.at || (a.at === b.at && a.order < b.order);
    for (const [key, item] of timers) if (best === null || before(item, best.item)) best = { item, key };
    for (const item of others) if (best === null || before(item, best.item)) best = { item, key: null };
    return best;
  }

  /** Fires the next item when it is due by `until`. */
  function fireNext(until: number): boolean {
    const found = next();
    if (found === null || found.item.at > until) return false;
    if (found.key === null) others.delete(found.item);
    else timers.delete(found.key);
    now = found.item.at;
    found.item.fire();
    return true;
  }

  return {
    now: () => now,
    timers: {
      start: (key, ms, fire) => void timers.set(key, due(ms, fire)),
      stop: key => void timers.delete(key),
    },
    get running() {
      return timers.size;
    },
    later: (ms, fire) => void others.add(due(ms, fire)),
    advance(ms) {
      const until = now + ms;
      while (fireNext(until));
      now = until;
    },
    drain(maxMs) {
      const until = now + maxMs;
      while (fireNext(until));
      return next() === null;
    },
  };
}

/** A small generator of numbers from 0 to 1: the same for the same seed. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** How the network treats datagrams; shares from 0 to 1, delays in ms. Streams arrive once and in order. */
export interface Weather {
  loss: number;
  copies: number;
  delayMs: number;
  jitterMs: number;
}

export const FINE: Weather = { loss: 0, copies: 0, delayMs: 5, jitterMs: 0 };

export interface Node {
  host: string;
  wire: Wire;
  /** Set by the owner: what hears the network. */
  receive(result: ParseResult, source: Target): void;
  /** Packets sent, for counting. */
  sent: string[];
}

export interface FakeNetwork {
  /** A node at this address, port 5060, both transports. */
  node(host: string): Node;
  weather: Weather;
  /** Every datagram from now on is lost. */
  cut(): void;
}

export function createFakeNetwork(clock: FakeClock, random: () => number, weather: Weather): FakeNetwork {
  const nodes = new Map<string, Node>();
  let cut = false;

  function arrive(packet: Uint8Array, source: Target, to: string): void {
    const result = parseMessage(packet);
    const request = result.ok ? (result.message.type === 'request' ? result.message : null) : result.request;
    if (request) markReceived(request, source);
    nodes.get(to)?.receive(result, source);
  }

  function carry(packet: Uint8Array, from: string, target: Target): void {
    const source: Target = { transport: target.transport, host: from, port: 5060 };
    if (target.transport !== 'udp') {
      clock.later(network.weather.delayMs, () => arrive(packet, source, target.host));
      return;
    }
    const { loss, copies, delayMs, jitterMs } = network.weather;
    const count = random() < copies ? 2 : 1;
    for (let i = 0; i < count; i += 1) {
      if (cut || random() < loss) continue;
      clock.later(delayMs + random() * jitterMs, () => arrive(packet, source, target.host));
    }
  }

  const network: FakeNetwork = {
    weather,
    node(host) {
      const node: Node = {
        host,
        sent: [],
        receive() {},
        wire: {
          sentBy: target => (target.transport === 'tls' ? null : { host, port: 5060 }),
          send(packet, target) {
            node.sent.push(Buffer.from(packet).toString('latin1').split('\r\n', 1)[0] ?? '');
            carry(packet, host, target);
          },
        },
      };
      nodes.set(host, node);
      return node;
    },
    cut() {
      cut = true;
    },
  };
  return network;
}
