/** The sockets of one SIP element behind one object. RFC 3261 18. */
import { isIP } from 'node:net';
import type { ParseResult } from '../message/message.ts';
import { parseMessage } from '../message/parse.ts';
import type { Sent, SentBy } from '../transaction/port.ts';
import type { Endpoint, Target } from '../transaction/types.ts';
import { tcpCarrier, tlsCarrier } from './carrier.ts';
import { createProbes } from './probe.ts';
import { markReceived } from './received.ts';
import { createStreams, type Streams } from './stream.ts';
import {
  DEFAULT_TRANSPORT_LIMITS,
  type Listen,
  type Listening,
  type Shared,
  type SipTransport,
  type SipTransportOptions,
} from './types.ts';
import { openUdp, type UdpSocket } from './udp.ts';
import { unsent } from './unsent.ts';

const WILDCARDS = new Set(['0.0.0.0', '::']);
/** Between two lines about connections that could not be made, in ms. */
const UNREACHED_QUIET_MS = 10_000;
let transports = 0;

/** A listening socket and, for UDP, the socket itself. */
interface Bound extends Listening {
  family: number;
  udp: UdpSocket | null;
}

/** Opens the sockets. Rejects, with everything closed again, when an address is not numeric, cannot be had, or is a wildcard without `advertise`. */
export async function createSipTransport(options: SipTransportOptions): Promise<SipTransport> {
  transports += 1;
  const prefix = `s${transports}`;
  const shared = share(options, () => open);
  let side = options.tls ?? null;
  const secure = tlsCarrier(shared, () => {
    if (side === null) throw new Error('SIP over TLS needs a certificate');
    return side;
  });
  const streams = {
    tcp: createStreams(prefix, shared, tcpCarrier(shared)),
    tls: createStreams(prefix, shared, secure),
  };
  const probes = createProbes(prefix, shared);
  const bound: Bound[] = [];
  let open = true;

  async function close(): Promise<void> {
    if (!open) return;
    open = false;
    probes.close();
    await Promise.all([streams.tcp.close(), streams.tls.close(), ...bound.map(({ udp }) => udp?.close())]);
  }

  try {
    for (const wish of options.listen) bound.push(await bindOne(wish, bound, prefix, streams, shared));
  } catch (error) {
    await close();
    throw error;
  }

  function find(target: Endpoint): Bound | undefined {
    const family = target.host.includes(':') ? 6 : 4;
    return bound.find(b => b.transport === target.transport && b.family === family);
  }

  function send(packet: Uint8Array, target: Target, sent: Sent | null): void {
    if (target.transport === 'udp') {
      const pinned = target.connection === undefined ? undefined : bound.find(b => b.udp?.id === target.connection);
      const udp = (pinned ?? find(target))?.udp;
      if (udp) udp.send(packet, target, sent);
      else unsent(sent, 'no UDP socket of this family');
      return;
    }
    const from = find(target);
    if (from && from.transport !== 'udp') streams[from.transport].send(packet, target, addressOf(from), sent);
    else unsent(sent, `no ${target.transport} socket of this family`);
  }

  return {
    listening: bound.map(({ transport, host, port, sentBy }) => ({ transport, host, port, sentBy })),
    get connections() {
      return streams.tcp.size + streams.tls.size;
    },
    sentBy: target => find(target)?.sentBy ?? null,
    send,
    probe(target) {
      const from = open ? find(target) : undefined;
      if (from?.udp) probes.probe(target, addressOf(from));
    },
    setTls(next) {
      const before = side;
      side = next;
      try {
        secure.renew();
      } catch (error) {
        side = before;
        throw error;
      }
    },
    close,
  };
}

/** The local address to send from: none in particular behind a wildcard. */
function addressOf(bound: Bound): string | undefined {
  return WILDCARDS.has(bound.host) ? undefined : bound.host;
}

/** Binds one socket; of a host whose other transport was given a port by the system, the same one when it is free. */
async function bindOne(
  wish: Listen,
  bound: readonly Bound[],
  prefix: string,
  streams: Readonly<Record<'tcp' | 'tls', Streams>>,
  shared: Shared,
): Promise<Bound> {
  const { transport, host, advertise } = wish;
  const family = isIP(host);
  if (family === 0) throw new Error(`SIP needs a numeric address to listen on, not "${host}"`);
  if (WILDCARDS.has(host) && !advertise) throw new Error(`SIP on ${host} needs an advertised host`);
  const sibling =
    wish.port === 0 && transport !== 'tls' ? bound.find(b => b.host === host && b.transport !== transport) : undefined;
  let udp: UdpSocket | null = null;
  const at = async (port: number): Promise<number> => {
    if (transport !== 'udp') return streams[transport].listen(host, port);
    udp = await openUdp(host, port, `${prefix}u${bound.length}`, shared);
    return udp.port;
  };
  const port = sibling ? await at(sibling.port).catch(() => at(0)) : await at(wish.port);
  return { transport, host, port, family, udp, sentBy: sentByOf(advertise || host, port) };
}

function sentByOf(host: string, port: number): SentBy {
  return { host: isIP(host) === 6 ? `[${host.toLowerCase()}]` : host.toLowerCase(), port };
}

/** The way of everything received: parse, mark, hand over; a listener that throws does not reach the socket. */
function share(options: SipTransportOptions, open: () => boolean): Shared {
  const limits = { ...DEFAULT_TRANSPORT_LIMITS, ...options.limits };
  const log = options.log ?? (() => {});
  const count = (name: string, why: string) => options.count?.(name, { why }, 1);

  function guard(turn: () => void): void {
    try {
      turn();
    } catch (error) {
      count('sip_transport_errors', 'listener');
      log('error', 'a SIP message was not handled', { error: error instanceof Error ? error.message : 'unknown' });
    }
  }

  function deliver(result: ParseResult, source: Target): void {
    if (!open()) return;
    const request = result.ok ? (result.message.type === 'request' ? result.message : null) : result.request;
    if (request) markReceived(request, source);
    options.onMessage(result, source);
  }

  let toldAt = Number.NEGATIVE_INFINITY;
  /** One line in a while is enough to find a wrong certificate or a closed port by. */
  function unreached({ transport, host, port }: Endpoint, reason: string): void {
    if (!open() || performance.now() - toldAt < UNREACHED_QUIET_MS) return;
    toldAt = performance.now();
    log('warn', 'a SIP connection could not be made', { transport, host, port, reason });
  }

  return {
    timers: options.timers,
    held: 0,
    limits,
    accept: options.accept?.bind(options) ?? (() => true),
    log,
    count,
    receive: (bytes, source) => guard(() => deliver(parseMessage(bytes, limits.parse), source)),
    receiveBroken: (head, reason, source) =>
      guard(() => deliver(refusal(parseMessage(head, limits.parse), reason), source)),
    unreached,
    broken: (remote, connection) => guard(() => open() && options.onBroken?.(remote, connection)),
  };
}

/** A header section without its body is never a good message, whatever the parser thinks of it. RFC 3261 18.3. */
function refusal(result: ParseResult, reason: string): ParseResult {
  if (!result.ok) return result;
  const { message } = result;
  if (message.type === 'response') return { ok: false, reason, status: null, request: null };
  return { ok: false, reason, status: message.method === 'ACK' ? null : 400, request: message };
}
