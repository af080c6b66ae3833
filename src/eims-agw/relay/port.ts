/** One UDP port on an address of each family: a socket each, with the same number. */
import type { Socket } from 'node:dgram';
import { mediaSocket } from '../rtp/udp.ts';

const RECEIVE_BYTES = 1_048_576;

export interface UdpPort {
  readonly number: number;
  /** To a numeric address. One of a family that is not bound here, and port 0, get nothing; nothing is sent after `close`. */
  send(bytes: Buffer, length: number, address: string, port: number): void;
  /** Datagrams the kernel has not taken yet. */
  waiting(): number;
  /** Before the first datagram; what a socket says of its own faults goes to `fault`. */
  listen(datagram: (bytes: Buffer, address: string, port: number) => void, fault: () => void): void;
  close(): void;
}

/** Binds the first of `numbers` that is free on all of `binds`, at most one address of each family; null when none is. Number 0 takes any. */
export async function openPort(binds: readonly string[], numbers: readonly number[]): Promise<UdpPort | null> {
  for (const number of numbers) {
    const sockets = await allBound(binds, number);
    if (sockets !== null) return portOf(sockets);
  }
  return null;
}

async function allBound(binds: readonly string[], number: number): Promise<Socket[] | null> {
  const sockets: Socket[] = [];
  for (const bind of binds) {
    const socket = await bound(bind, sockets[0]?.address().port ?? number);
    if (socket === null) {
      for (const other of sockets) other.close();
      return null;
    }
    sockets.push(socket);
  }
  return sockets;
}

function bound(bind: string, number: number): Promise<Socket | null> {
  const socket = mediaSocket(bind, RECEIVE_BYTES);
  return new Promise(resolve => {
    socket.once('error', () => {
      socket.close();
      resolve(null);
    });
    socket.bind(number, bind, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}

function portOf(sockets: readonly Socket[]): UdpPort {
  const of = (family: 'IPv4' | 'IPv6') => sockets.find(socket => socket.address().family === family) ?? null;
  const [four, six] = [of('IPv4'), of('IPv6')];
  let closed = false;
  return {
    number: sockets[0]?.address().port ?? 0,
    send(bytes, length, address, port) {
      if (closed || port === 0) return;
      const socket = address.includes(':') ? six : four;
      socket?.send(bytes, 0, length, port, address);
    },
    waiting: () => (closed ? 0 : sockets.reduce((sum, socket) => sum + socket.getSendQueueCount(), 0)),
    listen(datagram, fault) {
      for (const socket of sockets) {
        socket.on('error', fault);
        socket.on('message', (bytes, from) => datagram(bytes, from.address, from.port));
      }
    },
    close() {
      if (closed) return;
      closed = true;
      for (const socket of sockets) socket.close();
    },
  };
}
