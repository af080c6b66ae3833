/** What a SIP transport is built from and what it offers. RFC 3261 18. */
import type { ParseLimits, ParseResult } from '../message/message.ts';
import type { SentBy, SipCount, SipLog, SipTimers, Wire } from '../transaction/port.ts';
import type { Endpoint, SocketTransport, Target } from '../transaction/types.ts';

/** One socket to listen on. */
export interface Listen {
  transport: SocketTransport;
  /** Numeric address. A wildcard listens on one family only and needs `advertise`. */
  host: string;
  /** 0: the system chooses, the same for UDP and TCP of a host where it can. */
  port: number;
  /** Host for Via when peers reach us by another one. */
  advertise?: string;
}

/** A socket that listens. */
export interface Listening {
  transport: SocketTransport;
  host: string;
  port: number;
  /** What is written into Via. */
  sentBy: SentBy;
}

/** Our side of TLS, as PEM. */
export interface TlsSide {
  cert: string | Buffer;
  key: string | Buffer;
  /** Whose certificates are believed; null: those the system believes. */
  ca: string | Buffer | null;
  /** A peer that connects has to show a certificate. */
  mutual: boolean;
  /** Names that make a peer heard from any address when its certificate carries one of them. RFC 5922 7.1. */
  peers: readonly string[];
}

export interface TransportLimits {
  /** Connections of TCP, and of TLS, at once, both directions. At the limit the longest idle one makes room. */
  connections: number;
  /** A connection that was idle for less is never closed to make room, in ms. */
  idleMs: number;
  /** Bytes waiting for one slow reader, above which its connection is dropped. */
  bufferedBytes: number;
  /** Bytes of unfinished messages and for slow readers, over all connections; above it those that hold more than their share are dropped. */
  heldBytes: number;
  connectMs: number;
  /** How long a message on a stream may take from its first byte to its last, in ms. */
  incompleteMs: number;
  /** Longest time between two CRLF keep-alives on a connection we have opened, in ms; 0: none is sent. RFC 5626 4.4.1. */
  keepAliveMs: number;
  parse: Partial<ParseLimits>;
  /** Unanswered UDP endpoints asked at once whether they are there; 0: none is. */
  probes: number;
}

export const DEFAULT_TRANSPORT_LIMITS: TransportLimits = {
  connections: 2000,
  idleMs: 5000,
  bufferedBytes: 1_048_576,
  heldBytes: 67_108_864,
  connectMs: 2000,
  incompleteMs: 10_000,
  keepAliveMs: 120_000,
  parse: {},
  probes: 32,
};

export interface SipTransportOptions {
  listen: readonly Listen[];
  /** Every message, good or bad; a request's top Via has `received` and `rport` already. */
  onMessage(result: ParseResult, source: Target): void;
  /** A TCP connection on which we had sent is gone, or the network says that nobody is at a UDP endpoint. */
  onBroken?(remote: Endpoint, connection: string): void;
  /** False: what comes from this address is ignored. Default: everyone is heard. */
  accept?(address: string): boolean;
  /** Needed to listen on TLS. */
  tls?: TlsSide;
  timers: SipTimers;
  limits?: Partial<TransportLimits>;
  log?: SipLog;
  count?: SipCount;
}

export interface SipTransport extends Wire {
  readonly listening: readonly Listening[];
  /** Live TCP and TLS connections. */
  readonly connections: number;
  /** Another certificate, for connections from now on. Throws when it cannot be used. */
  setTls(side: TlsSide): void;
  /** Closes every socket; what was written is still given 500 ms to leave. Nothing is told afterwards. */
  close(): Promise<void>;
}

/** What the parts of a transport share. */
export interface Shared {
  readonly timers: SipTimers;
  /** Bytes that all connections hold: see `TransportLimits.heldBytes`. */
  held: number;
  readonly limits: TransportLimits;
  readonly accept: (address: string) => boolean;
  readonly receive: (bytes: Uint8Array, source: Target) => void;
  /** A stream that cannot be cut further: its last header section, to be refused. */
  readonly receiveBroken: (head: Uint8Array, reason: string, source: Target) => void;
  readonly broken: (remote: Endpoint, connection: string) => void;
  /** A connection that never stood, and why. */
  readonly unreached: (remote: Endpoint, why: string) => void;
  readonly log: SipLog;
  readonly count: (name: string, why: string) => void;
}
