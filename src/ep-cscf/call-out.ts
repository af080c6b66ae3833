/** Calls out: POST, INVITE, answer, cancel. CAMARA digest 6.1, IMS digest 3. */
import { checkOffer } from '../sdp/index.ts';
import { numberOf, parseAddress } from './address.ts';
import type { ApiRequest, CoreErrorCode } from './api-request.ts';
import type { Binding, Registration } from './binding.ts';
import { type Call, type Leg, newCall, newLeg } from './call.ts';
import { announce } from './call-announce.ts';
import { takeAnswer } from './call-early.ts';
import { endCall, endIms, type ImsEnd, mediaFinal, retire, USER_ENDS } from './call-end.ts';
import { answered, startOp } from './call-media.ts';
import { type Final, finalOf } from './call-status.ts';
import { callerNumber, isAssociated, isEmergency, isOwnAddress, mayCall } from './identity.ts';
import { shardOf } from './ids.ts';
import type { ImsInput, MediaFailure } from './input.ts';
import { moveTo, relocate, sessionView, tellable } from './leg.ts';
import { GW, gwReason, sipReason } from './reason.ts';
import { findRegistration } from './registration.ts';
import { addCall, addLeg, removeLeg } from './registry.ts';
import { type Done, refuse, reply, startTimer, stopTimer, type Turn } from './turn.ts';
import { ANONYMOUS, type Visit } from './words.ts';

type Originate = Extract<ApiRequest, { type: 'originate' }>;

/** POST (`visit`: a visitor's): checks in the order of CAMARA digest 5.6, then the call exists, is answered with Initial, and the media plane makes the IMS offer. */
export function originate(turn: Turn, request: Originate, visit: Visit | null): Done {
  const registration = findRegistration(turn, request);
  if (registration === null) return refuse(turn, request.ref, 'registration-not-usable');
  const emergency = isEmergency(request.receiver, turn.settings.emergency);
  const refused = check(turn, request, registration, emergency);
  if (refused !== null) return refuse(turn, request.ref, refused.error, refused.field);
  const binding = turn.registry.bindings.get(registration.bindingId);
  // An emergency call needs no registration that works at this moment.
  if (binding === undefined || (binding.phase !== 'active' && !emergency))
    return reply(turn, request.ref, { ok: false, error: 'network-unavailable', retryAfterS: 2 });
  const { call, leg } = create(turn, request, registration, binding, emergency, visit);
  reply(turn, request.ref, { ok: true, session: sessionView(call, leg) });
  const ref = turn.ids.ref();
  const realm = turn.settings.realm.nameOf(registration.holder.number);
  startOp(
    turn,
    call,
    { kind: 'offer-out', ref },
    { type: 'media.offer', owner: call.id, ref, from: 'web', realm, leg: leg.id, sdp: request.offer },
  );
  // The Mw side gives up on silence; what rings at an emergency centre is not ended by a limit.
  if (!emergency) startTimer(turn, call, 'originate-guard', turn.settings.call.originateGuardMs);
  if (visit !== null) startTimer(turn, call, 'max-duration', visit.endsAt - turn.now);
  turn.changedCalls.add(call);
}

function check(
  turn: Turn,
  request: Originate,
  registration: Registration,
  emergency: boolean,
): { error: CoreErrorCode; field?: string } | null {
  const { settings, registry } = turn;
  const anonymous = request.originator === ANONYMOUS;
  const { number } = registration.holder;
  const { associated = [] } = registry.bindings.get(registration.bindingId) ?? {};
  if (!anonymous && !isOwnAddress(request.originator, number, settings.realm.homeOf(number)))
    return { error: 'originator-mismatch' };
  if (!anonymous && !emergency && !isAssociated(request.originator, associated))
    return { error: 'originator-mismatch' };
  if (request.receiver === ANONYMOUS) return { error: 'receiver-anonymous', field: 'receiverAddress' };
  if (!emergency && !mayCall(request.receiver, settings.call.sipReceivers, settings.realm.homeOf(number)))
    return { error: 'receiver-refused', field: 'receiverAddress' };
  if ((emergency || request.callType === 'EMERGENCY') && !settings.emergency.enabled)
    return { error: 'emergency-not-supported' };
  if (request.callType === 'EMERGENCY' && !emergency) return { error: 'emergency-mismatch', field: 'receiverAddress' };
  const urn = parseAddress(request.receiver)?.type === 'emergency';
  if (urn && request.callType === 'REGULAR') return { error: 'emergency-mismatch', field: 'callType' };
  // An emergency call hides nobody. CAMARA digest 7.8.
  if (emergency && anonymous) return { error: 'originator-mismatch' };
  if (!checkOffer(request.offer).ok) return { error: 'sdp-unusable', field: 'offer' };
  if (turn.draining && !emergency) return { error: 'draining' };
  const { perRegistration, perNumber } = settings.call;
  const room = emergency ? settings.emergency.beyondQuota : 0;
  const ofNumber = registry.callsOf.get(number)?.size ?? 0;
  const ofRegistration = registry.legsOf.get(registration.id)?.size ?? 0;
  return ofNumber >= perNumber + room || ofRegistration >= perRegistration + room ? { error: 'call-quota' } : null;
}

