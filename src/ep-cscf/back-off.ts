/** How long to wait after failures, so that a core that comes back is not met by everybody at once. RFC 5626 4.5. */

export interface BackOff {
  /** Window after the first failure, ms. */
  baseMs: number;
  /** Longest window, ms. */
  maxMs: number;
  /** Share of the window that is left to chance, 0 to 1. */
  jitter: number;
}

/** The window of RFC 5626 4.5: where all flows have failed it begins with 30 s and ends with half an hour, and its upper half is left to chance. */
export const BACK_OFF: BackOff = { baseMs: 30_000, maxMs: 1_800_000, jitter: 0.5 };

/**
 * Delay after the n-th failure in a row (from 1), ms: at the end of the doubled window, where `spread` of 0 to 1 says. A longer Retry-After
 * (seconds, null for none) wins, and as all were told the same it is spread likewise. RFC 5626 4.5, RFC 3261 20.33.
 */
export function retryDelay(failures: number, retryAfterS: number | null, spread: number, backOff = BACK_OFF): number {
  const { baseMs, maxMs, jitter } = backOff;
  const window = Math.min(maxMs, baseMs * 2 ** Math.min(failures - 1, 20));
  const wait = Math.floor(window * (1 - jitter + jitter * spread));
  const told = (retryAfterS ?? 0) * 1000;
  return wait >= told ? wait : told + Math.floor(Math.min(window, told) * jitter * spread);
}
