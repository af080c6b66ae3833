/** How many bits speech takes on the way to the core, for the b= lines, ours and the far end's: by codec, packet length and family of addresses. TS 26.114 6.2.5, RFC 4867 4.3 and 4.4. */
import type { PayloadFormat } from './engine.ts';
import { parametersOf } from './payload-format.ts';
import { codecName, isAmr } from './speech-codec.ts';

export type AddressFamily = 'IP4' | 'IP6';

/** RTP, UDP and IP headers, bytes. */
const HEADERS: Readonly<Record<AddressFamily, number>> = { IP4: 12 + 8 + 20, IP6: 12 + 8 + 40 };

/** Bits of a speech frame of 20 ms in each mode. TS 26.101 A.1, TS 26.201 A.1. */
const AMR_BITS = [95, 103, 118, 134, 148, 159, 204, 244];
const AMR_WB_BITS = [132, 177, 253, 285, 317, 365, 397, 461, 477];
const FRAME_MS = 20;

/** Bytes of a ms: G.711 and G.722 have 64 kbit/s, for Opus 32 kbit/s are reckoned. */
const G711_BYTES = 8;
const OPUS_BYTES = 4;

/** kbit/s for `b=AS`: that of the largest of the formats, with headers, rounded up. `ptimeMs` is the speech in one packet. */
export function bandwidthAs(formats: readonly PayloadFormat[], ptimeMs: number, family: AddressFamily): number {
  const payload = Math.max(0, ...formats.map(format => payloadBytes(format, ptimeMs)));
  return Math.ceil(((payload + HEADERS[family]) * 8) / ptimeMs);
}

/** The longest packet we take, ms of speech: AMR may bundle frames, the others have no reason to. TS 26.114 7.5.2. */
export function maxptimeMs(formats: readonly PayloadFormat[]): number {
  return formats.some(isAmr) ? 240 : 40;
}

/**
 * The format in those of its modes that `kbps`, a far end's `b=AS`, has room for; the lowest where there is room for none.
 * What is not AMR has one rate and stays as it is; null and 0 say nothing. TS 26.114 6.2.5, RFC 4867 8.1.
 */
export function withinAs<F extends PayloadFormat>(
  format: F,
  kbps: number | null,
  ptimeMs: number,
  family: AddressFamily,
): F {
  if (kbps === null || kbps === 0 || !isAmr(format)) return format;
  const modes = modesOf(format);
  const fit = modes.filter(mode => bandwidthAs([inModes(format, [mode])], ptimeMs, family) <= kbps);
  return fit.length === modes.length ? format : inModes(format, fit.length > 0 ? fit : modes.slice(0, 1));
}

function payloadBytes(format: PayloadFormat, ptimeMs: number): number {
  if (isAmr(format)) return amrBytes(format, Math.max(1, Math.round(ptimeMs / FRAME_MS)));
  return ptimeMs * (codecName(format) === 'opus' ? OPUS_BYTES : G711_BYTES);
}

/** With one header and, for each frame, its entry in the table of contents. */
function amrBytes(format: PayloadFormat, frames: number): number {
  const bits = largestFrame(format);
  const octetAligned = parametersOf(format.fmtp).get('octet-align') === '1';
  return octetAligned ? 1 + frames * (1 + Math.ceil(bits / 8)) : Math.ceil((4 + frames * (6 + bits)) / 8);
}

function largestFrame(format: PayloadFormat): number {
  const bits = bitsOf(format);
  return Math.max(...modesOf(format).map(mode => bits[mode] ?? 0));
}

/** Those of its `mode-set`, from the lowest; all, when it names none that there is. */
function modesOf(format: PayloadFormat): number[] {
  const all = [...bitsOf(format).keys()];
  const named = parametersOf(format.fmtp).get('mode-set')?.split(',').map(Number) ?? [];
  const allowed = all.filter(mode => named.includes(mode));
  return allowed.length > 0 ? allowed : all;
}

function bitsOf(format: PayloadFormat): readonly number[] {
  return codecName(format) === 'AMR' ? AMR_BITS : AMR_WB_BITS;
}

function inModes<F extends PayloadFormat>(format: F, modes: readonly number[]): F {
  const parameters = parametersOf(format.fmtp).set('mode-set', modes.join(','));
  return { ...format, fmtp: [...parameters].map(([name, value]) => `${name}=${value}`).join(';') };
}
