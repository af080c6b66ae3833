/** Which of the last indexes have been seen (received) or used (sent). RFC 3711 3.3.2. */

const WORDS = 8;
/** Older packets than this are dropped unseen. */
const WINDOW = 32 * WORDS;

export interface Window {
  /** Highest index so far; -1 before the first. */
  top: number;
  /** A bit for each of the last 256 indexes, at index modulo 256. */
  bits: Int32Array;
}

export function window256(): Window {
  return { top: -1, bits: new Int32Array(WORDS) };
}

/** `new` may be used once; `seen` has been; `old` is behind the window. */
export function look(w: Window, index: number): 'new' | 'seen' | 'old' {
  if (index > w.top) return 'new';
  if (index <= w.top - WINDOW) return 'old';
  const bit = index % WINDOW;
  return ((w.bits[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0 ? 'new' : 'seen';
}

/** Notes an index that `look` called new. */
export function mark(w: Window, index: number): void {
  if (index > w.top) {
    if (index - w.top >= WINDOW) w.bits.fill(0);
    else for (let i = w.top + 1; i < index; i += 1) flip(w.bits, i % WINDOW, false);
    w.top = index;
  }
  flip(w.bits, index % WINDOW, true);
}

function flip(bits: Int32Array, bit: number, on: boolean): void {
  const word = bit >>> 5;
  const mask = 1 << (bit & 31);
  bits[word] = on ? (bits[word] ?? 0) | mask : (bits[word] ?? 0) & ~mask;
}
