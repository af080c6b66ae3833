/** What the transaction layer needs of the world around it; given by its caller, so that tests can be the world. */
import type { Endpoint, ServerTransactionUser, Target, TimerValues } from './types.ts';

/** One timer facility; keys are the caller's. A started key that is started again runs anew. A stopped one never fires. */
export interface SipTimers {
  /** `ms` may be 0: then `fire` is called soon, never from inside `start`. */
  start(key: string, ms: number, fire: () => void): void;
  stop(key: string): void;
}

/** How a packet went: null or an error, or it is never called. */
export type Sent = (error: Error | null) => void;

/** Address written into a Via: a host (IPv6 in brackets, lower case) and a port. */
export interface SentBy {
  host: string;
  port: number;
}

/** The sockets, as the layer sees them. */
export interface Wire {
  /** Sends bytes to a target; a pinned connection that is gone is replaced by one to `target.host` and `target.port`. */
  send(packet: Uint8Array, target: Target, sent: Sent | null): void;
  /** Sent-by for requests to this endpoint, or null when we do not speak its transport. */
  sentBy(target: Endpoint): SentBy | null;
  /** A UDP endpoint has not answered a request: finds out whether it is there; should it not be, `broken` of the layer is called. */
  probe?(target: Target): void;
}

export type SipLog = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields: Readonly<Record<string, string | number | boolean | null>>,
) => void;

/** Adds `value` to a counter; labels are of low cardinality. */
export type SipCount = (name: string, labels: Readonly<Record<string, string>>, value: number) => void;

export interface TransactionLimits {
  /** Live transactions above which new requests outside a dialog get 503; requests in a dialog and CANCELs have a quarter more, emergency calls a half. */
  transactions: number;
  /** Retry-After of that 503, in seconds. */
  retryAfterS: number;
  /** Malformed requests answered in a second; the rest are dropped. */
  badAnswersPerS: number;
}

export const DEFAULT_LIMITS: TransactionLimits = { transactions: 50_000, retryAfterS: 10, badAnswersPerS: 50 };

/** RFC 3261 table 4, in ms. */
export const DEFAULT_TIMERS: TimerValues = { t1: 500, t2: 4000, t4: 5000 };

export interface TransactionLayerOptions {
  wire: Wire;
  timers: SipTimers;
  /** Milliseconds of a clock that never goes back. */
  now: () => number;
  /** At least 64 random bits as an RFC 3261 token; it becomes the branch. RFC 3261 8.1.1.7. */
  random: () => string;
  user: ServerTransactionUser;
  /** Default: RFC 3261 table 4. */
  timerValues?: TimerValues;
  limits?: Partial<TransactionLimits>;
  /** True for a user agent: a response with more than one Via is not for it. RFC 3261 8.1.3.3. False (the default) for a proxy. */
  singleVia?: boolean;
  /** Written behind our Via in every request: `;oc;oc-algo="loss"`. Default none. */
  viaParams?: string;
  log?: SipLog;
  count?: SipCount;
}
