/** Broken copies of good messages, from a seed. */

/** Plays `count` mutants of one kind; throws when something is thrown, kept, sent or agreed that may not be. */
export type Round = (seed: number, count: number) => void;

/** Lengths, numbers and kinds where readers of bytes go wrong. */
export const EDGES = [
  '\0',
  '\0\0',
  '\0\x01',
  '\xff\xff',
  '\0\0\0\0',
  '\xff\xff\xff\xff',
  '\x80\0',
  '\x7f\xff',
  '\x16\xfe\xfd',
];

/** `count` of them: each has one to three bytes set, cut out, cut off, copied from elsewhere in it, or one of `pieces` put in. `random` gives 0 to below 1. */
export function* mutants(
  random: () => number,
  seeds: readonly Buffer[],
  count: number,
  pieces: readonly string[],
): Iterable<Buffer> {
  const pick = (n: number) => Math.floor(random() * n);
  for (let i = 0; i < count; i += 1) {
    let bytes: Buffer = Buffer.from(seeds[pick(seeds.length)] ?? '');
    for (let k = 1 + pick(3); k > 0; k -= 1) {
      const at = pick(bytes.length + 1);
      const kind = pick(5);
      if (kind === 0 && bytes.length > 0) bytes[Math.min(at, bytes.length - 1)] = pick(256);
      else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + pick(12))]);
      else if (kind === 2) bytes = bytes.subarray(0, at);
      else if (kind === 3) {
        const from = pick(bytes.length);
        bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(from, from + pick(80)), bytes.subarray(at)]);
      } else {
        const piece = Buffer.from(pieces[pick(pieces.length)] ?? '', random() < 0.5 ? 'latin1' : 'utf8');
        bytes = Buffer.concat([bytes.subarray(0, at), piece, bytes.subarray(at)]);
      }
    }
    yield bytes;
  }
}
