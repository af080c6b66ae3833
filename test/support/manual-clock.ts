/** A clock that stands still until a test moves it. */

export interface ManualClock {
  now(): number;
  setTimer(ms: number, fire: () => void): unknown;
  clearTimer(handle: unknown): void;
  /** Moves time on, firing what falls due in order; between timers, everything already promised settles. */
  advance(ms: number): Promise<void>;
  /** Timers that wait. */
  waiting(): number;
}

/** Makes a clock that starts at `start`, ms since the epoch. */
export function createManualClock(start = Date.UTC(2030, 0, 1)): ManualClock {
  let now = start;
  let made = 0;
  const timers = new Map<number, { due: number; fire: () => void }>();

  function next(until: number): number | null {
    let found: number | null = null;
    let best = until;
    for (const [id, { due }] of timers) {
      if (due < best || (due === best && found === null)) {
        found = id;
        best = due;
      }
    }
    return found;
  }

  return {
    now: () => now,
    setTimer(ms, fire) {
      made += 1;
      timers.set(made, { due: now + ms, fire });
      return made;
    },
    clearTimer(handle) {
      timers.delete(handle as number);
    },
    async advance(ms) {
      const until = now + ms;
      await settled();
      for (let id = next(until); id !== null; id = next(until)) {
        const timer = timers.get(id);
        timers.delete(id);
        if (timer === undefined) break;
        now = timer.due;
        timer.fire();
        await settled();
      }
      now = until;
    },
    waiting: () => timers.size,
  };
}

/** Lets every promise that can settle do so. */
export function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}
