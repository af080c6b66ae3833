/** Payload type numbers in the SDP we write to one side of a call: once bound to a format, a number never means another. RFC 3264 8.3.2. */
import type { Codec } from '../sdp/index.ts';
import type { Codecs, Formats } from './codec.ts';
import type { PayloadFormat } from './engine.ts';
import { sameFormat } from './payload-format.ts';
import { answered, usualNumber } from './speech-codec.ts';

/** Every number a side has bound, over all m-lines: those of a bundle share their numbers. RFC 9143 10.1.2. */
export type PayloadTypes = Map<number, PayloadFormat>;

/** Dynamic numbers that cannot be taken for RTCP. RFC 3551 3, RFC 5761 4. */
const DYNAMIC = { min: 96, max: 127 };

/**
 * Numbers for an offer: those the formats had in `before` (this side's last SDP of ours), or ever; else those of
 * `reuse` (the other side's), the usual ones, or the lowest that are free. What finds no number is left out.
 */
export function numberOffer(types: PayloadTypes, formats: Formats, before: Codecs, reuse: Codecs): Codecs {
  // The wishes first: a number that somebody wants is not given to one that takes any.
  const numbered = new Map<PayloadFormat, number | null>();
  const all = [...formats.speech, ...formats.events];
  for (const format of all) numbered.set(format, bound(types, format, before) ?? wished(types, format, reuse));
  for (const format of all) if (numbered.get(format) === null) numbered.set(format, lowestFree(types, format));
  const withNumber = (list: readonly PayloadFormat[]): Codec[] =>
    list.flatMap(format => {
      const pt = numbered.get(format) ?? null;
      return pt === null ? [] : [{ ...format, pt }];
    });
  return { speech: withNumber(formats.speech), events: withNumber(formats.events) };
}

/** Our answer to these codecs of an offer, under the offerer's numbers but for those we have bound to something else. RFC 3264 6.1. */
export function numberAnswer(types: PayloadTypes, offered: Codecs): Codecs {
  const numbered = (list: readonly Codec[]): Codec[] =>
    list.flatMap(codec => {
      const format = answered(codec);
      const pt = take(types, codec.pt, format) ?? bound(types, format, null) ?? lowestFree(types, format);
      return pt === null ? [] : [{ ...format, pt }];
    });
  return { speech: numbered(offered.speech), events: numbered(offered.events) };
}

function bound(types: PayloadTypes, format: PayloadFormat, before: Codecs | null): number | null {
  const last = [...(before?.speech ?? []), ...(before?.events ?? [])].find(codec => sameFormat(codec, format));
  if (last !== undefined) return last.pt;
  for (const [pt, meaning] of types) if (sameFormat(meaning, format)) return pt;
  return null;
}

function wished(types: PayloadTypes, format: PayloadFormat, reuse: Codecs): number | null {
  const usual = usualNumber(format);
  if (usual !== null && usual < DYNAMIC.min) return take(types, usual, format);
  const other = [...reuse.speech, ...reuse.events].find(codec => sameFormat(codec, format))?.pt ?? -1;
  const reused = other < DYNAMIC.min ? null : take(types, other, format);
  return reused ?? (usual === null ? null : take(types, usual, format));
}

function lowestFree(types: PayloadTypes, format: PayloadFormat): number | null {
  for (let pt = DYNAMIC.min; pt <= DYNAMIC.max; pt += 1) if (!types.has(pt)) return take(types, pt, format);
  return null;
}

/** Binds the number when it is free; null when it means something else. */
function take(types: PayloadTypes, pt: number, format: PayloadFormat): number | null {
  const meaning = types.get(pt);
  if (meaning !== undefined) return sameFormat(meaning, format) ? pt : null;
  types.set(pt, format);
  return pt;
}
