/** Codec policy of a plane without transcoder: G.711 of either law, and telephone events at its clock. RFC 3551, RFC 4733, RFC 3264 6.1. */
import { findCodec, type MediaDesc } from '../sdp/index.ts';
import type { PayloadFormat, PtRule } from './engine.ts';
import { PCMA, PCMU } from './payload-format.ts';
import type { Law } from './settings.ts';

/** Payload types of what one party may send (numbers of the other's SDP); laws in order of preference. */
export interface PtMap {
  laws: Array<{ law: Law; pt: number }>;
  event: number | null;
}

const FORMATS: Readonly<Record<Law, PayloadFormat>> = { PCMA, PCMU };
const EVENT: PayloadFormat = { name: 'telephone-event', clock: 8000, channels: 1, fmtp: '0-15' };
const STATIC_PT: Readonly<Record<Law, number>> = { PCMA: 8, PCMU: 0 };
/** Ours when the far end gave none to reuse. */
export const EVENT_PT = 101;

/** The G.711 part of an m-line in its own order, or null when it has none. */
export function g711Of(media: MediaDesc): PtMap | null {
  const laws: PtMap['laws'] = [];
  for (const codec of media.codecs) {
    const law = lawOf(codec.name);
    if (law === null || codec.clock !== 8000 || codec.channels !== 1 || laws.some(l => l.law === law)) continue;
    laws.push({ law, pt: codec.pt });
  }
  if (laws.length === 0) return null;
  return { laws, event: findCodec(media, 'telephone-event', 8000)?.pt ?? null };
}

/** Both laws under their static numbers, `first` (in order) before the rest of the policy. */
export function bothLaws(first: readonly Law[], policy: readonly Law[], event: number | null): PtMap {
  const order = [...new Set([...first, ...policy, 'PCMA' as const, 'PCMU' as const])];
  return { laws: order.map(law => ({ law, pt: STATIC_PT[law] })), event };
}

/** One law out of a map: `wanted` when it is there, else the map's first; events kept. */
export function single(map: PtMap, wanted: Law | null): PtMap {
  const chosen = map.laws.find(l => l.law === wanted) ?? map.laws[0];
  return { laws: chosen === undefined ? [] : [chosen], event: map.event };
}

export function firstLaw(map: PtMap | null): Law | null {
  return map?.laws[0]?.law ?? null;
}

/**
 * Numbers for what the answerer will send us: ours from the offer, for the codecs its answer holds. RFC 3264 6.1:
 * what we receive bears the numbers of our own SDP.
 */
export function agreed(ours: PtMap, theirs: PtMap): PtMap {
  return {
    laws: ours.laws.filter(l => theirs.laws.some(t => t.law === l.law)),
    event: theirs.event === null ? null : ours.event,
  };
}

/** What to do with each payload type from one side: sent on as the first law of `to`, converted when it is the other. */
export function rules(from: PtMap | null, to: PtMap | null): PtRule[] {
  const target = to?.laws[0];
  if (from === null || to === null || target === undefined) return [];
  const list: PtRule[] = from.laws.map(({ law, pt }) => ({
    in: pt,
    out: target.pt,
    kind: 'speech',
    from: FORMATS[law],
    to: FORMATS[target.law],
  }));
  if (from.event !== null && to.event !== null)
    list.push({ in: from.event, out: to.event, kind: 'event', from: EVENT, to: EVENT });
  return list;
}

function lawOf(name: string): Law | null {
  const upper = name.toUpperCase();
  return upper === 'PCMA' || upper === 'PCMU' ? upper : null;
}
