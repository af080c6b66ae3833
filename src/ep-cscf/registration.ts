/** CAMARA registrations of a number: the requests of the API but the one that ends calls: register, list, get, extend. webrtc-registration v0.4. */

import type { ApiRequest, CoreErrorCode, RegistrationView } from './api-request.ts';
import { admit, armExpiry, type Binding, emptyBinding, expireDue, type Registration, viewOf } from './binding.ts';
import { sendRegister } from './binding-ims.ts';
import { type Holder, maySee } from './identity.ts';
import { type DeviceId, type E164, type Ref, type RegistrationId, shardOf } from './ids.ts';
import { addBinding, reserve } from './registry.ts';
import { type Done, refuse, reply, type Turn } from './turn.ts';
import type { VisitRequest } from './visit.ts';

export type RegistrationRequest = Extract<
  ApiRequest,
  { type: 'register' | 'list-registrations' | 'get-registration' | 'extend-registration' }
>;

/** Answers the registration requests that end no call. */
export function handleRegistration(turn: Turn, request: RegistrationRequest): Done {
  switch (request.type) {
    case 'register':
      register(turn, request);
      return;
    case 'list-registrations': {
      reply(turn, request.ref, { ok: true, registrations: registrationsOn(turn, request) });
      return;
    }
    case 'get-registration': {
      const registration = findRegistration(turn, request);
      if (registration === null) refuse(turn, request.ref, 'not-found');
      else reply(turn, request.ref, { ok: true, registration: viewOf(turn, registration) });
      return;
    }
    case 'extend-registration':
      extend(turn, request);
      return;
    default: {
      const never: never = request;
      return never;
    }
  }
}

/** The registrations of one device that a token may see. */
export function registrationsOn(
  turn: Turn,
  request: Pick<ApiRequest & { deviceId: DeviceId }, 'who' | 'deviceId'>,
): RegistrationView[] {
  const views: RegistrationView[] = [];
  for (const registration of [...(turn.registry.registrationsOn.get(request.deviceId) ?? [])]) {
    if (isLive(turn, registration) && maySee(request.who, registration.holder)) views.push(viewOf(turn, registration));
  }
  return views;
}

/** A live registration the token may see, or null: unknown, expired and foreign are the same. */
export function findRegistration(
  turn: Turn,
  request: Pick<ApiRequest, 'who'> & { registrationId: RegistrationId },
): Registration | null {
  const registration = turn.registry.registrations.get(request.registrationId);
  if (registration === undefined || !isLive(turn, registration)) return null;
  return maySee(request.who, registration.holder) ? registration : null;
}

/** False from `expiresAt` on; the first look after it ends the registration, so a late timer changes nothing. */
function isLive(turn: Turn, registration: Registration): boolean {
  if (turn.now < registration.expiresAt) return true;
  const binding = turn.registry.bindings.get(registration.bindingId);
  if (binding !== undefined) expireDue(turn, binding);
  return false;
}

/** Expiry asked for, by the arithmetic of the API: null when out of range. CAMARA digest 4.3. */
function expiryOf(turn: Turn, asked: number | null): number | null {
  const { ttlMinMs, ttlDefaultMs, ttlMaxMs, transitGraceMs } = turn.settings.registration;
  if (asked === null) return turn.now + ttlDefaultMs;
  if (!(asked >= turn.now + ttlMinMs - transitGraceMs)) return null;
  return Math.min(asked, turn.now + ttlMaxMs);
}

