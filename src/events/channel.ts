/** Notification channels: https sinks inside the gateway whose events go to a page by WebSocket. CAMARA digest 11a. */
import type { Principal, Write } from '../ep-cscf/ports.ts';
import type { Log } from '../runtime/log.ts';
import { createRing, type Ring } from './channel-ring.ts';
import type { CloseCause, Connection } from './channel-socket.ts';
import { createTickets, secret, type Tickets } from './channel-ticket.ts';
import { cloudEvent } from './cloud-event.ts';
import type { Journal } from './journal.ts';
import type { ChannelCarrier, Outbox } from './outbox.ts';
import type {
  ChannelOpened,
  Channels,
  ChannelView,
  Clock,
  EventName,
  Refusal,
  Snapshot,
  TimerHandle,
} from './ports.ts';
import type { SubscriptionLife } from './subscription.ts';
import { maySee, type SubscriptionRow, type SubscriptionTable, userKey } from './subscription-table.ts';

/** A channel as it is kept in the store. */
export interface ChannelRow {
  id: string;
  who: Principal;
  deviceId: string;
  expiresAt: number;
  /** No `seq` above this was given out: where a restart goes on. */
  seqReserved: number;
  /** Highest `seq` that was lost to the page. */
  lost: number;
}

export interface ChannelDeps {
  clock: Clock;
  journal: Journal;
  table: SubscriptionTable;
  outbox: Pick<Outbox, 'finish'>;
  life: Pick<SubscriptionLife, 'draft' | 'begin' | 'end'>;
  log: Log;
  uuid(): string;
  publicUrl(): string;
  channelsPath: string;
  settings: {
    subscriptionDefaultMs: number;
    subscriptionMaxMs: number;
    subscriptionsPerUser: number;
    channelTicketMs: number;
    channelAbsentMs: number;
    channelBufferLength: number;
    channelBufferMs: number;
  };
  /** What a device holds now. */
  snapshot(who: Principal, deviceId: string): Promise<Snapshot>;
}

export interface ChannelLife {
  api: Channels;
  carrier: ChannelCarrier;
  /** What a sink URL means: no channel, one this principal may use, or one it may not. */
  channelOf(sink: string, who: Principal): { id: string } | 'foreign' | null;
  /** The client that owns a channel, or null when there is none. */
  clientOf(id: string): string | null;
  /** A page said hello: the channel takes the connection, or a cause to close it. */
  hello(id: string, connection: Connection, ticket: string, lastSeq: number | null): CloseCause | null;
  ack(id: string, connection: Connection, seq: number): void;
  closed(id: string, connection: Connection): void;
  adopt(rows: Array<{ key: string; value: unknown }>): void;
  start(): void;
  stop(): void;
  sizes(): { channels: number; connected: number };
}

interface Channel {
  row: ChannelRow;
  seq: number;
  ring: Ring;
  tickets: Tickets;
  connection: Connection | null;
  /** Since when nobody listens. */
  absentSince: number;
  expiry: TimerHandle | null;
  ageing: TimerHandle | null;
}

