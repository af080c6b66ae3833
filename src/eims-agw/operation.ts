/** What each effect of the core does to a call's media, step by step. */
import type { MediaEffect, MediaFailure } from '../ep-cscf/ports.ts';
import { type CallMedia, joined, wishOf } from './call-media.ts';
import { bothLaws, EVENT_PT, firstLaw } from './codec.ts';

import type { LegRequest, WebTransport } from './engine.ts';
import { takeImsAnswer, takeImsOffer, writeImsAnswer, writeImsOffer } from './ims-side.ts';
import { afterSelect, cameBack } from './link.ts';
import { ask, type Plane, type Session, sendRoute, timed } from './session.ts';
import {
  bothLite,
  legFromOffer,
  legToOffer,
  restartedLeg,
  takeAnswer,
  takeReoffer,
  type WebLeg,
  writeWebAnswer,
  writeWebOffer,
} from './web-leg.ts';

/** Why it cannot be done; null when it is done or waits for the engine. */
type Done = MediaFailure | null;

type EffectOf<T extends MediaEffect['type']> = Extract<MediaEffect, { type: T }>;

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
    case 'media.settle':
      return settle(plane, session, effect);
    case 'media.gate':
      session.call.fromIms = effect.fromIms;
      session.call.fromWeb = effect.fromWeb;
      sendRoute(plane, session);
      return null;
    case 'media.release':
      return null;
    default:
      return effect satisfies never;
  }
}

function ready(plane: Plane, session: Session, effect: MediaEffect & { ref: unknown }, sdp: string): Done {
  const { owner, ref } = effect as EffectOf<'media.hold'>;
  timed(plane, session, effect, 'ok');
  plane.emit({ type: 'media-ready', owner, ref, sdp });
  return null;
}

function offerFromWeb(plane: Plane, session: Session, effect: EffectOf<'media.offer'> & { from: 'web' }): Done {
  const { call } = session;
  if (session.open || call.legs.size > 0) return 'unsupported';
  const leg = legFromOffer(effect.leg, legRequest(plane, call), plane.random(), effect.sdp);
  if (typeof leg === 'string') return leg;
  return open(plane, session, effect, [leg], () => {
    call.selected = leg.id;
    return ready(
      plane,
      session,
      effect,
      writeImsOffer(call.ims, wishOf(call, leg), plane.settings.codecs, leg.theirs?.event ?? null),
    );
  });
}

function offerFromIms(plane: Plane, session: Session, effect: EffectOf<'media.offer'> & { from: 'ims' }): Done {
  const { call } = session;
  if (session.open || call.legs.size > 0 || effect.legs.length === 0) return 'unsupported';
  if (effect.sdp !== null) {
    const failure = takeImsOffer(call.ims, effect.sdp, plane.addresses);
    if (failure !== null) return failure;
  }
  const legs = effect.legs.map(id => legToOffer(id, legRequest(plane, call), plane.random()));
  return open(plane, session, effect, legs, () => {
    const answer =
      effect.commit === true && call.ims.to !== null ? writeImsAnswer(call.ims, wishOf(call, null), null) : null;
    // Committed, it is one law: what the devices are offered first.
    const { to } = call.ims;
    const codecs = bothLaws(
      to === null ? [] : to.laws.map(l => l.law),
      plane.settings.codecs,
      to === null || to.event !== null ? EVENT_PT : null,
    );
    const offers = legs.map(leg => ({ leg: leg.id, sdp: writeWebOffer(leg, codecs) }));
    timed(plane, session, effect, 'ok');
    plane.emit({ type: 'media-offers', owner: session.owner, ref: effect.ref, offers, answer });
    return null;
  });
}

