/** The m-lines of one side of a call, in order: only ever appended, a dead one stays as port 0. RFC 3264 8. */
import type { MediaDesc, SessionDesc } from '../sdp/index.ts';

/** One m-line as this side knows it. */
export interface Slot {
  kind: string;
  proto: string;
  /** First format, repeated when the line is refused. */
  format: string;
  /** Web side only; made up where the offer gave none. */
  mid: string;
}

/** Slots of one side; at most one is live, the audio slot. -1: none. */
export interface Slots {
  list: Slot[];
  audio: number;
}

export function slotsOf(session: SessionDesc, audio: number): Slots {
  return { list: session.media.map(slotOf), audio };
}

/** One audio m-line of ours. */
export function ownSlots(proto: string, mid: string): Slots {
  return { list: [{ kind: 'audio', proto, format: '0', mid }], audio: 0 };
}

/** Takes over a re-offer: the lines must begin with those known, of the same kinds. Null when they do not. */
export function extendSlots(known: Slots, session: SessionDesc): Slots | null {
  if (session.media.length < known.list.length) return null;
  if (known.list.some((slot, i) => session.media[i]?.kind !== slot.kind)) return null;
  const audio = session.media[known.audio]?.live === true ? known.audio : -1;
  return {
    list: session.media.map((media, i) => ({ ...slotOf(media, i), mid: media.mid ?? known.list[i]?.mid ?? `m${i}` })),
    audio,
  };
}

function slotOf(media: MediaDesc, index: number): Slot {
  return { kind: media.kind, proto: media.proto, format: media.formats[0] ?? '0', mid: media.mid ?? `m${index}` };
}
