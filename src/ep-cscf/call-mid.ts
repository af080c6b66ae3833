/** An answered call: hold and resume from both sides, re-offers from both sides. CAMARA digest 6.3, IMS digest 5.1, 5.2. */
import { isZeroAddress, parseSdp, receives } from '../sdp/index.ts';
import type { Call, Leg, PutRequest } from './call.ts';
import { endCall, isOfSdp, mediaFinal, USER_ENDS } from './call-end.ts';
import { startOp } from './call-media.ts';
import { endedOf, reasonOf } from './call-status.ts';
import type { ImsInput, MediaFailure } from './input.ts';
import { moveTo, publish, relocate, sessionView } from './leg.ts';
import { type Done, refuse, reply, startTimer, stopTimer, type Turn } from './turn.ts';

const HELD_BY_REMOTE = 'GW;text="held by remote party"';

/** How the PUT's descriptors relate to those the server holds. */
export type Change = 'none' | 'same' | 'candidates' | 'changed';

/** PUT on an answered session. CAMARA digest 6.4, column "answered". */
export function putTalking(turn: Turn, call: Call, leg: Leg, put: PutRequest, offer: Change): Done {
  const refused = !fits(call, leg, put);
  // One negotiation at a time: the far end's goes first. RFC 3264 4.
  const busy = offer === 'changed' && (call.asked !== null || call.update?.waits != null);
  if (refused || busy) return refuse(turn, put.ref, 'incompatible-state');
  if (put.offer !== null && (offer === 'changed' || offer === 'candidates'))
    reofferWeb(turn, call, leg, put, put.offer);
  else settlePut(turn, call, leg, put, false);
}

function fits(call: Call, leg: Leg, put: PutRequest): boolean {
  switch (put.status) {
    case 'Connected':
      return !call.hold.want;
    case 'Hold':
      return true;
    case 'Resume':
      return call.hold.want || leg.status === 'Resume';
    default:
      return false;
  }
}

/** A changed offer of the browser: the media plane answers it, the network hears nothing. */
export function reofferWeb(turn: Turn, call: Call, leg: Leg, put: PutRequest, sdp: string): Done {
  const ref = turn.ids.ref();
  startOp(
    turn,
    call,
    { kind: 'web-reoffer', ref, leg, put },
    { type: 'media.reoffer', owner: call.id, ref, from: 'web', leg: leg.id, sdp },
  );
}

/** The answer to the browser's new offer is ready: it goes back in the response of the PUT. */
export function webReofferReady(turn: Turn, call: Call, leg: Leg, put: PutRequest, answer: string): Done {
  const news = leg.answer !== answer;
  leg.offer = put.offer;
  // Before the far end has answered there is no answer to give yet.
  if (call.phase === 'talking' || leg.answer !== null) leg.answer = answer;
  if (call.phase === 'talking') return settlePut(turn, call, leg, put, news);
  acceptPut(turn, call, leg, put);
  publish(turn, call, leg, null);
}

export function webReofferFailed(turn: Turn, put: PutRequest, failure: MediaFailure): Done {
  if (isOfSdp(failure)) refuse(turn, put.ref, 'sdp-unusable', 'offer');
  else refuse(turn, put.ref, 'internal');
}

/** Answers a PUT that changed what it could; state and view are already right. */
export function acceptPut(turn: Turn, call: Call, leg: Leg, put: PutRequest): Done {
  leg.lastPut = { status: put.status, offer: put.offer, answer: put.answer };
  if (put.location !== null) relocate(turn, call, leg, put.location);
  reply(turn, put.ref, { ok: true, session: sessionView(call, leg) });
}

function settlePut(turn: Turn, call: Call, leg: Leg, put: PutRequest, news: boolean): Done {
  // The call may have moved on while the media plane worked.
  if (!fits(call, leg, put)) return refuse(turn, put.ref, 'incompatible-state');
  const wish = put.status === 'Hold' ? true : put.status === 'Resume' ? false : call.hold.want;
  const turned = wish !== call.hold.want;
  if (turned) {
    call.hold.before = leg.status;
    call.hold.want = wish;
    leg.status = wish ? 'Hold' : 'Resume';
  }
  acceptPut(turn, call, leg, put);
  if (turned || news) publish(turn, call, leg, null);
  syncHold(turn, call);
}

