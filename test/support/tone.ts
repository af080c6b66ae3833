/** Tones in G.711 A-law and in WAV files: made, and measured. ITU-T G.711; the Goertzel filter. */

const RATE = 8000;
/** Samples of a 20 ms packet. */
export const FRAME = 160;

/** `frames` packets of a sine of `hz`, A-law. */
export function toneFrames(hz: number, frames: number): Uint8Array[] {
  return Array.from({ length: frames }, (_, n) =>
    Uint8Array.from({ length: FRAME }, (_unused, i) =>
      encode(Math.round(12_000 * Math.sin((2 * Math.PI * hz * (n * FRAME + i)) / RATE))),
    ),
  );
}

export interface Tone {
  hz: number;
  /** Of the whole power, 0 to 1. */
  share: number;
}

/** The strongest tone in A-law payloads. */
export function measureTone(payloads: readonly Uint8Array[]): Tone {
  return strongestTone(
    payloads.flatMap(payload => Array.from(payload, decode)),
    RATE,
  );
}

/** The strongest whole multiple of 20 Hz between 100 and 3000 Hz, and its share of the whole power. */
export function strongestTone(samples: readonly number[], rate: number): Tone {
  const total = samples.reduce((sum, sample) => sum + sample * sample, 0);
  let best = { hz: 0, share: 0 };
  for (let hz = 100; hz <= 3000; hz += 20) {
    const share = total === 0 ? 0 : (2 * power(samples, hz, rate)) / (total * samples.length);
    if (share > best.share) best = { hz, share };
  }
  return best;
}

function power(samples: readonly number[], hz: number, rate: number): number {
  const factor = 2 * Math.cos((2 * Math.PI * hz) / rate);
  let one = 0;
  let two = 0;
  for (const sample of samples) {
    const next = sample + factor * one - two;
    two = one;
    one = next;
  }
  return one * one + two * two - factor * one * two;
}

function encode(sample: number): number {
  const sign = sample >= 0 ? 0x80 : 0;
  const magnitude = Math.min(Math.abs(sample) >> 4, 0x7ff);
  let exponent = 0;
  while (magnitude >> (exponent + 5) > 0) exponent += 1;
  const mantissa = exponent === 0 ? magnitude >> 1 : (magnitude >> exponent) & 0x0f;
  return (sign | (exponent << 4) | (mantissa & 0x0f)) ^ 0x55;
}

function decode(byte: number): number {
  const code = byte ^ 0x55;
  const exponent = (code >> 4) & 7;
  const mantissa = code & 0x0f;
  const magnitude = exponent === 0 ? (mantissa << 4) + 8 : ((mantissa << 4) + 0x108) << (exponent - 1);
  return (code & 0x80) !== 0 ? magnitude : -magnitude;
}

const WAV_HEADER_BYTES = 44;

/** A sine as a mono WAV file of 16 bit; with a whole number of periods it goes round without a click. */
export function toneWav(hz: number, seconds: number, rate = RATE): Buffer {
  return wavOf(seconds, rate, n => 12_000 * Math.sin((2 * Math.PI * hz * n) / rate));
}

/** A mono WAV file of these samples of 16 bit. */
export function wavOf(seconds: number, rate: number, sample: (n: number) => number): Buffer {
  const samples = rate * seconds;
  const wav = Buffer.alloc(WAV_HEADER_BYTES + samples * 2);
  wav.write('RIFF', 0);
  wav.writeUInt32LE(36 + samples * 2, 4);
  wav.write('WAVEfmt ', 8);
  wav.writeUInt32LE(16, 16);
  wav.writeUInt16LE(1, 20);
  wav.writeUInt16LE(1, 22);
  wav.writeUInt32LE(rate, 24);
  wav.writeUInt32LE(rate * 2, 28);
  wav.writeUInt16LE(2, 32);
  wav.writeUInt16LE(16, 34);
  wav.write('data', 36);
  wav.writeUInt32LE(samples * 2, 40);
  for (let n = 0; n < samples; n += 1) wav.writeInt16LE(Math.round(sample(n)), WAV_HEADER_BYTES + n * 2);
  return wav;
}

/** The samples of the first channel of a WAV file of 16 bit, finished or still being written, and how many of them there are in a second. */
export function wavSamples(wav: Buffer): { samples: number[]; rate: number } {
  if (wav.length < WAV_HEADER_BYTES) return { samples: [], rate: 1 };
  const frameBytes = 2 * wav.readUInt16LE(22);
  const count = Math.floor((wav.length - WAV_HEADER_BYTES) / frameBytes);
  const samples = Array.from({ length: count }, (_, n) => wav.readInt16LE(WAV_HEADER_BYTES + n * frameBytes));
  return { samples, rate: wav.readUInt32LE(24) };
}
