/** What the API layer needs of others: the core, the event side, the token check. `gateway.ts` fits them together. */

import type { ServerResponse } from 'node:http';
import type { ApiRequest, Reply } from '../ep-cscf/api-request.ts';
import type {
  ChannelOpened,
  ChannelView,
  EventName,
  SinkCredential,
  SubscriptionRequest,
  SubscriptionView,
} from '../ep-cscf/event-word.ts';
import type { Principal } from '../ep-cscf/words.ts';
import type { ErrorCode } from '../errors.ts';

/** Asks the core; resolves with its one reply. Never rejects. */
export interface CorePort {
  ask(request: ApiRequest): Promise<Reply>;
}

export type Refusal = { ok: false; error: ErrorCode; message?: string; retryAfterS?: number };

/** A verified access token. */
export interface Access {
  principal: Principal;
  scopes: ReadonlySet<string>;
  /** ms since the epoch. */
  expiresAt: number;
  /** What the token was given for, for the log. */
  purpose?: string | null;
  /** False: the operator wants an address for emergency calls to be on file, and none is. */
  emergencyAddress?: boolean;
}

/** What came with a token that was shown by the scheme DPoP. RFC 9449 4.3. */
export interface Proof {
  jwt: string;
  method: string;
  /** The address asked for, as the outside knows it, without the query. */
  url: string;
}

/**
 * Checks an access token, shown as a bearer token (`proof` null) or by DPoP. Null when it is not good, whatever the reason;
 * the reason goes to the log and the metrics.
 */
export interface AccessTokens {
  verify(token: string, proof: Proof | null): Promise<Access | Refusal | null>;
}

/** The event side's subscriptions. A foreign id is 'not-found'. */
export interface Subscriptions {
  create(
    who: Principal,
    request: SubscriptionRequest,
    correlator: string,
  ): Promise<{ ok: true; subscription: SubscriptionView } | Refusal>;
  list(who: Principal): SubscriptionView[];
  get(who: Principal, id: string): SubscriptionView | null;
  update(
    who: Principal,
    id: string,
    change: { expiresAt: number | null; credential: SinkCredential | null },
  ): Promise<{ ok: true; subscription: SubscriptionView } | Refusal>;
  remove(who: Principal, id: string, correlator: string): Promise<{ ok: true } | Refusal>;
}

/** Notification channels. CAMARA digest 11a. */
export interface Channels {
  create(
    who: Principal,
    request: { deviceId: string; types: EventName[]; expiresAt: number | null },
    correlator: string,
  ): Promise<{ ok: true; channel: ChannelOpened } | Refusal>;
  get(who: Principal, id: string): ChannelView | null;
  ticket(who: Principal, id: string): { ticket: string; ticketExpiresAt: number } | null;
  remove(who: Principal, id: string): Promise<boolean>;
  /** Whose channel a one-time ticket opens; it is used up. */
  redeem(id: string, ticket: string): Principal | null;
  /** What writes the channel's events into a response whose head has left, from after `lastSeq`; null when there is no such channel. */
  stream(who: Principal, id: string, lastSeq: number | null): ((response: ServerResponse) => void) | null;
}
