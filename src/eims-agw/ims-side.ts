/** The IMS side of one call's media: what was offered and answered, and where its packets go. RFC 3264, RFC 8866. */
import type { MediaFailure } from '../ep-cscf/input.ts';
import {
  type Direction,
  directionOf,
  firstLive,
  type MediaDesc,
  parseSdp,
  receives,
  type SessionDesc,
  sends,
} from '../sdp/index.ts';
import { type AddressPolicy, targetOf } from './address.ts';
import { agreed, type Codecs, NO_CODECS, single } from './codec.ts';
import { type CodecPolicy, formatsForIms, ownFormats } from './codec-policy.ts';
import type { ImsTarget, PayloadFormat } from './engine.ts';
import { sameFormat } from './payload-format.ts';
import { numberAnswer, numberOffer, type PayloadTypes } from './payload-type.ts';
import { type Family, familyOf, within } from './realm.ts';
import {
  answerText,
  type CallSrtp,
  isRtp,
  noSdes,
  offerText,
  readAnswered,
  readOffered,
  type Sdes,
  type SdesText,
  takeTheirs,
} from './sdes.ts';
import { extendSlots, ownSlots, type Slots, slotsOf } from './slot.ts';
import { writeIms } from './to-ims.ts';
import { type Versioned, versioned, writeVersion } from './version.ts';
import { type ImsVideo, noImsVideo, settleImsVideo, takeImsVideo } from './video-side.ts';

export interface ImsSide {
  origin: Versioned;
  /** Ours; set when the engine has it. */
  address: string;
  port: number;
  /** Null until the first offer, theirs or ours. */
  slots: Slots | null;
  /** What they may send us, under the numbers of our SDP; null until both sides spoke. */
  from: Codecs | null;
  /** What we may send them, under the numbers of their SDP. */
  to: Codecs | null;
  /** Our outstanding offer. */
  offered: Codecs | null;
  types: PayloadTypes;
  target: ImsTarget | null;
  /** Of the address in their last offer; null before one. */
  family: Family | null;
  wantsSend: boolean;
  wantsRecv: boolean;
  ptime: number;
  /** `b=AS` of their last SDP: the most they want to be sent. */
  maxKbps: number | null;
  /** Of the sound. */
  sdes: Sdes;
  video: ImsVideo;
}

/** What the rest of the call wishes to do towards the IMS side. */
export interface Wish {
  send: boolean;
  recv: boolean;
}

export function imsSide(sessionId: number, apart: boolean, srtp: CallSrtp): ImsSide {
  return {
    origin: versioned(sessionId),
    address: '',
    port: 0,
    slots: null,
    from: null,
    to: null,
    offered: null,
    types: new Map(),
    target: null,
    family: null,
    wantsSend: true,
    wantsRecv: true,
    ptime: 20,
    maxKbps: null,
    sdes: noSdes(srtp),
    video: noImsVideo(apart, new Map(), srtp),
  };
}

/** Takes an offer, first or later; `usable` reads the codecs the browser's side can be joined with. On a failure nothing has changed. */
export function takeImsOffer(
  side: ImsSide,
  text: string,
  addresses: AddressPolicy,
  usable: (media: MediaDesc) => Codecs,
): MediaFailure | null {
  const parsed = parseSdp(text);
  if (!parsed.ok) return 'bad-sdp';
  const session = parsed.value;
  let slots: Slots | null;
  if (side.slots === null) slots = slotsOf(session, audioOf(side, session));
  else slots = extendSlots(side.slots, session);
  if (slots === null) return 'bad-sdp';
  const media = session.media[slots.audio];
  if (media === undefined || !isAudio(media)) return firstLive(session, 'audio') < 0 ? 'bad-sdp' : 'unsupported';
  const to = usable(media);
  if (to.speech.length === 0) return 'no-codec';
  const target = targetOf(media, addresses);
  const sdes = readOffered(side.sdes, media, side.from !== null);
  if (target === null) return 'unsupported';
  if (!sdes.ok) return 'srtp';
  side.slots = slots;
  takeTheirs(side.sdes, sdes.theirs);
  side.to = to;
  side.maxKbps = media.bandwidth.as;
  side.offered = null;
  if (media.ptime === 20 || media.ptime === 40) side.ptime = media.ptime;
  takeDirection(side, media, target);
  takeImsVideo(side, session, side.family === null ? addresses : within(addresses, side.family), 'offer');
  return null;
}

