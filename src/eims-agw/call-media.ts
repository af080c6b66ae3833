/** One call's media as data: its browser legs, its IMS side, hold and gates, and the route these give. Pure. */
import type { MediaSessionId } from '../ep-cscf/ids.ts';
import type { MediaDesc } from '../sdp/index.ts';
import { withinAs } from './bandwidth.ts';
import { videoRoute } from './call-video.ts';
import { type Codecs, rules } from './codec.ts';
import { type CodecPolicy, passes, usableCodecs, webCodecFor } from './codec-policy.ts';
import type { PayloadFormat, Route } from './engine.ts';
import { type ImsSide, imsSide, type Wish } from './ims-side.ts';
import { type CallSrtp, protectedTarget } from './sdes.ts';
import type { Slots } from './slot.ts';
import type { WebLeg } from './web-leg.ts';

export interface CallMedia {
  /** Who made the first offer. */
  from: 'web' | 'ims';
  policy: CodecPolicy;
  /** Cap of the video each way. */
  videoKbps: number;
  legs: Map<MediaSessionId, WebLeg>;
  /** The leg joined with the IMS side; null until a device won. */
  selected: MediaSessionId | null;
  nextLeg: number;
  ims: ImsSide;
  heldByUser: boolean;
  /** Who waits for the other side's answer to an offer about video, and the asked side's slots of before; null: nobody. */
  asked: { by: 'web' | 'ims'; slots: Slots | null } | null;
  /** Which way sound may pass, and whether that is before the answer. */
  fromIms: boolean;
  fromWeb: boolean;
  early: boolean;
}

export function callMedia(
  from: 'web' | 'ims',
  sessionId: number,
  policy: CodecPolicy,
  videoKbps: number,
  apart: boolean,
  srtp: CallSrtp,
): CallMedia {
  return {
    from,
    policy,
    videoKbps,
    asked: null,
    legs: new Map(),
    selected: null,
    nextLeg: 1,
    ims: imsSide(sessionId, apart, srtp),
    heldByUser: false,
    fromIms: false,
    fromWeb: false,
    early: true,
  };
}

/** The leg in use, or the only one there is. */
export function joined(call: CallMedia): WebLeg | null {
  if (call.selected === null) return null;
  return call.legs.get(call.selected) ?? null;
}

/** What we wish towards the IMS side on behalf of a leg: a hold by our user stops what we take, not what we say we send. */
export function wishOf(call: CallMedia, leg: WebLeg | null): Wish {
  const held = call.heldByUser;
  return { send: held || (leg?.wantsSend ?? true), recv: !held && (leg?.wantsRecv ?? true) };
}

/** Reads those codecs of a browser's m-line that can be joined with the IMS side as it is. */
export function usableOfWeb(call: CallMedia): (media: MediaDesc) => Codecs {
  return usableCodecs(call.policy, 'web', call.ims.to);
}

/** Reads those codecs of the IMS side that can be joined with a leg, or without one with any browser. */
export function usableOfIms(call: CallMedia, leg: WebLeg | null): (media: MediaDesc) => Codecs {
  return usableCodecs(call.policy, 'ims', leg?.from ?? leg?.theirs ?? null);
}

/** Whether both sides are to be heard: the call is answered, and no announcement is played to them. */
export function isTalking({ early, fromIms, fromWeb }: CallMedia): boolean {
  return !early && fromIms && fromWeb;
}

/** What is relayed now. */
export function routeOf(call: CallMedia): Route {
  const leg = joined(call);
  const { ims, heldByUser, policy } = call;
  const canPass = (from: PayloadFormat, to: PayloadFormat) => passes(policy, from, to);
  const fromLeg = leg?.from?.speech ?? [];
  const imsCodec = ims.to?.speech.find(codec => fromLeg.some(format => canPass(format, codec))) ?? null;
  const toIms = imsCodec && withinAs(imsCodec, ims.maxKbps, ims.ptime, ims.family ?? 'IP4');
  const webCodec = imsCodec === null ? null : webCodecFor(policy, leg?.to?.speech ?? [], imsCodec);
  return {
    leg: leg === null ? null : leg.link !== 'up' && leg.replaces !== null ? leg.replaces : leg.request.leg,
    target: protectedTarget(ims.target, ims.sdes),
    toIms: rules(leg?.from ?? null, ims.to, toIms, canPass),
    toWeb: rules(ims.from, leg?.to ?? null, webCodec, canPass),
    toImsOpen: call.fromWeb && !heldByUser && ims.wantsRecv && (leg?.wantsSend ?? false),
    toWebOpen: call.fromIms && !heldByUser && (leg?.wantsRecv ?? false),
    supervise: isTalking(call) && !heldByUser && ims.wantsSend && ims.wantsRecv,
    video: videoRoute(call, leg),
  };
}
