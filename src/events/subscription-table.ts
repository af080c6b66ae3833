/** The subscriptions in memory, found by id, by whom they belong to, by channel, and by the events they match. CAMARA digest 8.3. */

import type { Audience, CoreEvent } from '../ep-cscf/effect.ts';
import type { SubscriptionView } from '../ep-cscf/event-word.ts';
import type { Principal } from '../ep-cscf/words.ts';

/** A subscription as it is kept in the store. */
export interface SubscriptionRow extends Omit<SubscriptionView, 'status'> {
  who: Principal;
  /** The notification channel the sink stands for, or null for an https sink. */
  channelId: string | null;
  accessToken: string | null;
  accessTokenExpires: number | null;
  /** When it ends because its sink token does; ms since the epoch. */
  tokenEndsAt: number | null;
  /** It matches nothing more and is shown to nobody; it stays until what it is owed has left. */
  ended: boolean;
}

/** A subscription and how much it is owed. */
export interface Subscription {
  row: SubscriptionRow;
  /** Events planned and not yet delivered or dropped. */
  owed: number;
}

export interface SubscriptionTable {
  add(row: SubscriptionRow): Subscription;
  find(id: string): Subscription | null;
  /** Active subscriptions an event is for. O(result). */
  matching(audience: Audience, event: CoreEvent): Subscription[];
  /** Active subscriptions of a client and user, whatever their number. */
  ofUser(who: Principal): Subscription[];
  /** Active and ended subscriptions whose sink is this channel. */
  ofChannel(channelId: string): Subscription[];
  /** Takes it out of everything but `find` and `ofChannel`. */
  end(subscription: Subscription): void;
  forget(subscription: Subscription): void;
  all(): IterableIterator<Subscription>;
  sizes(): { active: number; ended: number };
}

/** What the API shows. */
export function viewOf(row: SubscriptionRow): SubscriptionView {
  return {
    id: row.id,
    api: row.api,
    sink: row.sink,
    types: row.types,
    deviceId: row.deviceId,
    registrationId: row.registrationId,
    mediaSessionId: row.mediaSessionId,
    startsAt: row.startsAt,
    expiresAt: row.expiresAt,
    requestedExpiry: row.requestedExpiry,
    maxEvents: row.maxEvents,
    initialEvent: row.initialEvent,
    status: 'ACTIVE',
  };
}

function wants({ types, mediaSessionId }: SubscriptionRow, event: CoreEvent): boolean {
  if (!types.includes(event.kind)) return false;
  return mediaSessionId === null || !('mediaSessionId' in event) || event.mediaSessionId === mediaSessionId;
}

/** One client and user or visitor, whatever the number. JSON keeps the parts apart whatever they hold. */
export function userKey(who: Principal): string {
  return JSON.stringify([who.clientId, who.subject]);
}

/** The exact audience: of a 2-legged token all numbers of the device, of a 3-legged one the token's own number. */
function audienceKey(who: Omit<Audience, 'deviceId' | 'number'> & { number: string | null }, deviceId: string): string {
  const device = deviceId.toLowerCase();
  return JSON.stringify(who.legs === 2 ? [who.clientId, device] : [who.clientId, device, who.subject, who.number]);
}

/** Makes an empty table. */
export function createSubscriptionTable(): SubscriptionTable {
  const byId = new Map<string, Subscription>();
  const byAudience = new Map<string, Set<Subscription>>();
  const byUser = new Map<string, Set<Subscription>>();
  const byChannel = new Map<string, Set<Subscription>>();
  let ended = 0;

  return {
    add(row) {
      const subscription: Subscription = { row, owed: 0 };
      byId.set(row.id, subscription);
      if (row.channelId !== null) join(byChannel, row.channelId, subscription);
      if (row.ended) ended += 1;
      else {
        join(byAudience, audienceKey(row.who, row.deviceId), subscription);
        join(byUser, userKey(row.who), subscription);
      }
      return subscription;
    },
    find: id => byId.get(id) ?? null,
    matching(audience, event) {
      const found = byAudience.get(audienceKey(audience, audience.deviceId));
      return found === undefined ? [] : [...found].filter(({ row }) => wants(row, event));
    },
    ofUser: who => [...(byUser.get(userKey(who)) ?? [])],
    ofChannel: channelId => [...(byChannel.get(channelId) ?? [])],
    end(subscription) {
      const { row } = subscription;
      if (row.ended) return;
      row.ended = true;
      ended += 1;
      leave(byAudience, audienceKey(row.who, row.deviceId), subscription);
      leave(byUser, userKey(row.who), subscription);
    },
    forget(subscription) {
      this.end(subscription);
      const { row } = subscription;
      if (byId.delete(row.id)) ended -= 1;
      if (row.channelId !== null) leave(byChannel, row.channelId, subscription);
    },
    all: () => byId.values(),
    sizes: () => ({ active: byId.size - ended, ended }),
  };
}

function join(index: Map<string, Set<Subscription>>, key: string, subscription: Subscription): void {
  const found = index.get(key);
  if (found === undefined) index.set(key, new Set([subscription]));
  else found.add(subscription);
}

function leave(index: Map<string, Set<Subscription>>, key: string, subscription: Subscription): void {
  const found = index.get(key);
  if (found?.delete(subscription) && found.size === 0) index.delete(key);
}