/** Our answer to their last offer: one codec, `wanted` when they offered it, under their number. RFC 3264 6.1. */
export function writeImsAnswer(side: ImsSide, wish: Wish, wanted: PayloadFormat | null): string {
  const offered = side.to ?? NO_CODECS;
  const chosen = offered.speech.find(codec => wanted !== null && sameFormat(codec, wanted)) ?? offered.speech[0];
  side.to = chosen === undefined ? NO_CODECS : single(offered, chosen);
  side.from = numberAnswer(side.types, side.to);
  const direction = directionOf(wish.send && side.wantsRecv, wish.recv && side.wantsSend);
  return write(side, side.from, direction, answerText(side.sdes));
}

/** Our offer: what the browser's codecs (null: any by the settings) can become, the one in use first, under the numbers this call has always had. */
export function writeImsOffer(side: ImsSide, wish: Wish, policy: CodecPolicy, web: Codecs | null): string {
  side.slots ??= ownSlots('RTP/AVP', '0');
  const used = side.to?.speech[0];
  const inUse = side.from?.speech.find(codec => used !== undefined && sameFormat(codec, used)) ?? null;
  const formats = formatsForIms(policy, web ?? ownFormats(policy.web), inUse);
  side.offered = numberOffer(side.types, formats, side.from ?? NO_CODECS, web ?? NO_CODECS);
  const direction = directionOf(wish.send && side.wantsRecv, wish.recv);
  return write(side, side.offered, direction, offerText(side.sdes, side.from !== null));
}

/** Takes the answer to our last offer; `usable` as above, `held` when that offer was our user's hold, whose answer tells nothing of their wishes. */
export function takeImsAnswer(
  side: ImsSide,
  text: string,
  addresses: AddressPolicy,
  held: boolean,
  usable: (media: MediaDesc) => Codecs,
): MediaFailure | null {
  const parsed = parseSdp(text);
  if (!parsed.ok) return 'bad-sdp';
  const { slots, offered } = side;
  if (slots === null) return 'bad-sdp';
  const media = parsed.value.media[slots.audio];
  if (media === undefined || media.kind !== 'audio') return 'bad-sdp';
  if (!media.live) return 'no-codec';
  const { from, to } = agreed(offered ?? side.from ?? NO_CODECS, usable(media));
  if (to.speech.length === 0) return 'no-codec';
  const target = targetOf(media, addresses);
  const sdes = readAnswered(side.sdes, media);
  if (target === null) return 'unsupported';
  if (!sdes.ok) return 'srtp';
  takeTheirs(side.sdes, sdes.theirs);
  side.from = from;
  side.to = to;
  side.maxKbps = media.bandwidth.as;
  if (held) {
    if (target !== 'hold') side.target = target;
  } else takeDirection(side, media, target);
  const before = side.video.line;
  takeImsVideo(side, parsed.value, addresses, 'answer');
  settleImsVideo(side.video, before, held);
  return null;
}

/** Takes over the m-lines of an answer to an offer of ours that was thought refused: the far end counts them. RFC 3264 8. */
export function learnLines(side: ImsSide, text: string): void {
  const parsed = parseSdp(text);
  if (!parsed.ok || side.slots === null || parsed.value.media.length <= side.slots.list.length) return;
  side.slots = extendSlots(side.slots, parsed.value) ?? side.slots;
}

function takeDirection(side: ImsSide, media: MediaDesc, target: ImsTarget | 'hold'): void {
  if (media.address !== null) side.family = familyOf(media.address);
  const direction: Direction = target === 'hold' ? 'inactive' : media.direction;
  side.wantsSend = sends(direction);
  side.wantsRecv = receives(direction);
  if (target !== 'hold') side.target = target;
}

function write(side: ImsSide, codecs: Codecs, direction: Direction, sdes: SdesText | null): string {
  const slots = side.slots ?? ownSlots('RTP/AVP', '0');
  const { address, port, ptime } = side;
  const { text, sdesText } = side.video;
  const video = text === null || side.video.port === 0 ? null : { ...text, port: side.video.port, sdes: sdesText };
  return writeVersion(side.origin, version =>
    writeIms({
      sessionId: side.origin.sessionId,
      version,
      address,
      port,
      slots,
      codecs,
      direction,
      ptime,
      sdes,
      video,
    }),
  );
}

/** Of several lines for one sound, protected and plain, the first that fits us. RFC 3264 6. */
function audioOf({ sdes }: ImsSide, { media }: SessionDesc): number {
  const fits = media.findIndex(line => isAudio(line) && readOffered(sdes, line, false).ok);
  return fits >= 0 ? fits : media.findIndex(isAudio);
}

function isAudio(media: MediaDesc): boolean {
  return media.live && media.kind === 'audio' && isRtp(media);
}
