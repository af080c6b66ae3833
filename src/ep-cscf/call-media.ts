/** One request to the media plane at a time, and what every answer to the user's call sets going. */
import { type Call, type Gates, type Leg, type MediaOp, OPEN } from './call.ts';
import type { MediaEffect } from './effect.ts';
import type { Ref } from './ids.ts';
import { count, type Done, startTimer, stopTimer, type Turn } from './turn.ts';

/** Sends a request that will be answered, guarded against a media plane that says nothing. */
export function startOp(turn: Turn, call: Call, op: MediaOp, effect: Extract<MediaEffect, { ref: Ref }>): Done {
  call.op = op;
  call.mediaOpen = true;
  turn.out.push(effect);
  startTimer(turn, call, 'media-op', turn.settings.call.mediaOpMs);
}

/** Takes the request out of flight when `ref` is its answer; null for a stale one. The PUT that it was for goes on. */
export function takeOp(turn: Turn, call: Call, ref: Ref): MediaOp | null {
  const op = call.op;
  if (op === null || op.ref !== ref) return null;
  call.op = null;
  if ('put' in op && op.put !== null) turn.correlator = op.put.correlator;
  stopTimer(turn, call, 'media-op');
  return op;
}

/** Lets sound pass each way before the answer, or not. RFC 5009. */
export function gate(turn: Turn, call: Call, gates: Gates): Done {
  const { fromIms, fromWeb } = call.gates;
  if (fromIms === gates.fromIms && fromWeb === gates.fromWeb) return;
  call.gates = gates;
  turn.out.push({ type: 'media.gate', owner: call.id, ...gates, early: true });
}

/** Ring-back of ours is heard while the far end rings and the network lets nothing be heard, by a browser that has its answer. TS 24.628 4.2. */
export function syncRingBack(turn: Turn, call: Call): Done {
  const wanted =
    turn.settings.call.announcements.has('ringing') &&
    call.phase === 'inviting' &&
    call.ringingAt !== null &&
    !call.gates.fromIms &&
    call.main?.answer != null;
  if (call.ringBack === wanted) return;
  call.ringBack = wanted;
  const name = wanted ? 'ringing' : null;
  turn.out.push({ type: 'media.play', owner: call.id, side: 'web', name, repeat: true });
}

/** The call is answered: both gates open, its guards start. The caller publishes. */
export function answered(turn: Turn, call: Call, leg: Leg): Done {
  const { mediaSetupMs, maxDurationMs } = turn.settings.call;
  call.phase = 'talking';
  call.main = leg;
  call.answeredAt = turn.now;
  call.gates = OPEN;
  syncRingBack(turn, call);
  turn.out.push({ type: 'media.gate', owner: call.id, ...OPEN });
  for (const name of ['originate-guard', 'ring-guard', 'invitation', 'provisional-repeat'] as const)
    stopTimer(turn, call, name);
  if (!leg.connected) startTimer(turn, call, 'media-setup', mediaSetupMs);
  // An emergency call has no cap (CAMARA digest 7.8), a visitor's has had one since its start.
  if (!call.emergency && call.visit === null) startTimer(turn, call, 'max-duration', maxDurationMs);
  count(turn, 'call_setup_duration_seconds', { direction: call.direction }, (turn.now - call.createdAt) / 1000);
}
