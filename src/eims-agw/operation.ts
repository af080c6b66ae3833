/** What each effect of the core does to a call's media, step by step. */
import type { MediaEffect } from '../ep-cscf/effect.ts';
import { play, preAnswer } from './announce.ts';
import { type CallMedia, joined, usableOfIms, usableOfWeb } from './call-media.ts';
import { imsAnswer, imsOffer, webAnswer, webOffer } from './call-text.ts';
import { hasVideo } from './call-video.ts';
import { type Formats, NO_CODECS } from './codec.ts';
import { formatsForWeb, imsCodecFor, ownFormats } from './codec-policy.ts';
import { learnLines, takeImsAnswer, takeImsOffer } from './ims-side.ts';
import { afterSelect } from './link.ts';
import { sameFormat } from './payload-format.ts';
import { giveKey, isKeyless, suiteFor } from './sdes.ts';
import { ask, farEnds, type Plane, type Session, sendRoute, timed } from './session.ts';
import { addLeg, connect, type Done, type EffectOf, legRequest, ready } from './step.ts';
import { afterImsChange, agree, askBrowser, dropUnused, wantsVideo, withPorts } from './video-operation.ts';
import { bothLite, legFromOffer, legToOffer, takeAnswer, type WebLeg } from './web-leg.ts';
import { reofferFromWeb } from './web-reoffer.ts';

/** Performs one effect; it either is done on return or waits for the engine. */
export function perform(plane: Plane, session: Session, effect: MediaEffect): Done {
  switch (effect.type) {
    case 'media.offer':
      return effect.from === 'web' ? offerFromWeb(plane, session, effect) : offerFromIms(plane, session, effect);
    case 'media.answer':
      return effect.from === 'ims' ? answerFromIms(plane, session, effect) : answerFromWeb(plane, session, effect);
    case 'media.select':
      return select(plane, session, effect);
    case 'media.hold':
      return hold(plane, session, effect);
    case 'media.reoffer':
      return effect.from === 'ims' ? reofferFromIms(plane, session, effect) : reofferFromWeb(plane, session, effect);
    case 'media.pre-answer':
      return preAnswer(plane, session, effect);
    case 'media.play':
      return play(plane, session, effect);
    case 'media.settle':
      return settle(plane, session, effect);
    case 'media.agree':
      return agree(plane, session, effect);
    case 'media.gate':
      session.call.fromIms = effect.fromIms;
      session.call.fromWeb = effect.fromWeb;
      session.call.early = effect.early ?? false;
      sendRoute(plane, session);
      return null;
    case 'media.key-frame':
      if (hasVideo(session.call)) plane.engine.send({ type: 'key-frame', session: session.number });
      return null;
    case 'media.release':
      return null;
    default:
      return effect satisfies never;
  }
}

function offerFromWeb(plane: Plane, session: Session, effect: EffectOf<'media.offer'> & { from: 'web' }): Done {
  const { call } = session;
  if (session.open || call.legs.size > 0) return 'unsupported';
  const leg = legFromOffer(
    effect.leg,
    legRequest(plane, call),
    plane.random(),
    effect.sdp,
    usableOfWeb(call),
    call.ims.video.apart,
  );
  if (typeof leg === 'string') return leg;
  return open(plane, session, effect, [leg], () => {
    call.selected = leg.id;
    return withPorts(plane, session, effect, leg.video.line !== null, () =>
      ready(plane, session, effect, imsOffer(call, leg, leg.theirs)),
    );
  });
}

function offerFromIms(plane: Plane, session: Session, effect: EffectOf<'media.offer'> & { from: 'ims' }): Done {
  const { call } = session;
  if (session.open || call.legs.size > 0 || effect.legs.length === 0) return 'unsupported';
  if (effect.sdp !== null) {
    const failure = takeImsOffer(call.ims, effect.sdp, session.realm.addresses, usableOfIms(call, null));
    if (failure !== null) return failure;
    session.place.family = call.ims.family ?? session.realm.family;
  }
  if (offerToDevices(call).speech.length === 0) return 'no-codec';
  const legs = effect.legs.map(id => legToOffer(id, legRequest(plane, call), plane.random(), call.ims.video.apart));
  const offer = (): Done => {
    if (effect.commit === true && isKeyless(call.ims.sdes)) return 'srtp';
    const answer = effect.commit === true && call.ims.to !== null ? imsAnswer(call, null, null) : null;
    // Committed, it is one codec: the devices are offered what goes with that.
    const formats = offerToDevices(call);
    const offers = legs.map(leg => ({ leg: leg.id, sdp: webOffer(call, leg, formats, call.ims.to ?? NO_CODECS) }));
    timed(plane, session, effect, 'ok');
    plane.emit({ type: 'media-offers', owner: session.owner, ref: effect.ref, offers, answer });
    return null;
  };
  // Who commits to an answer before any device has given one commits to sound alone.
  const video = call.ims.video.line !== null && effect.commit !== true;
  return open(plane, session, effect, legs, () => withPorts(plane, session, effect, video, offer));
}

/** The speech that goes with the offer of the IMS side, or with what it would be offered. */
function offerToDevices({ policy, ims }: CallMedia): Formats {
  return formatsForWeb(policy, ims.to ?? ownFormats(policy.ims));
}

