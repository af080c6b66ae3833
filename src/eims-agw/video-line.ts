/** What an m=video line says that we use, and the lines we write: codecs that pass as they are, feedback, orientation, bandwidth. RFC 6184, RFC 7741, TS 26.114 6.2.3. */
import { type Codec, type Direction, type MediaDesc, receives, sends } from '../sdp/index.ts';
import type { PayloadFormat } from './engine.ts';
import { parametersOf, sameFormat } from './payload-format.ts';

const ORIENTATION = 'urn:3gpp:video-orientation';
/** What we answer, or hand on, when it is asked of us. */
const FEEDBACK = ['nack', 'nack pli', 'ccm fir'];
/** Constrained Baseline at level 3.1, what every browser and most phones take. */
const LEVEL = '1f';
const CLOCK = 90_000;

/** One party's m=video line. */
export interface VideoLine {
  /** That we can pass, H.264 before VP8; numbers of its SDP. */
  codecs: readonly Codec[];
  sends: boolean;
  receives: boolean;
  /** Id of the header extension for the camera's orientation; null without. */
  orientation: number | null;
  /** `agreed`: its line is AVPF and names what it takes; a number: the potential configuration that would make it so. RFC 5939. */
  feedback: 'agreed' | number | null;
  /** kbit/s it takes; null when it does not say. */
  kbps: number | null;
}

/** Reads a line; null when it is refused or holds nothing that we can pass. */
export function readVideo(media: MediaDesc | undefined): VideoLine | null {
  if (media === undefined || !media.live || media.kind !== 'video') return null;
  const codecs = media.codecs.filter(isUsable).sort((a, b) => rank(a) - rank(b));
  if (codecs.length === 0) return null;
  const named = media.feedback.some(what => what === 'nack pli' || what === 'ccm fir');
  return {
    codecs,
    sends: sends(media.direction),
    receives: receives(media.direction),
    orientation: media.extensions.find(extension => extension.uri === ORIENTATION)?.id ?? null,
    feedback: !named ? null : media.proto.endsWith('AVPF') ? 'agreed' : media.avpfConfig,
    kbps: media.bandwidth.as,
  };
}

/** The first of `theirs` that `ours` has too, under the number of theirs; null without. `numbered`: under one number. */
export function common(
  theirs: readonly Codec[],
  ours: ReadonlyArray<PayloadFormat & { pt?: number }>,
  numbered = false,
): Codec | null {
  const same = (codec: Codec, other: PayloadFormat & { pt?: number }) =>
    sameFormat(codec, other) && (!numbered || codec.pt === other.pt);
  return theirs.find(codec => ours.some(other => same(codec, other))) ?? null;
}

/** The codecs as we offer or answer them to a browser: the level is the far end's. */
export function forWeb(codec: PayloadFormat): PayloadFormat {
  return isH264(codec) ? { ...codec, name: 'H264', fmtp: h264(codec, '42e0') } : { ...codec, name: 'VP8', fmtp: null };
}

/** The same towards the IMS side. In an answer the profile stays the offerer's. RFC 6184 8.2.2. */
export function forIms(codec: PayloadFormat, offered: PayloadFormat | null): PayloadFormat {
  if (!isH264(codec)) return { ...codec, name: 'VP8', fmtp: null };
  return { ...codec, name: 'H264', fmtp: h264(offered ?? codec, offered === null ? '42e0' : profileOf(offered)) };
}

/** The attribute lines behind an m=video line. */
export interface VideoText {
  codecs: readonly Codec[];
  direction: Direction;
  kbps: number;
  orientation: number | null;
  /** `offer`: to be had by capability negotiation; a number: that configuration is taken; `web`: a browser's line. */
  feedback: 'offer' | 'web' | 'agreed' | number | null;
}

/** The lines of bandwidth and attributes. */
export function videoLines(text: VideoText): string[] {
  const { codecs, feedback } = text;
  const lines = [`b=AS:${text.kbps}`];
  if (feedback !== 'web') lines.push('b=RS:0', 'b=RR:5000');
  for (const { pt, name, fmtp } of codecs) {
    lines.push(`a=rtpmap:${pt} ${name}/${CLOCK}`);
    if (fmtp !== null) lines.push(`a=fmtp:${pt} ${fmtp}`);
    if (feedback === 'web') lines.push(...FEEDBACK.map(what => `a=rtcp-fb:${pt} ${what}`));
  }
  if (typeof feedback === 'number') lines.push(`a=acfg:${feedback} t=1`);
  if (feedback !== 'web' && feedback !== null) lines.push(...FEEDBACK.map(what => `a=rtcp-fb:* ${what}`));
  if (text.orientation !== null) lines.push(`a=extmap:${text.orientation} ${ORIENTATION}`);
  lines.push(`a=${text.direction}`);
  return lines;
}

function isH264({ name }: PayloadFormat): boolean {
  return name.toUpperCase() === 'H264';
}

/** VP8, and H.264 of the Baseline profiles: no far end would understand another. */
function isUsable(codec: Codec): boolean {
  if (codec.clock !== CLOCK) return false;
  return isH264(codec) ? profileOf(codec).startsWith('42') : codec.name.toUpperCase() === 'VP8';
}

/** H.264 before VP8, Constrained Baseline before Baseline, fragmented units before single ones. */
function rank(codec: Codec): number {
  if (!isH264(codec)) return 4;
  return (profileOf(codec) === '42e0' ? 0 : 2) + (modeOf(codec) === '1' ? 0 : 1);
}

function h264(codec: PayloadFormat, profile: string): string {
  return `level-asymmetry-allowed=1;packetization-mode=${modeOf(codec)};profile-level-id=${profile}${levelOf(codec)}`;
}

function modeOf({ fmtp }: PayloadFormat): string {
  return parametersOf(fmtp).get('packetization-mode') === '1' ? '1' : '0';
}

/** Profile and constraints, four hex digits; Baseline when not said. RFC 6184 8.1. */
function profileOf({ fmtp }: PayloadFormat): string {
  return profileLevel(fmtp)?.slice(0, 4) ?? '4200';
}

function levelOf({ fmtp }: PayloadFormat): string {
  return profileLevel(fmtp)?.slice(4) ?? LEVEL;
}

function profileLevel(fmtp: string | null): string | null {
  const value = parametersOf(fmtp).get('profile-level-id')?.toLowerCase() ?? '';
  return /^[0-9a-f]{6}$/.test(value) ? value : null;
}
