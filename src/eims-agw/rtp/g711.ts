/** PCMA to PCMU and back by one table each way, in place. ITU-T G.711. */

export const A_TO_U = table(aDecode, uEncode);
export const U_TO_A = table(uDecode, aEncode);

/** Replaces the samples from `start` (inclusive) to `end` (exclusive) by those of the other law. */
export function convertLaw(packet: Uint8Array, start: number, end: number, map: Uint8Array): void {
  for (let i = start; i < end; i += 1) packet[i] = map[packet[i] ?? 0] ?? 0;
}

function table(decode: (code: number) => number, encode: (sample: number) => number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, code) => encode(decode(code)));
}

/** Linear 16-bit value of an A-law code. */
export function aDecode(code: number): number {
  const bits = code ^ 0x55;
  const exponent = (bits >> 4) & 7;
  const step = ((bits & 15) << 4) + 8;
  const magnitude = exponent === 0 ? step : (step + 0x100) << (exponent - 1);
  return bits & 0x80 ? magnitude : -magnitude;
}

/** Linear 16-bit value of a mu-law code. */
export function uDecode(code: number): number {
  const bits = ~code & 0xff;
  const magnitude = ((((bits & 15) << 3) + 0x84) << ((bits >> 4) & 7)) - 0x84;
  return bits & 0x80 ? -magnitude : magnitude;
}

export function aEncode(sample: number): number {
  const sign = sample >= 0 ? 0x80 : 0;
  const magnitude = Math.min(sample >= 0 ? sample : -sample - 1, 0x7fff);
  let exponent = 7;
  while (exponent > 0 && magnitude < 0x80 << exponent) exponent -= 1;
  const mantissa = (magnitude >> (exponent === 0 ? 4 : exponent + 3)) & 15;
  return (sign | (exponent << 4) | mantissa) ^ 0x55;
}

export function uEncode(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample), 32_635) + 0x84;
  let exponent = 7;
  while (exponent > 0 && magnitude < 0x80 << exponent) exponent -= 1;
  return ~(sign | (exponent << 4) | ((magnitude >> (exponent + 3)) & 15)) & 0xff;
}