function open(plane: Plane, session: Session, effect: MediaEffect, legs: WebLeg[], then: () => Done): Done {
  // Even when no answer comes in time the engine may hold it: a release must close it.
  session.open = true;
  const { call } = session;
  const { ims } = call;
  const suite = suiteFor(ims.sdes, ims.to !== null);
  return ask(
    plane,
    session,
    effect,
    {
      type: 'open',
      place: session.place,
      legs: legs.map(leg => leg.request),
      transcode: session.call.policy.transcode,
      ...(suite === null ? {} : { sdes: suite, ...(call.from === 'ims' ? { keyLater: true } : {}) }),
    },
    reply => {
      if (reply.type !== 'opened') return 'driver';
      const { address, port, key } = reply.ims;
      Object.assign(ims, { address, port });
      ims.sdes.suite = suite;
      giveKey(ims.sdes, key);
      if (call.from === 'web' && isKeyless(ims.sdes)) return 'driver';
      legs.forEach((leg, i) => {
        const transport = reply.legs[i];
        if (transport !== undefined) addLeg(session.call, leg, transport);
      });
      if (session.call.legs.size < legs.length) return 'driver';
      if (legs.some(bothLite)) return 'unsupported';
      return then();
    },
  );
}

function answerFromIms(plane: Plane, session: Session, effect: EffectOf<'media.answer'> & { from: 'ims' }): Done {
  const { call } = session;
  const leg = joined(call);
  if (leg === null) return 'unsupported';
  const failure = takeImsAnswer(call.ims, effect.sdp, farEnds(session), call.heldByUser, usableOfIms(call, leg));
  if (failure !== null) return failure;
  dropUnused(plane, session);
  if (leg.origin.text !== null) {
    // The browser has its answer: another fork, or the same again, only moves the IMS side.
    sendRoute(plane, session);
    return ready(plane, session, effect, leg.origin.text);
  }
  return connect(plane, session, effect, leg, () => {
    const text = webAnswer(call, leg);
    sendRoute(plane, session);
    return ready(plane, session, effect, text);
  });
}

function answerFromWeb(plane: Plane, session: Session, effect: EffectOf<'media.answer'> & { from: 'web' }): Done {
  const { call } = session;
  const leg = call.legs.get(effect.leg);
  if (leg === undefined || call.from !== 'ims') return 'unsupported';
  const again = leg.remote !== null;
  if (again && call.ims.origin.text !== null) return ready(plane, session, effect, call.ims.origin.text);
  const failure = takeAnswer(leg, effect.sdp, usableOfWeb(call));
  if (failure !== null) return failure;
  return connect(plane, session, effect, leg, () => {
    if (isKeyless(call.ims.sdes)) return 'driver';
    // The IMS side gets one answer, whichever device made it; what another prefers is made of it.
    const text =
      call.ims.origin.text ??
      (call.ims.to === null
        ? imsOffer(call, leg, leg.from)
        : imsAnswer(call, leg, imsCodecFor(call.policy, call.ims.to.speech, leg.to?.speech ?? [])));
    dropUnused(plane, session);
    sendRoute(plane, session);
    return ready(plane, session, effect, text);
  });
}

function select(plane: Plane, session: Session, effect: EffectOf<'media.select'>): Done {
  const { call } = session;
  const winner = call.legs.get(effect.leg);
  if (winner === undefined || call.selected === effect.leg) return null;
  call.selected = effect.leg;
  for (const [id, leg] of call.legs) {
    if (id === effect.leg) continue;
    call.legs.delete(id);
    plane.engine.send({ type: 'drop-leg', session: session.number, leg: leg.request.leg });
  }
  sendRoute(plane, session);
  afterSelect(plane, session, winner);
  return null;
}

function hold(plane: Plane, session: Session, effect: EffectOf<'media.hold'>): Done {
  const { call } = session;
  const leg = joined(call);
  if (leg === null || call.ims.from === null) return 'unsupported';
  call.heldByUser = effect.held;
  const text = imsOffer(call, leg, leg.from);
  sendRoute(plane, session);
  return ready(plane, session, effect, text);
}

function reofferFromIms(plane: Plane, session: Session, effect: EffectOf<'media.reoffer'> & { from: 'ims' }): Done {
  const { call } = session;
  const leg = joined(call);
  if (call.ims.slots === null) return 'unsupported';
  // Without a leg no device has won yet: the IMS side was answered before any of them did.
  if (effect.sdp === null) return ready(plane, session, effect, imsOffer(call, leg, leg?.from ?? null));
  const had = hasVideo(call);
  const current = call.ims.to?.speech[0];
  const failure = takeImsOffer(call.ims, effect.sdp, farEnds(session), usableOfIms(call, leg));
  if (failure !== null) return failure;
  const offered = call.ims.to?.speech ?? [];
  const kept = offered.find(codec => current !== undefined && sameFormat(codec, current));
  const wanted = wantsVideo(session, had);
  return withPorts(plane, session, effect, wanted, () => {
    if (wanted && leg !== null && call.ims.video.port > 0) return askBrowser(plane, session, effect, leg);
    const text = imsAnswer(call, leg, kept ?? imsCodecFor(call.policy, offered, leg?.to?.speech ?? []));
    afterImsChange(plane, session, had);
    sendRoute(plane, session);
    return ready(plane, session, effect, text);
  });
}

function settle(plane: Plane, session: Session, effect: EffectOf<'media.settle'>): Done {
  const { call } = session;
  const had = hasVideo(call);
  learnLines(call.ims, effect.sdp);
  const failure = takeImsAnswer(
    call.ims,
    effect.sdp,
    farEnds(session),
    call.heldByUser,
    usableOfIms(call, joined(call)),
  );
  if (failure !== null) {
    plane.log('warn', 'the IMS side answered with SDP that cannot be used', { failure });
    return failure;
  }
  afterImsChange(plane, session, had);
  sendRoute(plane, session);
  return null;
}
