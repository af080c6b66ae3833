/** Quality-of-service preconditions in descriptions: our side is ready from the start, the far side may wait for a word of it. RFC 3312, RFC 4032, IMS digest 3.6. */
import type { SipResponse } from '../sip/index.ts';
import { isInUse, PRECONDITION, sections, standingOf, unmet } from './precondition-demand.ts';

/** True when a refusal asks for preconditions: 421 that requires them. RFC 3312 9. */
export function asksForPreconditions(response: SipResponse): boolean {
  return response.status === 421 && response.headers.hasToken('Require', PRECONDITION);
}

/** Preconditions in use on one call, out or in. */
export interface Readiness {
  /** Call in: the offer of its INVITE; null on a call out. */
  readonly offer: string | null;
  /** Call in: the far side has still to get ready. */
  readonly waits: boolean;
  /** A later offer of the far side was answered: true when with that it has got ready. */
  hears(offer: string): boolean;
  /** The offer that tells the far side we are ready, when its answer on an early dialog asks for that word the first time; else null. */
  confirmation(fork: string, answer: string): string | null;
  /** A later description of the media plane's as this call has to say it. `offer`: what it answers, or null. */
  said(sdp: string, offer: string | null): string;
}

/** How much an offer of ours insists on each side. */
export interface Strengths {
  preconditionLocal: Strength;
  preconditionRemote: Strength;
}

type Strength = 'none' | 'optional' | 'mandatory';

/** Of a call out. `sdp`: the media plane's offer, as it was before the lines of preconditions. */
export function offeringReadiness(sdp: string, strengths: Strengths): Readiness {
  return readiness({ sdp, strengths }, null);
}

/** Of a call in whose caller speaks of preconditions in this offer. */
export function answeringReadiness(offer: string): Readiness {
  return readiness(null, offer);
}

function readiness(own: { sdp: string; strengths: Strengths } | null, offer: string | null): Readiness {
  /** By how much our versions are ahead of the media plane's. */
  let ahead = 0;
  let waits = offer !== null && standingOf(offer) === 'waiting';
  let last = { sdp: '', full: '' };
  const told = new Set<string>();
  return {
    offer,
    get waits() {
      return waits;
    },
    hears(later) {
      if (!waits || standingOf(later) !== 'ready') return false;
      waits = false;
      return true;
    },
    confirmation(fork, answer) {
      if (own === null || told.has(fork) || !wantsConfirmation(answer)) return null;
      told.add(fork);
      ahead += 1;
      return raiseVersion(offerStatus(own.sdp, own.strengths, turned(farStatus(answer))), ahead);
    },
    said(later, offer) {
      const full = offer === null ? later : answerStatus(later, offer);
      // New lines around what the media plane says unchanged: new to the far side all the same. RFC 3264 8.
      if (later === last.sdp && full !== last.full) ahead += 1;
      last = { sdp: later, full };
      return raiseVersion(full, ahead);
    },
  };
}

/** An offer that says how our side stands. `farReady`: the direction the far side is ready for, as it last said. */
export function offerStatus(sdp: string, strengths: Strengths, farReady = 'none'): string {
  return eachMedia(sdp, () => [
    'a=curr:qos local sendrecv',
    `a=curr:qos remote ${farReady}`,
    `a=des:qos ${strengths.preconditionLocal} local sendrecv`,
    `a=des:qos ${strengths.preconditionRemote} remote sendrecv`,
  ]);
}

/** True when the far side wants to be told that ours is ready. Its "remote" is our side. RFC 3312 6. */
function wantsConfirmation(sdp: string): boolean {
  return /^a=conf:qos remote /m.test(sdp);
}

/** What the far side says of itself in the first line of status: sendrecv, send, recv or none. */
function farStatus(sdp: string): string {
  return /^a=curr:qos local (\w+)/m.exec(sdp)?.[1] ?? 'none';
}

/**
 * Our answer to an offer with preconditions: the same wishes seen from our side, and when the far side has still to get
 * ready, the wish to be told of it. Without them the answer stays as it is. RFC 3312 5.2, 6, IMS digest 4.4.
 */
function answerStatus(answer: string, offer: string): string {
  const offered = sections(offer).slice(1);
  return eachMedia(answer, index => {
    const section = offered[index] ?? '';
    const wish = (side: string) => new RegExp(`^a=des:qos (\\w+) ${side} (\\w+)`, 'm').exec(section);
    const [ours, theirs] = [wish('remote'), wish('local')];
    if (ours === null && theirs === null) return [];
    const waits = unmet(section).some(({ status }) => status === 'local');
    return [
      'a=curr:qos local sendrecv',
      `a=curr:qos remote ${turned(farStatus(section))}`,
      `a=des:qos ${waits ? 'mandatory' : (ours?.[1] ?? 'none')} local sendrecv`,
      `a=des:qos ${theirs?.[1] ?? 'none'} remote sendrecv`,
      ...(waits ? ['a=conf:qos remote sendrecv'] : []),
    ];
  });
}

/** Directions are written from the writer's side. */
function turned(direction: string): string {
  return direction === 'send' ? 'recv' : direction === 'recv' ? 'send' : direction;
}

/** The description with its version raised: what we changed in it is new to the far side. RFC 3264 8. */
function raiseVersion(sdp: string, by: number): string {
  if (by === 0) return sdp;
  return sdp.replace(
    /^(o=\S+ \S+ )(\d{1,20})/m,
    (_, head: string, version: string) => head + (BigInt(version) + BigInt(by)),
  );
}

/** Puts lines at the end of every media section in use. */
function eachMedia(sdp: string, lines: (index: number) => string[]): string {
  const [session = '', ...media] = sections(sdp);
  const changed = media.map((section, index) => {
    const added = isInUse(section) ? lines(index) : [];
    return added.length === 0 ? section : `${section}${added.join('\r\n')}\r\n`;
  });
  return session + changed.join('');
}
