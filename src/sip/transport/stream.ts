/** Streams: listening, dialling, and the reuse of connections. RFC 3261 18. */
import { isIP, type Server, type Socket } from 'node:net';
import type { Sent } from '../transaction/port.ts';
import type { Endpoint, Target } from '../transaction/types.ts';
import type { Carrier } from './carrier.ts';
import { type Connection, createConnection, LINGER_MS } from './connection.ts';
import type { Shared } from './types.ts';
import { unsent } from './unsent.ts';

export interface Streams {
  readonly size: number;
  /** Listens; gives the port. Rejects when the address cannot be had. */
  listen(host: string, port: number): Promise<number>;
  /** Sends on the pinned connection, else on one to the same address and port, else on a new one from `localAddress`. */
  send(packet: Uint8Array, target: Target, localAddress: string | undefined, sent: Sent | null): void;
  close(): Promise<void>;
}

/** The streams of one kind of a transport; `prefix` makes its connection ids unique among transports that share timers. */
export function createStreams(prefix: string, shared: Shared, carrier: Carrier): Streams {
  const { limits } = shared;
  const servers: Server[] = [];
  const byId = new Map<string, Connection>();
  /** The newest connection of each remote address and port. */
  const byRemote = new Map<string, Connection>();
  let ids = 0;
  let open = true;
  let emptied: (() => void) | null = null;

  function adopt(socket: Socket, remote: Endpoint, dialled: boolean): Connection {
    ids += 1;
    const id = `${prefix}${carrier.transport}${ids}`;
    const { ready } = carrier;
    const connection = createConnection({
      id,
      socket,
      remote,
      dialled: dialled ? ready : null,
      shared,
      now: clock,
      onGone,
    });
    byId.set(id, connection);
    byRemote.set(remoteKey(remote), connection);
    return connection;
  }

  function onGone(connection: Connection): void {
    byId.delete(connection.id);
    const key = remoteKey(connection.remote);
    if (byRemote.get(key) === connection) byRemote.delete(key);
    if (byId.size === 0) emptied?.();
  }

  function onAccept(socket: Socket): void {
    const { remoteAddress, remotePort } = socket;
    if (remoteAddress === undefined || remotePort === undefined || !open || !makeRoom()) {
      shared.count('sip_connections_refused', 'limit');
      socket.destroy();
      return;
    }
    adopt(socket, { transport: carrier.transport, host: remoteAddress, port: remotePort }, false);
  }

  /** At the limit the longest idle connection goes, unless all were used just now. */
  function makeRoom(): boolean {
    if (byId.size < limits.connections) return true;
    let idlest: Connection | null = null;
    for (const connection of byId.values()) {
      if (idlest === null || connection.usedAt < idlest.usedAt) idlest = connection;
    }
    if (idlest === null || clock() - idlest.usedAt < limits.idleMs) return false;
    shared.count('sip_connections_dropped', 'idle');
    idlest.destroy('made room');
    onGone(idlest);
    return true;
  }

  function dial(target: Target, localAddress: string | undefined): Connection | null {
    if (isIP(target.host) === 0 || target.port < 1 || target.port > 65_535 || !makeRoom()) return null;
    const { host, port } = target;
    return adopt(carrier.dial(target, localAddress), { transport: carrier.transport, host, port }, true);
  }

  function send(packet: Uint8Array, target: Target, localAddress: string | undefined, sent: Sent | null): void {
    const pinned = target.connection === undefined ? undefined : byId.get(target.connection);
    const known = pinned ?? byRemote.get(remoteKey(target));
    const fit = known !== undefined && (known === pinned || carrier.fits(known.socket, target)) ? known : undefined;
    const connection = fit ?? (open ? dial(target, localAddress) : null);
    if (connection) connection.send(packet, sent);
    else unsent(sent, open ? 'no connection can be opened' : 'closed');
  }

  function listen(host: string, port: number): Promise<number> {
    const server = carrier.serve(onAccept);
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, ipv6Only: true, exclusive: true }, () => {
        server.off('error', reject);
        server.on('error', error => shared.log('warn', 'SIP listener error', { error: error.message }));
        servers.push(server);
        const address = server.address();
        resolve(typeof address === 'object' && address !== null ? address.port : port);
      });
    });
  }

  /** The caller's timers may be gone by now, so the last wait is the system's. */
  async function close(): Promise<void> {
    open = false;
    carrier.close();
    const closed = servers.map(server => new Promise<void>(resolve => server.close(() => resolve())));
    const empty = new Promise<void>(resolve => {
      emptied = resolve;
      if (byId.size === 0) resolve();
    });
    for (const connection of byId.values()) connection.end();
    const last = setTimeout(() => {
      for (const connection of byId.values()) connection.destroy('closed');
    }, LINGER_MS);
    await Promise.all([...closed, empty]);
    clearTimeout(last);
  }

  return {
    get size() {
      return byId.size;
    },
    listen,
    send,
    close,
  };
}

function remoteKey(endpoint: Endpoint): string {
  return `${endpoint.host} ${endpoint.port}`;
}

function clock(): number {
  return performance.now();
}
