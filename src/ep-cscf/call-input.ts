/** Dispatch of a call's inputs: what waits for the media plane, what cannot wait, and which function takes it. */

import type { ApiRequest } from './api-request.ts';
import type { Call, Deferrable, Leg, MediaOp } from './call.ts';
import { agreeFailed, agreeReady, askBrowser, askKeyFrame, browserAgreesGuard, onAsks } from './call-agree.ts';
import { deviceAnswerFailed, deviceAnswerReady, onAcked } from './call-answer.ts';
import { earlyReady, onProgress } from './call-early.ts';
import { endCall, forgetCall, type ImsEnd, MEDIA_LOSS, USER_ENDS } from './call-end.ts';
import {
  callerReadyGuard,
  decline,
  invitationGuard,
  offersFailed,
  offersReady,
  onCallerReady,
  onCancelled,
  onInvitation,
  repeatProvisional,
  ringGuard,
  withdraw,
} from './call-in.ts';
import { takeOp } from './call-media.ts';
import {
  holdFailed,
  holdReady,
  imsReofferFailed,
  imsReofferReady,
  onReoffered,
  onUpdated,
  onUpdateFailed,
  remoteHold,
  reofferGuard,
  syncHold,
  webReofferFailed,
  webReofferReady,
} from './call-mid.ts';
import {
  cancel,
  finalReady,
  onAnswered,
  onEmergency,
  onRejected,
  originateGuard,
  outgoingEnded,
  outgoingMediaFailed,
  sendInvite,
} from './call-out.ts';
import { handlePut } from './call-put.ts';
import { endedOf, type Final } from './call-status.ts';
import type { EventInput, ImsInput, MediaFailure, MediaInput, TimerName } from './input.ts';
import { GW, gwReason } from './reason.ts';
import { type Done, log, refuse, reply, type Turn } from './turn.ts';

export type CallInput =
  | Extract<ApiRequest, { type: 'put-status' | 'end-session' }>
  | Exclude<
      ImsInput,
      {
        type:
          | 'ims-registered'
          | 'ims-register-failed'
          | 'ims-deregistered'
          | 'ims-binding-lost'
          | 'ims-binding-shortened'
          | 'ims-invited';
      }
    >
  | MediaInput
  | EventInput
  | { type: 'timer'; name: TimerName };

/** Inputs kept while the media plane works; a flood beyond it is the sender's loss. */
const MAX_DEFERRED = 64;

/** Handles one input and what had to wait for it. */
export function handleCall(turn: Turn, call: Call, input: CallInput): Done {
  if (input.type === 'ims-progress' && input.code === 180 && call.ringingAt === null) call.ringingAt = turn.now;
  if (call.op !== null && isDeferrable(input)) return defer(turn, call, input);
  dispatch(turn, call, input);
  while (call.op === null && call.phase !== 'closing') {
    const next = call.deferred.shift();
    if (next === undefined) break;
    dispatch(turn, call, next);
  }
  syncHold(turn, call);
}

function isDeferrable(input: CallInput): input is Deferrable {
  switch (input.type) {
    case 'put-status':
    case 'ims-progress':
    case 'ims-answered':
    case 'ims-reoffered':
    case 'ims-update-failed':
      return true;
    default:
      return false;
  }
}

function defer(turn: Turn, call: Call, input: Deferrable): Done {
  // The answer itself is never the one to be dropped.
  if (call.deferred.length < MAX_DEFERRED || input.type === 'ims-answered') {
    call.deferred.push(input);
    return;
  }
  log(turn, 'warn', call.id, 'too many inputs wait for the media plane', { input: input.type });
  if (input.type === 'put-status') refuse(turn, input.ref, 'incompatible-state');
  else if (input.type === 'ims-reoffered')
    turn.out.push({ type: 'ims.reject', owner: call.id, ref: input.ref, code: 500, phrase: 'Server Internal Error' });
}

