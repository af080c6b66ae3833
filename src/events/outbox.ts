/** The events port: every event becomes one owed row for each subscription it is for, kept before it is sent, deleted when it has left. */

import type { EventEffect, Write } from '../ep-cscf/effect.ts';
import type { CallId, MediaSessionId } from '../ep-cscf/ids.ts';
import type { EventsPort } from '../ep-cscf/ports.ts';
import { createDiscardLog } from '../runtime/discard-log.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { cloudEvent, type Told } from './cloud-event.ts';
import type { Invitations } from './invitation.ts';
import type { Journal } from './journal.ts';
import type { Clock, OutboxRow, Outcome } from './ports.ts';
import type { Subscription, SubscriptionTable } from './subscription-table.ts';

/** Where a subscription's rows go: the queue of its https sink or its channel. */
export interface Carrier {
  push(subscription: Subscription, row: OutboxRow): void;
  abandon(subscription: Subscription, outcome: Outcome): void;
}

/** What the outbox needs of channels. */
export interface ChannelCarrier extends Carrier {
  /** The place of the next event, or null when the channel is gone. Writes it needs kept are appended. */
  nextSeq(channelId: string, writes: Write[]): number | null;
  /** True when nobody has listened for so long that an invitation is of no use. */
  absent(channelId: string, now: number): boolean;
}

export interface OutboxDeps {
  clock: Clock;
  journal: Journal;
  table: SubscriptionTable;
  invitations: Invitations;
  metrics: Metrics;
  log: Log;
  uuid(): string;
  /** Public base URL of the installation. */
  source(): string;
  sinks: Carrier;
  channels: ChannelCarrier;
}

export interface Outbox {
  port: EventsPort;
  /** Plans one subscription's own event: the writes are to be committed, then `kept` is to be called. Null when there is no way to tell it. */
  owe(
    subscription: Subscription,
    told: Told,
    correlator: string,
    now: number,
    writes: Write[],
  ): { kept(): void } | null;
  /** A row has left its carrier for good. */
  finish(subscription: Subscription, row: OutboxRow, outcome: Outcome): void;
  /** Ends what an ended subscription is owed without sending it. */
  abandon(subscription: Subscription, outcome: Outcome): void;
  /** Takes up what the store holds, in order. Rows whose subscription is gone are deleted. */
  adopt(rows: Array<{ key: string; value: unknown }>): void;
  /** Hands what was adopted to its carriers. */
  start(): void;
  backlog(): { https: number; websocket: number };
}

/** Outcomes of events that somebody should have got. */
const LOST: ReadonlySet<Outcome> = new Set(['given-up', 'refused', 'dropped']);

/** An event that has not been handed to its carrier yet. */
interface Planned {
  subscription: Subscription;
  row: OutboxRow;
  plan: number;
  /** Whether the store has it, for an event with a commit of its own; null: it is one of the loop's, which `dispatch` tells of. */
  kept: boolean | null;
}

