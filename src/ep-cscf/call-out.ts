/** Calls out: POST, INVITE, early dialogs and early media, answer, cancel. CAMARA digest 6.1, IMS digest 3. */
import { checkOffer } from '../sdp/index.ts';
import { numberOf, parseAddress } from './address.ts';
import type { Binding, Registration } from './binding.ts';
import { type Call, type Fork, type Leg, newCall, newLeg } from './call.ts';
import { endCall, endIms, type ImsEnd, mediaFinal, retire, USER_ENDS } from './call-end.ts';
import { answered, gate, startOp } from './call-media.ts';
import { type Final, finalOf, progressStatus } from './call-status.ts';
import { isEmergency, isOwnAddress } from './identity.ts';
import { shardOf } from './ids.ts';
import { moveTo, sessionView } from './leg.ts';
import { ANONYMOUS, type ApiRequest, type CoreErrorCode, type ImsInput, type MediaFailure } from './ports.ts';
import { GW, gwReason, sipReason } from './reason.ts';
import { findRegistration } from './registration.ts';
import { addCall, addLeg, removeLeg } from './registry.ts';
import { type Done, refuse, reply, startTimer, type Turn } from './turn.ts';

type Originate = Extract<ApiRequest, { type: 'originate' }>;
type Progress = Extract<ImsInput, { type: 'ims-progress' }>;

/** Early dialogs that are told apart; more than any network makes, so that a hostile one costs nothing. */
const MAX_FORKS = 32;

/** POST: checks in the order of CAMARA digest 5.6, then the call exists, is answered with Initial, and the media plane makes the IMS offer. */
export function originate(turn: Turn, request: Originate): Done {
  const registration = findRegistration(turn, request);
  if (registration === null) return refuse(turn, request.ref, 'registration-not-usable');
  const emergency = isEmergency(request.receiver, turn.settings.emergency);
  const refused = check(turn, request, registration, emergency);
  if (refused !== null) return refuse(turn, request.ref, refused.error, refused.field);
  const binding = turn.registry.bindings.get(registration.bindingId);
  if (binding === undefined || binding.phase !== 'active')
    return reply(turn, request.ref, { ok: false, error: 'network-unavailable', retryAfterS: 2 });
  const { call, leg } = create(turn, request, registration, binding, emergency);
  reply(turn, request.ref, { ok: true, session: sessionView(call, leg) });
  const ref = turn.ids.ref();
  startOp(
    turn,
    call,
    { kind: 'offer-out', ref },
    { type: 'media.offer', owner: call.id, ref, from: 'web', leg: leg.id, sdp: request.offer },
  );
  startTimer(turn, call, 'originate-guard', turn.settings.call.originateGuardMs);
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
  if (!anonymous && !isOwnAddress(request.originator, number, settings.identity.home))
    return { error: 'originator-mismatch' };
  if (request.receiver === ANONYMOUS) return { error: 'receiver-anonymous', field: 'receiverAddress' };
  if ((emergency || request.callType === 'EMERGENCY') && !settings.emergency.enabled)
    return { error: 'emergency-not-supported' };
  if (request.callType === 'EMERGENCY' && !emergency) return { error: 'emergency-mismatch', field: 'receiverAddress' };
  const urn = parseAddress(request.receiver)?.type === 'emergency';
  if (urn && request.callType === 'REGULAR') return { error: 'emergency-mismatch', field: 'callType' };
  // An emergency call hides nobody. CAMARA digest 7.8.
  if (emergency && anonymous) return { error: 'originator-mismatch' };
  if (!checkOffer(request.offer).ok) return { error: 'sdp-unusable', field: 'offer' };
  if (emergency) return null;
  if (turn.draining) return { error: 'draining' };
  const { perRegistration, perNumber } = settings.call;
  const ofNumber = registry.callsOf.get(number)?.size ?? 0;
  const ofRegistration = registry.legsOf.get(registration.id)?.size ?? 0;
  return ofNumber >= perNumber || ofRegistration >= perRegistration ? { error: 'call-quota' } : null;
}

function create(
  turn: Turn,
  request: Originate,
  registration: Registration,
  binding: Binding,
  emergency: boolean,
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
    offerless: false,
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
  call.phase = 'inviting';
  call.invited = true;
  turn.out.push({
    type: 'ims.invite',
    owner: call.id,
    binding: call.bindingId,
    from: call.number,
    anonymous: call.originator === ANONYMOUS,
    displayName: call.originatorName,
    to,
    sdp,
    correlator: call.correlator,
    location: call.location,
  });
}

/** Whether the call is one to the own number: it rings the other devices, not the calling one. */
export function callsOwnNumber(call: Call): boolean {
  const parsed = parseAddress(call.receiver);
  return call.direction === 'out' && parsed !== null && numberOf(parsed) === call.number;
}

/** A provisional response above 100. IMS digest 3.4, 3.8, 3.9.1. */
export function onProgress(turn: Turn, call: Call, input: Progress): Done {
  if (call.phase !== 'inviting') return;
  if (input.code === 199) return forkEnded(turn, call, input.fork);
  if (input.code === 180 && call.ringingAt === null) call.ringingAt = turn.now;
  const fork = touchFork(call, input);
  const best = audibleFork(turn, call);
  const sdp = best?.fork.sdp ?? null;
  if (best === null || sdp === null || fork === null || sdp === call.appliedSdp) {
    call.audible = best?.name ?? call.audible;
    return showProgress(turn, call, input);
  }
  applyEarly(turn, call, best.name, sdp, input);
}

