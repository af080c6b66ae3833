/** Hears the ICMP errors a listening UDP socket is never told of: asks by a connected socket whether an endpoint is there. RFC 3261 18.4. */
import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import type { Endpoint } from '../transaction/types.ts';
import type { Shared } from './types.ts';

/** How long a port-unreachable may take to come back. */
const WAIT_MS = 1000;
/** The keep-alive every SIP element skips. RFC 3261 7.5, RFC 5626 3.5.1. */
const KEEP_ALIVE = Buffer.from('\r\n\r\n');
const UNREACHABLE = new Set(['ECONNREFUSED', 'EHOSTUNREACH', 'ENETUNREACH']);

export interface Probes {
  /** Sends a keep-alive from `localAddress`; should the network say nobody is there, `Shared.broken` is called. One at a time for each endpoint. */
  probe(to: Endpoint, localAddress: string | undefined): void;
  close(): void;
}

/** The probes of one transport; at most `limits.probes` at once. */
export function createProbes(prefix: string, shared: Shared): Probes {
  const running = new Map<string, Socket>();

  function end(key: string): void {
    const socket = running.get(key);
    running.delete(key);
    shared.timers.stop(key);
    socket?.close();
  }

  function probe(to: Endpoint, localAddress: string | undefined): void {
    const key = `${prefix}.probe ${to.host} ${to.port}`;
    if (running.size >= shared.limits.probes || running.has(key) || isIP(to.host) === 0) return;
    const socket = createSocket(to.host.includes(':') ? 'udp6' : 'udp4');
    running.set(key, socket);
    shared.timers.start(key, WAIT_MS, () => end(key));
    socket.on('error', error => {
      if (running.get(key) !== socket) return;
      end(key);
      if ('code' in error && UNREACHABLE.has(String(error.code))) {
        shared.broken({ transport: 'udp', host: to.host, port: to.port }, key);
      }
    });
    // Whatever comes back, the endpoint lives: nothing is learned from it.
    socket.on('connect', () => running.get(key) === socket && socket.send(KEEP_ALIVE));
    socket.bind({ port: 0, exclusive: true, ...(localAddress === undefined ? {} : { address: localAddress }) }, () => {
      if (running.get(key) === socket) socket.connect(to.port, to.host);
    });
  }

  return {
    probe,
    close() {
      for (const key of [...running.keys()]) end(key);
    },
  };
}
