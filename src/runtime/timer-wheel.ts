/** One wheel of wheels for every timer of the process: start and stop cost the same however many there are, and it sleeps until one is due. */

export interface TimerWheel {
  /** Starts or restarts the timer of this key; `fire` runs once, not before `ms` have passed. `ms` below 1 counts as 1. */
  start(key: string, ms: number, fire: (key: string) => void): void;
  stop(key: string): void;
  readonly size: number;
  /** Fires what is due at `now`. Production calls it by the system timer, tests by hand. */
  advance(now: number): void;
  close(): void;
}

/** Runs `wake` after `ms`; the function it gives takes that back. */
export type Sleep = (ms: number, wake: () => void) => () => void;

interface Entry {
  key: string;
  due: number;
  /** The first tick at or after `due`. */
  tick: number;
  level: number;
  slot: Set<Entry>;
  fire: (key: string) => void;
}

const TICK_MS = 10;
const SLOTS = 256;
/** Ticks in a slot of each wheel: 10 ms, 2.56 s, 11 min. What lies further ahead than the last one reaches waits in its last slot. */
const SPANS = [1, SLOTS, SLOTS * SLOTS] as const;
/** The machine may be suspended or its clock set while we sleep: after at most this long we look. */
const LONGEST_SLEEP_MS = 1000;

/**
 * `now` gives ms since the epoch and never goes back. `sleep` null gives a wheel that only moves by `advance`. A timer fires at the first
 * tick at or after its due time, so at most 10 ms late on an idle loop. Timers of one tick fire in the order of their due time, then of
 * their start.
 */
export function createTimerWheel(now: () => number, sleep: Sleep | null = systemSleep): TimerWheel {
  const wheels = SPANS.map(() => Array.from({ length: SLOTS }, () => new Set<Entry>()));
  const counts = SPANS.map(() => 0);
  const nowhere = new Set<Entry>();
  const entries = new Map<string, Entry>();
  /** Everything up to it has fired. */
  let tick = Math.floor(now() / TICK_MS);
  let wakeAt = Number.POSITIVE_INFINITY;
  let cancel: (() => void) | null = null;

  function place(entry: Entry): void {
    for (let level = 0; level < SPANS.length; level += 1) {
      const span = SPANS[level] ?? 1;
      const here = Math.floor(tick / span);
      let index = Math.floor(entry.tick / span);
      if (index - here >= SLOTS) {
        if (level < SPANS.length - 1) continue;
        index = here + SLOTS - 1;
      }
      entry.level = level;
      entry.slot = wheels[level]?.[index % SLOTS] ?? entry.slot;
      break;
    }
    entry.slot.add(entry);
    counts[entry.level] = (counts[entry.level] ?? 0) + 1;
  }

  function lift(entry: Entry): void {
    if (entry.slot.delete(entry)) counts[entry.level] = (counts[entry.level] ?? 0) - 1;
  }

  function remove(entry: Entry): void {
    lift(entry);
    entries.delete(entry.key);
  }

  /** The next tick at which a slot has to be looked at; infinity when all are empty. */
  function nextTick(): number {
    let next = Number.POSITIVE_INFINITY;
    for (let level = 0; level < SPANS.length; level += 1) {
      if (counts[level] === 0) continue;
      const span = SPANS[level] ?? 1;
      const here = Math.floor(tick / span);
      for (let i = 1; i < SLOTS && (here + i) * span < next; i += 1) {
        if ((wheels[level]?.[(here + i) % SLOTS]?.size ?? 0) > 0) next = (here + i) * span;
      }
    }
    return next;
  }

  /** Where a slot of a greater wheel begins, what it holds moves to the smaller ones. */
  function refile(): void {
    for (let level = SPANS.length - 1; level > 0; level -= 1) {
      const span = SPANS[level] ?? 1;
      if (tick % span !== 0) continue;
      for (const entry of [...(wheels[level]?.[(tick / span) % SLOTS] ?? [])]) {
        lift(entry);
        place(entry);
      }
    }
  }

  function fireTick(): void {
    const due = [...(wheels[0]?.[tick % SLOTS] ?? [])].sort((a, b) => a.due - b.due);
    for (const entry of due) {
      // A timer fired earlier in this turn may have stopped or restarted this one.
      if (entries.get(entry.key) !== entry) continue;
      remove(entry);
      entry.fire(entry.key);
    }
  }

  function advance(at: number): void {
    const last = Math.floor(at / TICK_MS);
    for (let next = nextTick(); next <= last; next = nextTick()) {
      tick = next;
      refile();
      fireTick();
    }
    tick = Math.max(tick, last);
  }

  /** Sleeps until this tick; not at all when it is infinite. */
  function restUntil(next: number): void {
    if (sleep === null) return;
    cancel?.();
    cancel = null;
    wakeAt = next;
    if (next === Number.POSITIVE_INFINITY) return;
    const ms = Math.max(1, Math.min(wakeAt * TICK_MS - now(), LONGEST_SLEEP_MS));
    cancel = sleep(ms, () => {
      cancel = null;
      advance(now());
      restUntil(nextTick());
    });
  }

  return {
    start(key, ms, fire) {
      const at = now();
      const old = entries.get(key);
      if (old !== undefined) remove(old);
      if (entries.size === 0) tick = Math.max(tick, Math.floor(at / TICK_MS));
      const due = at + Math.max(1, ms);
      // Never into a slot that has been swept already.
      const entry = { key, due, tick: Math.max(Math.ceil(due / TICK_MS), tick + 1), level: 0, slot: nowhere, fire };
      place(entry);
      entries.set(key, entry);
      if (entry.tick < wakeAt) restUntil(entry.tick);
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
      for (const entry of [...entries.values()]) remove(entry);
      restUntil(Number.POSITIVE_INFINITY);
    },
  };
}

function systemSleep(ms: number, wake: () => void): () => void {
  const timer = setTimeout(wake, ms);
  timer.unref();
  return () => clearTimeout(timer);
}
