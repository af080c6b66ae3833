/** One hashed wheel for every timer of the process: O(1) start and stop, one system timer, no closure of ours kept alive. */

export interface TimerWheel {
  /** Starts or restarts the timer of this key; `fire` runs once, not before `ms` have passed. `ms` below 1 counts as 1. */
  start(key: string, ms: number, fire: (key: string) => void): void;
  stop(key: string): void;
  readonly size: number;
  /** Fires what is due at `now`. Production calls it by the system timer, tests by hand. */
  advance(now: number): void;
  close(): void;
}

interface Entry {
  key: string;
  due: number;
  slot: number;
  fire: (key: string) => void;
}

const TICK_MS = 10;
const SLOTS = 1024;

/**
 * `ticking` false gives a wheel that only moves by `advance`. A timer fires at the first tick at or after its due time, so at most 10 ms
 * late on an idle loop. Timers of one tick fire in the order of their due time, then of their start.
 */
export function createTimerWheel(now: () => number, ticking = true): TimerWheel {
  const slots: Array<Set<Entry>> = Array.from({ length: SLOTS }, () => new Set());
  const entries = new Map<string, Entry>();
  let tick = Math.floor(now() / TICK_MS);
  let timer: NodeJS.Timeout | null = null;

  function arm(): void {
    if (!ticking || timer !== null || entries.size === 0) return;
    timer = setTimeout(() => {
      timer = null;
      advance(now());
      arm();
    }, TICK_MS);
    timer.unref();
  }

  function remove(entry: Entry): void {
    slots[entry.slot]?.delete(entry);
    entries.delete(entry.key);
  }

  function dueIn(first: number, last: number): Entry[] {
    const due: Entry[] = [];
    const span = Math.min(last - first, SLOTS - 1);
    for (let i = 0; i <= span; i += 1) {
      for (const entry of slots[(first + i) % SLOTS] ?? []) if (Math.ceil(entry.due / TICK_MS) <= last) due.push(entry);
    }
    return due.sort((a, b) => a.due - b.due);
  }

  function advance(at: number): void {
    const last = Math.floor(at / TICK_MS);
    if (last < tick) return;
    const due = dueIn(tick, last);
    tick = last;
    for (const entry of due) {
      // A timer fired earlier in this turn may have stopped or restarted this one.
      if (entries.get(entry.key) !== entry) continue;
      remove(entry);
      entry.fire(entry.key);
    }
  }

  return {
    start(key, ms, fire) {
      const old = entries.get(key);
      if (old !== undefined) remove(old);
      const due = now() + Math.max(1, ms);
      // Never into a slot that has been swept already.
      const slot = Math.max(Math.ceil(due / TICK_MS), tick + 1) % SLOTS;
      if (entries.size === 0 && ticking) tick = Math.max(tick, Math.floor(now() / TICK_MS));
      const entry = { key, due, slot, fire };
      slots[slot]?.add(entry);
      entries.set(key, entry);
      arm();
    },
    stop(key) {
      const entry = entries.get(key);
      if (entry !== undefined) remove(entry);
    },
    get size() {
      return entries.size;
    },
    advance,
    close() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
      for (const entry of [...entries.values()]) remove(entry);
    },
  };
}
