/** How long to wait after failures, so that a core that comes back is not met by everybody at once. RFC 5626 4.5. */

/** The window of RFC 5626 4.5, ms: where all flows have failed it begins with 30 s and ends with half an hour. */
const BASE_MS = 30_000;
const MAX_MS = 1_800_000;

/**
 * Delay after the n-th failure in a row (from 1), ms: in the upper half of the doubled window, where `spread` of 0 to 1 says; a longer
 * Retry-After (seconds, null for none) wins. RFC 5626 4.5, RFC 3261 20.33.
 */
export function retryDelay(
  failures: number,
  retryAfterS: number | null,
  spread: number,
  baseMs: number = BASE_MS,
  maxMs: number = MAX_MS,
): number {
  const window = Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 20));
  return Math.max(Math.floor(window * (0.5 + 0.5 * spread)), (retryAfterS ?? 0) * 1000);
}