function register(turn: Turn, request: Extract<ApiRequest, { type: 'register' }>): Done {
  const { ref, who, number, deviceId } = request;
  const expiresAt = expiryOf(turn, request.expiresAt);
  if (expiresAt === null) return refuse(turn, ref, 'expiry-out-of-range', 'registrationExpireTime');
  if (turn.draining) return refuse(turn, ref, 'draining');
  if (turn.settings.realm.homeOf(number) === null) return refuse(turn, ref, 'registration-refused');
  const known = turn.registry.bindingOf.get(number);
  if (known !== undefined) expireDue(turn, known);
  // A number of a pool is leased, and in no other way to be had. TS 33.203 REQ 3.2.
  if (turn.numbers.poolOf.has(number)) return refuse(turn, ref, 'registration-refused');
  const holder: Holder = { clientId: who.clientId, subject: who.subject, legs: who.legs, number };
  const refused = limit(turn, known, holder, deviceId);
  if (refused !== null) return refuse(turn, ref, refused);
  const id = turn.ids.registration(shardOf(number));
  enroll(turn, { id, deviceId, holder, correlator: request.correlator, expiresAt }, ref, null);
}

/** A registration joins the binding of its number, which is made when there is none. `visit`: what it goes on to do. */
export function enroll(turn: Turn, made: Omit<Registration, 'bindingId'>, ref: Ref, visit: VisitRequest | null): Done {
  const { number } = made.holder;
  const binding = turn.registry.bindingOf.get(number) ?? createBinding(turn, number);
  const registration: Registration = { ...made, bindingId: binding.id };
  reserve(turn.registry, registration);
  // The key is taken from here on, so of equal POSTs at one time one waits and the others are refused.
  if (binding.phase === 'active') return admit(turn, binding, { ref, registration, visit });
  binding.waiting.push({ ref, registration, visit });
  const due = binding.phase === 'registering' || binding.phase === 'restoring';
  if (due && binding.ref === null) sendRegister(turn, binding, made.correlator);
}

/** The first limit a new registration breaks, in the order of CAMARA digest 4.4. */
function limit(turn: Turn, binding: Binding | undefined, holder: Holder, deviceId: DeviceId): CoreErrorCode | null {
  const { devicesPerUser, perNumber, perUser, perDevice } = turn.settings.registration;
  const taken = binding === undefined ? null : takenBy(binding, deviceId);
  if (taken !== null) return taken;
  const user = holder.legs === 3 && holder.subject !== null ? turn.registry.users.get(holder.subject) : undefined;
  if (user !== undefined && !user.devices.has(deviceId) && user.devices.size >= devicesPerUser)
    return 'max-devices-per-user';
  if (binding !== undefined && binding.registrations.size + binding.waiting.length >= perNumber)
    return 'max-registrations-per-number';
  if (user !== undefined && user.registrations >= perUser) return 'max-registrations-per-user';
  let mine = 0;
  for (const other of turn.registry.registrationsOn.get(deviceId) ?? [])
    if (other.holder.clientId === holder.clientId) mine += 1;
  return mine >= perDevice ? 'max-registrations-per-user' : null;
}

function takenBy({ registrations, waiting }: Binding, deviceId: DeviceId): CoreErrorCode | null {
  for (const registration of registrations.values())
    if (registration.deviceId === deviceId) return 'registration-exists';
  return waiting.some(({ registration }) => registration.deviceId === deviceId) ? 'registration-pending' : null;
}

function createBinding(turn: Turn, number: E164): Binding {
  const binding = emptyBinding(turn.ids.binding(shardOf(number)), number, 'registering');
  addBinding(turn.registry, binding);
  return binding;
}

function extend(turn: Turn, request: Extract<ApiRequest, { type: 'extend-registration' }>): Done {
  const registration = findRegistration(turn, request);
  const binding = registration === null ? undefined : turn.registry.bindings.get(registration.bindingId);
  if (registration === null || binding === undefined) return refuse(turn, request.ref, 'not-found');
  const expiresAt = expiryOf(turn, request.expiresAt);
  if (expiresAt === null) return refuse(turn, request.ref, 'expiry-out-of-range', 'registrationExpireTime');
  registration.expiresAt = expiresAt;
  turn.changedBindings.add(binding);
  reply(turn, request.ref, { ok: true, registration: viewOf(turn, registration) });
  armExpiry(turn, binding);
}
