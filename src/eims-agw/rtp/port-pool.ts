/** Even RTP ports of a range (RTCP is on the next one): random start, a rest after use, never dry. */
import type { PortRange } from '../settings.ts';

const QUARANTINE_MS = 5_000;
const FILL = 0.95;

export interface PortPool {
  /** A free even port, or null when 95 % are taken. */
  take(): number | null;
  /** Gives a port back; it rests before it is used again, unless all others do. */
  give(port: number): void;
  /** Pairs in use, without those at rest. */
  used(): number;
}

/** `now` gives ms, `random` 32 bits. */
export function createPortPool(range: PortRange, now: () => number, random: () => number): PortPool {
  const first = range.min + (range.min & 1);
  const size = Math.max(0, Math.floor((range.max - first + 1) / 2));
  const taken = new Uint8Array(size);
  const resting: Array<{ index: number; until: number }> = [];
  let next = size === 0 ? 0 : random() % size;
  let used = 0;
  const wake = () => {
    const at = now();
    while (resting[0] !== undefined && resting[0].until <= at) {
      const { index } = resting[0];
      resting.shift();
      taken[index] = 0;
    }
  };
  /** One that rests is better than none: whoever takes and gives in haste must not use the range up. */
  const free = (): number | undefined => {
    for (let step = 0; step < size; step += 1) {
      const index = (next + step) % size;
      if (taken[index] === 0) return index;
    }
    return resting.shift()?.index;
  };
  return {
    take() {
      wake();
      if (used >= Math.max(1, Math.floor(size * FILL))) return null;
      const index = free();
      if (index === undefined) return null;
      taken[index] = 1;
      next = (index + 1) % size;
      used += 1;
      return first + 2 * index;
    },
    give(port) {
      const index = (port - first) / 2;
      if (taken[index] !== 1 || resting.some(r => r.index === index)) return;
      used -= 1;
      resting.push({ index, until: now() + QUARANTINE_MS });
    },
    used: () => used,
  };
}
