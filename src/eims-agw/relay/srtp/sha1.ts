/** HMAC-SHA1 with its pads computed once per key, for short packets: one call into node:crypto costs more than the whole. RFC 2104, FIPS 180-4 6.1. */

/** Chaining values after the inner and the outer pad: 5 + 5 words. */
export type HmacPads = Int32Array;

const BLOCK_BYTES = 64;
const words = new Int32Array(80);
const state = new Int32Array(5);
const tail = new Uint8Array(2 * BLOCK_BYTES);

/** Prepares a key of at most 64 bytes; throws RangeError on a longer one. */
export function hmacPads(key: Uint8Array): HmacPads {
  if (key.length > BLOCK_BYTES) throw new RangeError('an HMAC key here has at most 64 bytes');
  const pads = new Int32Array(10);
  const block = new Uint8Array(BLOCK_BYTES);
  for (const [at, pad] of [
    [0, 0x36],
    [5, 0x5c],
  ] as const) {
    block.fill(pad);
    for (let i = 0; i < key.length; i += 1) block[i] = (key[i] ?? 0) ^ pad;
    begin();
    load(block, 0);
    compress();
    pads.set(state, at);
  }
  block.fill(0);
  return pads;
}

/**
 * HMAC-SHA1 over the first `length` bytes of `data` followed by the 32-bit `word` when it is not negative; the five
 * words of the result are in `out`.
 */
export function hmacSha1(pads: HmacPads, data: Uint8Array, length: number, word: number, out: Int32Array): void {
  for (let i = 0; i < 5; i += 1) state[i] = pads[i] as number;
  let at = 0;
  for (; at + BLOCK_BYTES <= length; at += BLOCK_BYTES) {
    load(data, at);
    compress();
  }
  let rest = length - at;
  for (let i = 0; i < rest; i += 1) tail[i] = data[at + i] as number;
  if (word >= 0) {
    tail[rest] = (word >>> 24) & 255;
    tail[rest + 1] = (word >>> 16) & 255;
    tail[rest + 2] = (word >>> 8) & 255;
    tail[rest + 3] = word & 255;
    rest += 4;
  }
  // `at` counts whole blocks; the key's pad is one more.
  const bits = (BLOCK_BYTES + at + rest) * 8;
  tail[rest] = 0x80;
  const blocks = rest + 9 > BLOCK_BYTES ? 2 : 1;
  for (let i = rest + 1; i < blocks * BLOCK_BYTES; i += 1) tail[i] = 0;
  load(tail, 0);
  if (blocks === 2) {
    compress();
    load(tail, BLOCK_BYTES);
  }
  words[15] = bits;
  compress();
  outer(pads);
  for (let i = 0; i < 5; i += 1) out[i] = state[i] as number;
}

/** The digest in `state` becomes the message of the outer hash. */
function outer(pads: HmacPads): void {
  for (let i = 0; i < 5; i += 1) {
    words[i] = state[i] as number;
    state[i] = pads[5 + i] as number;
  }
  words[5] = 0x80000000 | 0;
  for (let i = 6; i < 15; i += 1) words[i] = 0;
  words[15] = (BLOCK_BYTES + 20) * 8;
  compress();
}

function begin(): void {
  state[0] = 0x67452301;
  state[1] = 0xefcdab89 | 0;
  state[2] = 0x98badcfe | 0;
  state[3] = 0x10325476;
  state[4] = 0xc3d2e1f0 | 0;
}

function load(data: Uint8Array, at: number): void {
  for (let i = 0, p = at; i < 16; i += 1, p += 4) {
    words[i] =
      ((data[p] as number) << 24) |
      ((data[p + 1] as number) << 16) |
      ((data[p + 2] as number) << 8) |
      (data[p + 3] as number);
  }
}

/** One block: `words` 0 to 15 into `state`. No branch and no index depends on data. */
function compress(): void {
  const w = words;
  for (let i = 16; i < 80; i += 1) {
    const x = (w[i - 3] as number) ^ (w[i - 8] as number) ^ (w[i - 14] as number) ^ (w[i - 16] as number);
    w[i] = (x << 1) | (x >>> 31);
  }
  let a = state[0] as number;
  let b = state[1] as number;
  let c = state[2] as number;
  let d = state[3] as number;
  let e = state[4] as number;
  let t = 0;
  for (let i = 0; i < 20; i += 1) {
    t = (((a << 5) | (a >>> 27)) + ((b & c) | (~b & d)) + e + 0x5a827999 + (w[i] as number)) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = t;
  }
  for (let i = 20; i < 40; i += 1) {
    t = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0x6ed9eba1 + (w[i] as number)) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = t;
  }
  for (let i = 40; i < 60; i += 1) {
    t = (((a << 5) | (a >>> 27)) + ((b & c) | (b & d) | (c & d)) + e + 0x8f1bbcdc + (w[i] as number)) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = t;
  }
  for (let i = 60; i < 80; i += 1) {
    t = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0xca62c1d6 + (w[i] as number)) | 0;
    e = d;
    d = c;
    c = (b << 30) | (b >>> 2);
    b = a;
    a = t;
  }
  state[0] = (state[0] as number) + a;
  state[1] = (state[1] as number) + b;
  state[2] = (state[2] as number) + c;
  state[3] = (state[3] as number) + d;
  state[4] = (state[4] as number) + e;
}
