/** The IMS side of one call's media: what was offered and answered, and where its packets go. RFC 3264, RFC 8866. */
import type { MediaFailure } from '../ep-cscf/ports.ts';
import { type Direction, directionOf, firstLive, type MediaDesc, parseSdp, receives, sends } from '../sdp/index.ts';
import { type AddressPolicy, targetOf } from './address.ts';
import { agreed, bothLaws, firstLaw, g711Of, type PtMap, single } from './codec.ts';
import type { ImsTarget } from './engine.ts';
import type { Law } from './settings.ts';
import { extendSlots, ownSlots, type Slots, slotsOf } from './slot.ts';
import { writeIms } from './to-ims.ts';
import { type Versioned, versioned, writeVersion } from './version.ts';

export interface ImsSide {
  origin: Versioned;
  /** Ours; set when the engine has it. */
  address: string;
  port: number;
  /** Null until the first offer, theirs or ours. */
  slots: Slots | null;
  /** What they may send us, under the numbers of our SDP; null until both sides spoke. */
  from: PtMap | null;
  /** What we may send them, under the numbers of their SDP. */
  to: PtMap | null;
  /** Numbers of our outstanding offer. */
  offered: PtMap | null;
  target: ImsTarget | null;
  wantsSend: boolean;
  wantsRecv: boolean;
  ptime: number;
}

/** What the rest of the call wishes to do towards the IMS side. */
export interface Wish {
  send: boolean;
  recv: boolean;
}

export function imsSide(sessionId: number): ImsSide {
  return {
    origin: versioned(sessionId),
    address: '',
    port: 0,
    slots: null,
    from: null,
    to: null,
    offered: null,
    target: null,
    wantsSend: true,
    wantsRecv: true,
    ptime: 20,
  };
}

/** Takes an offer, first or later; on a failure nothing has changed. */
export function takeImsOffer(side: ImsSide, text: string, addresses: AddressPolicy): MediaFailure | null {
  const parsed = parseSdp(text);
  if (!parsed.ok) return 'bad-sdp';
  const session = parsed.value;
  let slots: Slots | null;
  if (side.slots === null) slots = slotsOf(session, session.media.findIndex(usable));
  else slots = extendSlots(side.slots, session);
  if (slots === null) return 'bad-sdp';
  const media = session.media[slots.audio];
  if (media === undefined || !usable(media)) return firstLive(session, 'audio') < 0 ? 'bad-sdp' : 'unsupported';
  const to = g711Of(media);
  if (to === null) return 'no-codec';
  const target = targetOf(media, addresses);
  if (target === null) return 'unsupported';
  side.slots = slots;
  side.to = to;
  side.offered = null;
  if (media.ptime === 20 || media.ptime === 40) side.ptime = media.ptime;
  takeDirection(side, media, target);
  return null;
}

/** Our answer to their last offer: one law, `wanted` when they offered it. */
export function writeImsAnswer(side: ImsSide, wish: Wish, wanted: Law | null): string {
  const chosen = single(side.to ?? { laws: [], event: null }, wanted);
  side.to = chosen;
  side.from = chosen;
  return write(side, chosen, directionOf(wish.send && side.wantsRecv, wish.recv && side.wantsSend));
}

/** Our offer: both laws, the one in use first, under the numbers this call has always had. `event` is the browser's number. */
export function writeImsOffer(side: ImsSide, wish: Wish, policy: readonly Law[], event: number | null): string {
  side.slots ??= ownSlots('RTP/AVP', '0');
  const used = side.from;
  const first = firstLaw(side.to ?? used);
  const map = bothLaws(first === null ? [] : [first], policy, used === null ? event : used.event);
  // A law this call already has under another number keeps that number.
  side.offered = { laws: map.laws.map(l => used?.laws.find(u => u.law === l.law) ?? l), event: map.event };
  return write(side, side.offered, directionOf(wish.send && side.wantsRecv, wish.recv));
}

/** Takes the answer to our last offer; `held` when that offer was our user's hold, whose answer tells nothing of their wishes. */
export function takeImsAnswer(
  side: ImsSide,
  text: string,
  addresses: AddressPolicy,
  held: boolean,
): MediaFailure | null {
  const parsed = parseSdp(text);
  if (!parsed.ok) return 'bad-sdp';
  const { slots, offered } = side;
  if (slots === null) return 'bad-sdp';
  const media = parsed.value.media[slots.audio];
  if (media === undefined || media.kind !== 'audio') return 'bad-sdp';
  if (!media.live) return 'no-codec';
  const theirs = g711Of(media);
  const ours = offered ?? side.from;
  if (theirs === null || ours === null) return 'no-codec';
  const from = agreed(ours, theirs);
  if (from.laws.length === 0) return 'no-codec';
  const target = targetOf(media, addresses);
  if (target === null) return 'unsupported';
  side.from = from;
  side.to = ours.event === null ? { laws: theirs.laws, event: null } : theirs;
  if (held) {
    if (target !== 'hold') side.target = target;
  } else takeDirection(side, media, target);
  return null;
}

function takeDirection(side: ImsSide, media: MediaDesc, target: ImsTarget | 'hold'): void {
  const direction: Direction = target === 'hold' ? 'inactive' : media.direction;
  side.wantsSend = sends(direction);
  side.wantsRecv = receives(direction);
  if (target !== 'hold') side.target = target;
}

function write(side: ImsSide, codecs: PtMap, direction: Direction): string {
  const slots = side.slots ?? ownSlots('RTP/AVP', '0');
  const { address, port, ptime } = side;
  return writeVersion(side.origin, version =>
    writeIms({ sessionId: side.origin.sessionId, version, address, port, slots, codecs, direction, ptime }),
  );
}

/** Plain RTP audio; keys in SDP (SAVP) are not ours to speak. */
function usable(media: MediaDesc): boolean {
  return media.live && media.kind === 'audio' && (media.proto === 'RTP/AVP' || media.proto === 'RTP/AVPF');
}