function create(
  turn: Turn,
  request: Originate,
  registration: Registration,
  binding: Binding,
  emergency: boolean,
  visit: Visit | null,
): { call: Call; leg: Leg } {
  const { id: registrationId, deviceId, holder } = registration;
  const call = newCall({
    id: turn.ids.call(shardOf(holder.number)),
    direction: 'out',
    number: holder.number,
    bindingId: binding.id,
    correlator: request.correlator,
    createdAt: turn.now,
    originator: request.originator,
    receiver: request.receiver,
    originatorName: request.originatorName,
    receiverName: request.receiverName,
    callType: request.callType,
    emergency,
    location: request.location,
    visit,
    offerless: false,
    diverted: null,
    callerReady: true,
  });
  const leg = newLeg({
    id: turn.ids.mediaSession(shardOf(holder.number)),
    callId: call.id,
    registrationId,
    deviceId,
    holder,
  });
  leg.offer = request.offer;
  leg.location = request.location;
  leg.reached = true;
  call.legs.push(leg);
  call.main = leg;
  addCall(turn.registry, call);
  addLeg(turn.registry, leg);
  return { call, leg };
}

/** The IMS offer is ready: the INVITE goes out. */
export function sendInvite(turn: Turn, call: Call, sdp: string): Done {
  const parsed = parseAddress(call.receiver);
  const to = call.emergency && parsed?.type !== 'emergency' ? 'urn:service:sos' : call.receiver;
  const leg = call.main;
  call.phase = 'inviting';
  call.invited = sdp;
  turn.out.push({
    type: 'ims.invite',
    owner: call.id,
    binding: call.bindingId,
    from: callerNumber(call.number, turn.registry.bindings.get(call.bindingId)?.associated ?? []),
    anonymous: call.originator === ANONYMOUS,
    displayName: call.originatorName,
    to,
    sdp,
    correlator: call.correlator,
    location: leg === null || call.location === null ? null : tellable(turn, call, leg, call.location),
  });
}

/** Whether the call is one to the own number: it rings the other devices, not the calling one. */
export function callsOwnNumber(call: Call): boolean {
  const parsed = parseAddress(call.receiver);
  return call.direction === 'out' && parsed !== null && numberOf(parsed) === call.number;
}

/** 2xx: the browser gets its answer, unless the early one holds. */
export function onAnswered(turn: Turn, call: Call, input: Extract<ImsInput, { type: 'ims-answered' }>): Done {
  if (call.phase === 'cancelling') return cancelCrossed(turn, call);
  if (call.phase !== 'inviting') return;
  call.receiverName ??= input.calleeName;
  const sdp = input.sdp ?? call.forks.get(input.fork)?.sdp ?? null;
  if (sdp === null) return endCall(turn, call, mediaFinal('bad-sdp', true), UNUSABLE);
  call.phase = 'answering';
  if (sdp === call.appliedSdp && call.audible === input.fork) return connected(turn, call);
  const ref = turn.ids.ref();
  const { fork } = input;
  startOp(
    turn,
    call,
    { kind: 'final', ref, fork, sdp },
    { type: 'media.answer', owner: call.id, ref, from: 'ims', fork, sdp },
  );
}

export function finalReady(turn: Turn, call: Call, op: { fork: string; sdp: string }, answer: string): Done {
  takeAnswer(call, op, answer);
  connected(turn, call);
}

function connected(turn: Turn, call: Call): Done {
  const leg = call.main;
  if (leg === null) return;
  call.forks.clear();
  answered(turn, call, leg);
  moveTo(turn, call, leg, 'Connected');
}

const UNUSABLE: ImsEnd = {
  code: 488,
  phrase: 'Not Acceptable Here',
  reason: 'SIP;cause=488;text="Not Acceptable Here"',
};

