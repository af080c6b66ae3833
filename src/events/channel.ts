/** Notification channels: https sinks inside the gateway whose events go to a page by WebSocket. CAMARA digest 11a. */
import type { ServerResponse } from 'node:http';
import type { Principal } from '../ep-cscf/words.ts';
import type { Log } from '../runtime/log.ts';
import { type Channel, type ChannelBook, channelView, createChannelBook } from './channel-book.ts';
import { createChannelCarrier } from './channel-carrier.ts';
import type { CloseCause, Connection } from './channel-connection.ts';
import { type ChannelCreationDeps, createChannelCreation } from './channel-creation.ts';
import { createEventStream } from './channel-stream.ts';
import { hashOf } from './channel-ticket.ts';
import { cloudEvent } from './cloud-event.ts';
import type { ChannelCarrier, Outbox } from './outbox.ts';
import type { Channels, Snapshot } from './ports.ts';
import type { SubscriptionLife } from './subscription.ts';
import type { SubscriptionTable } from './subscription-table.ts';

export interface ChannelDeps extends ChannelCreationDeps {
  table: SubscriptionTable;
  outbox: Pick<Outbox, 'finish'>;
  life: Pick<SubscriptionLife, 'draft' | 'begin' | 'end'>;
  log: Log;
  settings: ChannelCreationDeps['settings'] & {
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
  /** Who opened a channel, or null when there is none. */
  ownerOf(id: string): Principal | null;
  /** A page said hello: the channel takes the connection, or a cause to close it. */
  hello(id: string, connection: Connection, secret: string, lastSeq: number | null): CloseCause | null;
  /** The same for a connection whose ticket was redeemed. */
  attach(id: string, connection: Connection, lastSeq: number | null): void;
  redeem(id: string, ticket: string): Principal | null;
  /** An event has left through a connection that brings nothing back. */
  written(id: string, connection: Connection, seq: number, body: string): void;
  ack(id: string, connection: Connection, seq: number): void;
  closed(id: string, connection: Connection): void;
  /** Takes up channels, and what was written to those that say nothing back. */
  adopt: ChannelBook['adopt'];
  start(): void;
  stop(): void;
  sizes(): { channels: number; connected: number };
}

/** Makes the channels of this node. */
export function createChannels(deps: ChannelDeps): ChannelLife {
  const { clock, journal, table, settings } = deps;
  const book = createChannelBook({
    clock,
    journal,
    settings,
    finish: ({ subscription, row }, outcome) => deps.outbox.finish(subscription, row, outcome),
    expired: channel => void close(channel),
  });

  const creation = createChannelCreation(deps, book, close);

  /** Ends a channel and its subscriptions; a page that listens hears of each before its connection closes. */
  async function close(channel: Channel): Promise<void> {
    if (book.find(channel.row.id) !== channel) return;
    const { id } = channel.row;
    const last: string[] = [];
    const now = clock.now();
    // Gone for everybody before anything is waited for.
    book.remove(channel);
    for (const subscription of table.ofChannel(id)) {
      if (!subscription.row.ended) {
        const told = {
          kind: 'subscription-ended',
          terminationReason: 'NETWORK_TERMINATED',
          terminationDescription: 'The notification channel has ended.',
        } as const;
        last.push(cloudEvent(told, subscription.row, deps.uuid(), deps.publicUrl(), now));
      }
      channel.ring.abandon(subscription, 'ended');
      await deps.life.end(subscription, 'NETWORK_TERMINATED', false);
    }
    await journal.commit([{ op: 'delete', kind: 'channel', key: id }]);
    for (const body of last) {
      channel.seq += 1;
      channel.connection?.last(channel.seq, body);
    }
    channel.connection?.close('deleted');
  }

  function hello(id: string, connection: Connection, shown: string, lastSeq: number | null): CloseCause | null {
    const channel = book.find(id);
    if (channel === null) return 'deleted';
    if (!channel.tickets.redeem(shown, clock.now()) && hashOf(shown) !== channel.row.resumeHash) return 'ticket';
    attach(id, connection, lastSeq);
    return null;
  }

  function attach(id: string, connection: Connection, lastSeq: number | null): void {
    const channel = book.find(id);
    if (channel === null) {
      connection.close('deleted');
      return;
    }
    channel.connection?.close('replaced');
    channel.connection = connection;
    const again = lastSeq === null ? [] : channel.replay.after(lastSeq, clock.now());
    // A page without memory takes the snapshot for all that was; one with memory must hear when a part is missing.
    const reset =
      lastSeq !== null && (lastSeq < channel.ring.lost() || (connection.transport === 'SSE' && again === null));
    if (lastSeq !== null) ack(id, connection, lastSeq);
    deps.snapshot(channel.row.who, channel.row.deviceId).then(
      snapshot => {
        if (channel.connection === connection) connection.begin(snapshot, reset, channel.ring, again ?? []);
      },
      (error: unknown) => {
        deps.log.error({ channel: id, reason: (error as Error).message }, 'A channel got no snapshot.');
        connection.close('failed');
      },
    );
  }

  function ack(id: string, connection: Connection, seq: number): void {
    const channel = book.find(id);
    if (channel?.connection !== connection) return;
    channel.ring.ack(seq);
    channel.replay.confirm(seq);
  }

  function written(id: string, connection: Connection, seq: number, body: string): void {
    const channel = book.find(id);
    if (channel?.connection !== connection) return;
    channel.replay.keep({ seq, body, at: clock.now() });
    channel.ring.ack(seq);
  }

  function closed(id: string, connection: Connection): void {
    const channel = book.find(id);
    if (channel?.connection !== connection) return;
    channel.connection = null;
    channel.absentSince = clock.now();
  }

  function redeem(id: string, ticket: string): Principal | null {
    const channel = book.find(id);
    return channel?.tickets.redeem(ticket, clock.now()) === true ? channel.row.who : null;
  }

  function stream(who: Principal, id: string, lastSeq: number | null): ((response: ServerResponse) => void) | null {
    if (book.visible(who, id) === null) return null;
    return response => {
      const connection = createEventStream(response, clock, {
        written: (seq, body) => written(id, connection, seq, body),
        closed: () => closed(id, connection),
      });
      attach(id, connection, lastSeq);
    };
  }

  return {
    api: {
      create: creation.create,
      get(who, id) {
        const found = book.visible(who, id);
        return found === null ? null : channelView(found);
      },
      ticket: (who, id) => book.visible(who, id)?.tickets.issue(clock.now()) ?? null,
      async remove(who, id) {
        const found = book.visible(who, id);
        if (found === null) return false;
        await close(found);
        return true;
      },
      redeem,
      stream,
    },
    carrier: createChannelCarrier(book, deps.outbox),
    channelOf(sink, who) {
      const base = creation.sinkBase();
      if (!sink.startsWith(base)) return null;
      const [, id] = /^([0-9a-f-]{36})\/sink$/.exec(sink.slice(base.length)) ?? [];
      return id !== undefined && book.visible(who, id) !== null ? { id } : 'foreign';
    },
    ownerOf: id => book.find(id)?.row.who ?? null,
    hello,
    attach,
    redeem,
    written,
    ack,
    closed,
    adopt: book.adopt,
    start() {
      for (const channel of book.all()) book.armExpiry(channel);
    },
    stop() {
      for (const channel of book.all()) {
        book.disarm(channel);
        channel.connection?.close('restart');
      }
    },
    sizes: book.sizes,
  };
}
