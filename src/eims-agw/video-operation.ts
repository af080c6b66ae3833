/** Video that comes and goes in a call: its ports, who has to be asked first, and what follows from the answer. RFC 3264 8, media digest 4.7. */
import { isTalking, joined, usableOfIms, usableOfWeb } from './call-media.ts';
import { imsAnswer, imsOffer, webAnswer, webReoffer } from './call-text.ts';
import { endVideo, hasVideo, takeTransport } from './call-video.ts';
import { imsCodecFor } from './codec-policy.ts';
import type { SdesSuite } from './engine.ts';
import { type ImsSide, takeImsAnswer } from './ims-side.ts';
import { giveKey, suiteFor } from './sdes.ts';
import { ask, farEnds, type Plane, type Session, sendRoute, timed } from './session.ts';
import { roomForVideo } from './slot.ts';
import { connect, type Done, type EffectOf, ready } from './step.ts';
import type { VideoLine } from './video-line.ts';
import { takeAnswer, type WebLeg } from './web-leg.ts';

type Reoffer = EffectOf<'media.reoffer'>;

/** Goes on with ports for video where it is wanted and can be had; without them it goes on all the same: the sound must not wait for it. */
export function withPorts(
  plane: Plane,
  session: Session,
  effect: EffectOf<'media.offer' | 'media.reoffer'>,
  wanted: boolean,
  then: () => Done,
): Done {
  const { video } = session.call.ims;
  const able = plane.settings.videoKbps > 0 && plane.engine.caps().video;
  if (!wanted || !able || video.port > 0) return then();
  const suite = videoSuite(session.call.ims);
  return ask(
    plane,
    session,
    effect,
    {
      type: 'add-video',
      ...(suite === null ? {} : { sdes: suite, ...(effect.from === 'ims' ? { keyLater: true } : {}) }),
      ...transportKept(session),
    },
    reply => {
      if (reply.type === 'video-added') {
        const { port, key } = reply.ims;
        video.port = port;
        video.sdes.suite = suite;
        giveKey(video.sdes, key);
        for (const leg of session.call.legs.values()) takeTransport(leg, reply.transport);
      }
      return then();
    },
    then,
  );
}

/** That of their line, else what the sound has agreed to, or would offer. */
function videoSuite({ sdes, from, video }: ImsSide): SdesSuite | null {
  return video.line === null ? suiteFor(sdes, from !== null) : suiteFor(video.sdes, true);
}

/** A browser that holds on to the transport of a picture it refused can have no other on that line. */
function transportKept({ call }: Session): { kept?: true } {
  return [...call.legs.values()].some(({ video }) => video.kept) ? { kept: true } : {};
}

/** The far end asks for video that the call does not have: its user decides. False when it cannot be asked for. */
export function wantsVideo(session: Session, had: boolean): boolean {
  const { call } = session;
  const leg = joined(call);
  const able = leg !== null && leg.from !== null && roomForVideo(leg.slots);
  return !had && able && call.ims.video.line !== null && isTalking(call);
}

/** Offers the far end's video to the browser. */
export function askBrowser(plane: Plane, session: Session, effect: Reoffer, leg: WebLeg): Done {
  const { call } = session;
  call.asked = { by: 'ims', slots: leg.slots };
  return asks(plane, session, effect, webReoffer(call, leg));
}

/** What changed in a browser's offer that the far end has to hear of; null when nothing did. `before` is its line of before. */
export function webWish(session: Session, leg: WebLeg, before: VideoLine | null): 'add' | 'change' | null {
  const { call } = session;
  const { line } = leg.video;
  if (!isTalking(call)) return null;
  if (!hasVideo(call)) return line !== null && roomForVideo(call.ims.slots) ? 'add' : null;
  return line?.sends === before?.sends && line?.receives === before?.receives ? null : 'change';
}

