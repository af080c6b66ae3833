/** Test help: a scripted IMS core on real loopback sockets, UDP and TCP on one port; every message is kept as it came. */
import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import {
  createRequest,
  createResponse,
  parseMessage,
  type SipMessage,
  type SipRequest,
  serialize,
} from '../../src/sip/index.ts';

export interface CorePeer {
  port: number;
  /** Raw text of what came, in order. */
  texts: string[];
  /** Called for each message; `reply` answers the way it came. */
  onMessage: (message: SipMessage, reply: (bytes: Uint8Array) => void) => void;
  respond(
    request: SipRequest,
    reply: (bytes: Uint8Array) => void,
    status: number,
    headers?: Array<[string, string]>,
    body?: string,
  ): void;
  /** Sends a request by UDP; a CANCEL takes the branch of the request before it. */
  send(port: number, method: string, uri: string, headers: Array<[string, string]>, body?: string): void;
  close(): Promise<void>;
}

/** UDP and TCP on one port of the system's choice; the TCP side may be taken by a stranger's connection: then another one. */
async function openBoth(host: string): Promise<{ udp: UdpSocket; server: Server; port: number }> {
  for (let left = 20; ; left -= 1) {
    const udp = createSocket('udp4');
    udp.bind(0, host);
    await once(udp, 'listening');
    const { port } = udp.address();
    const server = createServer();
    try {
      server.listen(port, host);
      await once(server, 'listening');
      return { udp, server, port };
    } catch (error) {
      udp.close();
      if (left === 0) throw error;
    }
  }
}

export async function createCorePeer(host: string): Promise<CorePeer> {
  const { udp, server, port } = await openBoth(host);
  const sockets = new Set<Socket>();
  server.on('connection', socket => {
    sockets.add(socket);
    let text = '';
    socket.on('error', () => {});
    socket.on('data', chunk => {
      text += chunk.toString('latin1');
      for (let end = messageEnd(text); end > 0; end = messageEnd(text)) {
        take(Buffer.from(text.slice(0, end), 'latin1'), bytes => socket.write(bytes));
        text = text.slice(end);
      }
    });
  });
  let sent = 0;

  function take(bytes: Uint8Array, reply: (bytes: Uint8Array) => void): void {
    peer.texts.push(Buffer.from(bytes).toString('utf8'));
    const result = parseMessage(bytes);
    if (result.ok) peer.onMessage(result.message, reply);
  }

  udp.on('message', (bytes, from) => take(bytes, answer => udp.send(answer, from.port, from.address)));
  const peer: CorePeer = {
    port,
    texts: [],
    onMessage() {},
    respond(request, reply, status, headers = [], body = '') {
      reply(serialize(createResponse(request, status, undefined, { toTag: 'core', headers, body })));
    },
    send(to, method, uri, headers, body = '') {
      if (method !== 'CANCEL') sent += 1;
      const via: [string, string] = ['Via', `SIP/2.0/UDP ${host}:${port};branch=z9hG4bKpeer${sent}`];
      udp.send(serialize(createRequest(method, uri, [via, ['Max-Forwards', '64'], ...headers], body)), to, host);
    },
    async close() {
      udp.close();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return peer;
}

/** Length of the first whole message of a stream, 0 while it is not whole. */
function messageEnd(text: string): number {
  const head = text.indexOf('\r\n\r\n');
  if (head < 0) return 0;
  const length = Number(/^content-length:\s*(\d+)/im.exec(text.slice(0, head))?.[1] ?? 0);
  return text.length >= head + 4 + length ? head + 4 + length : 0;
}

/** Waits until `found` gives something; fails after ten seconds. */
export async function eventually<T>(what: string, found: () => T | undefined | null | false): Promise<T> {
  for (let i = 0; i < 2000; i += 1) {
    const value = found();
    if (value !== undefined && value !== null && value !== false) return value;
    await new Promise(resolve => setTimeout(resolve, 5));
  }
  throw new Error(`${what} did not come`);
}
