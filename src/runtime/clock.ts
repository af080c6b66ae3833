/** Time, handed to whoever needs it; tests hand in their own. */

export interface Clock {
  /** ms since the epoch. */
  now(): number;
}

/** The system's clock, kept from going backwards: a step of the wall clock must not undo an expiry. */
export function systemClock(): Clock {
  let last = 0;
  return {
    now() {
      const now = Date.now();
      if (now > last) last = now;
      return last;
    },
  };
}
