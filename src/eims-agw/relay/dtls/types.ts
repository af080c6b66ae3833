/** What a DTLS 1.2 association is given and what it says: bytes and time in, effects out. RFC 6347, RFC 5764. */
import type { KeyObject } from 'node:crypto';

export type DtlsRole = 'client' | 'server';

/** The SRTP protection profiles spoken. RFC 5764 4.1.2, RFC 7714 14.2. */
export type SrtpProfile = 'SRTP_AES128_CM_HMAC_SHA1_80' | 'SRTP_AEAD_AES_128_GCM';

/** The hash functions a fingerprint may use; weaker ones are refused where SDP is read. */
export type FingerprintHash = 'sha-256' | 'sha-384' | 'sha-512';

/** One `a=fingerprint` line: `value` is hex with colons, in either case. RFC 8122 5. */
export interface Fingerprint {
  hash: FingerprintHash;
  value: string;
}

/** Our certificate (DER) with its private key: ECDSA on P-256. Made by `readIdentity`. */
export interface DtlsIdentity {
  certificate: Buffer;
  key: KeyObject;
}

/** Keys of one direction: 16 bytes of key; salt of 14 bytes (CM) or 12 (GCM). */
export interface SrtpKey {
  key: Buffer;
  salt: Buffer;
}

/** Master keys in our own view. The receiver of the effect owns the bytes and wipes them after use. RFC 5764 4.2. */
export interface SrtpKeys {
  /** For what we send. */
  local: SrtpKey;
  /** For what we receive. */
  remote: SrtpKey;
}

export interface DtlsOptions {
  role: DtlsRole;
  identity: DtlsIdentity;
  /** At least one; the peer's certificate must match one of them. Create the association only when they are known. */
  remoteFingerprints: readonly Fingerprint[];
  /** Profiles we accept, the preferred first. Default: CM_80, then GCM. */
  profiles?: readonly SrtpProfile[];
  /** Round-trip time towards the peer, in ms: the first repeat waits max(50, 2 * rttMs). Default 0. */
  rttMs?: number;
  /** Longest datagram to send, in bytes. Default 1200. */
  datagramBytes?: number;
  /** Unpredictable bytes; default node:crypto `randomBytes`. */
  random?: (size: number) => Buffer;
}

export type DtlsFailure =
  /** The whole handshake took more than 30 s. */
  | 'timeout'
  /** No common version, cipher suite, group, SRTP profile or signature scheme, or no extended master secret. */
  | 'no-agreement'
  /** The peer showed no certificate. */
  | 'no-certificate'
  /** The peer's certificate is none of `remoteFingerprints`. */
  | 'wrong-fingerprint'
  /** A certificate with a key we do not accept or cannot read. */
  | 'bad-certificate'
  /** ServerKeyExchange or CertificateVerify does not verify. */
  | 'bad-signature'
  /** Finished does not verify: the handshake was tampered with. */
  | 'bad-finished'
  /** A bad public value in the key exchange. */
  | 'bad-key-share'
  /** A handshake message that cannot be read or breaks a limit. */
  | 'bad-message'
  /** A message in the wrong state or epoch. */
  | 'unexpected-message'
  /** The peer sent a fatal alert inside the protected part of the handshake. */
  | 'alert';

export type DtlsEffect =
  | { type: 'send'; datagram: Buffer }
  /** Call `timeout` at `at` (same scale as `now`, ms). There is one timer: this replaces the earlier setting. */
  | { type: 'set-timer'; at: number }
  | { type: 'stop-timer' }
  /** Once: the handshake is done and the peer proved that it owns a certificate of `remoteFingerprints`. */
  | { type: 'connected'; profile: SrtpProfile; keys: SrtpKeys }
  /** Last effect after `connected`: close_notify of the peer, or our `close`. */
  | { type: 'closed'; reason: 'remote' | 'local' }
  /** Last effect: no keys were or will be handed out (or, after `connected`, the association died of an alert). */
  | { type: 'failed'; reason: DtlsFailure; detail: string };

/** Totals for metrics; plain numbers that only grow. */
export interface DtlsCounters {
  /** Records dropped silently: unreadable, replayed, of another epoch, not authenticated, not for this state. */
  droppedRecords: number;
  /** Of those: protected records that failed authentication. */
  badRecords: number;
  /** Flights of ours sent again. */
  resentFlights: number;
}

/**
 * One association. Never throws on input from the peer. Effects are appended to `out` in order; `now` is ms on any
 * scale that does not go back. Datagrams in `send` are the receiver's; those given to `receive` are not kept.
 */
export interface Dtls {
  readonly state: 'new' | 'handshake' | 'connected' | 'closed' | 'failed';
  readonly counters: Readonly<DtlsCounters>;
  /** Client: sends the ClientHello. Server: starts nothing and waits without a timer for the first ClientHello. */
  start(now: number, out: DtlsEffect[]): void;
  /** One UDP datagram that begins with a byte of 20 to 63. RFC 7983. */
  receive(datagram: Uint8Array, now: number, out: DtlsEffect[]): void;
  /** The timer fired; a stale or early call does no harm. */
  timeout(now: number, out: DtlsEffect[]): void;
  /** Ten SRTP packets of the peer were authenticated: it has our last flight, which can be forgotten. */
  confirmed(out: DtlsEffect[]): void;
  /** Sends close_notify and ends; a second call does nothing. RFC 5246 7.2.1. */
  close(now: number, out: DtlsEffect[]): void;
}
