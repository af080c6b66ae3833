/** The life of subscriptions: made, changed, ended by their user, by time, by their token, by their sink. CAMARA webrtc-events-subscriptions v0.3. */

import type { Write } from '../ep-cscf/effect.ts';
import type { SinkCredential, SubscriptionRequest, SubscriptionView } from '../ep-cscf/event-word.ts';
import { maySee } from '../ep-cscf/identity.ts';
import type { Principal } from '../ep-cscf/words.ts';
import type { Log } from '../runtime/log.ts';
import type { EndReason } from './cloud-event.ts';
import type { Journal } from './journal.ts';
import type { Outbox } from './outbox.ts';
import type { Clock, Refusal, Subscriptions, TimerHandle } from './ports.ts';
import type { SubscriptionRows } from './subscription-row.ts';
import { type Subscription, type SubscriptionRow, type SubscriptionTable, viewOf } from './subscription-table.ts';

export interface SubscriptionDeps {
  clock: Clock;
  journal: Journal;
  table: SubscriptionTable;
  rows: SubscriptionRows;
  outbox: Pick<Outbox, 'owe' | 'abandon'>;
  log: Log;
  uuid(): string;
  settings: {
    subscriptionDefaultMs: number;
    subscriptionMaxMs: number;
    subscriptionsPerUser: number;
    tokenExpiringLeadMs: number;
  };
  /** One sentence when the policy forbids this https sink, else null. May take a name look-up. */
  checkSink(sink: string): Promise<string | null>;
  /** What a sink URL means for channels: none of ours, one this principal may use, or one it may not. */
  channelOf(sink: string, who: Principal): { id: string } | 'foreign' | null;
}

export interface SubscriptionLife {
  api: Subscriptions;
  /** A subscription and the writes that keep it, to be committed along with others; `begin` it once they are. */
  draft(who: Principal, request: SubscriptionRequest, channelId: string | null): SubscriptionRow | Refusal;
  begin(row: SubscriptionRow): void;
  /** Ends it; with `tell` it is the last event, else what it is owed is dropped with it. */
  end(subscription: Subscription, reason: EndReason, tell: boolean, correlator?: string): Promise<void>;
  /** Takes up rows found in the store. Throws Error with one sentence when the key is not the one they were sealed with. */
  adopt(rows: Array<{ key: string; value: unknown }>): void;
  /** Arms the timers of what was adopted. */
  start(): void;
  stop(): void;
}

const DONE = Promise.resolve();
const LONGEST_TIMER_MS = 2 ** 31 - 1;
const DESCRIPTIONS: Readonly<Record<EndReason, string>> = {
  NETWORK_TERMINATED: 'The subscription was ended by the network.',
  SUBSCRIPTION_EXPIRED: 'The subscription has expired.',
  ACCESS_TOKEN_EXPIRED: 'The access token of the sink expires.',
  SUBSCRIPTION_DELETED: 'The subscription was deleted.',
};