function dispatch(turn: Turn, call: Call, input: CallInput): Done {
  switch (input.type) {
    case 'put-status':
      return put(turn, call, input);
    case 'end-session':
      return endSession(turn, call, input);
    case 'ims-progress':
      return onProgress(turn, call, input);
    case 'ims-answered':
      return onAnswered(turn, call, input);
    case 'ims-rejected':
      return call.direction === 'out' ? onRejected(turn, call, input) : undefined;
    case 'ims-is-emergency':
      return call.direction === 'out' ? onEmergency(turn, call) : undefined;
    case 'ims-cancelled':
      return call.direction === 'in' ? onCancelled(turn, call, input) : undefined;
    case 'ims-caller-ready':
      return onCallerReady(turn, call);
    case 'ims-acked':
      onAcked(turn, call, input);
      if (input.sdp !== null) remoteHold(turn, call, input.sdp);
      return;
    case 'ims-ended':
      return ended(turn, call, input);
    case 'ims-reoffered':
      return onReoffered(turn, call, input);
    case 'ims-updated':
      return onUpdated(turn, call, input);
    case 'ims-update-failed':
      return onUpdateFailed(turn, call, input);
    case 'media-ready': {
      const op = takeOp(turn, call, input.ref);
      return op === null ? undefined : opReady(turn, call, op, input.sdp);
    }
    case 'media-asks': {
      const op = takeOp(turn, call, input.ref);
      return op === null ? undefined : onAsks(turn, call, op, input);
    }
    case 'media-renews':
      return call.phase === 'talking' && call.asked === null ? askBrowser(turn, call, null, input.sdp) : undefined;
    case 'ims-key-frame':
    case 'media-key-frame':
      return askKeyFrame(turn, call, input.type === 'ims-key-frame' ? 'media.key-frame' : 'ims.key-frame');
    case 'media-offers': {
      const op = takeOp(turn, call, input.ref);
      return op?.kind === 'offers-in' ? offersReady(turn, call, input) : undefined;
    }
    case 'media-failed': {
      const op = takeOp(turn, call, input.ref);
      return op === null ? undefined : opFailed(turn, call, op, input.failure);
    }
    case 'media-connected':
      return mediaConnected(turn, call, input.leg);
    case 'media-lost':
      return mediaLost(turn, call, input.cause);
    case 'media-stats':
      call.stats = input.stats;
      return call.phase === 'closing' ? forgetCall(turn, call) : undefined;
    case 'invitation-accepted':
    case 'invitation-undeliverable': {
      const leg = call.legs.find(l => l.id === input.leg && l.final === null);
      return leg === undefined ? undefined : onInvitation(turn, call, leg, input.type === 'invitation-accepted');
    }
    case 'timer':
      return timer(turn, call, input.name);
    default: {
      const never: never = input;
      return never;
    }
  }
}

function put(turn: Turn, call: Call, input: Extract<CallInput, { type: 'put-status' }>): Done {
  const leg = turn.registry.legs.get(input.mediaSessionId);
  if (leg === undefined) refuse(turn, input.ref, 'not-found');
  else handlePut(turn, call, leg, input);
}

/** DELETE: cancel, decline or hang up by state. The core has checked who asks. */
function endSession(turn: Turn, call: Call, input: Extract<CallInput, { type: 'end-session' }>): Done {
  const leg = turn.registry.legs.get(input.mediaSessionId);
  if (leg === undefined) return refuse(turn, input.ref, 'not-found');
  reply(turn, input.ref, { ok: true });
  if (call.phase === 'talking') endCall(turn, call, BY_USER, USER_ENDS);
  else if (call.direction === 'out') cancel(turn, call, leg);
  else decline(turn, call, leg, false);
}

const BY_USER: Final = { status: 'Terminated', reason: gwReason(GW.user, 'ended by user'), class: 'success' };

/** The device's registration was deleted: its part of the call goes, except an emergency call. CAMARA digest 4.6. */
export function releaseLeg(turn: Turn, call: Call, leg: Leg): Done {
  if (call.emergency) return;
  if (call.phase === 'talking')
    endCall(turn, call, { ...BY_USER, reason: gwReason(GW.user, 'registration deleted') }, USER_ENDS);
  else if (call.direction === 'out') cancel(turn, call, leg);
  else withdraw(turn, call, leg);
}

function ended(turn: Turn, call: Call, input: Extract<CallInput, { type: 'ims-ended' }>): Done {
  const final = endedOf(input.outcome);
  if (call.phase === 'talking') endCall(turn, call, final, null);
  else if (call.direction === 'out') outgoingEnded(turn, call, final);
  else endCall(turn, call, { ...final, status: 'Failed', class: 'network' }, null);
}

function opReady(turn: Turn, call: Call, op: MediaOp, sdp: string): Done {
  switch (op.kind) {
    case 'offer-out':
      return sendInvite(turn, call, sdp);
    case 'early':
      return earlyReady(turn, call, op, sdp);
    case 'final':
      return finalReady(turn, call, op, sdp);
    case 'device-answer':
      return deviceAnswerReady(turn, call, op.leg, op.put, sdp);
    case 'web-reoffer':
      return webReofferReady(turn, call, op.leg, op.put, sdp);
    case 'hold':
      return holdReady(turn, call, op.held, sdp);
    case 'ims-reoffer':
      return imsReofferReady(turn, call, op, sdp);
    case 'agree':
      return agreeReady(turn, call, op, sdp);
    case 'hold-revert':
    case 'offers-in':
      return;
    default: {
      const never: never = op;
      return never;
    }
  }
}

