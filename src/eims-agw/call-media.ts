/** One call's media as data: its browser legs, its IMS side, hold and gates, and the route these give. Pure. */
import type { MediaSessionId } from '../ep-cscf/ids.ts';
import { firstLaw, rules } from './codec.ts';
import type { Route } from './engine.ts';
import { type ImsSide, imsSide, type Wish } from './ims-side.ts';
import { preferLaw, type WebLeg } from './web-leg.ts';

export interface CallMedia {
  /** Who made the first offer. */
  from: 'web' | 'ims';
  legs: Map<MediaSessionId, WebLeg>;
  /** The leg joined with the IMS side; null until a device won. */
  selected: MediaSessionId | null;
  nextLeg: number;
  ims: ImsSide;
  heldByUser: boolean;
  /** Early-media gates. */
  fromIms: boolean;
  fromWeb: boolean;
}

export function callMedia(from: 'web' | 'ims', sessionId: number): CallMedia {
  return {
    from,
    legs: new Map(),
    selected: null,
    nextLeg: 1,
    ims: imsSide(sessionId),
    heldByUser: false,
    fromIms: false,
    fromWeb: false,
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

/** What the relay has to do now. */
export function routeOf(call: CallMedia): Route {
  const leg = joined(call);
  const { ims, heldByUser } = call;
  if (leg !== null) preferLaw(leg, firstLaw(ims.to));
  const both = call.fromIms && call.fromWeb;
  return {
    leg: leg === null ? null : leg.link !== 'up' && leg.replaces !== null ? leg.replaces : leg.request.leg,
    target: ims.target,
    toIms: rules(leg?.from ?? null, ims.to),
    toWeb: rules(ims.from, leg?.to ?? null),
    toImsOpen: call.fromWeb && !heldByUser && ims.wantsRecv && (leg?.wantsSend ?? false),
    toWebOpen: call.fromIms && !heldByUser && (leg?.wantsRecv ?? false),
    supervise: both && !heldByUser && ims.wantsSend && ims.wantsRecv,
    video: null,
  };
}
