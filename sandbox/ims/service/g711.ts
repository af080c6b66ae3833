/** G.711 encoding and the test tone. ITU-T G.711, RFC 3551 4.5.14. */

export type G711 = 'PCMA' | 'PCMU';

/** Samples in one packet of 20 ms at 8000 Hz. */
export const FRAME = 160;

/** One octet of A-law for a 16-bit sample. */
export function encodeAlaw(sample: number): number {
  const sign = sample >= 0 ? 0x80 : 0;
  let level = Math.min(sample >= 0 ? sample : -sample - 1, 32767) >> 4;
  if (level > 15) {
    let exponent = 1;
    while (level > 31) {
      level >>= 1;
      exponent++;
    }
    level = (level & 15) | (exponent << 4);
  }
  return (sign | level) ^ 0x55;
}

/** One octet of mu-law for a 16-bit sample. */
export function encodeUlaw(sample: number): number {
  const sign = sample < 0 ? 0x80 : 0;
  const level = Math.min(Math.abs(sample), 32635) + 132;
  let exponent = 7;
  for (let mask = 0x4000; exponent > 0 && (level & mask) === 0; mask >>= 1) exponent--;
  const mantissa = (level >> (exponent + 3)) & 15;
  return ~(sign | (exponent << 4) | mantissa) & 0xff;
}

const TONE_HZ = 440;
/** 440 Hz repeats every 200 samples, packets every 160: after 800 samples both start anew. */
const TONE_SAMPLES = 800;
const AMPLITUDE = 8000;

/** Five packets of 20 ms that repeat without a seam: 440 Hz at 12 dB below full scale. */
export function toneFrames(codec: G711): readonly Uint8Array[] {
  const encode = codec === 'PCMA' ? encodeAlaw : encodeUlaw;
  const samples = new Uint8Array(TONE_SAMPLES);
  for (let i = 0; i < TONE_SAMPLES; i++) {
    samples[i] = encode(Math.round(AMPLITUDE * Math.sin((2 * Math.PI * TONE_HZ * i) / 8000)));
  }
  return Array.from({ length: TONE_SAMPLES / FRAME }, (_, i) => samples.subarray(i * FRAME, (i + 1) * FRAME));
}