/** Offers the browser's video, or that it has none any more, to the far end. */
export function askFarEnd(plane: Plane, session: Session, effect: Reoffer, leg: WebLeg): Done {
  const { call } = session;
  call.asked = { by: 'web', slots: call.ims.slots };
  return asks(plane, session, effect, imsOffer(call, leg, leg.theirs));
}

function asks(plane: Plane, session: Session, effect: Reoffer, sdp: string): Done {
  timed(plane, session, effect, 'ok');
  plane.emit({ type: 'media-asks', owner: session.owner, ref: effect.ref, sdp });
  return null;
}

/** The side that was asked has answered, or has not. */
export function agree(plane: Plane, session: Session, effect: EffectOf<'media.agree'>): Done {
  const { call } = session;
  const leg = joined(call);
  const { asked } = call;
  call.asked = null;
  if (leg === null) return 'unsupported';
  if (asked?.by === 'web') return farEndSaid(plane, session, effect, leg, asked.slots);
  if (effect.sdp !== null) {
    const failure = takeAnswer(leg, effect.sdp, usableOfWeb(call));
    if (failure !== null) return refused(plane, session, failure);
  } else if (asked !== null && asked.slots !== null) {
    // The browser does not know what it was offered.
    leg.slots = asked.slots;
    leg.video.line = null;
  }
  if (asked === null) return ready(plane, session, effect, '');
  return connectPicture(plane, session, effect, leg, () => {
    const offered = call.ims.to?.speech ?? [];
    const text = imsAnswer(call, leg, imsCodecFor(call.policy, offered, leg.to?.speech ?? []));
    dropUnused(plane, session);
    sendRoute(plane, session);
    return ready(plane, session, effect, text);
  });
}

/** A picture with a transport of its own has to be connected as the leg was. */
function connectPicture(
  plane: Plane,
  session: Session,
  effect: EffectOf<'media.agree'>,
  leg: WebLeg,
  then: () => Done,
): Done {
  const apart = leg.transport?.video !== undefined && leg.remote?.video !== undefined;
  return apart && session.call.ims.video.port > 0 ? connect(plane, session, effect, leg, then) : then();
}

function farEndSaid(
  plane: Plane,
  session: Session,
  effect: EffectOf<'media.agree'>,
  leg: WebLeg,
  before: Session['call']['ims']['slots'],
): Done {
  const { call } = session;
  const failure =
    effect.sdp === null
      ? 'unsupported'
      : takeImsAnswer(call.ims, effect.sdp, farEnds(session), call.heldByUser, usableOfIms(call, leg));
  if (failure !== null) {
    // An offer that was refused was never made.
    if (effect.sdp === null) call.ims.slots = before;
    if (leg.video.from === null || leg.video.line === null) dropVideo(plane, session);
  }
  dropUnused(plane, session);
  return connectPicture(plane, session, effect, leg, () => {
    const text = webAnswer(call, leg);
    sendRoute(plane, session);
    return ready(plane, session, effect, text);
  });
}

function refused(plane: Plane, session: Session, failure: Exclude<Done, null>): Done {
  dropUnused(plane, session);
  return failure;
}

/** Ports that no agreement came to are given back. */
export function dropUnused(plane: Plane, session: Session): void {
  const { video } = session.call.ims;
  if (video.port > 0 && (video.to === null || video.text === null)) dropVideo(plane, session);
}

/** The far end has dropped video that the browser still has: the browser is told by an offer without it. */
export function afterImsChange(plane: Plane, session: Session, had: boolean): void {
  const { call } = session;
  const leg = joined(call);
  dropUnused(plane, session);
  if (!had || hasVideo(call) || leg === null) return;
  plane.emit({ type: 'media-renews', owner: session.owner, sdp: webReoffer(call, leg) });
}

function dropVideo(plane: Plane, session: Session): void {
  const { call } = session;
  if (call.ims.video.port === 0) return;
  endVideo(call, joined(call));
  plane.engine.send({ type: 'drop-video', session: session.number, ...transportKept(session) });
}
