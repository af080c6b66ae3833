/** Later offers of a browser: a change within its connection, an ICE restart, or a new connection in place of the old. RFC 8829 5.2.2, RFC 8445 9. */
import { usableOfWeb } from './call-media.ts';
import { webAnswer } from './call-text.ts';
import { cameBack } from './link.ts';
import { ask, type Plane, type Session, sendRoute } from './session.ts';
import { addLeg, connect, type Done, type EffectOf, legRequest, ready } from './step.ts';
import type { VideoLine } from './video-line.ts';
import { askFarEnd, webWish, withPorts } from './video-operation.ts';
import { bothLite, legFromOffer, restartedLeg, takeReoffer, type WebLeg } from './web-leg.ts';

type WebReoffer = EffectOf<'media.reoffer'> & { from: 'web' };

/** What a later offer of the browser asks for. */
export function reofferFromWeb(plane: Plane, session: Session, effect: WebReoffer): Done {
  const { call } = session;
  const leg = call.legs.get(effect.leg);
  if (leg === undefined) return 'unsupported';
  // The offer of a new connection that was not answered in time is no reason to leave the next one without an answer.
  if (leg.origin.text === null) return (leg.replaces === null ? replaceOffer : replaceLeg)(plane, session, effect, leg);
  const known = new Set(leg.remote?.candidates);
  const shown = leg.video.line;
  const result = takeReoffer(leg, effect.sdp, usableOfWeb(call));
  if (result === 'new-peer') return replaceLeg(plane, session, effect, leg);
  if (result === 'restart') return restartIce(plane, session, effect, leg);
  if (result !== null) return result;
  const candidates = leg.remote?.candidates.filter(c => !known.has(c)) ?? [];
  if (candidates.length > 0) {
    plane.engine.send({ type: 'candidates', session: session.number, leg: leg.request.leg, candidates });
  }
  return settle(plane, session, effect, leg, shown);
}

/** Answers the browser: at once, or when the far end has heard what changed of the video. `before` is its line of before. */
function settle(plane: Plane, session: Session, effect: WebReoffer, leg: WebLeg, before: VideoLine | null): Done {
  const { call } = session;
  const wish = webWish(session, leg, before);
  return withPorts(plane, session, effect, wish === 'add', () => {
    if (wish !== null && call.ims.video.port > 0) return askFarEnd(plane, session, effect, leg);
    const text = webAnswer(call, leg);
    sendRoute(plane, session);
    return ready(plane, session, effect, text);
  });
}

/** New ICE credentials for a leg whose DTLS stands. An engine that cannot says so: then a client has to come with a new connection. */
function restartIce(plane: Plane, session: Session, effect: WebReoffer, leg: WebLeg): Done {
  const next = restartedLeg(leg, effect.sdp, usableOfWeb(session.call));
  if (typeof next === 'string') return next;
  if (next.remote === null || bothLite(next)) return 'unsupported';
  return ask(plane, session, effect, { type: 'restart', leg: leg.request.leg, remote: next.remote }, reply => {
    if (reply.type !== 'restarted') return 'driver';
    const shown = leg.video.line;
    // What the engine told of the link meanwhile still holds.
    Object.assign(leg, next, { transport: reply.transport, link: leg.link, replaces: leg.replaces });
    return settle(plane, session, effect, leg, shown);
  });
}

/** Before the far end has answered there is nothing to answer: the newer offer takes the place of the older, the answer is empty. */
function replaceOffer(plane: Plane, session: Session, effect: WebReoffer, old: WebLeg): Done {
  const leg = legFromOffer(
    old.id,
    old.request,
    old.origin.sessionId,
    effect.sdp,
    usableOfWeb(session.call),
    old.video.apart,
  );
  if (typeof leg === 'string') return leg;
  leg.transport = old.transport;
  session.call.legs.set(leg.id, leg);
  return ready(plane, session, effect, '');
}

/** A new RTCPeerConnection of the same device: a second leg, which takes over once it is up; the IMS side hears of it only when its video has changed. */
function replaceLeg(plane: Plane, session: Session, effect: WebReoffer, old: WebLeg): Done {
  const { call } = session;
  const leg = legFromOffer(
    old.id,
    legRequest(plane, call),
    plane.random(),
    effect.sdp,
    usableOfWeb(call),
    old.video.apart,
  );
  if (typeof leg === 'string') return leg;
  leg.transport = old.transport;
  if (bothLite(leg)) return 'unsupported';
  return ask(plane, session, effect, { type: 'add-leg', leg: leg.request }, reply => {
    if (reply.type !== 'leg-added') return 'driver';
    // Only the leg that is up stays while the new one connects.
    const unused = old.replaces !== null && old.link !== 'up' ? old.request.leg : old.replaces;
    if (unused !== null) plane.engine.send({ type: 'drop-leg', session: session.number, leg: unused });
    leg.replaces = old.replaces !== null && old.link !== 'up' ? old.replaces : old.request.leg;
    addLeg(call, leg, reply.transport);
    cameBack(plane, session);
    return connect(plane, session, effect, leg, () => settle(plane, session, effect, leg, old.video.line));
  });
}
