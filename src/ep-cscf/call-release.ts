/** Who ends a call: its user, the far end, its media, a limit, the network that took the registration away, the operator. */

import type { ApiRequest } from './api-request.ts';
import type { Call, Leg } from './call.ts';
import { announce } from './call-announce.ts';
import { endCall, type ImsEnd, MEDIA_LOSS, TOO_LONG, USER_ENDS } from './call-end.ts';
import { decline, withdraw } from './call-in.ts';
import { cancel, outgoingEnded } from './call-out.ts';
import { endedOf, type Final } from './call-status.ts';
import type { ImsInput, MediaInput } from './input.ts';
import { GW, gwReason } from './reason.ts';
import { type Done, refuse, reply, type Turn } from './turn.ts';

/** DELETE: cancel, decline or hang up by state. The core has checked who asks. */
export function endSession(turn: Turn, call: Call, input: Extract<ApiRequest, { type: 'end-session' }>): Done {
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

/** BYE, or the dialog died. */
export function ended(turn: Turn, call: Call, input: Extract<ImsInput, { type: 'ims-ended' }>): Done {
  const final = endedOf(input.outcome);
  if (call.phase === 'talking') endCall(turn, call, final, null);
  else if (call.direction === 'out') outgoingEnded(turn, call, final);
  else endCall(turn, call, { ...final, status: 'Failed', class: 'network' }, null);
}

const SILENT: ImsEnd = { ...MEDIA_LOSS, reason: 'RELEASE_CAUSE;cause=2;text="RTP/RTCP time-out"' };

/** The media session is gone or silent. */
export function mediaLost(turn: Turn, call: Call, cause: Extract<MediaInput, { type: 'media-lost' }>['cause']): Done {
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

const MEDIA_NOT_UP: Final = {
  status: 'Terminated',
  reason: gwReason(GW.media, 'media not connected'),
  class: 'network',
};
const LASTED: Final = { status: 'Terminated', reason: gwReason(GW.policy, 'maximum duration'), class: 'success' };

/** ICE or DTLS did not come up in their time. */
export function mediaSetupGuard(turn: Turn, call: Call): Done {
  endCall(turn, call, MEDIA_NOT_UP, MEDIA_LOSS);
}

/** The call has lasted as long as one may. */
export function maxDurationGuard(turn: Turn, call: Call): Done {
  if (call.phase === 'talking' && announce(turn, call, 'maximum-duration', LASTED)) return;
  endCall(turn, call, LASTED, ims(call, TOO_LONG));
}

const DRAINED: Final = { status: 'Failed', reason: gwReason(GW.drained, 'drained'), class: 'internal' };

/** The operator ends what is left. */
export function drainCall(turn: Turn, call: Call): Done {
  const end: ImsEnd = { code: 503, phrase: 'Service Unavailable', reason: 'SIP;cause=503;text="Service Unavailable"' };
  endCall(turn, call, DRAINED, call.phase === 'cancelling' ? null : ims(call, end));
}

const REJECTED = 'SIP;cause=403;text="Registration rejected"';

/** The network took the registration away for good: its calls end, but an emergency call does not. IMS digest 5.6, 6.2. */
export function networkReleasesCall(turn: Turn, call: Call): Done {
  if (call.emergency) return;
  const end: ImsEnd = { ...USER_ENDS, reason: REJECTED };
  const final: Final = { status: 'Failed', reason: REJECTED, class: 'upstream' };
  endCall(turn, call, final, call.phase === 'cancelling' ? null : ims(call, end));
}
