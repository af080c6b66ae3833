/** What a channel's page has not acknowledged yet, in order, bounded in number and age. CAMARA digest 11a. */
import type { OutboxRow, Outcome } from './ports.ts';
import type { Subscription } from './subscription-table.ts';

export interface Entry {
  subscription: Subscription;
  row: OutboxRow;
  seq: number;
}

export interface Ring {
  readonly entries: readonly Entry[];
  push(entry: Entry): void;
  /** The page has everything up to `seq`. */
  ack(seq: number): void;
  /** Drops what happened at or before `time`; true when something was. */
  expire(time: number): boolean;
  abandon(subscription: Subscription, outcome: Outcome): void;
  /** Highest `seq` that was dropped unacknowledged; a page that has seen less must start again. */
  lost(): number;
}

/** Makes a ring of at most `length` entries. `finish` is told of each that leaves; `lost` is where an earlier life stopped. */
export function createRing(length: number, lostBefore: number, finish: (entry: Entry, outcome: Outcome) => void): Ring {
  const entries: Entry[] = [];
  let lost = lostBefore;

  const drop = (index: number, outcome: Outcome): void => {
    const [entry] = entries.splice(index, 1);
    if (entry === undefined) return;
    if (outcome !== 'delivered') lost = Math.max(lost, entry.seq);
    finish(entry, outcome);
  };

  return {
    entries,
    push(entry) {
      entries.push(entry);
      if (entries.length <= length) return;
      const status = entries.findIndex(({ row }) => row.type === 'session-status' && !row.final);
      drop(status === -1 ? 0 : status, 'dropped');
    },
    ack(seq) {
      while (entries[0] !== undefined && entries[0].seq <= seq) drop(0, 'delivered');
    },
    expire(time) {
      const before = lost;
      while (entries[0] !== undefined && entries[0].row.at <= time) drop(0, 'given-up');
      return lost !== before;
    },
    abandon(subscription, outcome) {
      for (let index = entries.length - 1; index >= 0; index -= 1) {
        const entry = entries[index];
        if (entry?.subscription !== subscription) continue;
        entries.splice(index, 1);
        finish(entry, outcome);
      }
    },
    lost: () => lost,
  };
}
