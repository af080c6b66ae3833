/** The end of a call: what is said to the network, to the media plane, to every leg, and what stays until the totals are in. */
import { armExpiry, type Binding, dropRegistration } from './binding.ts';
import type { Call, Leg } from './call.ts';
import type { Final } from './call-status.ts';
import type { Ref } from './ids.ts';
import type { MediaFailure, MediaStats } from './input.ts';
import { finishLeg, record } from './leg.ts';
import { settleNumber } from './number-pool.ts';
import { GW, gwReason, sipReason } from './reason.ts';
import { removeCall, retireCall } from './registry.ts';
import { caseOf, count, type Done, log, refuse, startTimer, stopTimer, stopTimers, type Turn } from './turn.ts';
import type { Address } from './words.ts';

/** What the network is told: the code matters for an unanswered call in only. */
export interface ImsEnd {
  code: number;
  phrase: string;
  reason: string | null;
  /** Of a 302: who is to be called in its place. */
  contact?: Address;
}

export const USER_ENDS: ImsEnd = {
  code: 480,
  phrase: 'Temporarily Unavailable',
  reason: 'RELEASE_CAUSE;cause=1;text="User ends call"',
};
export const TOO_LONG: ImsEnd = {
  code: 500,
  phrase: 'Server Internal Error',
  reason: 'Q.850;cause=31;text="Maximum duration"',
};
export const MEDIA_LOSS: ImsEnd = {
  code: 500,
  phrase: 'Server Internal Error',
  reason: 'RELEASE_CAUSE;cause=3;text="Media bearer loss"',
};

export function endIms(turn: Turn, call: Call, end: ImsEnd): Done {
  turn.out.push({ type: 'ims.end', owner: call.id, ...end });
}

/** Final state and class for a failure of the media plane. `far`: the other side's SDP was at fault. Media digest 4.10. */
export function mediaFinal(failure: MediaFailure, far: boolean): Final {
  switch (failure) {
    case 'bad-sdp':
      return { status: 'Failed', reason: sipReason(488, 'Not Acceptable Here'), class: far ? 'upstream' : 'client' };
    case 'no-codec':
      return { status: 'Failed', reason: sipReason(488, 'No common codec'), class: far ? 'upstream' : 'client' };
    case 'unsupported':
      return { status: 'Failed', reason: sipReason(488, 'Media not supported'), class: far ? 'upstream' : 'client' };
    case 'srtp':
      return { status: 'Failed', reason: sipReason(488, 'SRTP not agreed'), class: far ? 'upstream' : 'client' };
    case 'no-port':
    case 'overload':
      return { status: 'Failed', reason: sipReason(503, 'No media resources'), class: 'internal' };
    case 'driver':
    case 'timeout':
      return { status: 'Failed', reason: gwReason(GW.media, 'media failure'), class: 'internal' };
    default: {
      const never: never = failure;
      return never;
    }
  }
}

/** It lies in the SDP: whoever sent that is told so. */
export function isOfSdp(failure: MediaFailure): boolean {
  return failure === 'bad-sdp' || failure === 'no-codec' || failure === 'unsupported' || failure === 'srtp';
}

/** Ends every leg that is left with one final state, or with what is being announced, tells the network (null: it knows), and closes. An answered leg is always Terminated. */
export function endCall(turn: Turn, call: Call, found: Final, ims: ImsEnd | null): Done {
  if (call.phase === 'closing') return;
  const final = call.phase === 'announcing' && call.announced !== null ? call.announced.final : found;
  if (ims !== null) endIms(turn, call, ims);
  const answered = call.answeredAt !== null;
  for (const leg of call.legs) finishLeg(turn, call, leg, answered ? { ...final, status: 'Terminated' } : final);
  closeCall(turn, call, final);
}

/** Frees what the call holds; the machine lives on until the media totals came, or at once when none will. */
export function closeCall(turn: Turn, call: Call, final: Final): Done {
  retire(turn, call);
  call.phase = 'closing';
  call.final = call.main?.final ?? final;
  call.endedAt = turn.now;
  countEnd(turn, call, call.final);
  if (call.main === null || !call.mediaOpen || call.stats !== null) return forgetCall(turn, call);
  startTimer(turn, call, 'media-op', turn.settings.call.statsMs);
  turn.changedCalls.add(call);
}