/** How many `seq` are reserved in the store at once. */
const RESERVE = 1000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Makes the channels of this node. */
export function createChannels(deps: ChannelDeps): ChannelLife {
  const { clock, journal, table, settings } = deps;
  const channels = new Map<string, Channel>();
  const byUser = new Map<string, Set<Channel>>();

  function add(row: ChannelRow): Channel {
    const ring = createRing(settings.channelBufferLength, row.lost, ({ subscription, row: owed }, outcome) =>
      deps.outbox.finish(subscription, owed, outcome),
    );
    const tickets = createTickets(settings.channelTicketMs);
    const channel: Channel = {
      row,
      seq: row.seqReserved,
      ring,
      tickets,
      connection: null,
      absentSince: clock.now(),
      expiry: null,
      ageing: null,
    };
    channels.set(row.id, channel);
    const mine = byUser.get(userKey(row.who)) ?? new Set();
    byUser.set(userKey(row.who), mine.add(channel));
    return channel;
  }

  function armExpiry(channel: Channel): void {
    const ms = Math.min(Math.max(0, channel.row.expiresAt - clock.now()), LONGEST_TIMER_MS);
    channel.expiry = clock.setTimer(ms, () => {
      if (channel.row.expiresAt <= clock.now()) void close(channel);
      else armExpiry(channel);
    });
  }

  function armAgeing(channel: Channel): void {
    const oldest = channel.ring.entries[0];
    if (oldest === undefined || channel.ageing !== null) return;
    channel.ageing = clock.setTimer(Math.max(0, oldest.row.at + settings.channelBufferMs - clock.now()), () => {
      channel.ageing = null;
      channel.ring.expire(clock.now() - settings.channelBufferMs);
      keepLost(channel);
      armAgeing(channel);
    });
  }

  /** Forgetting must be remembered: a page that comes back after a restart has to start again too. */
  function keepLost(channel: Channel): void {
    if (channel.ring.lost() === channel.row.lost || !channels.has(channel.row.id)) return;
    channel.row.lost = channel.ring.lost();
    journal.later(put(channel.row));
  }

  function visible(who: Principal, id: string): Channel | null {
    const found = channels.get(id);
    return found !== undefined && maySee(who, found.row.who) ? found : null;
  }

  /** Base of sinks: always https, for it is a name, never dialled. */
  const sinkBase = () => `${deps.publicUrl().replace(/^http:/, 'https:')}${deps.channelsPath}/channels/`;

  async function create(
    who: Principal,
    request: { deviceId: string; types: EventName[]; expiresAt: number | null },
  ): Promise<{ ok: true; channel: ChannelOpened } | Refusal> {
    const now = clock.now();
    if (request.expiresAt !== null && request.expiresAt <= now) {
      return { ok: false, error: 'invalid-argument', message: 'expireTime must be in the future.' };
    }
    await closeLeftBehind(who, request.deviceId, now);
    if ((byUser.get(userKey(who))?.size ?? 0) >= settings.subscriptionsPerUser)
      return { ok: false, error: 'channel-quota' };
    const life = Math.min(
      (request.expiresAt ?? now + settings.subscriptionDefaultMs) - now,
      settings.subscriptionMaxMs,
    );
    const { clientId, subject, number, legs } = who;
    const row: ChannelRow = {
      id: deps.uuid(),
      who: { clientId, subject, number, legs },
      deviceId: request.deviceId,
      expiresAt: now + life,
      seqReserved: 0,
      lost: 0,
    };
    const sink = `${sinkBase()}${row.id}/sink`;
    let subscription: SubscriptionRow | null = null;
    if (request.types.length > 0) {
      const { deviceId, types } = request;
      const asked = {
        sink,
        types,
        deviceId,
        expiresAt: row.expiresAt,
        maxEvents: null,
        initialEvent: null,
        credential: null,
      };
      const drafted = deps.life.draft(who, asked, row.id);
      if ('ok' in drafted) return drafted;
      subscription = drafted;
    }
    const channel = add(row);
    const writes: Write[] = [put(row)];
    if (subscription !== null)
      writes.push({ op: 'put', kind: 'subscription', key: subscription.id, value: subscription });
    if (!(await journal.commit(writes))) {
      remove(channel);
      return { ok: false, error: 'internal' };
    }
    armExpiry(channel);
    if (subscription !== null) deps.life.begin(subscription);
    return { ok: true, channel: opened(channel, sink, subscription?.id ?? null) };
  }

  /** A page that was reloaded opens a new channel: those of the same device that nobody came back to would only pile up. */
  async function closeLeftBehind(who: Principal, deviceId: string, now: number): Promise<void> {
    for (const channel of [...(byUser.get(userKey(who)) ?? [])]) {
      const { row } = channel;
      if (row.deviceId === deviceId && maySee(who, row.who) && isAbsent(channel, now)) await close(channel);
    }
  }

  function opened(channel: Channel, sink: string, subscriptionId: string | null): ChannelOpened {
    const { id, expiresAt } = channel.row;
    const websocketBase = deps.publicUrl().replace(/^http/, 'ws');
    return {
      ...viewOf(channel),
      sink,
      sinkCredential: {
        credentialType: 'ACCESSTOKEN',
        accessToken: secret(),
        accessTokenExpires: expiresAt,
        accessTokenType: 'bearer',
      },
      websocketUrl: `${websocketBase}${deps.channelsPath}/channels/${id}/ws`,
      ...channel.tickets.issue(clock.now()),
      subscriptionId,
    };
  }

  /** Ends a channel and its subscriptions; a page that listens hears of each before its connection closes. */
  async function close(channel: Channel): Promise<void> {
    if (channels.get(channel.row.id) !== channel) return;
    const { id } = channel.row;
    const last: string[] = [];
    const now = clock.now();
    for (const subscription of table.ofChannel(id)) {
      if (!subscription.row.ended) {
        const told = {
          kind: 'subscription-ended',
          terminationReason: 'NETWORK_TERMINATED',
          terminationDescription: 'The notification channel has ended.',
        } as const;
        last.push(cloudEvent(told, subscription.row.id, deps.uuid(), deps.publicUrl(), now));
      }
      await deps.life.end(subscription, 'NETWORK_TERMINATED', false);
      channel.ring.abandon(subscription, 'ended');
    }
    remove(channel);
    await journal.commit([{ op: 'delete', kind: 'channel', key: id }]);
    for (const body of last) {
      channel.seq += 1;
      channel.connection?.last(channel.seq, body);
    }
    channel.connection?.close('deleted');
  }

  function remove(channel: Channel): void {
    channels.delete(channel.row.id);
    const key = userKey(channel.row.who);
    const mine = byUser.get(key);
    mine?.delete(channel);
    if (mine?.size === 0) byUser.delete(key);
    disarm(channel);
  }

  function disarm(channel: Channel): void {
    if (channel.expiry !== null) clock.clearTimer(channel.expiry);
    if (channel.ageing !== null) clock.clearTimer(channel.ageing);
    channel.expiry = null;
    channel.ageing = null;
  }

  const isAbsent = (channel: Channel, now: number): boolean =>
    channel.connection === null && now - channel.absentSince > settings.channelAbsentMs;

  function hello(id: string, connection: Connection, ticket: string, lastSeq: number | null): CloseCause | null {
    const channel = channels.get(id);
    if (channel === undefined) return 'deleted';
    if (!channel.tickets.redeem(ticket, clock.now())) return 'ticket';
    channel.connection?.close('replaced');
    channel.connection = connection;
    // A page without memory takes the snapshot for all that was; one with memory must hear when a part is missing.
    const reset = lastSeq !== null && lastSeq < channel.ring.lost();
    if (lastSeq !== null) ack(id, connection, lastSeq);
    deps.snapshot(channel.row.who, channel.row.deviceId).then(
      snapshot => {
        if (channel.connection === connection) connection.begin(snapshot, reset, channel.ring);
      },
      (error: unknown) => {
        deps.log.error({ channel: id, reason: (error as Error).message }, 'A channel got no snapshot.');
        connection.close('failed');
      },
    );
    return null;
  }

  function ack(id: string, connection: Connection, seq: number): void {
    const channel = channels.get(id);
    if (channel?.connection === connection) channel.ring.ack(seq);
  }

  const carrier: ChannelCarrier = {
    nextSeq(id, writes) {
      const channel = channels.get(id);
      if (channel === undefined) return null;
      channel.seq += 1;
      if (channel.seq > channel.row.seqReserved) {
        channel.row.seqReserved = channel.seq - 1 + RESERVE;
        writes.push(put(channel.row));
      }
      return channel.seq;
    },
    absent(id, now) {
      const channel = channels.get(id);
      return channel === undefined || isAbsent(channel, now);
    },
    push(subscription, row) {
      const channel = channels.get(subscription.row.channelId ?? '');
      if (channel === undefined || row.seq === null) {
        deps.outbox.finish(subscription, row, 'ended');
        return;
      }
      channel.ring.push({ subscription, row, seq: row.seq });
      keepLost(channel);
      armAgeing(channel);
      channel.connection?.pump();
    },
    abandon(subscription, outcome) {
      channels.get(subscription.row.channelId ?? '')?.ring.abandon(subscription, outcome);
    },
  };

  return {
    api: {
      create,
      get(who, id) {
        const found = visible(who, id);
        return found === null ? null : viewOf(found);
      },
      ticket: (who, id) => visible(who, id)?.tickets.issue(clock.now()) ?? null,
      async remove(who, id) {
        const found = visible(who, id);
        if (found === null) return false;
        await close(found);
        return true;
      },
    },
    carrier,
    channelOf(sink, who) {
      if (!sink.startsWith(sinkBase())) return null;
      const [, id] = /^([0-9a-f-]{36})\/sink$/.exec(sink.slice(sinkBase().length)) ?? [];
      return id !== undefined && visible(who, id) !== null ? { id } : 'foreign';
    },
    clientOf: id => channels.get(id)?.row.who.clientId ?? null,
    hello,
    ack,
    closed(id, connection) {
      const channel = channels.get(id);
      if (channel?.connection !== connection) return;
      channel.connection = null;
      channel.absentSince = clock.now();
    },
    adopt(rows) {
      for (const { value } of rows) add(value as ChannelRow);
    },
    start() {
      for (const channel of channels.values()) armExpiry(channel);
    },
    stop() {
      for (const channel of channels.values()) {
        disarm(channel);
        channel.connection?.close('restart');
      }
    },
    sizes() {
      let connected = 0;
      for (const channel of channels.values()) if (channel.connection !== null) connected += 1;
      return { channels: channels.size, connected };
    },
  };
}

function viewOf({ row, connection, seq }: Channel): ChannelView {
  const connected = connection !== null;
  return {
    channelId: row.id,
    deviceId: row.deviceId,
    state: connected ? 'CONNECTED' : 'DISCONNECTED',
    transport: connected ? 'WEBSOCKET' : null,
    lastSeq: seq,
    expiresAt: row.expiresAt,
  };
}

function put(row: ChannelRow): Write {
  return { op: 'put', kind: 'channel', key: row.id, value: row };
}