function applyEarly(turn: Turn, call: Call, fork: string, sdp: string, progress: Progress | null): Done {
  const ref = turn.ids.ref();
  startOp(
    turn,
    call,
    { kind: 'early', ref, fork, sdp, progress },
    { type: 'media.answer', owner: call.id, ref, from: 'ims', fork, sdp },
  );
}

/** The browser's answer for an early dialog is ready; it is the same text for every dialog. */
export function earlyReady(
  turn: Turn,
  call: Call,
  op: { fork: string; sdp: string; progress: Progress | null },
  answer: string,
): Done {
  const first = takeAnswer(call, op, answer);
  if (op.progress !== null) showProgress(turn, call, op.progress, first);
  else gate(turn, call, isOpen(turn, call.forks.get(op.fork)));
}

function takeAnswer(call: Call, op: { fork: string; sdp: string }, answer: string): boolean {
  call.audible = op.fork;
  call.appliedSdp = op.sdp;
  const leg = call.main;
  const first = leg !== null && leg.answer === null;
  if (leg !== null) leg.answer = answer;
  return first;
}

/** State and early-media gate after a provisional; repeats without news are swallowed. */
function showProgress(turn: Turn, call: Call, input: Progress, firstAnswer = false): Done {
  const open = isOpen(turn, call.audible === null ? undefined : call.forks.get(call.audible));
  gate(turn, call, open);
  const status = progressStatus(input.code);
  const leg = call.main;
  if (leg === null || status === null) return;
  if (!firstAnswer && (status === leg.status || (leg.status === 'Ringing' && status === 'InProgress'))) return;
  moveTo(turn, call, leg, status, progressReason(input, open));
}

function progressReason(input: Progress, open: boolean): string | null {
  if (input.callWaiting) return sipReason(input.code, 'call waiting');
  return open && (input.code === 180 || input.code === 183) ? sipReason(input.code, 'early-media') : null;
}

function touchFork(call: Call, input: Progress): Fork | null {
  let fork = call.forks.get(input.fork);
  if (fork === undefined) {
    if (call.forks.size >= MAX_FORKS) return null;
    fork = { sdp: null, earlyMedia: 'unsaid', order: 0 };
    call.forks.set(input.fork, fork);
  }
  call.forkOrder += 1;
  fork.order = call.forkOrder;
  // The first SDP of a dialog is its answer; later ones before the 2xx say nothing new. RFC 3261 13.2.1.
  fork.sdp ??= input.sdp;
  if (input.earlyMedia !== 'unsaid') fork.earlyMedia = input.earlyMedia;
  return fork;
}

function isOpen(turn: Turn, fork: Fork | undefined): boolean {
  if (fork === undefined || fork.sdp === null) return false;
  const said = fork.earlyMedia === 'unsaid' ? turn.settings.call.earlyMediaDefault : fork.earlyMedia;
  return said === 'open';
}

/** The early dialog that drives the media: authorised early media first, then the latest. */
function audibleFork(turn: Turn, call: Call): { name: string; fork: Fork } | null {
  let best: { name: string; fork: Fork } | null = null;
  for (const [name, fork] of call.forks) {
    if (fork.sdp === null) continue;
    const better = best === null || rank(turn, fork) > rank(turn, best.fork);
    if (better) best = { name, fork };
  }
  return best;
}

function rank(turn: Turn, fork: Fork): number {
  return (isOpen(turn, fork) ? 1e9 : 0) + fork.order;
}

/** 199: this early dialog is over, the INVITE is not. RFC 6228. */
function forkEnded(turn: Turn, call: Call, name: string): Done {
  call.forks.delete(name);
  if (call.audible !== name) return;
  call.audible = null;
  gate(turn, call, false);
  const next = audibleFork(turn, call);
  if (next !== null && next.fork.sdp !== null) applyEarly(turn, call, next.name, next.fork.sdp, null);
}

/** 2xx: the browser gets its answer, unless the early one holds. */
export function onAnswered(turn: Turn, call: Call, input: Extract<ImsInput, { type: 'ims-answered' }>): Done {
  if (call.phase === 'cancelling') return cancelCrossed(turn, call);
  if (call.phase !== 'inviting') return;
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
  endCall(turn, call, final, call.invited ? { code: 488, phrase: 'Not Acceptable Here', reason } : null);
}

export function onRejected(turn: Turn, call: Call, input: Extract<ImsInput, { type: 'ims-rejected' }>): Done {
  if (call.phase === 'cancelling') return endCancelled(turn, call);
  endCall(turn, call, finalOf(input.outcome, call.ringingAt !== null), null);
}

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
    call.invited ? { code: 408, phrase: 'Request Timeout', reason: 'SIP;cause=408;text="No answer"' } : null,
  );
}

/** DELETE before the answer: gone from the API at once; what the network says last decides between cancelled and terminated. */
export function cancel(turn: Turn, call: Call, leg: Leg): Done {
  if (!call.invited) return endCall(turn, call, CANCELLED, null);
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

function endCancelled(turn: Turn, call: Call): Done {
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
