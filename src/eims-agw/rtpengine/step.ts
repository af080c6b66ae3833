/** The next request that brings a call on a daemon nearer to what it shall be. Pure. */
import type { WebEnd } from '../engine.ts';
import type { CallState, Step } from './call-state.ts';
import type { NgRequest, Tag } from './ng.ts';
import { answerOf, offerOf, openingPair, type Pair, pairOf, withoutCertificate } from './pair.ts';
import { nextPlay, playRequest } from './play.ts';

/** Null when all is as it shall be. */
export function nextStep(call: CallState): Step | null {
  if (call.closing) return { type: 'delete' };
  if (call.opening !== null) {
    const { kind, habits } = call.options;
    return { type: 'offer', pair: openingPair(kind, habits.family, call.nobodys), restart: null };
  }
  // Nothing passes that should not, not even for the time of an offer and an answer.
  const closed = nextGate(call, false);
  if (closed !== null) return closed;
  const wanted = wantedPair(call);
  const { pair } = call.held;
  const asWanted = wanted === null || (pair !== null && samePair(pair, wanted));
  if (wanted !== null && (call.restart !== null || (!asWanted && !connecting(call, wanted))))
    return { type: 'offer', pair: wanted, restart: call.restart };
  const settled = asWanted ? (nextGate(call, true) ?? nextPlay(call)) : null;
  return settled ?? (call.lookDue ? { type: 'query' } : null);
}

export function requestOf({ options: { callId, habits } }: CallState, step: Step): NgRequest {
  switch (step.type) {
    case 'offer':
      return offerOf(callId, step.pair, habits, step.restart !== null);
    case 'answer':
      return answerOf(callId, step.pair);
    case 'gate':
      return { command: step.open ? 'unblock media' : 'block media', 'call-id': callId, 'from-tag': step.tag };
    case 'play':
      return playRequest(callId, step.play);
    case 'ports':
    case 'query':
      return { command: 'query', 'call-id': callId };
    case 'delete':
      return { command: 'delete', 'call-id': callId, 'from-tag': 'ims', 'delete delay': 0 };
    default:
      return step satisfies never;
  }
}

/** The daemon knows this browser and DTLS is not up yet: an offer in the midst of a handshake would spoil its keys. */
function connecting({ held: { pair }, watch }: CallState, wanted: Pair): boolean {
  return pair !== null && pair.leg === wanted.leg && pair.fingerprint !== null && watch.web.state === 'new';
}

/** Null before a browser has answered. */
function wantedPair(call: CallState): Pair | null {
  const before = call.held.pair;
  const newest = newestLeg(call);
  if (newest === null) return null;
  const { kind, habits } = call.options;
  const known = { family: habits.family, nobodys: call.nobodys };
  const pair = pairOf(kind, call.route, newest.leg, newest.remote, known);
  const shared = before !== null && before.leg !== newest.leg && before.fingerprint === newest.remote.fingerprint.value;
  return shared ? withoutCertificate(pair, newest.remote) : pair;
}

/** There is one browser transport in a call: the connection that came last has it, the one before is lost already. */
function newestLeg({ legs }: CallState): { leg: number; remote: WebEnd } | null {
  let newest: { leg: number; remote: WebEnd } | null = null;
  for (const [leg, { remote }] of legs) {
    if (remote !== null && (newest === null || leg > newest.leg)) newest = { leg, remote };
  }
  return newest;
}

function samePair(a: Pair, b: Pair): boolean {
  return a.leg === b.leg && a.ims === b.ims && a.web === b.web && a.lines.transcode.join() === b.lines.transcode.join();
}

/** The gate of a party whose packets pass and must not (`open` false), or may and do not (true). */
function nextGate({ route, held }: CallState, open: boolean): Step | null {
  const wanted: Record<Tag, boolean> = { web: route?.toImsOpen ?? false, ims: route?.toWebOpen ?? false };
  for (const tag of ['web', 'ims'] as const) {
    if (wanted[tag] === open && held.open[tag] !== open) return { type: 'gate', tag, open };
  }
  return null;
}
