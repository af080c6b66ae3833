/** Calls in: one INVITE rings every device of the number, the first answer wins, the last one out decides the refusal. CAMARA digest 6.2, IMS digest 4. */
import type { Binding, Registration } from './binding.ts';
import { expireDue } from './binding.ts';
import { type Call, type Leg, newCall, newLeg } from './call.ts';
import { closeCall, endCall, endIms, type ImsEnd, leaveLeg, mediaFinal } from './call-end.ts';
import { startOp } from './call-media.ts';
import { callsOwnNumber } from './call-out.ts';
import { cancelledOf, type Final } from './call-status.ts';
import { isAssociated } from './identity.ts';
import { shardOf } from './ids.ts';
import type { ImsInput, MediaFailure, MediaInput } from './input.ts';
import { publish } from './leg.ts';
import { GW, gwReason, sipReason } from './reason.ts';
import { addCall, addLeg } from './registry.ts';
import { count, type Done, log, startTimer, stopTimer, type Turn } from './turn.ts';
import type { Address } from './words.ts';

type Invited = Extract<ImsInput, { type: 'ims-invited' }>;

const UNAVAILABLE: ImsEnd = { code: 480, phrase: 'Temporarily Unavailable', reason: null };
const BUSY: ImsEnd = { code: 486, phrase: 'Busy Here', reason: null };
const PRECONDITION: ImsEnd = { code: 580, phrase: 'Precondition Failure', reason: null };
const DECLINE: ImsEnd = { code: 603, phrase: 'Decline', reason: null };

const NOT_READY: Final = { status: 'Failed', reason: sipReason(580, 'Precondition Failure'), class: 'network' };
const NOT_REACHED: Final = { status: 'NotReachable', reason: gwReason(GW.noResponse, 'no response'), class: 'network' };
const DECLINED_ELSEWHERE: Final = {
  status: 'SessionCancelled',
  reason: gwReason(GW.user, 'declined elsewhere'),
  class: 'client',
};
const DECLINED: Final = { status: 'Declined', reason: gwReason(GW.user, 'declined by user'), class: 'client' };
const SAID_BUSY: Final = { status: 'Busy', reason: gwReason(GW.user, 'busy'), class: 'client' };
const NO_ANSWER: Final = { status: 'NoAnswer', reason: sipReason(408, 'No answer'), class: 'client' };

/** A new INVITE for one of our bindings. */
export function onInvited(turn: Turn, input: Invited): Done {
  const binding = turn.registry.bindings.get(input.binding);
  // Once a binding of ours: the number is not here at the moment, and the core may know where else. IMS digest 4.1.
  if (binding === undefined) return turnAway(turn, input, UNAVAILABLE, 'unknown-binding');
  const pool = turn.numbers.poolOf.get(binding.number);
  if (pool !== undefined) return turnAway(turn, input, deflection(pool.mainNumber), 'leased-number');
  if (turn.draining && !input.emergency) {
    count(turn, 'overload_shed_total', { reason: 'draining' });
    return turnAway(turn, input, { code: 503, phrase: 'Service Unavailable', reason: null }, 'draining');
  }
  if (input.identity !== null && !input.emergency && !isAssociated(input.identity, binding.associated))
    return turnAway(turn, input, { code: 404, phrase: 'Not Found', reason: null }, 'foreign-identity');
  expireDue(turn, binding);
  const { perNumber } = turn.settings.call;
  if (!input.emergency && (turn.registry.callsOf.get(binding.number)?.size ?? 0) >= perNumber)
    return turnAway(turn, input, BUSY, 'call-quota');
  const { free, busy } = devicesFor(turn, binding, input.emergency);
  if (free.length === 0) return turnAway(turn, input, busy ? BUSY : UNAVAILABLE, busy ? 'devices-busy' : 'no-device');
  const call = createIncoming(turn, input, binding, free);
  const ref = turn.ids.ref();
  const legs = call.legs.map(leg => leg.id);
  const realm = turn.settings.realm.nameOf(binding.number);
  startOp(
    turn,
    call,
    { kind: 'offers-in', ref },
    { type: 'media.offer', owner: call.id, ref, from: 'ims', realm, legs, sdp: input.sdp, commit: !call.callerReady },
  );
}

