/** Random numbers of a call machine: a small generator whose state is plain data, seeded by the adapter. */

export interface Seeded {
  /** 32 bits, changed by every draw. */
  seed: number;
}

/** Next whole number from 0 to `bound` - 1 (bound up to 2^31). Not for secrets: tags and branches come from the adapter. */
export function draw(state: Seeded, bound: number): number {
  state.seed = (state.seed + 0x6d2b79f5) | 0;
  let mixed = Math.imul(state.seed ^ (state.seed >>> 15), state.seed | 1);
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
  return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296) * bound);
}
