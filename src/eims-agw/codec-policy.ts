/** Which codecs each side of a call is offered and answered: by the settings, by what the other side has, and by what the engine can make of it. */
import type { Codec, MediaDesc } from '../sdp/index.ts';
import { type Codecs, codecsOf, type Formats } from './codec.ts';
import type { PayloadFormat } from './engine.ts';
import { sameFormat } from './payload-format.ts';
import type { CodecName } from './settings.ts';
import { codecName, eventFormat, isG711, ownLayouts, passedOn } from './speech-codec.ts';

/** Fixed for the life of a call. */
export interface CodecPolicy {
  /** In order of preference. */
  web: readonly CodecName[];
  ims: readonly CodecName[];
  /** What the engine codes, each into each other. */
  transcode: readonly PayloadFormat[];
}

/** Whether packets of one format can become packets of the other. */
export function passes({ transcode }: CodecPolicy, from: PayloadFormat, to: PayloadFormat): boolean {
  if (sameFormat(from, to)) return true;
  const coded = (format: PayloadFormat) => transcode.some(known => sameFormat(known, format));
  return coded(from) && coded(to);
}

/** Everything a side could have by the settings alone. */
export function ownFormats(names: readonly CodecName[]): Formats {
  const speech = names.flatMap(ownLayouts);
  return { speech, events: clocksOf(speech).map(eventFormat) };
}

/** Reads an m-line of one side: what of it can be joined with `others` of the other side; null: with anything the settings allow there. */
export function usableCodecs(
  policy: CodecPolicy,
  side: 'web' | 'ims',
  others: Formats | null,
): (media: MediaDesc) => Codecs {
  const joins = (format: PayloadFormat) =>
    others === null
      ? policy[side === 'web' ? 'ims' : 'web'].some(name =>
          formsOf(name, [format]).some(f => passes(policy, format, f)),
        )
      : others.speech.some(other => passes(policy, other, format));
  return media => {
    const { speech, events } = codecsOf(media, policy[side]);
    return { speech: speech.filter(joins), events };
  };
}

/** What the IMS side is offered when the browser's side has `web`; the format in use comes first, as it is. */
export function formatsForIms(policy: CodecPolicy, web: Formats, inUse: PayloadFormat | null): Formats {
  const used = inUse !== null && web.speech.some(format => passes(policy, format, inUse)) ? [inUse] : [];
  const others = offerable(policy, policy.ims, web.speech).filter(format => !used.some(u => sameFormat(u, format)));
  return withEvents(policy, [...used, ...others], web);
}

/** What a browser is offered when the IMS side has `ims`: what suits its first choice comes first. */
export function formatsForWeb(policy: CodecPolicy, ims: Formats): Formats {
  const speech = offerable(policy, policy.web, ims.speech);
  const [first] = ims.speech;
  return withEvents(policy, first === undefined ? speech : bySuit(policy, speech, first), ims);
}

/** Which of a browser's codecs goes with a format of the IMS side: the same, G.711 with G.711, else the preferred that passes; null: none. */
export function webCodecFor(policy: CodecPolicy, web: readonly Codec[], ims: PayloadFormat): Codec | null {
  const ranked = policy.web.flatMap(name => web.filter(codec => codecName(codec) === name));
  return bySuit(policy, ranked, ims).find(codec => passes(policy, codec, ims)) ?? null;
}

/** Which codec of an IMS offer is answered: what the browser prefers as it is, else the offerer's first that can be made of it. */
export function imsCodecFor(policy: CodecPolicy, ims: readonly Codec[], web: readonly PayloadFormat[]): Codec | null {
  const [first] = web;
  return (
    ims.find(codec => first !== undefined && sameFormat(codec, first)) ??
    ims.find(codec => first !== undefined && passes(policy, first, codec)) ??
    ims.find(codec => web.some(format => passes(policy, format, codec))) ??
    null
  );
}

/** The forms in which a codec can be offered beside `others`: as it stands there, and as we code it. */
function formsOf(name: CodecName, others: readonly PayloadFormat[]): PayloadFormat[] {
  return [...others.filter(other => codecName(other) === name).map(passedOn), ...ownLayouts(name)];
}

/** The named codecs that can be joined with one of `others`. */
function offerable(
  policy: CodecPolicy,
  names: readonly CodecName[],
  others: readonly PayloadFormat[],
): PayloadFormat[] {
  const list: PayloadFormat[] = [];
  for (const name of names) {
    for (const format of formsOf(name, others)) {
      if (list.some(held => sameFormat(held, format))) continue;
      if (others.some(other => passes(policy, other, format))) list.push(format);
    }
  }
  return list;
}

/** Adds the telephone events of every clock among the codecs that the other side's can become. RFC 4733 2.1. */
function withEvents(policy: CodecPolicy, speech: PayloadFormat[], other: Formats): Formats {
  const events = clocksOf(speech).map(eventFormat);
  return { speech, events: events.filter(event => other.events.some(e => passes(policy, e, event))) };
}

function clocksOf(speech: readonly PayloadFormat[]): number[] {
  return [...new Set(speech.map(format => format.clock))];
}

/** Nothing sounds better, nor costs less, than what is not coded again: even of the two laws a table makes one the other. */
function bySuit<F extends PayloadFormat>(policy: CodecPolicy, list: readonly F[], other: PayloadFormat): F[] {
  return sorted(list, format => {
    if (sameFormat(format, other)) return 0;
    if (!passes(policy, format, other)) return 3;
    return isG711(format) && isG711(other) ? 1 : 2;
  });
}

/** In order of rank, otherwise as it was. */
function sorted<F>(list: readonly F[], rank: (item: F) => number): F[] {
  return [...list].sort((a, b) => rank(a) - rank(b));
}
