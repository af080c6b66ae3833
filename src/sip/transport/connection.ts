/** One connection, TCP or TLS, dialled or accepted: framing, keep-alive, limits. RFC 3261 18.3, RFC 5626 3.5.1. */
import type { Socket } from 'node:net';
import { createFramer, type FramerEvent } from '../message/framer.ts';
import type { Sent } from '../transaction/port.ts';
import type { Endpoint, Target } from '../transaction/types.ts';
import type { Shared } from './types.ts';
import { unsent } from './unsent.ts';

const PING = Buffer.from('\r\n\r\n');
const PONG = Buffer.from('\r\n');
/** How long a pong may take, in ms. RFC 5626 4.4.1. */
const PONG_MS = 10_000;
/** How long a connection we gave up may take to swallow what we wrote. */
export const LINGER_MS = 500;

export interface Connection {
  readonly id: string;
  readonly remote: Endpoint;
  readonly socket: Socket;
  /** Clock of the last byte in or message out, ms. */
  usedAt: number;
  send(packet: Uint8Array, sent: Sent | null): void;
  /** Ends it; what was written is given 500 ms to leave. */
  end(): void;
  destroy(reason: string): void;
}

export interface ConnectionSetup {
  id: string;
  socket: Socket;
  remote: Endpoint;
  /** We have opened it: the event that says it stands. Null: a peer has. */
  dialled: 'connect' | 'secureConnect' | null;
  shared: Shared;
  now: () => number;
  /** It is gone: forget it. */
  onGone(connection: Connection): void;
}

/** Takes a socket over; from here on nothing is thrown out of its handlers. */
export function createConnection(setup: ConnectionSetup): Connection {
  const { id, socket, remote, shared, now } = setup;
  const { timers, limits } = shared;
  const framer = createFramer(limits.parse);
  const source: Target = { ...remote, connection: id };
  const incompleteKey = `${id}.incomplete`;
  const connectKey = `${id}.connect`;
  const lingerKey = `${id}.linger`;
  const pingKey = `${id}.ping`;
  const pongKey = `${id}.pong`;
  /** Until the connection stands: who is to hear that it never did. */
  let waiting: Sent[] | null = setup.dialled === null ? null : [];
  let incomplete = false;
  let used = false;
  /** The peer has answered a ping: from now on it has to. One that never does is of before RFC 5626. */
  let pongs = false;
  let pinged = false;
  /** A pong that has not left: one is enough for all pings meanwhile. */
  let ponging = false;
  /** Our part of what all connections hold. */
  let held = 0;
  let ended = false;
  let why = 'closed by the peer';

  function onData(chunk: Buffer): void {
    if (ended) return;
    connection.usedAt = now();
    // Within a message a CRLF is a part of it.
    if (pinged && isPong(chunk) && framer.pendingBytes === 0) return;
    let whole = false;
    for (const event of framer.push(chunk)) {
      if (ended) return;
      whole = onEvent(event) || whole;
    }
    watch(whole);
    account();
  }

  /** Whatever comes says that the flow lives; true for a pong, which is nothing more. */
  function isPong(chunk: Buffer): boolean {
    pinged = false;
    timers.stop(pongKey);
    const pong = chunk.length === PONG.length && PONG.equals(chunk);
    pongs = pongs || pong;
    return pong;
  }

  function keepAlive(): void {
    const { keepAliveMs } = limits;
    if (keepAliveMs === 0) return;
    timers.start(pingKey, keepAliveMs * (0.8 + 0.2 * Math.random()), () => {
      if (ended || !write(PING)) return;
      pinged = true;
      if (pongs) timers.start(pongKey, PONG_MS, onSilence);
      keepAlive();
    });
  }

  function onSilence(): void {
    shared.count('sip_connections_dropped', 'no-pong');
    destroy('no pong');
  }

  /** True when a whole message was cut off. */
  function onEvent(event: FramerEvent): boolean {
    if (event.type === 'message') {
      shared.receive(event.bytes, source);
      return true;
    }
    if (event.type === 'ping') {
      pong();
      return false;
    }
    shared.count('sip_connections_dropped', 'framing');
    if (event.head) shared.receiveBroken(event.head, event.reason, source);
    end();
    return false;
  }

  /** A message begun has to be finished in time, however many bytes trickle in. */
  function watch(whole: boolean): void {
    if (ended) return;
    const pending = framer.pendingBytes > 0;
    if (pending && (whole || !incomplete)) timers.start(incompleteKey, limits.incompleteMs, onIncomplete);
    else if (!pending && incomplete) timers.stop(incompleteKey);
    incomplete = pending;
  }

  function onIncomplete(): void {
    shared.count('sip_connections_dropped', 'incomplete');
    destroy('message not finished in time');
  }

  function write(packet: Uint8Array): boolean {
    if (socket.writableLength + packet.length > limits.bufferedBytes) {
      shared.count('sip_connections_dropped', 'slow-reader');
      destroy('slow reader');
      return false;
    }
    socket.write(packet);
    account();
    return true;
  }

  function pong(): void {
    if (ponging) return;
    ponging = true;
    socket.write(PONG, () => {
      ponging = false;
    });
  }

  /** One that holds much while all together hold too much is dropped; those that hold little are let be. */
  function account(): void {
    if (ended) return;
    const holds = framer.pendingBytes + (socket.writableNeedDrain ? socket.writableLength : 0);
    shared.held += holds - held;
    held = holds;
    if (shared.held <= limits.heldBytes || held <= limits.heldBytes / limits.connections) return;
    shared.count('sip_connections_dropped', 'memory');
    destroy('too much held');
  }

  function send(packet: Uint8Array, sent: Sent | null): void {
    if (ended || !socket.writable) {
      unsent(sent, why);
      return;
    }
    if (!write(packet)) {
      unsent(sent, why);
      return;
    }
    used = true;
    connection.usedAt = now();
    if (sent && waiting) waiting.push(sent);
  }

  function end(): void {
    if (ended) return;
    ended = true;
    timers.stop(incompleteKey);
    timers.stop(pingKey);
    timers.stop(pongKey);
    timers.start(lingerKey, LINGER_MS, () => socket.destroy());
    socket.end();
    socket.resume();
  }

  function destroy(reason: string): void {
    why = reason;
    ended = true;
    socket.destroy();
  }

  function onClose(): void {
    ended = true;
    shared.held -= held;
    held = 0;
    timers.stop(incompleteKey);
    for (const key of [connectKey, lingerKey, pingKey, pongKey]) timers.stop(key);
    setup.onGone(connection);
    const unheard = waiting ?? [];
    const stood = waiting === null;
    waiting = null;
    if (!stood) shared.unreached(remote, why);
    for (const sent of unheard) unsent(sent, why);
    if (stood && used) shared.broken(remote, id);
  }

  const connection: Connection = { id, remote, socket, usedAt: now(), send, end, destroy };
  socket.setNoDelay(true);
  socket.setKeepAlive(true, 30_000);
  socket.on('data', onData);
  socket.on('drain', account);
  socket.on('error', error => {
    why = error.message;
  });
  socket.on('close', onClose);
  if (setup.dialled !== null) {
    timers.start(connectKey, limits.connectMs, () => destroy('connect timed out'));
    socket.on(setup.dialled, () => {
      timers.stop(connectKey);
      waiting = null;
      keepAlive();
    });
  }
  return connection;
}