/** The media plane could not make the IMS offer, or take the far end's answer. */
export function outgoingMediaFailed(turn: Turn, call: Call, failure: MediaFailure, far: boolean): Done {
  const final = mediaFinal(failure, far);
  const reason = final.reason.startsWith('SIP;') ? final.reason : 'RELEASE_CAUSE;cause=3;text="Media bearer loss"';
  endCall(turn, call, final, call.invited !== null ? { code: 488, phrase: 'Not Acceptable Here', reason } : null);
}

export function onRejected(turn: Turn, call: Call, input: Extract<ImsInput, { type: 'ims-rejected' }>): Done {
  if (call.phase === 'cancelling') return endCancelled(turn, call);
  const { code } = input.outcome;
  const final = finalOf(input.outcome, call.ringingAt !== null);
  const name = [`${code}`, `${Math.floor(code / 100)}xx`].find(known => turn.settings.call.announcements.has(known));
  if (name === undefined || !announce(turn, call, name, final)) endCall(turn, call, final, null);
}

/** The network has seen an emergency in a number that is none to us: the call goes on as one, or its user is sent to the phone. IMS digest 6.5. */
export function onEmergency(turn: Turn, call: Call): Done {
  if (call.phase === 'cancelling') return endCancelled(turn, call);
  const sdp = call.invited;
  // Nobody knows who a visitor is, or where.
  const possible = turn.settings.emergency.enabled && call.visit === null;
  if (sdp === null || call.emergency || !possible) return endCall(turn, call, USE_PHONE, null);
  call.emergency = true;
  forgetEarly(call);
  stopTimer(turn, call, 'originate-guard');
  turn.changedCalls.add(call);
  sendInvite(turn, call, sdp);
}

/** An emergency service rings or answers: the call is one from now on, no limit ends it, and where its user is has to be known there. IMS digest 6.5. */
export function onEmergencyAnswers(turn: Turn, call: Call): Done {
  const leg = call.main;
  if (call.phase !== 'inviting' || call.emergency || call.visit !== null || leg === null) return;
  call.emergency = true;
  stopTimer(turn, call, 'originate-guard');
  turn.changedCalls.add(call);
  if (leg.location !== null) relocate(turn, call, leg, leg.location);
}

/** The next INVITE has early dialogs of its own. */
export function forgetEarly(call: Call): Done {
  call.forks.clear();
  call.audible = null;
  call.appliedSdp = null;
}

const USE_PHONE: Final = {
  status: 'Failed',
  reason: sipReason(380, 'emergency number: use the phone'),
  class: 'client',
};

/** Guard of an unanswered call out: ringing is no answer, silence is a failure. */
export function originateGuard(turn: Turn, call: Call): Done {
  if (call.phase === 'cancelling') return endCancelled(turn, call);
  const rang = call.ringingAt !== null;
  const final: Final = rang
    ? { status: 'NoAnswer', reason: sipReason(408, 'No answer'), class: 'client' }
    : { status: 'Failed', reason: gwReason(GW.noResponse, 'no response'), class: 'network' };
  endCall(
    turn,
    call,
    final,
    call.invited !== null ? { code: 408, phrase: 'Request Timeout', reason: 'SIP;cause=408;text="No answer"' } : null,
  );
}

/** DELETE before the answer: gone from the API at once; what the network says last decides between cancelled and terminated. */
export function cancel(turn: Turn, call: Call, leg: Leg): Done {
  if (call.invited === null) return endCall(turn, call, CANCELLED, null);
  if (call.phase === 'answering') return endCall(turn, call, CROSSED, USER_ENDS);
  endIms(turn, call, USER_ENDS);
  retire(turn, call);
  call.phase = 'cancelling';
  removeLeg(turn.registry, leg);
  startTimer(turn, call, 'originate-guard', turn.settings.call.cancelGuardMs);
  turn.changedCalls.add(call);
}

const CANCELLED: Final = {
  status: 'SessionCancelled',
  reason: gwReason(GW.user, 'cancelled by user'),
  class: 'client',
};
const CROSSED: Final = { status: 'Terminated', reason: gwReason(GW.user, 'ended by user'), class: 'client' };

export function endCancelled(turn: Turn, call: Call): Done {
  endCall(turn, call, CANCELLED, null);
}

/** The 2xx crossed our CANCEL: the SIP side sends ACK and BYE, the client hears Terminated. */
function cancelCrossed(turn: Turn, call: Call): Done {
  endCall(turn, call, CROSSED, null);
}

/** The dialog ended while it was being set up or cancelled. */
export function outgoingEnded(turn: Turn, call: Call, final: Final): Done {
  if (call.phase === 'cancelling') return cancelCrossed(turn, call);
  endCall(turn, call, call.phase === 'answering' ? final : { ...final, status: 'Failed', class: 'network' }, null);
}
