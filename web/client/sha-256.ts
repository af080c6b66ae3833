/** SHA-256 of short texts, many times over: what one block does, without a promise each. FIPS 180-4 6.2. */

export const BLOCK_BYTES = 64;

const primes: number[] = [];
for (let n = 2; primes.length < 64; n += 1) if (primes.every(prime => n % prime !== 0)) primes.push(n);
/** The first 32 bits behind the point of a root. FIPS 180-4 4.2.2, 5.3.3 */
const fraction = (root: number) => ((root % 1) * 2 ** 32) | 0;
const K = Int32Array.from(primes, prime => fraction(Math.cbrt(prime)));
const START = Int32Array.from(primes.slice(0, 8), prime => fraction(Math.sqrt(prime)));
const W = new Int32Array(64);

/** The state before the first block. */
export const startState = (): Int32Array => START.slice();

/** `from` after one more block, the 64 bytes at `offset`; written to `to`, which may be `from`. */
export function addBlock(to: Int32Array, from: Int32Array, block: DataView, offset = 0): void {
  for (let t = 0; t < 16; t += 1) W[t] = block.getInt32(offset + t * 4);
  for (let t = 16; t < 64; t += 1) {
    const w15 = W[t - 15] as number;
    const w2 = W[t - 2] as number;
    const s0 = ((w15 >>> 7) | (w15 << 25)) ^ ((w15 >>> 18) | (w15 << 14)) ^ (w15 >>> 3);
    const s1 = ((w2 >>> 17) | (w2 << 15)) ^ ((w2 >>> 19) | (w2 << 13)) ^ (w2 >>> 10);
    W[t] = ((W[t - 16] as number) + s0 + (W[t - 7] as number) + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = from as unknown as [number, number, number, number, number, number, number, number];
  for (let t = 0; t < 64; t += 1) {
    const s1 = ((e >>> 6) | (e << 26)) ^ ((e >>> 11) | (e << 21)) ^ ((e >>> 25) | (e << 7));
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + (K[t] as number) + (W[t] as number)) | 0;
    const s0 = ((a >>> 2) | (a << 30)) ^ ((a >>> 13) | (a << 19)) ^ ((a >>> 22) | (a << 10));
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  to[0] = ((from[0] as number) + a) | 0;
  to[1] = ((from[1] as number) + b) | 0;
  to[2] = ((from[2] as number) + c) | 0;
  to[3] = ((from[3] as number) + d) | 0;
  to[4] = ((from[4] as number) + e) | 0;
  to[5] = ((from[5] as number) + f) | 0;
  to[6] = ((from[6] as number) + g) | 0;
  to[7] = ((from[7] as number) + h) | 0;
}