/** Makes the subscriptions of this node. */
export function createSubscriptions(deps: SubscriptionDeps): SubscriptionLife {
  const { clock, journal, table, rows, outbox, settings } = deps;
  const timers = new Map<string, TimerHandle>();

  function arm(subscription: Subscription): void {
    const { row } = subscription;
    disarm(row.id);
    const due = Math.min(row.expiresAt, row.tokenEndsAt ?? Number.POSITIVE_INFINITY);
    const ms = Math.min(Math.max(0, due - clock.now()), LONGEST_TIMER_MS);
    const fire = () => {
      const now = clock.now();
      if (row.expiresAt <= now) void end(subscription, 'SUBSCRIPTION_EXPIRED', true);
      else if (row.tokenEndsAt !== null && row.tokenEndsAt <= now) void end(subscription, 'ACCESS_TOKEN_EXPIRED', true);
      else arm(subscription);
    };
    timers.set(row.id, clock.setTimer(ms, fire));
  }

  function disarm(id: string): void {
    const timer = timers.get(id);
    if (timer !== undefined) clock.clearTimer(timer);
    timers.delete(id);
  }

  /** The end comes `lead` before the token's, or half-way when the token lives shorter than that. */
  function tokenEnd(credential: SinkCredential, now: number): number {
    const left = Math.max(0, credential.accessTokenExpires - now);
    return credential.accessTokenExpires - Math.min(settings.tokenExpiringLeadMs, left / 2);
  }

  function draft(who: Principal, request: SubscriptionRequest, channelId: string | null): SubscriptionRow | Refusal {
    const now = clock.now();
    const { credential } = request;
    if (request.expiresAt !== null && request.expiresAt <= now) return past('subscriptionExpireTime');
    if (credential !== null && credential.accessTokenExpires <= now) return past('accessTokenExpiresUtc');
    const types = [...new Set(request.types)];
    const mine = table.ofUser(who);
    const equal = mine.some(
      ({ row }) =>
        row.api === request.api &&
        row.sink === request.sink &&
        row.mediaSessionId === request.mediaSessionId &&
        row.deviceId.toLowerCase() === request.deviceId.toLowerCase() &&
        row.who.legs === who.legs &&
        row.who.number === who.number &&
        row.types.length === types.length &&
        types.every(type => row.types.includes(type)),
    );
    if (equal) return { ok: false, error: 'subscription-exists' };
    if (mine.length >= settings.subscriptionsPerUser) return { ok: false, error: 'subscription-quota' };
    const life = Math.min(
      (request.expiresAt ?? now + settings.subscriptionDefaultMs) - now,
      settings.subscriptionMaxMs,
    );
    return {
      id: deps.uuid(),
      who: { clientId: who.clientId, subject: who.subject, number: who.number, legs: who.legs },
      api: request.api,
      sink: request.sink,
      channelId,
      types,
      deviceId: request.deviceId,
      registrationId: request.registrationId,
      mediaSessionId: request.mediaSessionId,
      startsAt: now,
      expiresAt: now + life,
      requestedExpiry: request.expiresAt,
      maxEvents: request.maxEvents,
      initialEvent: request.initialEvent,
      // A channel hands over directly: it needs no token and none may end it.
      accessToken: channelId === null ? (credential?.accessToken ?? null) : null,
      accessTokenExpires: channelId === null ? (credential?.accessTokenExpires ?? null) : null,
      tokenEndsAt: channelId === null && credential !== null ? tokenEnd(credential, now) : null,
      ended: false,
    };
  }

  async function create(
    who: Principal,
    request: SubscriptionRequest,
  ): Promise<{ ok: true; subscription: SubscriptionView } | Refusal> {
    const channel = deps.channelOf(request.sink, who);
    if (channel === 'foreign') return { ok: false, error: 'invalid-sink' };
    if (channel === null) {
      const fault = await deps.checkSink(request.sink);
      if (fault !== null) return { ok: false, error: 'invalid-sink', message: fault };
    }
    const row = draft(who, request, channel?.id ?? null);
    if ('ok' in row) return row;
    // In memory first: an equal request that comes while the store works must find it.
    const subscription = table.add(row);
    if (!(await journal.commit([rows.put(row)]))) {
      table.forget(subscription);
      return { ok: false, error: 'not-kept' };
    }
    if (!row.ended) arm(subscription);
    return { ok: true, subscription: viewOf(row) };
  }

  async function update(
    who: Principal,
    id: string,
    change: { expiresAt: number | null; credential: SinkCredential | null },
  ): Promise<{ ok: true; subscription: SubscriptionView } | Refusal> {
    const subscription = visible(who, id);
    if (subscription === null) return { ok: false, error: 'not-found' };
    const now = clock.now();
    const { row } = subscription;
    const { expiresAt, credential } = change;
    if (expiresAt !== null && expiresAt <= now) return past('subscriptionExpireTime');
    if (credential !== null && credential.accessTokenExpires <= now) return past('accessTokenExpiresUtc');
    if (expiresAt !== null) {
      row.requestedExpiry = expiresAt;
      row.expiresAt = Math.min(expiresAt, now + settings.subscriptionMaxMs);
    }
    if (credential !== null && row.channelId === null) {
      row.accessToken = credential.accessToken;
      row.accessTokenExpires = credential.accessTokenExpires;
      row.tokenEndsAt = tokenEnd(credential, now);
    }
    arm(subscription);
    if (!(await journal.commit([rows.put(row)]))) return { ok: false, error: 'not-kept' };
    return { ok: true, subscription: viewOf(row) };
  }

  async function remove(who: Principal, id: string, correlator: string): Promise<{ ok: true } | Refusal> {
    const subscription = visible(who, id);
    if (subscription === null) return { ok: false, error: 'not-found' };
    await end(subscription, 'SUBSCRIPTION_DELETED', true, correlator);
    return { ok: true };
  }

  function end(subscription: Subscription, reason: EndReason, tell: boolean, correlator = deps.uuid()): Promise<void> {
    const { row } = subscription;
    if (row.ended) return DONE;
    disarm(row.id);
    table.end(subscription);
    deps.log.info({ subscription: row.id, reason, correlator }, 'A subscription has ended.');
    const writes: Write[] = [rows.put(row)];
    const terminationDescription = DESCRIPTIONS[reason];
    const told = { kind: 'subscription-ended', terminationReason: reason, terminationDescription } as const;
    const owed = tell ? outbox.owe(subscription, told, correlator, clock.now(), writes) : null;
    if (owed === null) {
      outbox.abandon(subscription, 'ended');
      return DONE;
    }
    const kept = journal.commit(writes);
    if (typeof kept !== 'boolean') return kept.then(owed.kept);
    owed.kept();
    return DONE;
  }

  function visible(who: Principal, id: string): Subscription | null {
    const found = table.find(id);
    return found !== null && !found.row.ended && maySee(who, found.row.who) ? found : null;
  }

  return {
    api: {
      create,
      update,
      remove,
      list: who => table.ofUser(who).flatMap(({ row }) => (maySee(who, row.who) ? [viewOf(row)] : [])),
      get(who, id) {
        const found = visible(who, id);
        return found === null ? null : viewOf(found.row);
      },
    },
    draft,
    begin(row) {
      arm(table.add(row));
    },
    end,
    adopt(stored) {
      for (const { value } of stored) {
        const { row, bare } = rows.read(value);
        table.add(row);
        if (bare) journal.later(rows.put(row));
      }
    },
    start() {
      for (const subscription of table.all()) if (!subscription.row.ended) arm(subscription);
    },
    stop() {
      for (const id of [...timers.keys()]) disarm(id);
    },
  };
}

function past(field: string): Refusal {
  return { ok: false, error: 'invalid-argument', message: `${field} must be in the future.` };
}
