/** PUT status: which values a consumer may set, echoes, repeats, glare; then the column of the table that applies. CAMARA digest 6.4. */
import { sameSdp } from '../sdp/index.ts';
import type { Call, Leg, PutRequest } from './call.ts';
import { browserSaid } from './call-agree.ts';
import { putIncoming } from './call-answer.ts';
import { acceptPut, type Change, putTalking, reofferWeb } from './call-mid.ts';
import { sessionView } from './leg.ts';
import { type Done, refuse, reply, type Turn } from './turn.ts';
import type { CallStatus } from './words.ts';

const SETTABLE: ReadonlySet<CallStatus> = new Set<CallStatus>([
  'InProgress',
  'Ringing',
  'Connected',
  'Hold',
  'Resume',
  'Declined',
  'Busy',
]);

/** Decides one PUT on a live session; always exactly one reply, now or when the media plane has answered. */
export function handlePut(turn: Turn, call: Call, leg: Leg, put: PutRequest): Done {
  leg.reached = true;
  if (!SETTABLE.has(put.status)) return refuse(turn, put.ref, 'status-not-settable', 'status');
  if (isRepeat(leg, put)) return reply(turn, put.ref, { ok: true, session: sessionView(call, leg) });
  const offer = changeOf(put.offer, leg.offer);
  const answer = changeOf(put.answer, leg.answer);
  if (offer === 'changed' && answer === 'changed') return refuse(turn, put.ref, 'offer-and-answer');
  if (call.phase === 'talking') {
    if (answer === 'changed') {
      // Unless an offer of ours is outstanding, there is nothing to answer.
      const { asked } = call;
      if (asked === null || put.status === 'Hold') return refuse(turn, put.ref, 'incompatible-state');
      return browserSaid(turn, call, asked, leg, put);
    }
    return putTalking(turn, call, leg, put, offer);
  }
  if (call.direction === 'out') return putOutgoing(turn, call, leg, put, offer, answer);
  if (call.phase !== 'alerting') return refuse(turn, put.ref, 'incompatible-state');
  // Our offer is outstanding: another offer is glare, and a second, different answer comes too late.
  if (offer === 'changed') return refuse(turn, put.ref, 'incompatible-state');
  if (answer === 'changed' && leg.answer !== null) return refuse(turn, put.ref, 'incompatible-state');
  putIncoming(turn, call, leg, put, answer === 'changed' ? put.answer : null);
}

/** The last accepted PUT once more: the same answer, no event. */
function isRepeat(leg: Leg, put: PutRequest): boolean {
  const last = leg.lastPut;
  if (last === null || put.location !== null) return false;
  return last.status === put.status && last.offer === put.offer && last.answer === put.answer && stillHolds(leg, put);
}

/** A repeat counts while the state is the one that PUT left behind. */
function stillHolds(leg: Leg, put: PutRequest): boolean {
  if (put.status === 'Hold' || put.status === 'Resume') return leg.status === put.status;
  return put.status !== 'Connected' || leg.status === 'Connected' || leg.status === 'Resume';
}

/** A descriptor equal to the one the server holds is an echo; a browser's own grows candidates meanwhile. */
function changeOf(given: string | null, held: string | null): Change {
  if (given === null) return 'none';
  if (given === held) return 'same';
  if (held === null || !sameSdp(given, held)) return 'changed';
  return hasNewCandidates(given, held) ? 'candidates' : 'same';
}

function hasNewCandidates(given: string, held: string): boolean {
  const known = new Set(candidatesOf(held));
  return candidatesOf(given).some(candidate => !known.has(candidate));
}

function candidatesOf(sdp: string): string[] {
  return sdp.split(/\r\n|\n|\r/).filter(line => line.startsWith('a=candidate:'));
}

/** Column "MO before answer": nothing but late ICE. CAMARA digest 7.9. */
function putOutgoing(turn: Turn, call: Call, leg: Leg, put: PutRequest, offer: Change, answer: Change): Done {
  if (put.status !== 'InProgress' || answer === 'changed') return refuse(turn, put.ref, 'incompatible-state');
  const grown = offer === 'changed' || offer === 'candidates';
  if (!grown && leg.status !== 'InProgress') return refuse(turn, put.ref, 'incompatible-state');
  // Candidates alone need no answer of ours, and before the far end has answered nothing can be said about them:
  // the browser's checks reach us anyway.
  if (put.offer !== null && (offer === 'changed' || (offer === 'candidates' && leg.answer !== null)))
    return reofferWeb(turn, call, leg, put, put.offer);
  if (put.offer !== null && grown) leg.offer = put.offer;
  acceptPut(turn, call, leg, put);
}
