/** Dispatch of a call's inputs: what waits for the media plane, what cannot wait, and which function takes it. */

import type { ApiRequest } from './api-request.ts';
import type { Call, Deferrable, Leg } from './call.ts';
import { onStateLost } from './call-again.ts';
import { askKeyFrame, browserAgreesGuard, onAsks, onRenews } from './call-agree.ts';
import { announcementHeard, onPlaying } from './call-announce.ts';
import { onAcked } from './call-answer.ts';
import { onProgress } from './call-early.ts';
import { forgetCall } from './call-end.ts';
import {
  callerReadyGuard,
  invitationGuard,
  offersReady,
  onCallerReady,
  onCancelled,
  onInvitation,
  repeatProvisional,
  ringGuard,
} from './call-in.ts';
import { takeOp } from './call-media.ts';
import { onReoffered, onUpdated, onUpdateFailed, remoteHold, reofferGuard, syncHold } from './call-mid.ts';
import { opFailed, opReady } from './call-op.ts';
import { onAnswered, onEmergency, onEmergencyAnswers, onRejected, originateGuard } from './call-out.ts';
import { handlePut } from './call-put.ts';
import { ended, endSession, maxDurationGuard, mediaLost, mediaSetupGuard, releaseLeg } from './call-release.ts';
import type { EventInput, ImsInput, MediaInput, TimerName } from './input.ts';
import { type Done, log, refuse, type Turn } from './turn.ts';

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
          | 'ims-register-wanted'
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
  takeUp(turn, call);
}

/** What has waited for the media plane, once that is free. */
function takeUp(turn: Turn, call: Call): Done {
  while (call.op === null && call.phase !== 'closing') {
    const next = call.deferred.shift();
    if (next === undefined) break;
    turn.correlator = 'correlator' in next ? next.correlator : null;
    dispatch(turn, call, next);
  }
  syncHold(turn, call);
}

/** The registration of one of its devices was deleted. */
export function leaveCall(turn: Turn, call: Call, leg: Leg): Done {
  releaseLeg(turn, call, leg);
  takeUp(turn, call);
}

function isDeferrable(input: CallInput): input is Deferrable {
  switch (input.type) {
    case 'put-status':
    case 'ims-progress':
    case 'ims-answered':
    case 'ims-reoffered':
    case 'ims-updated':
    case 'ims-update-failed':
    case 'media-renews':
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
    case 'ims-state-lost':
      return call.direction === 'out' ? onStateLost(turn, call, input) : undefined;
    case 'ims-emergency-answers':
      return onEmergencyAnswers(turn, call);
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
      if (op === null) return;
      const canAsk = op.kind === 'web-reoffer' || op.kind === 'ims-reoffer';
      return canAsk ? onAsks(turn, call, op, input) : opFailed(turn, call, op, 'unsupported');
    }
    case 'media-renews':
      return onRenews(turn, call, input.sdp);
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
    case 'media-playing':
      return onPlaying(turn, call, input);
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

function mediaConnected(turn: Turn, call: Call, legId: string): Done {
  const leg = call.legs.find(l => l.id === legId);
  if (leg === undefined || leg.final !== null) return;
  leg.connected = true;
  if (leg === call.main && call.timers.delete('media-setup'))
    turn.out.push({ type: 'timer.stop', owner: call.id, name: 'media-setup' });
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
      return mediaSetupGuard(turn, call);
    case 'max-duration':
      return maxDurationGuard(turn, call);
    case 'announcement-web':
    case 'announcement-ims':
      return announcementHeard(turn, call);
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
