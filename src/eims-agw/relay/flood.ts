/** How many signatures strangers may make us check in vain: a token bucket for each network they come from, in memory of one size. */

const RATE_PER_S = 200;
const BURST = 400;
const SLOTS = 4_096;

export interface Flood {
  /** Whether the network of `address` has a token left; `now` in ms. */
  allows(address: string, now: number): boolean;
  /** Takes one token of it, which `allows` found there. */
  charge(address: string): void;
}

/** Networks whose hashes meet share a bucket; one of IPv4 is a /24, of IPv6 a /64 as it is written. */
export function createFlood(): Flood {
  const tokens = new Float64Array(SLOTS).fill(BURST);
  const at = new Float64Array(SLOTS);
  const slotOf = (address: string): number => hash(address, networkEnd(address)) % SLOTS;
  return {
    allows(address, now) {
      const slot = slotOf(address);
      const grown = Math.min(BURST, (tokens[slot] ?? 0) + ((now - (at[slot] ?? 0)) * RATE_PER_S) / 1000);
      at[slot] = now;
      tokens[slot] = grown;
      return grown >= 1;
    },
    charge(address) {
      const slot = slotOf(address);
      tokens[slot] = (tokens[slot] ?? 0) - 1;
    },
  };
}

function networkEnd(address: string): number {
  if (!address.includes(':')) return address.lastIndexOf('.');
  let at = -1;
  for (let group = 0; group < 4; group += 1) {
    const next = address.indexOf(':', at + 1);
    if (next < 0) return address.length;
    at = next;
  }
  return at;
}

/** FNV-1a. */
function hash(text: string, end: number): number {
  let value = 0x811c_9dc5;
  for (let i = 0; i < end; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x0100_0193);
  return value >>> 0;
}
