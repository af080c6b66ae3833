/** Test help: a SIP transport on loopback whose messages can be waited for, and bare sockets to be rude with. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { ParseResult } from '../../src/sip/message/message.ts';
import type { Endpoint, Target } from '../../src/sip/transaction/types.ts';
import { createSipTransport } from '../../src/sip/transport/sip-transport.ts';
import { createSystemTimers } from '../../src/sip/transport/system-timers.ts';
import type { SipTransportOptions } from '../../src/sip/transport/types.ts';

export interface Heard {
  result: ParseResult;
  source: Target;
}

/** Things that happened, and a way to wait for the next one. */
export function mailbox<T>() {
  const items: T[] = [];
  const waiting: Array<(item: T) => void> = [];
  return {
    put(item: T): void {
      const first = waiting.shift();
      if (first) first(item);
      else items.push(item);
    },
    next(): Promise<T> {
      const first = items.shift();
      return first === undefined ? new Promise(resolve => waiting.push(resolve)) : Promise.resolve(first);
    },
    get size() {
      return items.length;
    },
  };
}

/** A transport on UDP and TCP at `host`; call `close` at the end. */
export async function openTransport(host: string, options: Partial<SipTransportOptions> = {}) {
  const heard = mailbox<Heard>();
  const broken = mailbox<Endpoint>();
  const counted: string[] = [];
  const errors: string[] = [];
  const timers = createSystemTimers();
  const transport = await createSipTransport({
    listen: [
      { transport: 'udp', host, port: 0 },
      { transport: 'tcp', host, port: 0 },
    ],
    onMessage: (result, source) => heard.put({ result, source }),
    onBroken: remote => broken.put(remote),
    timers,
    count: (_name, labels) => void counted.push(labels['why'] ?? ''),
    log: (level, message, fields) => void (level === 'error' && errors.push(`${message} ${JSON.stringify(fields)}`)),
    ...options,
  });
  const endpoint = (kind: 'udp' | 'tcp'): Target => ({
    transport: kind,
    host,
    port: transport.listening.find(l => l.transport === kind)?.port ?? 0,
  });
  return {
    transport,
    heard,
    broken,
    counted,
    errors,
    timers,
    udp: endpoint('udp'),
    tcp: endpoint('tcp'),
    async close(): Promise<void> {
      await transport.close();
      timers.close();
    },
  };
}

/** A bare UDP socket at `host`. */
export async function openDatagram(host: string) {
  const socket = createSocket('udp4');
  const heard = mailbox<string>();
  socket.on('message', bytes => heard.put(bytes.toString('latin1')));
  socket.bind(0, host);
  await once(socket, 'listening');
  return {
    port: socket.address().port,
    heard,
    send: (bytes: string | Uint8Array, to: Endpoint) => socket.send(bytes, to.port, to.host),
    close: () => socket.close(),
  };
}

/** A bare TCP connection from `localAddress`, with everything it received. */
export async function openStream(to: Endpoint, localAddress: string) {
  const socket: Socket = connect({ host: to.host, port: to.port, localAddress });
  let text = '';
  const changed = mailbox<string>();
  socket.on('error', () => {});
  socket.on('data', bytes => {
    text += bytes.toString('latin1');
    changed.put(text);
  });
  const closed = new Promise<void>(resolve => socket.on('close', () => resolve()));
  await once(socket, 'connect');
  return {
    socket,
    port: socket.localPort ?? 0,
    closed,
    text: () => text,
    /** Waits until what was received ends with this. */
    async until(end: string): Promise<string> {
      while (!text.endsWith(end)) await changed.next();
      return text;
    },
  };
}
