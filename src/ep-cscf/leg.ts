/** What a leg shows: its view for the API, its events, its record. */

import type { SessionView } from './api-request.ts';
import type { Call, Leg } from './call.ts';
import type { Final } from './call-status.ts';
import type { MediaStats } from './input.ts';
import { removeLeg } from './registry.ts';
import { caseOf, count, type Done, type Turn } from './turn.ts';
import type { CallStatus, DeviceLocation, LocationDetails } from './words.ts';

export function sessionView(call: Call, leg: Leg): SessionView {
  return {
    mediaSessionId: leg.id,
    originatorAddress: call.originator,
    receiverAddress: call.receiver,
    originatorName: call.originatorName,
    receiverName: call.receiverName,
    status: leg.status,
    callType: call.callType,
    offer: leg.offer,
    answer: leg.answer,
    location: leg.location ?? (call.direction === 'in' ? call.location : null),
  };
}

/** Publishes the leg's state as its next event. SDP goes along once there is an answer, and with an invitation. CAMARA digest 8.5. */
export function publish(turn: Turn, call: Call, leg: Leg, reason: string | null): Done {
  leg.seq += 1;
  turn.changedCalls.add(call);
  const invitation = call.direction === 'in' && leg.seq === 1;
  const final = leg.final !== null;
  const withSdp = !final && (invitation || leg.answer !== null || call.asked !== null);
  turn.out.push({
    type: 'event.publish',
    owner: call.id,
    audience: { deviceId: leg.deviceId, ...leg.holder },
    correlator: turn.correlator ?? call.correlator,
    event: {
      kind: invitation ? 'session-invitation' : 'session-status',
      mediaSessionId: leg.id,
      sequenceNumber: leg.seq,
      status: leg.status,
      originatorAddress: call.originator,
      receiverAddress: call.receiver,
      originatorName: call.originatorName,
      receiverName: call.receiverName,
      offer: withSdp ? leg.offer : null,
      answer: withSdp ? leg.answer : null,
      reason,
      location: invitation ? call.location : null,
      final,
    },
  });
}

/** A location of the leg's own client as the network may hear it: always for an emergency call, else by the operator's choice. */
export function tellable(turn: Turn, call: Call, leg: Leg, details: LocationDetails): DeviceLocation | null {
  return call.emergency || turn.settings.call.sendLocation ? { details, deviceId: leg.deviceId } : null;
}

/** Takes the location a client gave with a PUT. */
export function relocate(turn: Turn, call: Call, leg: Leg, details: LocationDetails): Done {
  leg.location = details;
  const location = tellable(turn, call, leg, details);
  if (location !== null) turn.out.push({ type: 'ims.locate', owner: call.id, number: call.number, location });
}

/** Sets a state and publishes it. */
export function moveTo(turn: Turn, call: Call, leg: Leg, status: CallStatus, reason: string | null = null): Done {
  leg.status = status;
  publish(turn, call, leg, reason);
}

/** The one final state of a leg: it vanishes from the API, its last event is published. A leg that was never shown ends silently. */
export function finishLeg(turn: Turn, call: Call, leg: Leg, final: Final): Done {
  if (leg.final !== null) return;
  const shown = call.direction === 'out' || leg.seq > 0;
  leg.final = final;
  leg.endedAt = turn.now;
  removeLeg(turn.registry, leg);
  if (!shown) return;
  moveTo(turn, call, leg, final.status, final.reason);
  count(turn, 'call_ends_total', { direction: call.direction, status: final.status, class: final.class });
  if (leg !== call.main) record(turn, call, leg, null);
}

/** The leg's one record for charging and statistics. */
export function record(turn: Turn, call: Call, leg: Leg, media: MediaStats | null): Done {
  if (leg.final === null) return;
  const answered = leg === call.main ? call.answeredAt : null;
  turn.out.push({
    type: 'store',
    write: {
      op: 'put',
      kind: 'record',
      key: leg.id,
      value: {
        type: 'call',
        mediaSessionId: leg.id,
        callId: call.id,
        direction: call.direction,
        case: caseOf(leg.holder.legs),
        number: call.number,
        originator: call.originator,
        receiver: call.receiver,
        callType: call.callType ?? 'REGULAR',
        clientId: leg.holder.clientId,
        deviceId: leg.deviceId,
        registrationId: leg.registrationId,
        correlator: call.correlator,
        startedAt: call.createdAt,
        ringingAt: call.ringingAt,
        answeredAt: answered,
        endedAt: leg.endedAt,
        durationMs: answered === null ? 0 : leg.endedAt - answered,
        status: leg.final.status,
        reason: leg.final.reason,
        endClass: leg.final.class,
        media,
        ...(call.visit === null ? {} : { visit: call.visit }),
      },
    },
  });
}
