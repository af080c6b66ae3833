/** Calls of visitors: a number is leased and registered, and when the network has taken it, it calls as any registration does. CAMARA digest 11b. */
import { checkOffer } from '../sdp/index.ts';
import type { ApiRequest, CoreErrorCode } from './api-request.ts';
import { type Binding, dropRegistration, type Registration } from './binding.ts';
import { originate } from './call-out.ts';
import { isEmergency } from './identity.ts';
import { shardOf } from './ids.ts';
import { leaseNumber, poolRetryS, sourceRetryS, visitsOf } from './number-pool.ts';
import { enroll } from './registration.ts';
import { type Done, refuse, reply, type Turn } from './turn.ts';

export type VisitRequest = Extract<ApiRequest, { type: 'visit' }>;

/** POST of a visitor. Whatever can be refused is, before a number is leased and the network hears of it. */
export function visit(turn: Turn, request: VisitRequest): Done {
  const { ref, who, visit, correlator, deviceId, source } = request;
  const pool = turn.numbers.pools.get(visit.pool);
  // Only the pool of the business itself. TS 33.203 REQ 3.2.
  if (pool === undefined || !pool.clients.includes(who.clientId)) return refuse(turn, ref, 'pool-foreign');
  const refused = check(turn, request);
  if (refused !== null) return refuse(turn, ref, refused);
  const waitS = sourceRetryS(turn, pool, source);
  if (waitS !== null) return reply(turn, ref, { ok: false, error: 'source-busy', retryAfterS: waitS });
  const number = leaseNumber(turn, pool, { entryPoint: visit.entryPoint, source });
  if (number === null) return reply(turn, ref, { ok: false, error: 'pool-empty', retryAfterS: poolRetryS(turn, pool) });
  const { clientId, subject, legs } = who;
  const registration = {
    id: turn.ids.registration(shardOf(number)),
    deviceId,
    holder: { clientId, subject, legs, number },
    correlator,
    // The call ends first, and ends it.
    expiresAt: visit.endsAt + turn.settings.registration.ttlMinMs,
  };
  enroll(turn, registration, ref, request);
}

function check(turn: Turn, { receiver, offer, visit, maxConcurrent }: VisitRequest): CoreErrorCode | null {
  if (turn.draining) return 'draining';
  if (isEmergency(receiver, turn.settings.emergency)) return 'emergency-refused';
  if (!checkOffer(offer).ok) return 'sdp-unusable';
  return maxConcurrent !== null && visitsOf(turn, visit.entryPoint) >= maxConcurrent ? 'entry-point-busy' : null;
}

/** The network has taken the number. A call that cannot be made leaves nothing behind. */
export function dial(turn: Turn, binding: Binding, registration: Registration, request: VisitRequest): Done {
  const { ref, who, correlator, receiver, originatorName, offer } = request;
  const { number } = registration.holder;
  const call = {
    type: 'originate',
    ref,
    who,
    correlator,
    registrationId: registration.id,
    originator: `tel:${number}`,
    receiver,
    originatorName,
    receiverName: null,
    offer,
    callType: null,
    location: null,
  } as const;
  originate(turn, call, request.visit);
  if (!turn.registry.callsOf.has(number)) dropRegistration(turn, binding, registration);
}