function open(plane: Plane, session: Session, effect: MediaEffect, legs: WebLeg[], then: () => Done): Done {
  // Even when no answer comes in time the engine may hold it: a release must close it.
  session.open = true;
  return ask(plane, session, effect, { type: 'open', legs: legs.map(leg => leg.request) }, reply => {
    if (reply.type !== 'opened') return 'driver';
    session.call.ims.address = reply.ims.address;
    session.call.ims.port = reply.ims.port;
    legs.forEach((leg, i) => {
      const transport = reply.legs[i];
      if (transport !== undefined) addLeg(session.call, leg, transport);
    });
    if (session.call.legs.size < legs.length) return 'driver';
    if (legs.some(bothLite)) return 'unsupported';
    return then();
  });
}

function addLeg(call: CallMedia, leg: WebLeg, transport: WebTransport): void {
  leg.transport = transport;
  call.legs.set(leg.id, leg);
}

function answerFromIms(plane: Plane, session: Session, effect: EffectOf<'media.answer'> & { from: 'ims' }): Done {
  const { call } = session;
  const leg = joined(call);
  if (leg === null) return 'unsupported';
  const failure = takeImsAnswer(call.ims, effect.sdp, plane.addresses, call.heldByUser);
  if (failure !== null) return failure;
  if (leg.origin.text !== null) {
    // The browser has its answer: another fork, or the same again, only moves the IMS side.
    sendRoute(plane, session);
    return ready(plane, session, effect, leg.origin.text);
  }
  return connect(plane, session, effect, leg, () => {
    const text = writeWebAnswer(leg, firstLaw(call.ims.to));
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
  const failure = takeAnswer(leg, effect.sdp);
  if (failure !== null) return failure;
  return connect(plane, session, effect, leg, () => {
    const wish = wishOf(call, leg);
    // The IMS side gets one answer, whichever device made it; the relay converts between the laws.
    const text =
      call.ims.origin.text ??
      (call.ims.to === null
        ? writeImsOffer(call.ims, wish, plane.settings.codecs, leg.from?.event ?? null)
        : writeImsAnswer(call.ims, wish, firstCommon(leg, call)));
    sendRoute(plane, session);
    return ready(plane, session, effect, text);
  });
}

/** The first law of the browser's answer that the IMS side offered. */
function firstCommon(leg: WebLeg, call: CallMedia): 'PCMA' | 'PCMU' | null {
  return leg.theirs?.laws.find(l => call.ims.to?.laws.some(t => t.law === l.law))?.law ?? null;
}

function connect(plane: Plane, session: Session, effect: MediaEffect, leg: WebLeg, then: () => Done): Done {
  if (leg.remote === null || bothLite(leg)) return 'unsupported';
  return ask(plane, session, effect, { type: 'connect', leg: leg.request.leg, remote: leg.remote }, then);
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
  const text = writeImsOffer(call.ims, wishOf(call, leg), plane.settings.codecs, leg.from?.event ?? null);
  sendRoute(plane, session);
  return ready(plane, session, effect, text);
}

function reofferFromIms(plane: Plane, session: Session, effect: EffectOf<'media.reoffer'> & { from: 'ims' }): Done {
  const { call } = session;
  const leg = joined(call);
  if (call.ims.slots === null) return 'unsupported';
  // Without a leg no device has won yet: the IMS side was answered before any of them did.
  const wish = wishOf(call, leg);
  if (effect.sdp === null) {
    const event = leg?.from?.event ?? null;
    return ready(plane, session, effect, writeImsOffer(call.ims, wish, plane.settings.codecs, event));
  }
  const current = firstLaw(call.ims.to);
  const failure = takeImsOffer(call.ims, effect.sdp, plane.addresses);
  if (failure !== null) return failure;
  const text = writeImsAnswer(call.ims, wish, current);
  sendRoute(plane, session);
  return ready(plane, session, effect, text);
}

function reofferFromWeb(plane: Plane, session: Session, effect: EffectOf<'media.reoffer'> & { from: 'web' }): Done {
  const { call } = session;
  const leg = call.legs.get(effect.leg);
  if (leg === undefined) return 'unsupported';
  if (leg.origin.text === null) return replaceOffer(plane, session, effect, leg);
  const known = new Set(leg.remote?.candidates);
  const result = takeReoffer(leg, effect.sdp);
  if (result === 'new-peer') return replaceLeg(plane, session, effect, leg);
  if (result === 'restart') return restartIce(plane, session, effect, leg);
  if (result !== null) return result;
  const candidates = leg.remote?.candidates.filter(c => !known.has(c)) ?? [];
  if (candidates.length > 0) {
    plane.engine.send({ type: 'candidates', session: session.number, leg: leg.request.leg, candidates });
  }
  const text = writeWebAnswer(leg, firstLaw(call.ims.to));
  sendRoute(plane, session);
  return ready(plane, session, effect, text);
}

/** New ICE credentials for a leg whose DTLS stands. An engine that cannot says so: then a client has to come with a new connection. */
function restartIce(
  plane: Plane,
  session: Session,
  effect: EffectOf<'media.reoffer'> & { from: 'web' },
  leg: WebLeg,
): Done {
  const next = restartedLeg(leg, effect.sdp);
  if (typeof next === 'string') return next;
  if (next.remote === null || bothLite(next)) return 'unsupported';
  return ask(plane, session, effect, { type: 'restart', leg: leg.request.leg, remote: next.remote }, reply => {
    if (reply.type !== 'restarted') return 'driver';
    // What the engine told of the link meanwhile still holds.
    Object.assign(leg, next, { transport: reply.transport, link: leg.link, replaces: leg.replaces });
    const text = writeWebAnswer(leg, firstLaw(session.call.ims.to));
    sendRoute(plane, session);
    return ready(plane, session, effect, text);
  });
}

/** Before the far end has answered there is nothing to answer: the newer offer takes the place of the older, the answer is empty. */
function replaceOffer(
  plane: Plane,
  session: Session,
  effect: EffectOf<'media.reoffer'> & { from: 'web' },
  old: WebLeg,
): Done {
  const leg = legFromOffer(old.id, old.request, old.origin.sessionId, effect.sdp);
  if (typeof leg === 'string') return leg;
  leg.transport = old.transport;
  session.call.legs.set(leg.id, leg);
  return ready(plane, session, effect, '');
}

/** A new RTCPeerConnection of the same device: a second leg, which takes over once it is up; the IMS side hears nothing of it. */
function replaceLeg(
  plane: Plane,
  session: Session,
  effect: EffectOf<'media.reoffer'> & { from: 'web' },
  old: WebLeg,
): Done {
  const { call } = session;
  const leg = legFromOffer(old.id, legRequest(plane, call), plane.random(), effect.sdp);
  if (typeof leg === 'string') return leg;
  return ask(plane, session, effect, { type: 'add-leg', leg: leg.request }, reply => {
    if (reply.type !== 'leg-added') return 'driver';
    // Only the leg that is up stays while the new one connects.
    const unused = old.replaces !== null && old.link !== 'up' ? old.request.leg : old.replaces;
    if (unused !== null) plane.engine.send({ type: 'drop-leg', session: session.number, leg: unused });
    leg.replaces = old.replaces !== null && old.link !== 'up' ? old.replaces : old.request.leg;
    addLeg(call, leg, reply.transport);
    cameBack(plane, session);
    return connect(plane, session, effect, leg, () => {
      const text = writeWebAnswer(leg, firstLaw(call.ims.to));
      sendRoute(plane, session);
      return ready(plane, session, effect, text);
    });
  });
}

function settle(plane: Plane, session: Session, effect: EffectOf<'media.settle'>): Done {
  const { call } = session;
  const failure = takeImsAnswer(call.ims, effect.sdp, plane.addresses, call.heldByUser);
  if (failure !== null) {
    plane.log('warn', 'the IMS side answered with SDP that cannot be used', { failure });
    return failure;
  }
  sendRoute(plane, session);
  return null;
}

function legRequest(plane: Plane, call: CallMedia): LegRequest {
  // Zero is no SSRC anyone would believe in.
  const ssrc = plane.random() || 1;
  return { leg: call.nextLeg++, ssrc, cname: `gw${plane.random()}` };
}
