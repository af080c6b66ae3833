/** A SIP message in memory: a start line, ordered header fields read only when asked for, and a body. RFC 3261 7. */
import type { Headers } from './headers.ts';

export interface SipRequest {
  readonly type: 'request';
  /** Token, case-sensitive: INVITE, ACK, ... */
  readonly method: string;
  /** Request-URI as text, never unescaped. */
  uri: string;
  readonly headers: Headers;
  body: Uint8Array;
}

export interface SipResponse {
  readonly type: 'response';
  /** 100 to 699. */
  readonly status: number;
  readonly reason: string;
  readonly headers: Headers;
  body: Uint8Array;
}

export type SipMessage = SipRequest | SipResponse;

/** A parsed SIP, SIPS or tel URI; other schemes keep everything after the colon in `host`. RFC 3261 19.1, RFC 3966. */
export interface SipUri {
  /** Lower case, without the colon. */
  scheme: string;
  /** As written (escapes kept); for tel the number. Null when absent. */
  user: string | null;
  password: string | null;
  /** Lower case; an IPv6 reference keeps its brackets. Empty for tel. */
  host: string;
  port: number | null;
  /** Parameters in order; a flag without value is null. Names lower case. */
  params: Map<string, string | null>;
  /** The part after "?", as written, or null. */
  headers: string | null;
}

/** From, To, Contact, Route, Record-Route, Path, P-Asserted-Identity and their kin. RFC 3261 20.10. */
export interface NameAddr {
  /** Display name without quotes and escapes, or null. */
  display: string | null;
  /** URI as text. */
  uri: string;
  /** Header parameters in order, names lower case; a flag without value is null. Values keep their quotes off. */
  params: Map<string, string | null>;
}

export interface Via {
  /** Upper case: UDP, TCP, TLS, WS, WSS. */
  transport: string;
  host: string;
  port: number | null;
  params: Map<string, string | null>;
}

export interface CSeq {
  /** 0 to 2^31-1. */
  seq: number;
  method: string;
}

/** Hard limits of the parser; beyond one of them a message is refused. Sizes in bytes. */
export interface ParseLimits {
  startLineBytes: number;
  headerLineBytes: number;
  headersBytes: number;
  headerCount: number;
  bodyBytes: number;
}

/**
 * What the parser makes of one whole message.
 * `status` is the answer a request of this fault deserves (400, 413, 505 ...), null when silence is right; `request` is what could be
 * read of it, enough to answer (Via, From, To, Call-ID, CSeq present), else null.
 */
export type ParseResult =
  | { ok: true; message: SipMessage }
  | { ok: false; reason: string; status: number | null; request: SipRequest | null };
