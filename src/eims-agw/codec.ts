/** The speech codecs and telephone events of one side of a call, as its SDP has them, and the rules that join two sides. RFC 3264 6.1, RFC 4733. */
import type { Codec, MediaDesc } from '../sdp/index.ts';
import type { PayloadFormat, PtRule } from './engine.ts';
import { sameFormat } from './payload-format.ts';
import type { CodecName } from './settings.ts';
import { codecName, isEvent } from './speech-codec.ts';

/** Speech in order of preference, and telephone events, one for a clock. */
export interface Formats {
  speech: readonly PayloadFormat[];
  events: readonly PayloadFormat[];
}

/** The same under payload types: what one party may send, numbered by the other's SDP. */
export interface Codecs extends Formats {
  speech: readonly Codec[];
  events: readonly Codec[];
}

export const NO_CODECS: Codecs = { speech: [], events: [] };

/** Clock of the events that are taken with any codec, since some browsers have no other. */
const EVENT_CLOCK = 8000;

/** The codecs of an m-line that are among `names`, in its own order; of two that are the same, the first. */
export function codecsOf(media: MediaDesc, names: readonly CodecName[]): Codecs {
  const speech: Codec[] = [];
  const events: Codec[] = [];
  for (const codec of media.codecs) {
    const name = codecName(codec);
    const list = isEvent(codec) ? events : name !== null && names.includes(name) ? speech : null;
    if (list?.some(held => sameFormat(held, codec)) === false) list.push(codec);
  }
  return { speech, events };
}

/** What of two SDPs can be used: `from` under our numbers for what they send, `to` under theirs for what we send. */
export function agreed(ours: Codecs, theirs: Codecs): { from: Codecs; to: Codecs } {
  return { from: shared(ours, theirs), to: shared(theirs, ours) };
}

/** One speech codec out of a list, and the events that go with it. */
export function single(codecs: Codecs, chosen: Codec): Codecs {
  const event = eventFor(codecs.events, chosen.clock);
  return { speech: [chosen], events: event === null ? [] : [event] };
}

/** Events at the codec's clock, as RFC 4733 2.1 wants them; else those at 8 kHz, which some browsers have alone. */
function eventFor<F extends PayloadFormat>(events: readonly F[], clock: number): F | null {
  return events.find(e => e.clock === clock) ?? events.find(e => e.clock === EVENT_CLOCK) ?? null;
}

/**
 * What to do with each payload type from one side when the other is sent `target`: all speech that `passes` becomes
 * that, and all events become those that go with it. Nothing without a target.
 */
export function rules(
  from: Codecs | null,
  to: Codecs | null,
  target: Codec | null,
  passes: (from: PayloadFormat, to: PayloadFormat) => boolean,
): PtRule[] {
  if (from === null || to === null || target === null) return [];
  const event = eventFor(to.events, target.clock);
  return [
    ...from.speech.filter(codec => passes(codec, target)).map(codec => rule('speech', codec, target)),
    ...from.events.filter(codec => event !== null && passes(codec, event)).map(c => rule('event', c, event ?? c)),
  ];
}

function rule(kind: PtRule['kind'], from: Codec, to: Codec): PtRule {
  return { in: from.pt, out: to.pt, kind, from: formatOf(from), to: formatOf(to) };
}

function formatOf({ name, clock, channels, fmtp }: Codec): PayloadFormat {
  return { name, clock, channels, fmtp };
}

function shared(a: Codecs, b: Codecs): Codecs {
  const held = (list: readonly Codec[], others: readonly Codec[]) =>
    list.filter(codec => others.some(other => sameFormat(codec, other)));
  return { speech: held(a.speech, b.speech), events: held(a.events, b.events) };
}
