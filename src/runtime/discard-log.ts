/** One log line for input that was thrown away, at most every ten seconds for each reason: a flood must not fill the disk. */

const QUIET_MS = 10_000;

/**
 * Notes that `value` pieces of input were thrown away for `reason`. Reasons are our own words, so few; what was thrown
 * away is never shown. `now` gives ms; `tell` gets what came since the last line for this reason.
 */
export function createDiscardLog(
  now: () => number,
  tell: (reason: string, count: number) => void,
): (reason: string, value: number) => void {
  const told = new Map<string, { at: number; since: number }>();
  return (reason, value) => {
    const at = now();
    const last = told.get(reason);
    if (last !== undefined && at - last.at < QUIET_MS) {
      last.since += value;
      return;
    }
    told.set(reason, { at, since: 0 });
    tell(reason, value + (last?.since ?? 0));
  };
}
