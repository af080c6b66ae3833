/** A UDP socket that is connected to one daemon: it hears nobody else, and learns at once when nobody listens there. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Wire, WireEvents } from './client.ts';

/** `host` is a numeric address. */
export function udpWire(host: string, port: number, events: WireEvents): Wire {
  const family = isIPv6(host) ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    recvBufferSize: 1 << 20,
    // No resolver: the address is numeric.
    lookup: (name, _options, callback) => callback(null, name, family),
  });
  let state: 'apart' | 'connecting' | 'connected' | 'closed' = 'apart';
  let early: string[] = [];
  socket.on('message', bytes => events.datagram(bytes));
  // Whatever a datagram met on its way: it is sent again, or it is not.
  socket.on('error', error => {
    if (state === 'connecting') {
      // No way there now: the next datagram tries again.
      state = 'apart';
      early = [];
    }
    if ((error as NodeJS.ErrnoException).code === 'ECONNREFUSED') events.refused();
  });
  socket.on('connect', () => {
    if (state === 'closed') return;
    state = 'connected';
    for (const text of early) send(text);
    early = [];
  });
  function send(text: string): void {
    socket.send(text, error => {
      if ((error as NodeJS.ErrnoException | null)?.code === 'ECONNREFUSED') events.refused();
    });
  }
  return {
    send(text) {
      if (state === 'closed') return;
      if (state === 'connected') return send(text);
      early.push(text);
      if (state === 'connecting') return;
      state = 'connecting';
      socket.connect(port, host);
    },
    close() {
      state = 'closed';
      socket.close();
    },
  };
}
