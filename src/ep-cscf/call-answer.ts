/** What a rung device does: early answer, ringing, pick-up, and the first answer that wins. CAMARA digest 6.4, 7.4, IMS digest 4.3, 4.6. */
import type { Call, Leg, PutRequest } from './call.ts';
import { endCall, isOfSdp, mediaFinal, USER_ENDS } from './call-end.ts';
import { decline, isRinging } from './call-in.ts';
import { answered, startOp } from './call-media.ts';
import type { Final } from './call-status.ts';
import type { ImsInput, MediaFailure } from './input.ts';
import { finishLeg, publish, relocate, sessionView } from './leg.ts';
import { ANSWERED_ELSEWHERE } from './reason.ts';
import { type Done, log, refuse, reply, stopTimer, type Turn } from './turn.ts';

const ELSEWHERE: Final = { status: 'SessionCancelled', reason: ANSWERED_ELSEWHERE, class: 'success' };

/** PUT of a device that has not answered. CAMARA digest 6.4, column "MT before answer". */
export function putIncoming(turn: Turn, call: Call, leg: Leg, put: PutRequest, answer: string | null): Done {
  switch (put.status) {
    case 'InProgress':
    case 'Ringing':
      if (answer === null) return progressed(turn, call, leg, put, false);
      return takeAnswer(turn, call, leg, put, answer);
    case 'Connected':
      if (answer !== null) return takeAnswer(turn, call, leg, put, answer);
      if (leg.imsSdp === null) return refuse(turn, put.ref, 'answer-missing', 'answer');
      return win(turn, call, leg, put);
    case 'Declined':
    case 'Busy':
      leg.status = put.status;
      reply(turn, put.ref, { ok: true, session: sessionView(call, leg) });
      return decline(turn, call, leg, put.status === 'Busy');
    default:
      refuse(turn, put.ref, 'incompatible-state');
  }
}

function takeAnswer(turn: Turn, call: Call, leg: Leg, put: PutRequest, sdp: string): Done {
  const ref = turn.ids.ref();
  startOp(
    turn,
    call,
    { kind: 'device-answer', ref, leg, put },
    { type: 'media.answer', owner: call.id, ref, from: 'web', leg: leg.id, sdp },
  );
}

/** The device's answer fits: go on with what its PUT asked for. */
export function deviceAnswerReady(turn: Turn, call: Call, leg: Leg, put: PutRequest, imsSdp: string): Done {
  leg.answer = put.answer;
  leg.imsSdp = imsSdp;
  if (put.status === 'Connected') win(turn, call, leg, put);
  else progressed(turn, call, leg, put, true);
}

/** The device's answer was refused: its PUT is, the call rings on. */
export function deviceAnswerFailed(turn: Turn, call: Call, put: PutRequest, failure: MediaFailure): Done {
  log(turn, 'info', call.id, 'answer not usable', { failure });
  if (isOfSdp(failure)) refuse(turn, put.ref, 'sdp-unusable', 'answer');
  else refuse(turn, put.ref, 'internal');
}

function progressed(turn: Turn, call: Call, leg: Leg, put: PutRequest, answered: boolean): Done {
  const status = put.status === 'Ringing' ? 'Ringing' : 'InProgress';
  const news = answered || leg.status !== status;
  accept(turn, call, leg, put, status);
  sayProvisional(turn, call, leg, status === 'Ringing' ? 180 : 183);
  if (status === 'Ringing' && call.ringingAt === null) call.ringingAt = turn.now;
  if (news) publish(turn, call, leg, null);
}

/**
 * 180 once, 183 once; the SDP goes early only while one device is left, so that the 200 never has to say another one
 * (an answer is final in a dialog, RFC 3261 13.2.1). Our own offer of an offerless INVITE goes in the 200 alone.
 */
function sayProvisional(turn: Turn, call: Call, leg: Leg, code: 180 | 183): Done {
  const alone = call.legs.filter(isRinging).length === 1;
  const sdp = alone && !call.offerless && !call.committed ? leg.imsSdp : null;
  const known = call.provisional === 180 || call.provisional === code;
  if (known && sdp === null) return;
  if (sdp !== null) call.committed = true;
  const said = call.provisional === 180 ? 180 : code;
  call.provisional = said;
  turn.out.push({ type: 'ims.provisional', owner: call.id, code: said, sdp });
}

function accept(turn: Turn, call: Call, leg: Leg, put: PutRequest, status: Leg['status']): Done {
  leg.status = status;
  leg.lastPut = { status: put.status, offer: put.offer, answer: put.answer };
  if (put.location !== null) relocate(turn, call, leg, put.location);
  reply(turn, put.ref, { ok: true, session: sessionView(call, leg) });
}

/** First answer wins: one machine, one input at a time, so there is no race to lose. IMS digest 4.6. */
function win(turn: Turn, call: Call, leg: Leg, put: PutRequest): Done {
  accept(turn, call, leg, put, 'Connected');
  turn.out.push({ type: 'media.select', owner: call.id, leg: leg.id });
  answered(turn, call, leg);
  turn.out.push({ type: 'ims.answer', owner: call.id, ref: null, sdp: leg.imsSdp });
  publish(turn, call, leg, null);
  for (const other of call.legs) if (other !== leg) finishLeg(turn, call, other, ELSEWHERE);
  stopTimer(turn, call, 'ring-guard');
}

/** ACK of our 200: it carries the answer when the INVITE carried no offer. RFC 3261 13.2.1. */
export function onAcked(turn: Turn, call: Call, input: Extract<ImsInput, { type: 'ims-acked' }>): Done {
  if (call.phase !== 'talking') return;
  if (input.sdp !== null) turn.out.push({ type: 'media.settle', owner: call.id, sdp: input.sdp });
  else if (call.offerless)
    endCall(turn, call, mediaFinal('bad-sdp', true), {
      ...USER_ENDS,
      reason: 'SIP;cause=488;text="Not Acceptable Here"',
    });
}