/** Lets go of all that serves a live call: its requests in flight, timers, media, and its place in the quotas. */
export function retire(turn: Turn, call: Call): Done {
  dropOp(turn, call);
  for (const input of call.deferred) {
    if (input.type === 'put-status') refuse(turn, input.ref, 'not-found');
    else if (input.type === 'ims-reoffered') rejectReoffer(turn, call, input.ref);
  }
  call.deferred = [];
  if (call.update?.waits != null) refuse(turn, call.update.waits.put.ref, 'not-found');
  if (call.asked?.reoffer != null) rejectReoffer(turn, call, call.asked.reoffer.imsRef);
  call.update = null;
  call.asked = null;
  stopTimers(turn, call);
  if (call.mediaOpen && !call.mediaReleased) turn.out.push({ type: 'media.release', owner: call.id });
  call.mediaReleased = true;
  retireCall(turn.registry, call);
  const binding = turn.registry.bindingOf.get(call.number);
  if (binding !== undefined) {
    turn.idleBindings.add(binding);
    // By now the number may be the next visitor's.
    if (call.visit !== null && call.bindingId === binding.id) leave(turn, binding);
  }
  settleNumber(turn, call.number, null);
}

/** A visitor was registered for this call alone. */
function leave(turn: Turn, binding: Binding): Done {
  for (const registration of [...binding.registrations.values()]) dropRegistration(turn, binding, registration);
  armExpiry(turn, binding);
}

/** The last step: the record with its totals, and nothing is left. */
export function forgetCall(turn: Turn, call: Call): Done {
  stopTimers(turn, call);
  tell(turn, call);
  if (call.main !== null) record(turn, call, call.main, call.stats);
  removeCall(turn.registry, call);
  turn.changedCalls.delete(call);
  turn.out.push({ type: 'store', write: { op: 'delete', kind: 'call', key: call.id } });
  turn.out.push({ type: 'gone', owner: call.id });
}

/** Gives up the media request in flight; whoever waits for it is answered. */
function dropOp(turn: Turn, call: Call): Done {
  const op = call.op;
  if (op === null) return;
  call.op = null;
  stopTimer(turn, call, 'media-op');
  if (op.kind === 'agree') {
    if (op.put !== null) refuse(turn, op.put.ref, 'not-found');
    if (op.asked.reoffer !== null) rejectReoffer(turn, call, op.asked.reoffer.imsRef);
  }
  if (op.kind === 'device-answer' || op.kind === 'web-reoffer') refuse(turn, op.put.ref, 'not-found');
  else if (op.kind === 'ims-reoffer') rejectReoffer(turn, call, op.imsRef);
}

function rejectReoffer(turn: Turn, call: Call, ref: Ref): Done {
  turn.out.push({ type: 'ims.reject', owner: call.id, ref, code: 481, phrase: 'Call/Transaction Does Not Exist' });
}

/** Leaves one leg of a ringing call; its pending PUT, if any, is answered. */
export function leaveLeg(turn: Turn, call: Call, leg: Leg, final: Final): Done {
  if (call.op?.kind === 'device-answer' && call.op.leg === leg) dropOp(turn, call);
  finishLeg(turn, call, leg, final);
}

function countEnd(turn: Turn, call: Call, shown: Final): Done {
  const answered = call.answeredAt !== null;
  const legs = call.main?.holder.legs ?? call.legs[0]?.holder.legs ?? 3;
  const outcome = answered ? 'Answered' : shown.status;
  count(turn, 'call_attempts_total', { case: caseOf(legs), direction: call.direction, outcome });
  if (call.emergency) count(turn, 'emergency_calls_total', { outcome });
  if (call.visit !== null) count(turn, 'visitor_calls_total', { pool: call.visit.pool, class: shown.class });
  if (answered) count(turn, 'call_duration_seconds', { direction: call.direction }, durationMs(call) / 1000);
}

function durationMs(call: Call): number {
  return call.answeredAt === null || call.endedAt === null ? 0 : call.endedAt - call.answeredAt;
}

/** The call's one line in the log: how it went, and how it sounded. */
function tell(turn: Turn, call: Call): Done {
  const { final } = call;
  if (final === null) return;
  log(turn, 'info', call.id, 'call ended', {
    direction: call.direction,
    number: call.number,
    emergency: call.emergency,
    status: final.status,
    reason: final.reason,
    class: final.class,
    devices: call.legs.length,
    setupMs: call.answeredAt === null ? null : call.answeredAt - call.createdAt,
    durationMs: durationMs(call),
    correlator: call.correlator,
    ...(call.stats === null ? {} : soundOf(call.stats)),
  });
}

/** Media totals as fields of that line. */
function soundOf(stats: MediaStats): Record<string, string | number | null> {
  const fields: Record<string, string | number | null> = {
    codec: stats.codec,
    path: stats.path,
    oneWay: stats.oneWay,
  };
  for (const [side, leg] of [
    ['web', stats.fromWeb],
    ['ims', stats.fromIms],
  ] as const) {
    fields[`${side}Packets`] = leg.packets;
    fields[`${side}Lost`] = leg.lost;
    fields[`${side}JitterMs`] = leg.jitterMs;
    fields[`${side}RoundTripMs`] = leg.roundTripMs;
    fields[`${side}FarLost`] = leg.farLost;
    fields[`${side}Mos`] = leg.mos;
  }
  return fields;
}
