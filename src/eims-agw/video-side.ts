/** The video of one side of a call: its m-line as read, ours as written, and what both agreed on. RFC 3264 6. */
import type { Codec, MediaDesc, SessionDesc } from '../sdp/index.ts';
import { type AddressPolicy, targetOf } from './address.ts';
import type { ImsTarget } from './engine.ts';
import type { PayloadTypes } from './payload-type.ts';
import {
  type CallSrtp,
  isRtp,
  isSecure,
  noSdes,
  readAnswered,
  readOffered,
  type Sdes,
  type SdesText,
  takeTheirs,
} from './sdes.ts';
import type { Slots } from './slot.ts';
import { common, readVideo, type VideoLine, type VideoText } from './video-line.ts';

/** The video of one side. */
export interface VideoSide {
  /** The engine does not bundle: the picture has a transport of its own, and its packets keep their payload types. */
  apart: boolean;
  /** Numbers bound in SDP of ours, those of the sound too where it is bundled with that. */
  types: PayloadTypes;
  /** The other party's line as last read; null when it has none that can be used. */
  line: VideoLine | null;
  /** What our next SDP says; null: refused, or nothing to say. */
  text: VideoText | null;
  /** Once agreed: the codec under our number (what they send), and under theirs (what we send). */
  from: Codec | null;
  to: Codec | null;
  /** A browser that refused our offer but not its line holds on to the transport it was offered. RFC 8829 5.3.1. */
  kept: boolean;
}

export interface ImsVideo extends VideoSide {
  /** Ours; 0 while the engine has none for us. */
  port: number;
  target: ImsTarget | null;
  /** Feedback was agreed, so the line is AVPF. */
  feedback: boolean;
  sdes: Sdes;
  /** What our next SDP says of that. */
  sdesText: SdesText | null;
}

export function noVideo(apart: boolean, types: PayloadTypes): VideoSide {
  return { apart, types, line: null, text: null, from: null, to: null, kept: false };
}

export function noImsVideo(apart: boolean, types: PayloadTypes, srtp: CallSrtp): ImsVideo {
  const plain = { sdes: noSdes(srtp), sdesText: null };
  return { ...noVideo(apart, types), port: 0, target: null, feedback: false, ...plain };
}

/** A side, as far as its video goes. */
interface Side<V> {
  slots: Slots | null;
  video: V;
}

/** Reads the browser's line; one that goes no way is none. */
export function takeWebVideo(leg: Side<VideoSide>, session: SessionDesc): void {
  const line = readVideo(leg.video.apart ? ownLine(leg, session) : bundledLine(leg, session));
  leg.video.line = line?.sends || line?.receives ? line : null;
}

/** One that is only to be had in the bundle has no transport. RFC 9143 6. */
function ownLine({ slots }: Side<VideoSide>, session: SessionDesc): MediaDesc | undefined {
  const media = session.media[slots?.video ?? -1];
  return media === undefined || media.port === 0 ? undefined : media;
}

/**
 * One outside the bundle has no transport here. A number that the sound has in the same bundle would not tell them
 * apart. RFC 9143 9.2, 10.1.2.
 */
function bundledLine({ slots }: Side<VideoSide>, session: SessionDesc): MediaDesc | undefined {
  const mid = slots?.list[slots.video]?.mid;
  const audio = slots?.list[slots.audio]?.mid;
  const bundled = session.groups.some(
    group =>
      group.semantics === 'BUNDLE' &&
      mid !== undefined &&
      audio !== undefined &&
      mid !== audio &&
      group.mids.includes(mid) &&
      group.mids.includes(audio),
  );
  const sound = session.media[slots?.audio ?? -1]?.formats ?? [];
  const media = bundled ? session.media[slots?.video ?? -1] : undefined;
  return media === undefined
    ? undefined
    : { ...media, codecs: media.codecs.filter(({ pt }) => !sound.includes(`${pt}`)) };
}

/** Reads the IMS side's line; one whose address may not be sent to counts as refused, as does one whose protection is not ours. */
export function takeImsVideo(
  side: Side<ImsVideo>,
  session: SessionDesc,
  addresses: AddressPolicy,
  from: 'offer' | 'answer',
): void {
  const { slots, video } = side;
  const media = session.media[slots?.video ?? -1];
  video.line = null;
  if (media === undefined || !isRtp(media)) return;
  const target = targetOf(media, addresses);
  const sdes = from === 'offer' ? readOffered(video.sdes, media, video.from !== null) : readAnswered(video.sdes, media);
  if (target === null || !sdes.ok) return;
  video.line = readVideo(media);
  if (video.line === null) return;
  takeTheirs(video.sdes, sdes.theirs);
  // What would give it feedback would take the protection away.
  if (isSecure(media) && typeof video.line.feedback === 'number') video.line.feedback = null;
  if (target === 'hold') video.line = { ...video.line, sends: false, receives: false };
  else video.target = target;
}

/** What an answer of the IMS side leaves of the video we offered it; `held` when it says nothing of its wishes. */
export function settleImsVideo(video: ImsVideo, before: VideoLine | null, held: boolean): void {
  const ours = video.text?.codecs ?? [];
  agree(video, ours, video.line?.codecs[0] ?? null);
  if (video.to !== null) video.feedback = video.line?.feedback === 'agreed';
  if (held && before !== null && video.line !== null) {
    video.line = { ...video.line, sends: before.sends, receives: before.receives };
  }
}

/** What an answer of the browser leaves of the video we offered it; `live`: it has not rejected the line. */
export function settleWebVideo(video: VideoSide, live: boolean): void {
  agree(video, video.text?.codecs ?? [], video.line?.codecs[0] ?? null);
  video.kept = video.apart && live && video.to === null;
}

function agree(side: VideoSide, ours: readonly Codec[], first: Codec | null): void {
  const codec = first === null ? null : common(side.line?.codecs ?? [], ours, side.apart);
  side.to = codec;
  side.from = codec === null ? null : common(ours, [codec], side.apart);
}
