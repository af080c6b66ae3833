/** The m-lines of one side of a call, in order: only ever appended, a dead one stays as port 0. RFC 3264 8. */
import { type MediaDesc, SDP_LIMITS, type SessionDesc } from '../sdp/index.ts';

/** One m-line as this side knows it. */
export interface Slot {
  kind: string;
  proto: string;
  /** First format, repeated when the line is refused. */
  format: string;
  /** Web side only; made up where the offer gave none. */
  mid: string;
}

/** Slots of one side; the one of its sound is live, that of its video may be, no other is. -1: none. */
export interface Slots {
  list: Slot[];
  audio: number;
  video: number;
}

export function slotsOf(session: SessionDesc, audio: number): Slots {
  return { list: session.media.map(slotOf), audio, video: videoOf(session) };
}

/** One audio m-line of ours. */
export function ownSlots(proto: string, mid: string): Slots {
  return { list: [{ kind: 'audio', proto, format: '0', mid }], audio: 0, video: -1 };
}

/** Whether video has a line there, or may get one: a line more than we read ourselves nobody else has to read either. */
export function roomForVideo(slots: Slots | null): boolean {
  return slots === null || slots.video >= 0 || slots.list.length < SDP_LIMITS.media;
}

/** The slots with one for video: the one there is, else a new one behind the others. */
export function withVideo(known: Slots | null, proto: string): Slots {
  const slots = known ?? ownSlots(proto, '0');
  if (slots.video >= 0) return slots;
  const index = slots.list.length;
  const mid = slots.list.some(slot => slot.mid === `${index}`) ? `video${index}` : `${index}`;
  return { ...slots, list: [...slots.list, { kind: 'video', proto, format: '0', mid }], video: index };
}

/** The first line of video that lives, else the first there is. */
function videoOf(session: SessionDesc): number {
  const live = session.media.findIndex(media => media.kind === 'video' && media.live);
  return live >= 0 ? live : session.media.findIndex(media => media.kind === 'video');
}

/** Takes over a re-offer: the lines must begin with those known, of the same kinds. Null when they do not. */
export function extendSlots(known: Slots, session: SessionDesc): Slots | null {
  if (session.media.length < known.list.length) return null;
  if (known.list.some((slot, i) => session.media[i]?.kind !== slot.kind)) return null;
  const audio = session.media[known.audio]?.live === true ? known.audio : -1;
  return {
    list: session.media.map((media, i) => ({ ...slotOf(media, i), mid: media.mid ?? known.list[i]?.mid ?? `m${i}` })),
    audio,
    video: known.video >= 0 ? known.video : videoOf(session),
  };
}

function slotOf(media: MediaDesc, index: number): Slot {
  return { kind: media.kind, proto: media.proto, format: media.formats[0] ?? '0', mid: media.mid ?? `m${index}` };
}
