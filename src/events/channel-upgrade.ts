/** Takes the HTTP upgrades of notification channels. RFC 6455, CAMARA digest 11a. */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { isVisit, type Principal } from '../ep-cscf/words.ts';
import type { ChannelLife } from './channel.ts';
import {
  CLIENT_FRAME_BYTES,
  CLOUD_EVENTS,
  closeSocket,
  createConnection,
  createPlainConnection,
  SUBPROTOCOL,
} from './channel-socket.ts';
import type { Clock } from './ports.ts';

export interface UpgradeDeps {
  clock: Clock;
  channels: Pick<ChannelLife, 'hello' | 'attach' | 'redeem' | 'written' | 'ack' | 'closed' | 'ownerOf'>;
  publicUrl(): string;
  origins: ChannelOrigins;
}

/** Whose pages may open a channel. */
export interface ChannelOrigins {
  /** For every subscriber's channel; when empty, the origins of its client. */
  subscribers: readonly string[];
  ofClient(origin: string, clientId: string): boolean;
  /** For the channels of a client's anonymous visitors. */
  ofVisitors(origin: string, clientId: string): boolean;
}

export interface Upgrades {
  /** Takes care of a socket that was opened for the channel `id`. `refuse` answers with 400 and a sentence instead. */
  handle(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    params: { id?: string },
    refuse: (message: string) => void,
  ): void;
  /** Sockets open now, those without a hello included. */
  size(): number;
  /** Cuts every connection that did not close when asked to. */
  terminate(): void;
}

/** Sockets that have not said hello yet; more are sent away. */
const MOST_WAITING = 1024;

/** Makes the taker of upgrades. */
export function createUpgrades(deps: UpgradeDeps): Upgrades {
  const { channels } = deps;
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: true,
    // What an SDP holds must not be guessed from the size of what was packed with it.
    perMessageDeflate: false,
    maxPayload: CLIENT_FRAME_BYTES,
    handleProtocols: offered => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : CLOUD_EVENTS),
  });
  let waiting = 0;

  /** Programs send no Origin; they still need a ticket. */
  const goodOrigin = (origin: string | undefined, owner: Principal): boolean =>
    origin === undefined || origin === new URL(deps.publicUrl()).origin || allows(deps.origins, origin, owner);

  /** `ticket` null: it comes in the first message. */
  function accept(socket: WebSocket, id: string, origin: string | undefined, ticket: string | null): void {
    const owner = channels.ownerOf(id);
    const refused =
      owner === null ? 'deleted' : !goodOrigin(origin, owner) ? 'origin' : waiting >= MOST_WAITING ? 'backlog' : null;
    if (refused !== null) {
      socket.on('error', () => {});
      closeSocket(socket, refused);
      return;
    }
    if (ticket !== null) {
      plain(socket, id, ticket);
      return;
    }
    waiting += 1;
    let greeted = false;
    const greet = (): void => {
      if (!greeted) waiting -= 1;
      greeted = true;
    };
    const connection = createConnection(socket, deps.clock, {
      hello(ticket, lastSeq) {
        greet();
        const cause = channels.hello(id, connection, ticket, lastSeq);
        if (cause !== null) connection.close(cause);
      },
      ack: seq => channels.ack(id, connection, seq),
      closed() {
        greet();
        channels.closed(id, connection);
      },
    });
  }

  function plain(socket: WebSocket, id: string, ticket: string): void {
    if (channels.redeem(id, ticket) === null) {
      socket.on('error', () => {});
      closeSocket(socket, 'ticket');
      return;
    }
    const connection = createPlainConnection(socket, deps.clock, {
      written: (seq, body) => channels.written(id, connection, seq, body),
      closed: () => channels.closed(id, connection),
    });
    channels.attach(id, connection, null);
  }

  return {
    handle(request, socket, head, { id = '' }, refuse) {
      const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map(name => name.trim());
      // Where there is no first message, the ticket is the value offered beside the protocol.
      const ticket = offered.includes(SUBPROTOCOL) ? null : (offered[offered.indexOf(CLOUD_EVENTS) + 1] ?? '');
      if (!offered.includes(SUBPROTOCOL) && !offered.includes(CLOUD_EVENTS)) {
        refuse(`Sec-WebSocket-Protocol offers neither ${SUBPROTOCOL} nor ${CLOUD_EVENTS}.`);
        return;
      }
      // What else is wrong with a handshake `ws` says before it returns.
      const onFault = ({ message }: Error) => refuse(`${message}.`);
      server.once('wsClientError', onFault);
      server.handleUpgrade(request, socket, head, accepted => accept(accepted, id, request.headers.origin, ticket));
      server.off('wsClientError', onFault);
    },
    size: () => server.clients.size,
    terminate() {
      for (const client of server.clients) client.terminate();
    },
  };
}

function allows({ subscribers, ofClient, ofVisitors }: ChannelOrigins, origin: string, owner: Principal): boolean {
  if (isVisit(owner)) return ofVisitors(origin, owner.clientId);
  return subscribers.length > 0 ? subscribers.includes(origin) : ofClient(origin, owner.clientId);
}