function opFailed(turn: Turn, call: Call, op: MediaOp, failure: MediaFailure): Done {
  switch (op.kind) {
    case 'offer-out':
      return outgoingMediaFailed(turn, call, failure, false);
    case 'offers-in':
      return offersFailed(turn, call, failure);
    case 'early':
    case 'final':
      return outgoingMediaFailed(turn, call, failure, true);
    case 'device-answer':
      return deviceAnswerFailed(turn, call, op.put, failure);
    case 'web-reoffer':
      return webReofferFailed(turn, op.put, failure);
    case 'hold':
      return holdFailed(turn, call, failure);
    case 'ims-reoffer':
      return imsReofferFailed(turn, call, op, failure);
    case 'agree':
      return agreeFailed(turn, call, op, failure);
    case 'hold-revert':
      return;
    default: {
      const never: never = op;
      return never;
    }
  }
}

function mediaConnected(turn: Turn, call: Call, legId: string): Done {
  const leg = call.legs.find(l => l.id === legId);
  if (leg === undefined || leg.final !== null) return;
  leg.connected = true;
  if (leg === call.main && call.timers.delete('media-setup'))
    turn.out.push({ type: 'timer.stop', owner: call.id, name: 'media-setup' });
}

const SILENT: ImsEnd = { ...MEDIA_LOSS, reason: 'RELEASE_CAUSE;cause=2;text="RTP/RTCP time-out"' };

function mediaLost(turn: Turn, call: Call, cause: 'worker' | 'web' | 'ims-silent' | 'fingerprint'): Done {
  if (call.phase === 'closing' || call.phase === 'cancelling') return;
  const text = {
    worker: 'media worker lost',
    web: 'browser media lost',
    'ims-silent': 'media timeout',
    fingerprint: 'fingerprint mismatch',
  }[cause];
  const status = call.answeredAt === null ? 'Failed' : 'Terminated';
  const final: Final = { status, reason: gwReason(GW.media, text), class: cause === 'worker' ? 'internal' : 'network' };
  endCall(turn, call, final, ims(call, cause === 'ims-silent' ? SILENT : MEDIA_LOSS));
}

/** Nothing is said to a network that was never asked. */
function ims(call: Call, end: ImsEnd): ImsEnd | null {
  return call.direction === 'in' || call.invited !== null ? end : null;
}

function timer(turn: Turn, call: Call, name: TimerName): Done {
  switch (name) {
    case 'originate-guard':
      return originateGuard(turn, call);
    case 'caller-ready':
      return callerReadyGuard(turn, call);
    case 'ring-guard':
      return ringGuard(turn, call);
    case 'invitation':
      return invitationGuard(turn, call);
    case 'provisional-repeat':
      return repeatProvisional(turn, call);
    case 'reoffer-guard':
      return reofferGuard(turn, call);
    case 'browser-agrees':
      return browserAgreesGuard(turn, call);
    case 'media-setup':
      return endCall(turn, call, MEDIA_NOT_UP, MEDIA_LOSS);
    case 'max-duration':
      return endCall(turn, call, TOO_LONG, { ...MEDIA_LOSS, reason: 'Q.850;cause=31;text="Maximum duration"' });
    case 'media-op': {
      if (call.phase === 'closing') return forgetCall(turn, call);
      const op = call.op;
      call.op = null;
      return op === null ? undefined : opFailed(turn, call, op, 'timeout');
    }
    default:
      return;
  }
}

const MEDIA_NOT_UP: Final = {
  status: 'Terminated',
  reason: gwReason(GW.media, 'media not connected'),
  class: 'network',
};
const TOO_LONG: Final = { status: 'Terminated', reason: gwReason(GW.policy, 'maximum duration'), class: 'success' };

const DRAINED: Final = { status: 'Failed', reason: gwReason(GW.drained, 'drained'), class: 'internal' };

/** The operator ends what is left. */
export function drainCall(turn: Turn, call: Call): Done {
  const end: ImsEnd = { code: 503, phrase: 'Service Unavailable', reason: 'SIP;cause=503;text="Service Unavailable"' };
  endCall(turn, call, DRAINED, call.phase === 'cancelling' ? null : ims(call, end));
}

/** The network took the registration away for good: its calls end, but an emergency call does not. IMS digest 5.6, 6.2. */
export function networkReleasesCall(turn: Turn, call: Call): Done {
  if (call.emergency) return;
  const end: ImsEnd = { ...USER_ENDS, reason: 'SIP;cause=403;text="Registration rejected"' };
  const final: Final = { status: 'Failed', reason: sipRejected, class: 'upstream' };
  endCall(turn, call, final, call.phase === 'cancelling' ? null : ims(call, end));
}

const sipRejected = 'SIP;cause=403;text="Registration rejected"';
