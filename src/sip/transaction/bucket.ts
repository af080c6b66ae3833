/** A token bucket: so many a second, and as many at once. */

export interface Bucket {
  /** True when one may pass now. */
  take(): boolean;
}

/** `perSecond` above 0; `now` in ms. */
export function bucket(perSecond: number, now: () => number): Bucket {
  let tokens = perSecond;
  let last = now();
  return {
    take() {
      const at = now();
      tokens = Math.min(perSecond, tokens + ((at - last) * perSecond) / 1000);
      last = at;
      if (tokens < 1) return false;
      tokens -= 1;
      return true;
    },
  };
}
