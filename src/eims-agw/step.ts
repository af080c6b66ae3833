/** Steps that several operations take. */
import type { MediaEffect } from '../ep-cscf/effect.ts';
import type { MediaFailure } from '../ep-cscf/input.ts';
import type { CallMedia } from './call-media.ts';
import type { LegRequest, WebTransport } from './engine.ts';
import { giveKey } from './sdes.ts';
import { ask, type Plane, type Session, timed } from './session.ts';
import { bothLite, type WebLeg } from './web-leg.ts';

/** Why it cannot be done; null when it is done or waits for the engine. */
export type Done = MediaFailure | null;

export type EffectOf<T extends MediaEffect['type']> = Extract<MediaEffect, { type: T }>;

/** Answers an effect with SDP. */
export function ready(plane: Plane, session: Session, effect: MediaEffect & { ref: unknown }, sdp: string): Done {
  const { owner, ref } = effect as EffectOf<'media.hold'>;
  timed(plane, session, effect, 'ok');
  plane.emit({ type: 'media-ready', owner, ref, sdp });
  return null;
}

/** The engine has given a leg its transport. */
export function addLeg(call: CallMedia, leg: WebLeg, transport: WebTransport): void {
  leg.transport = transport;
  call.legs.set(leg.id, leg);
}

/** Starts ICE and DTLS of a leg, then goes on. */
export function connect(plane: Plane, session: Session, effect: MediaEffect, leg: WebLeg, then: () => Done): Done {
  if (leg.remote === null || bothLite(leg)) return 'unsupported';
  return ask(plane, session, effect, { type: 'connect', leg: leg.request.leg, remote: leg.remote }, reply => {
    const { ims } = session.call;
    if (reply.type === 'connecting') {
      giveKey(ims.sdes, reply.key);
      giveKey(ims.video.sdes, reply.videoKey);
    }
    return then();
  });
}

/** Number and source of a new leg. */
export function legRequest(plane: Plane, call: CallMedia): LegRequest {
  // Zero is no SSRC anyone would believe in.
  const ssrc = plane.random() || 1;
  return { leg: call.nextLeg++, ssrc, cname: `gw${plane.random()}` };
}