/** Makes the outbox. */
export function createOutbox(deps: OutboxDeps): Outbox {
  const { table, journal, invitations, metrics } = deps;
  /** In the order of their places in a channel: who is not kept yet holds those behind it back. */
  let planned: Planned[] = [];
  /** Invitations that match nobody, told after the commit. */
  const unheard: Array<{ leg: MediaSessionId; owner: CallId; plan: number }> = [];
  let number = 0;
  let plans = 0;
  /** The store has what the loop planned up to here. */
  let loopKept = 0;
  const backlog = { https: 0, websocket: 0 };
  const tellLost = createDiscardLog(
    () => deps.clock.now(),
    (outcome, events) => deps.log.warn({ outcome, events }, 'Events did not reach their sinks.'),
  );

  const carrierOf = (subscription: Subscription): Carrier =>
    subscription.row.channelId === null ? deps.sinks : deps.channels;
  const transport = (subscription: Subscription) => (subscription.row.channelId === null ? 'https' : 'websocket');

  function add(
    subscription: Subscription,
    told: Told,
    correlator: string,
    now: number,
    writes: Write[],
    { owner, kept }: Pick<OutboxRow, 'owner'> & Pick<Planned, 'kept'>,
  ): Planned | null {
    const { id, channelId } = subscription.row;
    const seq = channelId === null ? null : deps.channels.nextSeq(channelId, writes);
    if (channelId !== null && seq === null) return null;
    number += 1;
    const row: OutboxRow = {
      key: String(number).padStart(15, '0'),
      subscriptionId: id,
      lane: laneOf(told),
      type: told.kind,
      final: !('final' in told) || told.final,
      at: now,
      owner,
      correlator,
      body: cloudEvent(told, subscription.row, deps.uuid(), deps.source(), now),
      seq,
    };
    writes.push({ op: 'put', kind: 'outbox', key: row.key, value: row });
    return queue(subscription, row, kept);
  }

  function queue(subscription: Subscription, row: OutboxRow, kept: Planned['kept']): Planned {
    subscription.owed += 1;
    backlog[transport(subscription)] += 1;
    plans += 1;
    const added = { subscription, row, plan: plans, kept };
    planned.push(added);
    return added;
  }

  function owe(subscription: Subscription, told: Told, correlator: string, now: number, writes: Write[]) {
    const mine = add(subscription, told, correlator, now, writes, { owner: null, kept: false });
    if (mine === null) return null;
    return {
      kept() {
        mine.kept = true;
        handOver();
      },
    };
  }

  function plan(effect: EventEffect, now: number): Write[] {
    const { event, audience, owner, correlator } = effect;
    const writes = journal.take();
    const invitation = event.kind === 'session-invitation';
    let targets = 0;
    const matching = table.matching(audience, event);
    for (const subscription of matching) {
      const { channelId } = subscription.row;
      if (invitation && channelId !== null && deps.channels.absent(channelId, now)) {
        count(event.kind, 'websocket', 'skipped');
        continue;
      }
      const added = add(subscription, event, correlator, now, writes, { owner: invitation ? owner : null, kept: null });
      if (added !== null) targets += 1;
    }
    if (matching.length === 0) count(event.kind, 'none', 'skipped');
    if (invitation) {
      const leg = event.mediaSessionId;
      plans += 1;
      if (targets === 0) unheard.push({ leg, owner: owner as CallId, plan: plans });
      else invitations.expect(leg, owner as CallId, targets);
    }
    return writes;
  }

  function dispatch(upTo: number): void {
    loopKept = upTo;
    const first = unheard.findIndex(({ plan }) => plan > upTo);
    const told = unheard.splice(0, first === -1 ? unheard.length : first);
    for (const { leg, owner } of told) invitations.expect(leg, owner, 0);
    handOver();
  }

  /** Gives the carriers what the store has, in order. */
  function handOver(): void {
    const first = planned.findIndex(({ plan, kept }) => !(kept ?? plan <= loopKept));
    for (const { subscription, row } of planned.splice(0, first === -1 ? planned.length : first)) {
      if (table.find(row.subscriptionId) === subscription) carrierOf(subscription).push(subscription, row);
    }
  }

  function finish(subscription: Subscription, row: OutboxRow, outcome: Outcome): void {
    journal.later({ op: 'delete', kind: 'outbox', key: row.key });
    subscription.owed -= 1;
    backlog[transport(subscription)] -= 1;
    count(row.type, transport(subscription), outcome);
    if (outcome === 'delivered') {
      const seconds = Math.max(0, deps.clock.now() - row.at) / 1000;
      metrics.observe('event_delivery_duration_seconds', seconds, { channel: transport(subscription) });
    }
    if (LOST.has(outcome)) {
      tellLost(outcome, 1);
      const { subscriptionId, type, lane, correlator } = row;
      deps.log.debug(
        { subscription: subscriptionId, type, lane, outcome, correlator },
        'An event did not reach its sink.',
      );
    }
    if (row.type === 'session-invitation') invitations.settle(row.lane as MediaSessionId, outcome === 'delivered');
    if (subscription.row.ended && subscription.owed === 0) forget(subscription);
  }

  function forget(subscription: Subscription): void {
    if (table.find(subscription.row.id) !== subscription) return;
    carrierOf(subscription).abandon(subscription, 'ended');
    table.forget(subscription);
    journal.later({ op: 'delete', kind: 'subscription', key: subscription.row.id });
  }

  function abandon(subscription: Subscription, outcome: Outcome): void {
    const mine = planned.filter(each => each.subscription === subscription);
    planned = planned.filter(each => each.subscription !== subscription);
    for (const { row } of mine) finish(subscription, row, outcome);
    carrierOf(subscription).abandon(subscription, outcome);
    forget(subscription);
  }

  function adopt(rows: Array<{ key: string; value: unknown }>): void {
    for (const { key, value } of rows) {
      const row = value as OutboxRow;
      number = Math.max(number, Number(key));
      const subscription = table.find(row.subscriptionId);
      if (subscription === null) {
        journal.later({ op: 'delete', kind: 'outbox', key });
        continue;
      }
      if (row.type === 'session-invitation') invitations.adopt(row.lane as MediaSessionId, row.owner as CallId);
      queue(subscription, row, true);
    }
    for (const subscription of [...table.all()]) {
      if (subscription.row.ended && subscription.owed === 0) forget(subscription);
    }
  }

  function count(type: string, channel: string, outcome: Outcome): void {
    metrics.count('events_total', { type, channel, outcome });
  }

  return {
    port: { plan, planned: () => plans, dispatch },
    owe,
    finish,
    abandon,
    adopt,
    start: handOver,
    backlog: () => ({ ...backlog }),
  };
}

function laneOf(told: Told): string {
  switch (told.kind) {
    case 'session-invitation':
    case 'session-status':
      return told.mediaSessionId;
    case 'registration-ends':
      return told.registrationId;
    case 'subscription-ended':
      return '';
    default: {
      const never: never = told;
      return never;
    }
  }
}
