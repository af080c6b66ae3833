/** The one UDP port of a worker towards browsers: tried before the library is, because the library ends the process when it cannot bind. */
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

type Library = typeof import('node-datachannel');

/** Keeps the library's listener, and with it the port, for the life of the process. */
const listeners: unknown[] = [];

/** Takes the first of `ports` that can be bound on `bind`; null when none can. */
export async function claimPort(library: Library, bind: string, ports: readonly number[]): Promise<number | null> {
  for (const port of ports) {
    if (!(await canBind(bind, port))) continue;
    try {
      listeners.push(new library.IceUdpMuxListener(port, bind));
      return port;
    } catch {
      // Taken between the trial and now; the next one may do.
    }
  }
  return null;
}

function canBind(bind: string, port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = createSocket(isIPv6(bind) ? 'udp6' : 'udp4');
    socket.once('error', () => {
      socket.close();
      resolve(false);
    });
    socket.bind(port, bind, () => socket.close(() => resolve(true)));
  });
}
