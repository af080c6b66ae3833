/** Takes the HTTP upgrades of the SIP front door: the subprotocol, the origin, the number of connections. RFC 7118 4, TS 23.228 U.1.3. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';

const SUBPROTOCOL = 'sip';

export interface HandshakeDeps {
  maxConnections: number;
  maxMessageBytes: number;
  /** Whether pages of this origin may speak to us at all. */
  allowsOrigin(origin: string): boolean;
  onSocket(socket: WebSocket, request: IncomingMessage): void;
}

export interface Handshake {
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  size(): number;
}

export function createHandshake(deps: HandshakeDeps): Handshake {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    // What an SDP or a token holds must not be guessed from the size of what was packed with it.
    perMessageDeflate: false,
    maxPayload: deps.maxMessageBytes,
    handleProtocols: () => SUBPROTOCOL,
  });

  /** The status of a refusal, or null. Programs send no Origin; they still need a token. */
  function refusalOf({ headers }: IncomingMessage): string | null {
    const offered = (headers['sec-websocket-protocol'] ?? '').split(',').map(name => name.trim());
    if (!offered.includes(SUBPROTOCOL)) return '400 Bad Request';
    if (headers.origin !== undefined && !deps.allowsOrigin(headers.origin)) return '403 Forbidden';
    return server.clients.size >= deps.maxConnections ? '503 Service Unavailable' : null;
  }

  return {
    handle(request, socket, head) {
      const refused = refusalOf(request);
      if (refused === null) {
        server.handleUpgrade(request, socket, head, accepted => deps.onSocket(accepted, request));
        return;
      }
      socket.on('error', () => {});
      socket.end(`HTTP/1.1 ${refused}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
    },
    size: () => server.clients.size,
  };
}
