/** How a stream is opened and listened for: plain TCP, or TLS 1.2 and later. RFC 3261 18, 26.3.1, RFC 5922. */
import { X509Certificate } from 'node:crypto';
import * as net from 'node:net';
import * as tls from 'node:tls';
import type { Target } from '../transaction/types.ts';
import { carries } from './certificate-name.ts';
import type { Shared, TlsSide } from './types.ts';

export interface Carrier {
  readonly transport: 'tcp' | 'tls';
  /** Event of a dialled socket that stands. */
  readonly ready: 'connect' | 'secureConnect';
  dial(target: Target, localAddress: string | undefined): net.Socket;
  /** A server whose every peer, authenticated where that is asked for, is handed on. `heard`: peers of this address are heard. */
  serve(onPeer: (socket: net.Socket) => void): net.Server;
  /** Another certificate for the servers. Throws when it cannot be used. */
  renew(): void;
  /** Lets go of peers that are not authenticated yet. */
  close(): void;
  /** True when a connection may carry what is meant for this target: its certificate speaks for the name. */
  fits(socket: net.Socket, target: Target): boolean;
}

export const tcpCarrier = (shared: Shared): Carrier => ({
  transport: 'tcp',
  ready: 'connect',
  dial: ({ host, port }, localAddress) => net.connect({ host, port, ...local(localAddress) }),
  serve(onPeer) {
    return net.createServer(socket => {
      if (shared.accept(socket.remoteAddress ?? '')) onPeer(socket);
      else refuse(socket, shared, 'address');
    });
  },
  renew() {},
  close() {},
  fits: () => true,
});

/** Time for a handshake, in ms: strangers must not hold sockets for longer. */
const HANDSHAKE_MS = 5000;
const MAX_HANDSHAKES = 200;

/** `side` is asked for each connection, so that a certificate can be exchanged. */
export function tlsCarrier(shared: Shared, side: () => TlsSide): Carrier {
  const servers: tls.Server[] = [];
  /** By address and port of the peer. */
  const handshaking = new Map<string, net.Socket>();

  function serve(onPeer: (socket: net.Socket) => void): net.Server {
    const { mutual } = side();
    const wrapper = tls.createServer(
      { ...contextOf(side()), requestCert: mutual, rejectUnauthorized: mutual, handshakeTimeout: HANDSHAKE_MS },
      socket => {
        handshaking.delete(remoteOf(socket));
        if (shared.accept(socket.remoteAddress ?? '') || isPeer(socket)) onPeer(socket);
        else refuse(socket, shared, 'certificate');
      },
    );
    wrapper.on('tlsClientError', error => {
      shared.count('sip_connections_refused', 'tls');
      // Counted, and told by its count: strangers may fail as often as they like.
      shared.log('debug', 'a TLS handshake failed', { error: error.message });
    });
    servers.push(wrapper);
    return net.createServer(socket => {
      // Where certificates open no door, a stranger is not worth a handshake.
      const known = shared.accept(socket.remoteAddress ?? '');
      const door = known || side().peers.length > 0;
      // Half of the room is kept for the core.
      if (!door || handshaking.size >= (known ? MAX_HANDSHAKES : MAX_HANDSHAKES / 2)) {
        refuse(socket, shared, door ? 'limit' : 'address');
        return;
      }
      const remote = remoteOf(socket);
      handshaking.set(remote, socket);
      socket.once('close', () => {
        if (handshaking.get(remote) === socket) handshaking.delete(remote);
      });
      wrapper.emit('connection', socket);
    });
  }

  function isPeer(socket: tls.TLSSocket): boolean {
    const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined;
    return certificate !== undefined && side().peers.some(name => carries(certificate, name));
  }

  return {
    transport: 'tls',
    ready: 'secureConnect',
    serve,
    renew() {
      for (const server of servers) server.setSecureContext(contextOf(side()));
    },
    close() {
      for (const socket of handshaking.values()) socket.destroy();
    },
    dial(target, localAddress) {
      const { host, port, domain = host } = target;
      return tls.connect({
        host,
        port,
        ...local(localAddress),
        ...contextOf(side()),
        ...(net.isIP(domain) === 0 ? { servername: domain } : {}),
        checkServerIdentity: (_name, { raw }) =>
          carries(new X509Certificate(raw), domain) ? undefined : new Error(`its certificate is not for ${domain}`),
      });
    },
    fits(socket, { domain }) {
      if (domain === undefined || !(socket instanceof tls.TLSSocket)) return true;
      const certificate = socket.getPeerX509Certificate();
      // Being dialled: it is checked against the name it was dialled for.
      if (certificate === undefined) return socket.servername === domain;
      return socket.authorized && carries(certificate, domain);
    },
  };
}

/** Throws when the key does not fit the certificate, or either cannot be read. */
function contextOf({ cert, key, ca }: TlsSide): tls.SecureContextOptions {
  return { cert, key, ...(ca === null ? {} : { ca }), minVersion: 'TLSv1.2' };
}

function local(localAddress: string | undefined): { localAddress?: string } {
  return localAddress === undefined ? {} : { localAddress };
}

function remoteOf({ remoteAddress, remotePort }: net.Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function refuse(socket: net.Socket, shared: Shared, why: string): void {
  shared.count('sip_connections_refused', why);
  socket.destroy();
}
