/** The speech codecs that can be named in the settings: their payload formats as we offer them, and what is kept of the other side's parameters. */
import type { PayloadFormat } from './engine.ts';
import { PCMA, PCMU, parametersOf } from './payload-format.ts';
import type { CodecName } from './settings.ts';

/** What VoLTE terminals offer: any mode. TS 26.114 5.2.1, RFC 4867 8.1. */
const AMR_FMTP = 'mode-change-capability=2;max-red=0';

const FORMATS: Readonly<Record<CodecName, PayloadFormat>> = {
  PCMA,
  PCMU,
  // Its clock is half its sampling rate, for ever. RFC 3551 4.5.2.
  G722: { name: 'G722', clock: 8000, channels: 1, fmtp: null },
  // Always two channels in rtpmap; whether they are used is a parameter. RFC 7587 7.
  opus: { name: 'opus', clock: 48_000, channels: 2, fmtp: 'useinbandfec=1;stereo=0' },
  AMR: { name: 'AMR', clock: 8000, channels: 1, fmtp: AMR_FMTP },
  'AMR-WB': { name: 'AMR-WB', clock: 16_000, channels: 1, fmtp: AMR_FMTP },
};

/** As they are usually written, and in lower case. */
const BY_NAME = new Map(
  Object.entries(FORMATS).flatMap(([name, format]) => [name, name.toLowerCase()].map(key => [key, { name, format }])),
);

/** Parameters of AMR that hold for both directions: an answer repeats them. RFC 4867 8.3.1. */
const AMR_SHARED = [
  ...['octet-align', 'crc', 'robust-sorting', 'interleaving'],
  ...['mode-set', 'mode-change-period', 'mode-change-neighbor'],
];

/** The format as we offer it; of AMR in the bandwidth-efficient layout. */
export function ownFormat(name: CodecName): PayloadFormat {
  return FORMATS[name];
}

/** The same in each layout that we offer, the preferred first: some terminals have octet-aligned AMR alone. TS 26.114 A.1. */
export function ownLayouts(name: CodecName): readonly PayloadFormat[] {
  const format = FORMATS[name];
  return isAmr(format) ? [format, { ...format, fmtp: `octet-align=1;${format.fmtp}` }] : [format];
}

/** Which of the codecs this is, whatever its parameters; null: none we know. */
export function codecName({ name, clock, channels }: PayloadFormat): CodecName | null {
  const known = BY_NAME.get(name) ?? BY_NAME.get(name.toLowerCase());
  return known?.format.clock === clock && known.format.channels === channels ? (known.name as CodecName) : null;
}

export function isG711(format: PayloadFormat): boolean {
  const name = codecName(format);
  return name === 'PCMA' || name === 'PCMU';
}

export function isAmr(format: PayloadFormat): boolean {
  const name = codecName(format);
  return name === 'AMR' || name === 'AMR-WB';
}

/** How a format of one side is offered to the other when its packets pass as they are. */
export function passedOn(format: PayloadFormat): PayloadFormat {
  const own = ownFormatOf(format);
  if (!isAmr(format)) return own;
  return { ...own, fmtp: written(format, [...AMR_SHARED, 'mode-change-capability', 'max-red']) };
}

/** How an offered format is answered. */
export function answered(format: PayloadFormat): PayloadFormat {
  if (isEvent(format)) return eventFormat(format.clock);
  const own = ownFormatOf(format);
  if (!isAmr(format)) return own;
  const ours = ['mode-change-capability=2', ...(parametersOf(format.fmtp).has('max-red') ? ['max-red=0'] : [])];
  return { ...own, fmtp: [written(format, AMR_SHARED), ...ours].filter(part => part !== null).join(';') };
}

/** Digits of the keypad at a codec's clock. RFC 4733 2.4.1, 7.1.1. */
export function eventFormat(clock: number): PayloadFormat {
  return { name: 'telephone-event', clock, channels: 1, fmtp: '0-15' };
}

export function isEvent({ name, channels }: PayloadFormat): boolean {
  return name.toLowerCase() === 'telephone-event' && channels === 1;
}

/** Number that means the format without being said, or that it has by custom; null: any. RFC 3551 6. */
export function usualNumber(format: PayloadFormat): number | null {
  if (isEvent(format)) return format.clock === 8000 ? 101 : null;
  const name = codecName(format);
  return name === 'PCMU' ? 0 : name === 'PCMA' ? 8 : name === 'G722' ? 9 : null;
}

function ownFormatOf(format: PayloadFormat): PayloadFormat {
  const name = codecName(format);
  return name === null ? format : FORMATS[name];
}

/** Of an AMR format the parameters named, in that order, where they are numbers or lists of them; null when none is left. */
function written(format: PayloadFormat, names: readonly string[]): string | null {
  const said = parametersOf(format.fmtp);
  const kept = names.filter(name => /^\d[\d,]{0,30}$/.test(said.get(name) ?? ''));
  return kept.length === 0 ? null : kept.map(name => `${name}=${said.get(name)}`).join(';');
}
