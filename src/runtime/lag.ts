/** How late the event loop is: the measure of a process that has more to do than time. */

const EVERY_MS = 100;
/** Share of a new figure in the mean. */
const SHARE = 0.2;

export interface Lag {
  /** Mean lateness of the last moments, in ms. */
  ms(): number;
  close(): void;
}

/** Measures from now on; does not keep the process alive. */
export function createLag(): Lag {
  let mean = 0;
  let due = performance.now() + EVERY_MS;
  const timer = setInterval(() => {
    const at = performance.now();
    const late = Math.max(0, at - due);
    // A sudden stall counts at once, and is forgotten slowly.
    mean = late > mean ? late : mean + SHARE * (late - mean);
    due = at + EVERY_MS;
  }, EVERY_MS);
  timer.unref();
  return { ms: () => mean, close: () => clearInterval(timer) };
}
