/** How late the event loop is: the measure of a process that has more to do than time. Signalling and media workers shed by the same one. */

const EVERY_MS = 100;
const WINDOW_MS = 2_000;
/**
 * Lateness that lasted for so much of the window. A pause shorter than that (a collection of garbage, a page that is read,
 * a neighbour on the machine) is over before a refusal could help; from one that lasts, new work has to stay away.
 */
const LASTING_MS = 500;

export interface Lag {
  /** The lateness that was reached for half a second or more of the last two, ms; 0 when none was. */
  ms(): number;
  close(): void;
}

/** Measures from now on; does not keep the process alive. */
export function createLag(): Lag {
  const lateness = lastingLateness();
  let due = performance.now() + EVERY_MS;
  const timer = setInterval(() => {
    const at = performance.now();
    lateness.note(at, Math.max(0, at - due));
    due = at + EVERY_MS;
  }, EVERY_MS);
  timer.unref();
  return { ms: lateness.ms, close: () => clearInterval(timer) };
}

export interface LastingLateness {
  /** The loop came round at `at` ms, so late, ms. Times only grow. */
  note(at: number, lateMs: number): void;
  ms(): number;
}

/** The rule behind `Lag`, on a clock of the caller's. */
export function lastingLateness(): LastingLateness {
  /** Each stands for the time since the one before. */
  const rounds: Array<{ at: number; lateMs: number; spanMs: number }> = [];
  let before: number | null = null;
  let lasting = 0;
  return {
    note(at, lateMs) {
      rounds.push({ at, lateMs, spanMs: before === null ? EVERY_MS + lateMs : at - before });
      before = at;
      while ((rounds[0]?.at ?? at) <= at - WINDOW_MS) rounds.shift();
      lasting = reached(rounds);
    },
    ms: () => lasting,
  };
}

/** The greatest lateness that rounds of `LASTING_MS` in all were at least as late as. */
function reached(rounds: ReadonlyArray<{ lateMs: number; spanMs: number }>): number {
  let left = LASTING_MS;
  for (const { lateMs, spanMs } of rounds.toSorted((a, b) => b.lateMs - a.lateMs)) {
    left -= spanMs;
    if (left <= 0) return lateMs;
  }
  return 0;
}