/** Who calls a visitor back calls the business, or nobody. TS 24.604, communication deflection. */
function deflection(mainNumber: Address | null): ImsEnd {
  if (mainNumber === null) return UNAVAILABLE;
  return { code: 302, phrase: 'Moved Temporarily', reason: null, contact: mainNumber };
}

function turnAway(turn: Turn, input: Invited, end: ImsEnd, why: string): Done {
  log(turn, 'info', input.owner, 'call turned away', { code: end.code, why });
  count(turn, 'call_attempts_total', {
    case: 'byon',
    direction: 'in',
    outcome: end.code === 486 ? 'Busy' : 'NotReachable',
  });
  turn.out.push({ type: 'ims.end', owner: input.owner, ...end });
  turn.out.push({ type: 'gone', owner: input.owner });
}

/** Devices to ring: not the one that calls its own number at this moment, nor one that has all the calls it may have. */
function devicesFor(turn: Turn, binding: Binding, emergency: boolean): { free: Registration[]; busy: boolean } {
  const calling = new Set<string>();
  for (const call of turn.registry.callsOf.get(binding.number) ?? [])
    if (call.answeredAt === null && call.main !== null && callsOwnNumber(call)) calling.add(call.main.deviceId);
  const free: Registration[] = [];
  let busy = false;
  for (const registration of binding.registrations.values()) {
    if (calling.has(registration.deviceId)) continue;
    const full = (turn.registry.legsOf.get(registration.id)?.size ?? 0) >= turn.settings.call.perRegistration;
    if (full && !emergency) busy = true;
    else free.push(registration);
  }
  return { free, busy };
}

function createIncoming(turn: Turn, input: Invited, binding: Binding, devices: Registration[]): Call {
  const call = newCall({
    id: input.owner,
    direction: 'in',
    number: binding.number,
    bindingId: binding.id,
    correlator: input.correlator,
    createdAt: turn.now,
    originator: input.caller,
    receiver: input.called ?? binding.associated[0] ?? `tel:${binding.number}`,
    originatorName: input.callerName,
    receiverName: null,
    callType: null,
    emergency: input.emergency,
    location: input.location,
    visit: null,
    offerless: input.sdp === null,
    diverted: input.diverted,
    callerReady: input.callerReady,
  });
  for (const { id: registrationId, deviceId, holder } of devices)
    call.legs.push(
      newLeg({ id: turn.ids.mediaSession(shardOf(binding.number)), callId: call.id, registrationId, deviceId, holder }),
    );
  addCall(turn.registry, call);
  return call;
}

/** The browser offers are ready: every device is invited, unless the caller has to reserve first and needs our answer for it. */
export function offersReady(turn: Turn, call: Call, ready: Extract<MediaInput, { type: 'media-offers' }>): Done {
  for (const leg of call.legs) leg.offer = ready.offers.find(offer => offer.leg === leg.id)?.sdp ?? null;
  if (call.callerReady) return inviteDevices(turn, call);
  call.committed = true;
  call.provisional = 183;
  turn.out.push({ type: 'ims.provisional', owner: call.id, code: 183, sdp: ready.answer });
  startTimer(turn, call, 'caller-ready', turn.settings.call.callerReadyMs);
}

/** The caller has what it wanted to have before we ring. RFC 3312 6. */
export function onCallerReady(turn: Turn, call: Call): Done {
  if (call.callerReady) return;
  call.callerReady = true;
  stopTimer(turn, call, 'caller-ready');
  // Before our answer there are no offers for the devices yet.
  if (call.phase === 'offering' && call.committed) inviteDevices(turn, call);
}

/** The caller never got ready: nobody was rung. IMS digest 4.4. */
export function callerReadyGuard(turn: Turn, call: Call): Done {
  endCall(turn, call, NOT_READY, PRECONDITION);
}

function inviteDevices(turn: Turn, call: Call): Done {
  const { ringGuardMs, invitationMs, provisionalRepeatMs } = turn.settings.call;
  call.phase = 'alerting';
  for (const leg of call.legs) {
    // A registration may have gone meanwhile.
    if (leg.offer === null || !turn.registry.registrations.has(leg.registrationId)) continue;
    addLeg(turn.registry, leg);
    publish(turn, call, leg, forwarded(call));
  }
  if (!call.legs.some(isRinging)) return endCall(turn, call, NOT_REACHED, UNAVAILABLE);
  startTimer(turn, call, 'ring-guard', ringGuardMs);
  startTimer(turn, call, 'invitation', invitationMs);
  startTimer(turn, call, 'provisional-repeat', provisionalRepeatMs);
}

