/** The binding of one number: its state, the registrations it holds, and their expiry to the millisecond. */

import type { RegistrationView } from './api-request.ts';
import type { CoreEvent } from './effect.ts';
import type { Holder } from './identity.ts';
import type { BindingId, DeviceId, E164, Ref, RegistrationId } from './ids.ts';
import type { TimerName } from './input.ts';
import { addRegistration, removeRegistration } from './registry.ts';
import { type Done, reply, startTimer, stopTimer, type Turn } from './turn.ts';
import type { VisitRequest } from './visit.ts';
import type { Address } from './words.ts';

/** One device's registration of one number. */
export interface Registration {
  readonly id: RegistrationId;
  readonly deviceId: DeviceId;
  readonly holder: Holder;
  readonly bindingId: BindingId;
  readonly correlator: string;
  /** ms since the epoch. */
  expiresAt: number;
}

/** A POST that waits for the network; a visitor's goes on to call. */
export interface Waiting {
  ref: Ref;
  registration: Registration;
  visit: VisitRequest | null;
}

/**
 * `registering`: first REGISTER out, nobody registered yet. `active`: bound. `reclaiming`: the network dropped us and we
 * come back. `restoring`: found at start, REGISTER due. `deregistering`: last device gone.
 */
export type BindingPhase = 'registering' | 'active' | 'reclaiming' | 'restoring' | 'deregistering';

/** The machine of one number: one IMS binding for all its devices. IMS digest 2.13, model 2. */
export interface Binding {
  readonly id: BindingId;
  readonly number: E164;
  phase: BindingPhase;
  /** REGISTER in flight. */
  ref: Ref | null;
  sentAt: number;
  /** IMS expiry, ms since the epoch; 0 before the first 200. */
  imsExpiresAt: number;
  /** Until when the network may know it in the worst case, ms since the epoch; 0: not at all. */
  boundUntil: number;
  /** The same before the REGISTER on its way, or the last one: so it is again when that has bound nothing. */
  wasBoundUntil: number;
  /** Failed refreshes in a row. */
  failures: number;
  /** REGISTERs sent so far: makes each jitter another one. */
  attempts: number;
  /** The next REGISTER starts a new Call-ID. */
  fresh: boolean;
  /** Identities the network lets this one use, the default first. */
  associated: Address[];
  readonly registrations: Map<RegistrationId, Registration>;
  waiting: Waiting[];
  readonly timers: Set<TimerName>;
}

export function emptyBinding(id: BindingId, number: E164, phase: BindingPhase): Binding {
  return {
    id,
    number,
    phase,
    ref: null,
    sentAt: 0,
    imsExpiresAt: 0,
    boundUntil: 0,
    wasBoundUntil: 0,
    failures: 0,
    attempts: 0,
    fresh: true,
    associated: [],
    registrations: new Map(),
    waiting: [],
    timers: new Set(),
  };
}

export function viewOf(turn: Turn, registration: Registration): RegistrationView {
  const { id, bindingId, deviceId, holder, expiresAt } = registration;
  const { associated = [] } = turn.registry.bindings.get(bindingId) ?? {};
  return { registrationId: id, deviceId, phoneNumber: holder.number, expiresAt, associated };
}

/** Makes a waiting registration visible and answers its POST, or lets it call. */
export function admit(turn: Turn, binding: Binding, waiting: Waiting): Done {
  const { registration, ref, visit } = waiting;
  binding.registrations.set(registration.id, registration);
  addRegistration(turn.registry, registration);
  turn.changedBindings.add(binding);
  if (visit === null) reply(turn, ref, { ok: true, registration: viewOf(turn, registration) });
  else turn.arrivals.push({ binding, registration, request: visit });
  armExpiry(turn, binding);
}

/** One timer for the earliest expiry of the binding's registrations. */
export function armExpiry(turn: Turn, binding: Binding): Done {
  let earliest = Number.POSITIVE_INFINITY;
  for (const { expiresAt } of binding.registrations.values()) earliest = Math.min(earliest, expiresAt);
  if (earliest === Number.POSITIVE_INFINITY) stopTimer(turn, binding, 'registration-expiry');
  else startTimer(turn, binding, 'registration-expiry', earliest - turn.now);
}

/** Ends what has expired; calls go on. */
export function expireDue(turn: Turn, binding: Binding): Done {
  let ended = false;
  for (const registration of [...binding.registrations.values()]) {
    if (turn.now < registration.expiresAt) continue;
    ended = true;
    dropRegistration(turn, binding, registration);
    publishEnd(turn, binding, registration, 'REGISTRATION_EXPIRED', null);
  }
  if (ended || !binding.timers.has('registration-expiry')) armExpiry(turn, binding);
}

/** Removes a registration; the binding is looked at again at the end of the turn. */
export function dropRegistration(turn: Turn, binding: Binding, registration: Registration): Done {
  binding.registrations.delete(registration.id);
  removeRegistration(turn.registry, registration);
  turn.changedBindings.add(binding);
  turn.idleBindings.add(binding);
}

export function publishEnd(
  turn: Turn,
  binding: Binding,
  registration: Registration,
  terminationReason: Extract<CoreEvent, { kind: 'registration-ends' }>['terminationReason'],
  terminationDescription: string | null,
): Done {
  const { id: registrationId, deviceId, holder, correlator } = registration;
  turn.out.push({
    type: 'event.publish',
    owner: binding.id,
    audience: { deviceId, ...holder },
    correlator,
    event: { kind: 'registration-ends', registrationId, terminationReason, terminationDescription },
  });
}
