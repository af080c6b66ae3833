/** One UDP socket. RFC 3261 18.2.1, 18.3. */
import { createSocket, type Socket } from 'node:dgram';
import { isIP } from 'node:net';
import type { Sent } from '../transaction/port.ts';
import type { Endpoint } from '../transaction/types.ts';
import type { Shared } from './types.ts';
import { unsent } from './unsent.ts';

/** Room for the datagrams of a busy moment; the system may grant less. */
const RECEIVE_BUFFER_BYTES = 4_194_304;

export interface UdpSocket {
  readonly id: string;
  readonly port: number;
  send(packet: Uint8Array, to: Endpoint, sent: Sent | null): void;
  close(): Promise<void>;
}

/** Binds a socket; `id` goes into the source of what it receives, so that answers leave by it. Rejects when the address cannot be had. */
export async function openUdp(host: string, port: number, id: string, shared: Shared): Promise<UdpSocket> {
  const family = isIP(host) === 6 ? 6 : 4;
  const socket = createSocket({
    type: family === 6 ? 'udp6' : 'udp4',
    ipv6Only: family === 6,
    // Targets are numeric: there is nothing to look up.
    lookup: (address, _options, done) => done(null, address, family),
  });
  await bind(socket, host, port);
  try {
    socket.setRecvBufferSize(RECEIVE_BUFFER_BYTES);
  } catch {
    shared.log('debug', 'the system keeps its UDP receive buffer size', {});
  }
  let open = true;
  socket.on('error', error => {
    shared.count('sip_transport_errors', 'udp');
    shared.log('warn', 'UDP socket error', { error: error.message });
  });
  socket.on('message', (bytes, from) => {
    if (!open || isKeepAlive(bytes)) return;
    if (!shared.accept(from.address)) {
      shared.count('sip_packets_ignored', 'address');
      return;
    }
    shared.receive(bytes, { transport: 'udp', host: from.address, port: from.port, connection: id });
  });
  return {
    id,
    port: socket.address().port,
    send(packet, to, sent) {
      if (!open || isIP(to.host) !== family || to.port < 1 || to.port > 65_535) {
        unsent(sent, open ? 'not an address of this socket' : 'closed');
        return;
      }
      // A failure the system knows at once (no route, too large) comes to `sent`; an ICMP error for an unconnected socket never does.
      socket.send(packet, to.port, to.host, sent ?? undefined);
    },
    close() {
      open = false;
      return new Promise(resolve => socket.close(() => resolve()));
    },
  };
}

function bind(socket: Socket, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (error: Error) => {
      socket.close();
      reject(error);
    };
    socket.once('error', failed);
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.off('error', failed);
      resolve();
    });
  });
}

/** An empty datagram, or CRLFs: RFC 5626 keep-alives and NAT openers. */
function isKeepAlive(bytes: Uint8Array): boolean {
  if (bytes.length > 4) return false;
  for (const byte of bytes) if (byte !== 13 && byte !== 10 && byte !== 0) return false;
  return true;
}
