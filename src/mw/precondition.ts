/** Quality-of-service preconditions in descriptions: our side is ready from the start, the far side may wait for a word of it. RFC 3312, RFC 4032, IMS digest 3.6. */
import type { SipResponse } from '../sip/index.ts';

/** The option tag. */
export const PRECONDITION = 'precondition';

/** True when a refusal asks for preconditions: 421 that requires them. RFC 3312 9. */
export function asksForPreconditions(response: SipResponse): boolean {
  return response.status === 421 && response.headers.hasToken('Require', PRECONDITION);
}

/** Preconditions in use on one call. */
export interface Readiness {
  /** The offer that tells the far side we are ready, when its answer on an early dialog asks for that word the first time; else null. */
  confirmation(fork: string, answer: string): string | null;
  /** A later description of the media plane's as this call has to say it. `offer`: what it answers, or null. */
  said(sdp: string, offer: string | null): string;
}

/** `sdp`: the media plane's offer, as it was before the lines of preconditions. */
export function createReadiness(sdp: string): Readiness {
  /** By how much our versions are ahead of the media plane's. */
  let ahead = 0;
  const told = new Set<string>();
  return {
    confirmation(fork, answer) {
      if (told.has(fork) || !wantsConfirmation(answer)) return null;
      told.add(fork);
      ahead += 1;
      return raiseVersion(offerStatus(sdp, turned(farStatus(answer))), ahead);
    },
    said: (later, offer) => raiseVersion(offer === null ? later : answerStatus(later, offer), ahead),
  };
}

/** An offer that says how our side stands. `farReady`: the direction the far side is ready for, as it last said. */
export function offerStatus(sdp: string, farReady = 'none'): string {
  return eachMedia(sdp, () => [
    'a=curr:qos local sendrecv',
    `a=curr:qos remote ${farReady}`,
    'a=des:qos optional local sendrecv',
    'a=des:qos optional remote sendrecv',
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

/** Our answer to an offer with preconditions: the same wishes seen from our side. Without them the answer stays as it is. RFC 3312 5.2. */
function answerStatus(answer: string, offer: string): string {
  const offered = sections(offer).slice(1);
  return eachMedia(answer, index => {
    const section = offered[index] ?? '';
    const wish = (side: string) => new RegExp(`^a=des:qos (\\w+) ${side} (\\w+)`, 'm').exec(section);
    const [ours, theirs] = [wish('remote'), wish('local')];
    if (ours === null && theirs === null) return [];
    return [
      'a=curr:qos local sendrecv',
      `a=curr:qos remote ${turned(farStatus(section))}`,
      `a=des:qos ${ours?.[1] ?? 'none'} local sendrecv`,
      `a=des:qos ${theirs?.[1] ?? 'none'} remote sendrecv`,
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
    const unused = /^m=\S+ 0[ /]/.test(section);
    const added = unused ? [] : lines(index);
    return added.length === 0 ? section : `${section}${added.join('\r\n')}\r\n`;
  });
  return session + changed.join('');
}

/** The session part and the media sections, each ending with its line break. */
function sections(sdp: string): string[] {
  return sdp.split(/^(?=m=)/m);
}
