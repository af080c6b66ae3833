/** What was written to a page that says nothing back, kept a while, over a restart too, in case it was lost on the way. CAMARA digest 11a: Last-Event-ID. */

export interface Written {
  seq: number;
  body: string;
  /** ms since the epoch when it was written. */
  at: number;
}

/** Where it is kept for a later life. */
export interface WrittenStore {
  keep(written: Written): void;
  forget(seq: number): void;
  /** Nothing up to `seq` is kept any more, though a page may want it. */
  missing(seq: number): void;
}

export interface Replay {
  keep(written: Written): void;
  /** Takes up what an earlier life kept, in order. */
  adopt(written: Written): void;
  /** The page is known to have everything up to `seq`. */
  confirm(seq: number): void;
  /** What was written after `seq`, or null when a part of it is not kept any more. */
  after(seq: number, now: number): readonly Written[] | null;
  /** The channel has ended. */
  clear(): void;
}

/** Keeps at most `length`, for at most `ms`. `floor`: nothing up to it is here. */
export function createReplay(length: number, ms: number, floor: number, store: WrittenStore): Replay {
  let entries: Written[] = [];
  let missing = floor;

  function trim(now: number): void {
    let cut = Math.max(0, entries.length - length);
    while ((entries[cut]?.at ?? Number.POSITIVE_INFINITY) <= now - ms) cut += 1;
    const dropped = drop(cut);
    if (dropped === null) return;
    missing = Math.max(missing, dropped.seq);
    store.missing(missing);
  }

  /** Drops the first `count`; the last of them, or null. */
  function drop(count: number): Written | null {
    const dropped = entries.slice(0, count);
    entries = entries.slice(count);
    for (const { seq } of dropped) store.forget(seq);
    return dropped.at(-1) ?? null;
  }

  return {
    keep(written) {
      entries.push(written);
      store.keep(written);
      trim(written.at);
    },
    adopt(written) {
      entries.push(written);
    },
    confirm(seq) {
      missing = Math.max(missing, seq);
      drop(entries.filter(entry => entry.seq <= seq).length);
    },
    after(seq, now) {
      trim(now);
      return seq < missing ? null : entries.filter(entry => entry.seq > seq);
    },
    clear: () => void drop(entries.length),
  };
}
