/** What was written to a page that says nothing back, kept a while, in case it was lost on the way. CAMARA digest 11a: Last-Event-ID. */

export interface Written {
  seq: number;
  body: string;
  /** ms since the epoch when it was written. */
  at: number;
}

export interface Replay {
  keep(written: Written): void;
  /** The page is known to have everything up to `seq`. */
  confirm(seq: number): void;
  /** What was written after `seq`, or null when a part of it is not kept any more. */
  after(seq: number, now: number): readonly Written[] | null;
}

/** Keeps at most `length`, for at most `ms`. `floor`: nothing up to it is here. */
export function createReplay(length: number, ms: number, floor: number): Replay {
  let entries: Written[] = [];
  let missing = floor;

  function trim(now: number): void {
    let cut = Math.max(0, entries.length - length);
    while ((entries[cut]?.at ?? Number.POSITIVE_INFINITY) <= now - ms) cut += 1;
    const last = entries[cut - 1];
    if (last === undefined) return;
    missing = Math.max(missing, last.seq);
    entries = entries.slice(cut);
  }

  return {
    keep(written) {
      entries.push(written);
      trim(written.at);
    },
    confirm(seq) {
      missing = Math.max(missing, seq);
      entries = entries.filter(entry => entry.seq > seq);
    },
    after(seq, now) {
      trim(now);
      return seq < missing ? null : entries.filter(entry => entry.seq > seq);
    },
  };
}