/** Brings the network to the user's wish, one re-INVITE at a time; quick changes of mind collapse into the last. */
export function syncHold(turn: Turn, call: Call): Done {
  const { want, net } = call.hold;
  if (call.phase !== 'talking' || call.op !== null || call.update !== null || call.asked !== null) return;
  if (call.late !== null || (want === net && !call.astray)) return;
  call.astray = false;
  const ref = turn.ids.ref();
  startOp(turn, call, { kind: 'hold', ref, held: want }, { type: 'media.hold', owner: call.id, ref, held: want });
}

export function holdReady(turn: Turn, call: Call, held: boolean, sdp: string): Done {
  if (theirsWaits(call)) {
    // How things stand here is offered behind it.
    call.astray = true;
    return;
  }
  const ref = turn.ids.ref();
  call.update = { ref, held, waits: null };
  turn.out.push({ type: 'ims.update', owner: call.id, ref, sdp });
  startTimer(turn, call, 'reoffer-guard', turn.settings.call.reofferGuardMs);
}

/** An offer of the far end came while the media plane worked: one at a time, and theirs was first. RFC 3261 14.1. */
export function theirsWaits({ deferred }: Call): boolean {
  return deferred.some(({ type }) => type === 'ims-reoffered');
}

/** The far end accepted our re-INVITE. */
export function onUpdated(turn: Turn, call: Call, input: Extract<ImsInput, { type: 'ims-updated' }>): Done {
  if (call.late?.ref === input.ref) return agreedLate(turn, call, call.late.video, input.sdp);
  if (call.update === null || call.update.ref !== input.ref) return;
  const { held, waits } = call.update;
  call.hold.net = held;
  call.update = null;
  stopTimer(turn, call, 'reoffer-guard');
  if (waits !== null) return networkSaid(turn, call, waits, input.sdp);
  if (input.sdp !== null) turn.out.push({ type: 'media.settle', owner: call.id, sdp: input.sdp });
  syncHold(turn, call);
}

/** It agrees to what both sides here have given up: an offer of how things stand sets it right. Refusing an answer is not possible. RFC 3264 4. */
function agreedLate(turn: Turn, call: Call, video: boolean, sdp: string | null): Done {
  call.late = null;
  call.astray = true;
  // Its m-lines count from now on, those of the video too. RFC 3264 8.
  if (video && sdp !== null) turn.out.push({ type: 'media.settle', owner: call.id, sdp });
}

/** The far end has answered, or not (null): the browser hears what came of its offer. */
export function networkSaid(
  turn: Turn,
  call: Call,
  { leg, put }: { leg: Leg; put: PutRequest },
  sdp: string | null,
): Done {
  const ref = turn.ids.ref();
  startOp(turn, call, { kind: 'web-reoffer', ref, leg, put }, { type: 'media.agree', owner: call.id, ref, sdp });
}

/** The far end refused it: 408, 481 and silence end the call, all else leaves it as it was. RFC 3261 14.1. */
export function onUpdateFailed(turn: Turn, call: Call, input: Extract<ImsInput, { type: 'ims-update-failed' }>): Done {
  const late = call.late?.ref === input.ref;
  if (!late && call.update?.ref !== input.ref) return;
  const { outcome } = input;
  const dead = outcome.local === 'no-response' || outcome.code === 408 || outcome.code === 481;
  if (dead)
    return endCall(turn, call, endedOf(outcome), { ...USER_ENDS, reason: 'SIP;cause=408;text="Request Timeout"' });
  // Refused after all: the far end is where we are.
  if (late) call.late = null;
  else updateFailed(turn, call, reasonOf(outcome));
}

/** No word on our re-INVITE in time: the session stays as it was. */
export function reofferGuard(turn: Turn, call: Call): Done {
  if (call.update === null) return;
  // One thing at a time for the media plane.
  if (call.op !== null) return startTimer(turn, call, 'reoffer-guard', turn.settings.call.mediaOpMs);
  call.late = { ref: call.update.ref, video: call.update.waits !== null };
  updateFailed(turn, call, 'GW;cause=4;text="no response"');
}

function updateFailed(turn: Turn, call: Call, reason: string): Done {
  const waits = call.update?.waits ?? null;
  call.update = null;
  stopTimer(turn, call, 'reoffer-guard');
  if (waits !== null) return networkSaid(turn, call, waits, null);
  revertHold(turn, call, reason);
  const ref = turn.ids.ref();
  // The media plane was already told; its SDP goes nowhere.
  startOp(turn, call, { kind: 'hold-revert', ref }, { type: 'media.hold', owner: call.id, ref, held: call.hold.net });
}

