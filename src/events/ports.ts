/** What the event side offers to the API layer and what it needs of the outside. */

import type { ServerResponse } from 'node:http';
import type { EventEffect } from '../ep-cscf/effect.ts';
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

export type Refusal = { ok: false; error: ErrorCode; message?: string; retryAfterS?: number };

/** `subscription-ended` needs no subscription: it is the last word of each. */
export type SentName = EventName | 'subscription-ended';

/** Subscriptions as the API layer uses them. A foreign id is 'not-found'. */
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

/** Notification channels as the API layer uses them. */
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

export type TimerHandle = unknown;

/** Time, so that tests can make their own. */
export interface Clock {
  /** ms since the epoch. */
  now(): number;
  setTimer(ms: number, fire: () => void): TimerHandle;
  clearTimer(handle: TimerHandle): void;
}

/** One event on its way to an https sink. */
export interface SinkRequest {
  url: string;
  body: string;
  accessToken: string | null;
  correlator: string;
}

/** What became of one attempt. */
export type SinkAnswer =
  | { type: 'answered'; status: number; retryAfterMs: number | null }
  /** Nothing came back: no name, no connection, no answer in time. `reason` is the system's word for it, such as ECONNREFUSED. */
  | { type: 'failed'; reason: string }
  /** The policy forbids the sink now. */
  | { type: 'blocked'; reason: string };

/** Carries one event to its sink. Never rejects. */
export interface SinkTransport {
  deliver(request: SinkRequest): Promise<SinkAnswer>;
  close(): Promise<void>;
}

/** What a device holds, in the form its page reads: made by the API layer, passed on as it is. */
export interface Snapshot {
  registrations: readonly unknown[];
  sessions: readonly unknown[];
}

/** One event owed to one subscription, as it is kept in the store. */
export interface OutboxRow {
  /** Key in the store. */
  key: string;
  subscriptionId: string;
  /** Events of one lane go one after the other: a `mediaSessionId`, a `registrationId`, or empty for `subscription-ended`. */
  lane: string;
  type: SentName;
  /** Nothing of this lane follows. */
  final: boolean;
  /** ms since the epoch when it happened. */
  at: number;
  /** Who wants to hear how an invitation went, else null. */
  owner: EventEffect['owner'] | null;
  correlator: string;
  /** The whole CloudEvent as JSON text. */
  body: string;
  /** Place in its channel, null for https sinks. */
  seq: number | null;
}

/** How a row left the outbox. */
export type Outcome = 'delivered' | 'given-up' | 'refused' | 'dropped' | 'ended' | 'skipped';
