/** The two UDP sockets of one call towards the IMS side. RFC 3550 11. */
import type { RemoteInfo, Socket } from 'node:dgram';
import type { PortPool } from './port-pool.ts';
import { mediaSocket } from './udp.ts';

const BIND_TRIES = 16;
const RECEIVE_BYTES = 262_144;

export interface ImsLeg {
  /** Even; RTCP is on the next one. */
  port: number;
  /** Neither throws; what cannot be sent is lost, as on any network. */
  sendRtp(packet: Buffer, start: number, port: number, address: string): void;
  sendRtcp(packet: Buffer, port: number, address: string): void;
  close(): void;
}

export interface ImsLegEvents {
  rtp(packet: Buffer, from: RemoteInfo): void;
  rtcp(packet: Buffer, from: RemoteInfo): void;
  /** A fault of ours: the packet is lost, the worker and its other calls go on. */
  fault(error: unknown): void;
}

/** Binds a pair; `done` gets the leg, or null when no port could be had. Ports that others hold are passed over. */
export function openImsLeg(
  bind: string,
  pool: PortPool,
  events: ImsLegEvents,
  done: (leg: ImsLeg | null) => void,
): void {
  const attempt = (tries: number) => {
    const port = tries === 0 ? null : pool.take();
    if (port === null) return done(null);
    bindPair(bind, port, events, sockets => {
      if (sockets === null) {
        pool.give(port);
        return attempt(tries - 1);
      }
      done(legOf(port, sockets[0], sockets[1], pool));
    });
  };
  attempt(BIND_TRIES);
}

function bindPair(
  bind: string,
  port: number,
  events: ImsLegEvents,
  done: (pair: [Socket, Socket] | null) => void,
): void {
  const rtp = mediaSocket(bind, RECEIVE_BYTES);
  const rtcp = mediaSocket(bind, RECEIVE_BYTES);
  let left = 2;
  let failed = false;
  const settled = (ok: boolean) => {
    failed ||= !ok;
    left -= 1;
    if (left > 0) return;
    if (!failed) return done([rtp, rtcp]);
    rtp.close();
    rtcp.close();
    done(null);
  };
  for (const [socket, number] of [
    [rtp, port],
    [rtcp, port + 1],
  ] as const) {
    const onError = () => settled(false);
    socket.once('error', onError);
    socket.bind(number, bind, () => {
      socket.off('error', onError);
      // A port of the far end that is gone shows as an error here; silence is what supervision looks for.
      socket.on('error', () => undefined);
      settled(true);
    });
  }
  listen(rtp, events, events.rtp);
  listen(rtcp, events, events.rtcp);
}

function listen(socket: Socket, { fault }: ImsLegEvents, take: ImsLegEvents['rtp']): void {
  socket.on('message', (packet, from) => {
    try {
      take(packet, from);
    } catch (error) {
      fault(error);
    }
  });
}

function legOf(port: number, rtp: Socket, rtcp: Socket, pool: PortPool): ImsLeg {
  let closed = false;
  return {
    port,
    sendRtp(packet, start, toPort, address) {
      if (!closed && toPort > 0) rtp.send(start === 0 ? packet : packet.subarray(start), toPort, address);
    },
    sendRtcp(packet, toPort, address) {
      if (!closed && toPort > 0) rtcp.send(packet, toPort, address);
    },
    close() {
      if (closed) return;
      closed = true;
      rtp.close();
      rtcp.close();
      pool.give(port);
    },
  };
}