export function holdFailed(turn: Turn, call: Call, failure: MediaFailure): Done {
  revertHold(turn, call, mediaFinal(failure, false).reason);
}

function revertHold(turn: Turn, call: Call, reason: string): Done {
  const leg = call.main;
  if (leg === null || call.hold.want === call.hold.net) return;
  call.hold.want = call.hold.net;
  moveTo(turn, call, leg, call.hold.before, reason);
}

/** re-INVITE or UPDATE with an offer, or an offerless re-INVITE. */
export function onReoffered(turn: Turn, call: Call, input: Extract<ImsInput, { type: 'ims-reoffered' }>): Done {
  if (!canReoffer(call)) return reject(turn, call, input, 488, 'Not Acceptable Here');
  if (call.asked !== null) return reject(turn, call, input, 491, 'Request Pending');
  if (call.update !== null || call.late !== null) return giveWay(turn, call, input);
  const ref = turn.ids.ref();
  const { ref: imsRef, sdp } = input;
  startOp(
    turn,
    call,
    { kind: 'ims-reoffer', ref, imsRef, sdp },
    { type: 'media.reoffer', owner: call.id, ref, from: 'ims', sdp },
  );
}

/**
 * Theirs got through, so ours is not under way: it waited for its second try after a 491, and is dropped. Theirs is answered
 * first; how things stand here is offered anew behind it. RFC 3261 14.1.
 */
function giveWay(turn: Turn, call: Call, input: Extract<ImsInput, { type: 'ims-reoffered' }>): Done {
  const waits = call.update?.waits ?? null;
  call.update = null;
  call.late = null;
  call.astray = true;
  stopTimer(turn, call, 'reoffer-guard');
  if (waits === null) return onReoffered(turn, call, input);
  // The browser hears that its offer found no ear; theirs waits for that: it can be asked about theirs only when its own is answered.
  networkSaid(turn, call, waits, null);
  call.deferred.unshift(input);
}

/** Before the answer only a dialog whose first offer was answered takes another one. RFC 3311 5.1. */
function canReoffer(call: Call): boolean {
  if (call.phase === 'talking') return true;
  if (call.phase === 'inviting') return call.appliedSdp !== null;
  return (call.phase === 'alerting' || call.phase === 'offering') && call.committed;
}

function reject(turn: Turn, call: Call, input: { ref: PutRequest['ref'] }, code: number, phrase: string): Done {
  turn.out.push({ type: 'ims.reject', owner: call.id, ref: input.ref, code, phrase });
}

export function imsReofferReady(
  turn: Turn,
  call: Call,
  op: { imsRef: PutRequest['ref']; sdp: string | null },
  sdp: string,
): Done {
  turn.out.push({ type: 'ims.answer', owner: call.id, ref: op.imsRef, sdp });
  if (op.sdp !== null) remoteHold(turn, call, op.sdp);
}

export function imsReofferFailed(
  turn: Turn,
  call: Call,
  op: { imsRef: PutRequest['ref'] },
  failure: MediaFailure,
): Done {
  if (isOfSdp(failure)) reject(turn, call, { ref: op.imsRef }, 488, 'Not Acceptable Here');
  else reject(turn, call, { ref: op.imsRef }, 500, 'Server Internal Error');
}

/** Hold and resume by the far end, told by the direction of its audio. RFC 3264 8.4. */
export function remoteHold(turn: Turn, call: Call, sdp: string): Done {
  const held = isHeld(sdp);
  const leg = call.main;
  if (call.phase !== 'talking' || leg === null || held === null || held === call.hold.remote) return;
  call.hold.remote = held;
  // While our own user holds, the client sees its own hold; the far end's shows in the media alone.
  if (call.hold.want) return;
  if (held) moveTo(turn, call, leg, 'Hold', HELD_BY_REMOTE);
  else if (leg.status !== 'Resume') moveTo(turn, call, leg, 'Resume');
}

/** Whether an offer holds us: it takes no audio, or comes from the unspecified address. Null: no audio to judge by. */
function isHeld(sdp: string): boolean | null {
  const parsed = parseSdp(sdp);
  if (!parsed.ok) return null;
  const audio = parsed.value.media.find(media => media.kind === 'audio' && media.live);
  if (audio === undefined) return null;
  return (audio.address !== null && isZeroAddress(audio.address)) || !receives(audio.direction);
}
