/** The channels in memory: what each is owed, who listens, when it ends. */

import type { Write } from '../ep-cscf/effect.ts';
import type { ChannelView } from '../ep-cscf/event-word.ts';
import { maySee } from '../ep-cscf/identity.ts';
import type { Principal } from '../ep-cscf/words.ts';
import type { Connection } from './channel-connection.ts';
import { createReplay, type Replay, type StoredWritten, type WrittenStore } from './channel-replay.ts';
import { createRing, type Entry, type Ring } from './channel-ring.ts';
import { createTickets, type Tickets } from './channel-ticket.ts';
import type { Journal } from './journal.ts';
import type { Clock, Outcome, TimerHandle } from './ports.ts';
import { userKey } from './subscription-table.ts';

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
  /** Nothing up to this `seq` is kept any more of what was written to a page that says nothing back; absent in rows of older versions. */
  floor?: number;
  /** Hash of the resume token; absent in rows of older versions. */
  resumeHash?: string;
}

export interface Channel {
  row: ChannelRow;
  /** The last one given out. */
  seq: number;
  ring: Ring;
  replay: Replay;
  tickets: Tickets;
  connection: Connection | null;
  /** Since when nobody listens. */
  absentSince: number;
  expiry: TimerHandle | null;
  ageing: TimerHandle | null;
}

export interface BookDeps {
  clock: Clock;
  journal: Journal;
  settings: {
    channelTicketMs: number;
    channelAbsentMs: number;
    channelBufferLength: number;
    channelBufferMs: number;
  };
  finish(entry: Entry, outcome: Outcome): void;
  /** The life of a channel is over. */
  expired(channel: Channel): void;
}

interface Row {
  key: string;
  value: unknown;
}

/** What was written to a page that says nothing back, as it is kept in the store. */
type WrittenRow = StoredWritten & { channelId: string };

export interface ChannelBook {
  add(row: ChannelRow): Channel;
  /** Takes up what the store holds. */
  adopt(channels: readonly Row[], written: readonly Row[]): void;
  remove(channel: Channel): void;
  find(id: string): Channel | null;
  /** Null when this principal may not see it, too. */
  visible(who: Principal, id: string): Channel | null;
  ofUser(who: Principal): Channel[];
  all(): IterableIterator<Channel>;
  /** True when nobody has listened for so long that invitations are of no use. */
  isAbsent(channel: Channel, now: number): boolean;
  armExpiry(channel: Channel): void;
  /** Ends it at `time` at the latest, ms since the epoch. */
  endBy(channel: Channel, time: number): void;
  /** To be called when something was put into the ring: what nobody fetches leaves in time, and that it is lost is kept. */
  filled(channel: Channel): void;
  disarm(channel: Channel): void;
  sizes(): { channels: number; connected: number };
}

const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** Makes an empty book. */
export function createChannelBook({ clock, journal, settings, finish, expired }: BookDeps): ChannelBook {
  const channels = new Map<string, Channel>();
  const byUser = new Map<string, Set<Channel>>();

  function add(row: ChannelRow): Channel {
    const channel: Channel = {
      row,
      seq: row.seqReserved,
      ring: createRing(settings.channelBufferLength, row.lost, finish),
      // What an older version wrote was not kept: a page that says nothing back starts afresh.
      replay: createReplay(
        settings.channelBufferLength,
        settings.channelBufferMs,
        row.floor ?? row.seqReserved,
        writtenStore(row),
      ),
      tickets: createTickets(settings.channelTicketMs),
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

  function writtenStore(row: ChannelRow): WrittenStore {
    return {
      newKey: seq => `${row.id} ${seq}`,
      keep: (key, written) =>
        journal.later({ op: 'put', kind: 'written', key, value: { channelId: row.id, ...written } }),
      forget: key => journal.later({ op: 'delete', kind: 'written', key }),
      missing(seq) {
        row.floor = seq;
        journal.later(putChannel(row));
      },
    };
  }

  function adopt(channelRows: readonly Row[], writtenRows: readonly Row[]): void {
    for (const { value } of channelRows) add(value as ChannelRow);
    const written = writtenRows.map(({ key, value }) => ({ key, ...(value as WrittenRow) }));
    // A row that was written over keeps the place of what it held before.
    for (const { key, channelId, ...entry } of written.sort((a, b) => a.seq - b.seq)) {
      const channel = channels.get(channelId);
      if (channel === undefined) journal.later({ op: 'delete', kind: 'written', key });
      else channel.replay.adopt(key, entry);
    }
  }

  function remove(channel: Channel): void {
    channel.replay.clear();
    channels.delete(channel.row.id);
    const key = userKey(channel.row.who);
    const mine = byUser.get(key);
    mine?.delete(channel);
    if (mine?.size === 0) byUser.delete(key);
    disarm(channel);
  }

  function armExpiry(channel: Channel): void {
    const ms = Math.min(Math.max(0, channel.row.expiresAt - clock.now()), LONGEST_TIMER_MS);
    channel.expiry = clock.setTimer(ms, () => {
      if (channel.row.expiresAt <= clock.now()) expired(channel);
      else armExpiry(channel);
    });
  }

  function endBy(channel: Channel, time: number): void {
    if (channel.row.expiresAt <= time) return;
    channel.row.expiresAt = time;
    journal.later(putChannel(channel.row));
    if (channel.expiry !== null) clock.clearTimer(channel.expiry);
    armExpiry(channel);
  }

  function filled(channel: Channel): void {
    // Forgetting must be remembered: a page that comes back after a restart has to start again too.
    if (channel.ring.lost() !== channel.row.lost) {
      channel.row.lost = channel.ring.lost();
      journal.later(putChannel(channel.row));
    }
    const oldest = channel.ring.entries[0];
    if (oldest === undefined || channel.ageing !== null) return;
    channel.ageing = clock.setTimer(Math.max(0, oldest.row.at + settings.channelBufferMs - clock.now()), () => {
      channel.ageing = null;
      channel.ring.expire(clock.now() - settings.channelBufferMs);
      filled(channel);
    });
  }

  function disarm(channel: Channel): void {
    if (channel.expiry !== null) clock.clearTimer(channel.expiry);
    if (channel.ageing !== null) clock.clearTimer(channel.ageing);
    channel.expiry = null;
    channel.ageing = null;
  }

  return {
    add,
    adopt,
    remove,
    find: id => channels.get(id) ?? null,
    visible(who, id) {
      const found = channels.get(id);
      return found !== undefined && maySee(who, found.row.who) ? found : null;
    },
    ofUser: who => [...(byUser.get(userKey(who)) ?? [])],
    all: () => channels.values(),
    isAbsent: (channel, now) => channel.connection === null && now - channel.absentSince > settings.channelAbsentMs,
    armExpiry,
    endBy,
    filled,
    disarm,
    sizes() {
      let connected = 0;
      for (const channel of channels.values()) if (channel.connection !== null) connected += 1;
      return { channels: channels.size, connected };
    },
  };
}

/** The write that keeps a channel. */
export function putChannel(row: ChannelRow): Write {
  return { op: 'put', kind: 'channel', key: row.id, value: row };
}

/** What the API shows. */
export function channelView({ row, connection, seq }: Channel): ChannelView {
  return {
    channelId: row.id,
    deviceId: row.deviceId,
    state: connection !== null ? 'CONNECTED' : 'DISCONNECTED',
    transport: connection?.transport ?? null,
    lastSeq: seq,
    expiresAt: row.expiresAt,
  };
}
