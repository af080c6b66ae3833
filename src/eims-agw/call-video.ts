/** The video of one call between its two sides: what each is offered and answered, and what is relayed of it. Pure. Media digest 3.4, 4.7. */
import { type Codec, directionOf } from '../sdp/index.ts';
import type { CallMedia } from './call-media.ts';
import { NO_CODECS } from './codec.ts';
import type { PayloadFormat, VideoRoute, WebTransport } from './engine.ts';
import { numberOffer, type PayloadTypes } from './payload-type.ts';
import { answerText, offerText, protectedTarget } from './sdes.ts';
import { withVideo } from './slot.ts';
import { common, forIms, forWeb } from './video-line.ts';
import { noImsVideo } from './video-side.ts';
import type { WebLeg } from './web-leg.ts';

/** Whether both sides of the call agreed on video that goes at least one way. */
export function hasVideo(call: CallMedia): boolean {
  return call.ims.video.port > 0 && call.ims.video.to !== null;
}

/** Our line in an offer to the IMS side: what the browser has, or what is in use already. */
export function offerIms(call: CallMedia, leg: WebLeg | null): void {
  const { ims } = call;
  const { video } = ims;
  const line = leg?.video.line ?? null;
  video.text = null;
  if (video.port === 0 || line === null) return;
  ims.slots = withVideo(ims.slots, 'RTP/AVP');
  const formats = video.from === null ? line.codecs.map(codec => forIms(codec, null)) : [video.from];
  video.text = {
    codecs: number(video.types, unique(formats), line.codecs),
    direction: directionOf(
      (call.heldByUser || line.sends) && (video.line?.receives ?? true),
      !call.heldByUser && line.receives,
    ),
    kbps: call.videoKbps,
    orientation: line.orientation,
    feedback: video.feedback ? 'agreed' : 'offer',
  };
  video.sdesText = offerText(video.sdes, video.from !== null);
}

/** Our line in an answer to the IMS side: the first codec of its offer that the browser has agreed to. */
export function answerIms(call: CallMedia, leg: WebLeg | null): void {
  const { video } = call.ims;
  const web = leg?.video.line ?? null;
  // A codec in use stays.
  const able = leg?.video.to == null ? (web?.codecs ?? []) : [leg.video.to];
  const codec = video.line === null || web === null ? null : common(video.line.codecs, able, video.apart);
  video.text = null;
  video.from = null;
  video.to = null;
  if (video.port === 0 || codec === null || video.line === null || web === null) return;
  const ours = { ...forIms(codec, codec), pt: codec.pt };
  video.from = ours;
  video.to = codec;
  video.feedback = video.line.feedback !== null;
  video.text = {
    codecs: [ours],
    direction: directionOf(
      (call.heldByUser || web.sends) && video.line.receives,
      !call.heldByUser && web.receives && video.line.sends,
    ),
    kbps: call.videoKbps,
    orientation: web.orientation === null ? null : video.line.orientation,
    feedback: video.line.feedback,
  };
  video.sdesText = answerText(video.sdes);
}

/** Our line in an answer to a browser: the codec agreed with the IMS side, under the browser's number. */
export function answerWeb(call: CallMedia, leg: WebLeg): void {
  const { video } = leg;
  const ims = call.ims.video;
  const taken = hasVideo(call) && ims.to !== null ? [ims.to] : [];
  const codec = common(video.line?.codecs ?? [], taken, video.apart);
  video.text = null;
  video.from = codec;
  video.to = codec;
  video.kept = false;
  if (codec === null || video.line === null || ims.to === null) return;
  video.text = {
    codecs: [{ ...forWeb(ims.to), pt: codec.pt }],
    direction: directionOf(video.line.receives, video.line.sends),
    kbps: Math.min(call.videoKbps, ims.line?.kbps ?? call.videoKbps),
    orientation: ims.line?.orientation === null ? null : video.line.orientation,
    feedback: 'web',
  };
}

/** Our line in an offer to a browser: what the IMS side has. */
export function offerWeb(call: CallMedia, leg: WebLeg): void {
  const { video } = leg;
  const { line, port } = call.ims.video;
  video.text = null;
  video.from = null;
  video.to = null;
  // Without a line in our offer it has no transport either.
  video.kept &&= port > 0 && line !== null;
  if (port === 0 || line === null) return;
  leg.slots = withVideo(leg.slots, 'UDP/TLS/RTP/SAVPF');
  video.text = {
    codecs: number(video.types, unique(line.codecs.map(forWeb)), line.codecs),
    direction: 'sendrecv',
    kbps: Math.min(call.videoKbps, line.kbps ?? call.videoKbps),
    orientation: line.orientation,
    feedback: 'web',
  };
}

/** The picture's own transport, for engines that do not bundle; undefined: it has none. */
export function takeTransport(leg: WebLeg, video: WebTransport | undefined): void {
  if (leg.transport === null) return;
  const { video: _, ...sound } = leg.transport;
  leg.transport = video === undefined ? sound : { ...sound, video };
}

/** There is no video any more; the ports go back to the engine. */
export function endVideo(call: CallMedia, leg: WebLeg | null): void {
  const { apart, types, sdes } = call.ims.video;
  Object.assign(call.ims.video, noImsVideo(apart, types, sdes.of));
  if (leg === null) return;
  Object.assign(leg.video, { text: null, from: null, to: null });
  takeTransport(leg, undefined);
}

/** What is relayed of the video now; null: nothing. */
export function videoRoute(call: CallMedia, leg: WebLeg | null): VideoRoute | null {
  const ims = call.ims.video;
  const web = leg?.video ?? null;
  if (web?.from == null || web.to === null || web.line === null) return null;
  if (ims.port === 0 || ims.from === null || ims.to === null || ims.line === null) return null;
  const ids = [web.line.orientation, ims.line.orientation] as const;
  return {
    target: protectedTarget(ims.target, ims.sdes),
    toIms: [rule(web.from, ims.to)],
    toWeb: [rule(ims.from, web.to)],
    toImsOpen: call.fromWeb && !call.heldByUser && ims.line.receives && web.line.sends,
    toWebOpen: call.fromIms && !call.heldByUser && web.line.receives,
    feedback: ims.feedback,
    orientation: ids[0] === null || ids[1] === null ? null : { web: ids[0], ims: ids[1] },
  };
}

/** Both ends have agreed on a codec that goes through as it is: profile and level are limits, not formats. */
function rule(from: Codec, to: Codec): VideoRoute['toIms'][number] {
  const format: PayloadFormat = { name: to.name, clock: to.clock, channels: to.channels, fmtp: to.fmtp };
  return { in: from.pt, out: to.pt, kind: 'video', from: format, to: format };
}

/** Numbers a side keeps for the life of the call, those of the other side where they are free. */
function number(types: PayloadTypes, formats: readonly PayloadFormat[], other: readonly Codec[]): readonly Codec[] {
  return numberOffer(types, { speech: formats, events: [] }, NO_CODECS, { speech: other, events: [] }).speech;
}

/** Profiles we make one of leave copies. */
function unique(formats: readonly PayloadFormat[]): PayloadFormat[] {
  return formats.filter((format, i) => formats.findIndex(other => common([{ ...format, pt: 0 }], [other])) === i);
}
