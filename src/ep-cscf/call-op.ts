/** The answer of the media plane to the one request in flight: which step of the call goes on with it, or is given up. */

import type { Call, MediaOp } from './call.ts';
import { agreeFailed, agreeReady } from './call-agree.ts';
import { announcementOver, preAnswerReady } from './call-announce.ts';
import { deviceAnswerFailed, deviceAnswerReady } from './call-answer.ts';
import { earlyReady } from './call-early.ts';
import { offersFailed } from './call-in.ts';
import {
  holdFailed,
  holdReady,
  imsReofferFailed,
  imsReofferReady,
  webReofferFailed,
  webReofferReady,
} from './call-mid.ts';
import { finalReady, outgoingMediaFailed, sendInvite } from './call-out.ts';
import type { MediaFailure } from './input.ts';
import type { Done, Turn } from './turn.ts';

/** The media plane has done what it was asked. */
export function opReady(turn: Turn, call: Call, op: MediaOp, sdp: string): Done {
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
    case 'pre-answer':
      return preAnswerReady(turn, call, op.name, sdp);
    case 'hold-revert':
    case 'offers-in':
      return;
    default: {
      const never: never = op;
      return never;
    }
  }
}

/** The media plane has not, or said nothing in its time. */
export function opFailed(turn: Turn, call: Call, op: MediaOp, failure: MediaFailure): Done {
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
    case 'pre-answer':
      return announcementOver(turn, call);
    case 'hold-revert':
      return;
    default: {
      const never: never = op;
      return never;
    }
  }
}