const FORWARDED: Readonly<Record<number, string>> = {
  404: 'forwarded, unavailable',
  408: 'forwarded, no answer',
  480: 'deflected',
  486: 'forwarded, busy',
  487: 'deflected while ringing',
  503: 'forwarded, not reachable',
};

/** That and why the call was forwarded; by whom is not told. IMS digest 4.1. */
function forwarded({ diverted }: Call): string | null {
  return diverted === null ? null : sipReason(diverted, FORWARDED[diverted] ?? 'forwarded');
}

export function isRinging(leg: Leg): boolean {
  return leg.final === null && leg.seq > 0;
}

/** The media plane could not make offers: nothing was told to any device. Media digest 4.10. */
export function offersFailed(turn: Turn, call: Call, failure: MediaFailure): Done {
  const final = mediaFinal(failure, true);
  const code = final.reason.startsWith('SIP;cause=488')
    ? 488
    : failure === 'no-port' || failure === 'overload'
      ? 480
      : 500;
  const phrase =
    code === 488 ? 'Not Acceptable Here' : code === 480 ? 'Temporarily Unavailable' : 'Server Internal Error';
  endCall(turn, call, final, { code, phrase, reason: null });
}

/** How the delivery of a device's invitation went. */
export function onInvitation(turn: Turn, call: Call, leg: Leg, accepted: boolean): Done {
  if (accepted) leg.reached = true;
  else if (!leg.reached && call.phase === 'alerting') leave(turn, call, leg, NOT_REACHED);
}

/** Nobody took the invitation in time: those devices are skipped. */
export function invitationGuard(turn: Turn, call: Call): Done {
  for (const leg of call.legs) if (isRinging(leg) && !leg.reached) leave(turn, call, leg, NOT_REACHED);
}

/** One device leaves a ringing call; the last one out ends it: 486 when any said busy, else 480. IMS digest 4.6. */
function leave(turn: Turn, call: Call, leg: Leg, final: Final): Done {
  leaveLeg(turn, call, leg, final);
  if (call.phase !== 'alerting' || call.legs.some(isRinging)) return;
  endIms(turn, call, call.anyBusy ? BUSY : UNAVAILABLE);
  closeCall(turn, call, final);
}

/** The user declines on one device, by DELETE or by PUT; answered by the caller. IMS digest 4.5. */
export function decline(turn: Turn, call: Call, leg: Leg, busy: boolean): Done {
  call.anyBusy = true;
  if (busy || turn.settings.call.declineMode === 'device') return leave(turn, call, leg, busy ? SAID_BUSY : DECLINED);
  leaveLeg(turn, call, leg, DECLINED);
  endCall(turn, call, DECLINED_ELSEWHERE, DECLINE);
}

/** The device's registration was deleted while it rang: "not on this device". */
export function withdraw(turn: Turn, call: Call, leg: Leg): Done {
  leave(turn, call, leg, {
    status: 'SessionCancelled',
    reason: gwReason(GW.user, 'registration deleted'),
    class: 'client',
  });
}

export function ringGuard(turn: Turn, call: Call): Done {
  if (call.op?.kind === 'device-answer' && call.op.put.status === 'Connected') {
    // Somebody is answering at this very moment.
    startTimer(turn, call, 'ring-guard', turn.settings.call.mediaOpMs);
    return;
  }
  endCall(turn, call, NO_ANSWER, call.anyBusy ? BUSY : UNAVAILABLE);
}

/** Proxies give up on an INVITE after three silent minutes. RFC 3261 16.6, timer C. */
export function repeatProvisional(turn: Turn, call: Call): Done {
  startTimer(turn, call, 'provisional-repeat', turn.settings.call.provisionalRepeatMs);
  if (call.provisional !== 0)
    turn.out.push({ type: 'ims.provisional', owner: call.id, code: call.provisional, sdp: null });
}

/** CANCEL: the caller gave up, or somebody else answered. IMS digest 4.7. */
export function onCancelled(turn: Turn, call: Call, input: Extract<ImsInput, { type: 'ims-cancelled' }>): Done {
  if (call.phase === 'talking') return;
  endCall(turn, call, cancelledOf(input.outcome), null);
}
