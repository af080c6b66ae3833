/** What was written to a page that says nothing back, kept a while, over a restart too, in case it was lost on the way. CAMARA digest 11a: Last-Event-ID. */

export interface Written {
  seq: number;
  body: string;
  /** ms since the epoch when it was written. */
  at: number;
}

/** An entry as the store has it. `floor`: nothing up to it was kept any more when this was written; absent in rows of older versions. */
export type StoredWritten = Written & { floor?: number };

/** Where it is kept for a later life. */
export interface WrittenStore {
  /** Name of a row that is not there yet. */
  newKey(seq: number): string;
  keep(key: string, written: StoredWritten): void;
  forget(key: string): void;
  /** Nothing up to `seq` is kept any more, though a page may want it. */
  missing(seq: number): void;
}

export interface Replay {
  keep(written: Written): void;
  /** Takes up what an earlier life kept, in order. */
  adopt(key: string, written: StoredWritten): void;
  /** The page is known to have everything up to `seq`. */
  confirm(seq: number): void;
  /** What was written after `seq`, or null when a part of it is not kept any more. */
  after(seq: number, now: number): readonly Written[] | null;
  /** The channel has ended. */
  clear(): void;
}

/** Keeps at most `length`, for at most `ms`. `floor`: nothing up to it is here. */
export function createReplay(length: number, ms: number, floor: number, store: WrittenStore): Replay {
  const entries: Array<Written & { key: string }> = [];
  let missing = floor;

  /** Keys of what leaves because there are more than `most`, or because of its age; from then on it is missing. */
  function trim(most: number, now: number): string[] {
    let cut = Math.max(0, entries.length - most);
    while ((entries[cut]?.at ?? Number.POSITIVE_INFINITY) <= now - ms) cut += 1;
    const dropped = entries.splice(0, cut);
    missing = Math.max(missing, dropped.at(-1)?.seq ?? 0);
    return dropped.map(({ key }) => key);
  }

  function drop(count: number): void {
    for (const { key } of entries.splice(0, count)) store.forget(key);
  }

  return {
    keep(written) {
      // What comes takes the row of what leaves: a replay that is full costs one write, as an empty one does.
      const [key = store.newKey(written.seq), ...left] = trim(length - 1, written.at);
      for (const each of left) store.forget(each);
      entries.push({ ...written, key });
      store.keep(key, { ...written, floor: missing });
    },
    adopt(key, { floor: then = 0, ...written }) {
      missing = Math.max(missing, then);
      entries.push({ ...written, key });
    },
    confirm(seq) {
      missing = Math.max(missing, seq);
      drop(entries.filter(entry => entry.seq <= seq).length);
    },
    after(seq, now) {
      const left = trim(length, now);
      for (const key of left) store.forget(key);
      if (left.length > 0) store.missing(missing);
      return seq < missing ? null : entries.filter(entry => entry.seq > seq);
    },
    clear: () => drop(entries.length),
  };
}
