/** The work a page does before it may call: a solution whose SHA-256, behind the challenge, begins with so many zero bits. In slices, so that the page never stands still. */
import type { Environment } from './environment.ts';
import { addBlock, BLOCK_BYTES, startState } from './sha-256.ts';

export interface Challenge {
  challenge: string;
  /** Leading zero bits. */
  difficulty: number;
}

/** Half a frame of a page that moves. */
const SLICE_MS = 8;
const LOOK_AT_CLOCK = 512;
/** Digits of a solution: more than can ever be tried, and all of one length, so that what is around them stays the same. */
const DIGITS = 12;

/** Resolves with a solution of decimal digits. Rejects when `signal` is aborted. */
export async function solve(
  { challenge, difficulty }: Challenge,
  environment: Pick<Environment, 'now' | 'after'>,
  signal?: AbortSignal,
): Promise<string> {
  const attempt = createAttempts(challenge);
  let sliceEnd = environment.now() + SLICE_MS;
  for (let n = 0; ; n += 1) {
    if (zeroBits(attempt.next()) >= difficulty) return attempt.solution;
    if (n % LOOK_AT_CLOCK !== 0 || environment.now() < sliceEnd) continue;
    await new Promise<void>(resolve => environment.after(0, resolve));
    signal?.throwIfAborted();
    sliceEnd = environment.now() + SLICE_MS;
  }
}

/** The hash of one solution after the other; blocks that the challenge fills alone are hashed once. */
function createAttempts(challenge: string) {
  const text = new TextEncoder().encode(challenge);
  const length = text.length + DIGITS;
  // 0x80, zeroes and the length in bits fill the last block. FIPS 180-4 5.1.1
  const padded = new Uint8Array(Math.ceil((length + 9) / BLOCK_BYTES) * BLOCK_BYTES);
  padded.set(text);
  padded.fill(0x30, text.length, length);
  padded[length] = 0x80;
  const view = new DataView(padded.buffer);
  view.setUint32(padded.length - 4, length * 8);
  const common = Math.floor(text.length / BLOCK_BYTES) * BLOCK_BYTES;
  const middle = startState();
  for (let offset = 0; offset < common; offset += BLOCK_BYTES) addBlock(middle, middle, view, offset);
  const state = startState();
  return {
    /** The next hash, good until the one after it. */
    next(): Int32Array {
      let digit = length - 1;
      while (padded[digit] === 0x39) padded[digit--] = 0x30;
      padded[digit] = (padded[digit] as number) + 1;
      addBlock(state, middle, view, common);
      for (let offset = common + BLOCK_BYTES; offset < padded.length; offset += BLOCK_BYTES)
        addBlock(state, state, view, offset);
      return state;
    },
    get solution(): string {
      return String.fromCharCode(...padded.subarray(text.length, length));
    },
  };
}

function zeroBits(hash: Int32Array): number {
  let bits = 0;
  for (const word of hash) {
    bits += Math.clz32(word);
    if (word !== 0) break;
  }
  return bits;
}
