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
import type { EntryPoint, EntryPointDraft, Opening, Visitor } from '../ep-cscf/visitor-word.ts';
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
  /** Of a visitor token only. */
  visitor?: Visitor;
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

/** The web side's entry points of click to call. */
export interface EntryPoints {
  create(clientId: string, draft: EntryPointDraft): Promise<{ ok: true; entryPoint: EntryPoint } | Refusal>;
  list(clientId: string): EntryPoint[];
  /** Whosever it is. */
  find(entryPointId: string): EntryPoint | null;
  replace(entryPoint: EntryPoint, draft: EntryPointDraft): Promise<{ ok: true; entryPoint: EntryPoint } | Refusal>;
  /** False when that could not be kept. */
  remove(entryPoint: EntryPoint): Promise<boolean>;
  opening(entryPoint: EntryPoint, now: number): Opening;
  /** Whether pages of this origin belong to an entry point of the client; null: of any. */
  allows(origin: string, clientId: string | null): boolean;
}

/** Visitor tokens, and the one call of each. */
export interface VisitorTokens extends AccessTokens {
  issue(
    visitor: Pick<Visitor, 'clientId' | 'entryPointId' | 'origin' | 'reference'>,
  ): Promise<{ token: string; startBy: number }>;
  /** Takes the token's one call; false when it is taken. */
  start(visitor: Visitor, origin: string): boolean;
  /** The call was not made: the token may try again. */
  giveUp(visitor: Visitor): void;
  bind(visitor: Visitor, channelId: string): void;
  callOf(visitor: Visitor): { origin: string; channelId: string | null } | null;
}

/** What a page without a back end pays for a token. */
export interface ProofOfWork {
  challenge(
    entryPointId: string,
    origin: string,
    address: string,
  ): { challenge: string; difficulty: number; expiresAt: number };
  /** True once for a challenge that was solved in time. */
  accept(proof: { challenge: string; solution: string }, entryPointId: string, origin: string): boolean;
}

/** All that click to call needs of others beside the core and channels. */
export interface ClickToCall {
  entryPoints: EntryPoints;
  visitorTokens: VisitorTokens;
  work: ProofOfWork;
}
