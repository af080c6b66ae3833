/** Session view of SDP: what offer and answer need, with session-level attributes resolved into each m-line. RFC 8866, RFC 8829 5.8. */

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
export type Setup = 'active' | 'passive' | 'actpass' | 'holdconn';

export interface Origin {
  username: string;
  sessionId: string;
  version: string;
  address: string;
}

export interface Codec {
  pt: number;
  /** Encoding name as written; compare without case. */
  name: string;
  /** Hz. */
  clock: number;
  channels: number;
  /** Format parameters as written, or null. */
  fmtp: string | null;
}

export interface IceCredentials {
  ufrag: string;
  pwd: string;
}

export interface Fingerprint {
  algorithm: 'sha-256' | 'sha-384' | 'sha-512';
  /** Upper-case hex with colons. */
  value: string;
}

/** One way to protect the packets of an m-line, with the key of whoever wrote it. RFC 4568. */
export interface Crypto {
  tag: number;
  suite: string;
  /** Master key and salt, in base64. Never for a log. */
  key: string;
}

/** kbit/s for AS, bit/s for RS and RR; null when not given. RFC 3556. */
export interface Bandwidth {
  as: number | null;
  rs: number | null;
  rr: number | null;
}

export interface MediaDesc {
  kind: string;
  port: number;
  proto: string;
  formats: string[];
  mid: string | null;
  /** False for a rejected or removed m-line: port 0 without bundle-only. */
  live: boolean;
  direction: Direction;
  /** Connection address as written, media level before session level. */
  address: string | null;
  rtcp: { port: number; address: string | null } | null;
  rtcpMux: boolean;
  bandwidth: Bandwidth;
  /** ms. */
  ptime: number | null;
  maxptime: number | null;
  /** Audio and video only, in the order of the m-line. */
  codecs: Codec[];
  /** RTP header extensions. RFC 8285 5. */
  extensions: Array<{ id: number; uri: string }>;
  /** Feedback it takes, for any payload type: `nack`, `nack pli`, `ccm fir` and others. RFC 4585 4.2. */
  feedback: string[];
  /** Number of the potential configuration that would make it RTP/AVPF and nothing else; null without one. RFC 5939 3.5. */
  avpfConfig: number | null;
  ice: IceCredentials | null;
  fingerprint: Fingerprint | null;
  setup: Setup | null;
  /** Keys of SRTP, the preferred first. */
  crypto: Crypto[];
  /** Primary SSRC, or null. */
  ssrc: number | null;
  /** Candidate attribute values (after `candidate:`) with UDP and a numeric address; all others are left out. */
  candidates: string[];
}

export interface SessionDesc {
  origin: Origin | null;
  iceLite: boolean;
  groups: Array<{ semantics: string; mids: string[] }>;
  media: MediaDesc[];
}

/** The other party's view of a direction. RFC 3264 6.1. */
export function reverse(direction: Direction): Direction {
  if (direction === 'sendonly') return 'recvonly';
  return direction === 'recvonly' ? 'sendonly' : direction;
}

export function directionOf(send: boolean, recv: boolean): Direction {
  if (send) return recv ? 'sendrecv' : 'sendonly';
  return recv ? 'recvonly' : 'inactive';
}

export function sends(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'sendonly';
}

export function receives(direction: Direction): boolean {
  return direction === 'sendrecv' || direction === 'recvonly';
}

/** The unspecified address, IPv4 or IPv6: outside ICE it asks for hold. RFC 3264 8.4. */
export function isZeroAddress(address: string): boolean {
  return address === '0.0.0.0' || /^[0:]{2,39}$/.test(address);
}

/** First live m-line of a kind, or -1. */
export function firstLive(session: SessionDesc, kind: string): number {
  return session.media.findIndex(media => media.live && media.kind === kind);
}

/** First codec with this name (any case) and clock in Hz. */
export function findCodec(media: MediaDesc, name: string, clock: number): Codec | null {
  const wanted = name.toLowerCase();
  return media.codecs.find(codec => codec.clock === clock && codec.name.toLowerCase() === wanted) ?? null;
}
