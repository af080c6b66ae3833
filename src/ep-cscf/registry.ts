/** Indexes over the core's machines: every look-up is one map access, every count is kept and never summed. */

import type { Binding, Registration } from './binding.ts';
import type { Call, Leg } from './call.ts';
import type { BindingId, CallId, DeviceId, E164, MediaSessionId, RegistrationId } from './ids.ts';
import type { Done } from './turn.ts';

interface User {
  registrations: number;
  /** Registrations on each device. */
  devices: Map<DeviceId, number>;
}

export interface Registry {
  readonly bindings: Map<BindingId, Binding>;
  readonly bindingOf: Map<E164, Binding>;
  readonly registrations: Map<RegistrationId, Registration>;
  readonly calls: Map<CallId, Call>;
  /** Sessions the API shows. */
  readonly legs: Map<MediaSessionId, Leg>;
  /** Calls of a number that are not over. */
  readonly callsOf: Map<E164, Set<Call>>;
  readonly legsOf: Map<RegistrationId, Set<Leg>>;
  readonly registrationsOn: Map<DeviceId, Set<Registration>>;
  readonly legsOn: Map<DeviceId, Set<Leg>>;
  /** Limits of 3-legged users, pending registrations included. A 2-legged token has no user. */
  readonly users: Map<string, User>;
}

export function createRegistry(): Registry {
  return {
    bindings: new Map(),
    bindingOf: new Map(),
    registrations: new Map(),
    calls: new Map(),
    legs: new Map(),
    callsOf: new Map(),
    legsOf: new Map(),
    registrationsOn: new Map(),
    legsOn: new Map(),
    users: new Map(),
  };
}

export function addTo<K, V>(index: Map<K, Set<V>>, key: K, value: V): Done {
  const set = index.get(key);
  if (set === undefined) index.set(key, new Set([value]));
  else set.add(value);
}

export function removeFrom<K, V>(index: Map<K, Set<V>>, key: K, value: V): Done {
  const set = index.get(key);
  if (set?.delete(value) && set.size === 0) index.delete(key);
}

export function addBinding(registry: Registry, binding: Binding): Done {
  registry.bindings.set(binding.id, binding);
  registry.bindingOf.set(binding.number, binding);
}

export function removeBinding(registry: Registry, binding: Binding): Done {
  registry.bindings.delete(binding.id);
  if (registry.bindingOf.get(binding.number) === binding) registry.bindingOf.delete(binding.number);
}

/** Counts a registration against its user's limits, before it is visible. */
export function reserve(registry: Registry, registration: Registration): Done {
  const { subject, legs } = registration.holder;
  if (legs === 2 || subject === null) return;
  const user = registry.users.get(subject) ?? { registrations: 0, devices: new Map() };
  user.registrations += 1;
  user.devices.set(registration.deviceId, (user.devices.get(registration.deviceId) ?? 0) + 1);
  registry.users.set(subject, user);
}

/** Takes a reservation back. */
export function release(registry: Registry, registration: Registration): Done {
  const { subject, legs } = registration.holder;
  const user = legs === 2 || subject === null ? undefined : registry.users.get(subject);
  if (user === undefined || subject === null) return;
  user.registrations -= 1;
  const left = (user.devices.get(registration.deviceId) ?? 1) - 1;
  if (left === 0) user.devices.delete(registration.deviceId);
  else user.devices.set(registration.deviceId, left);
  if (user.registrations === 0) registry.users.delete(subject);
}

/** Makes a reserved registration visible. */
export function addRegistration(registry: Registry, registration: Registration): Done {
  registry.registrations.set(registration.id, registration);
  addTo(registry.registrationsOn, registration.deviceId, registration);
}

export function removeRegistration(registry: Registry, registration: Registration): Done {
  if (!registry.registrations.delete(registration.id)) return;
  removeFrom(registry.registrationsOn, registration.deviceId, registration);
  release(registry, registration);
}

export function addCall(registry: Registry, call: Call): Done {
  registry.calls.set(call.id, call);
  addTo(registry.callsOf, call.number, call);
}

/** The call no longer counts for its number; its machine may live a little longer. */
export function retireCall(registry: Registry, call: Call): Done {
  removeFrom(registry.callsOf, call.number, call);
}

export function removeCall(registry: Registry, call: Call): Done {
  retireCall(registry, call);
  registry.calls.delete(call.id);
}

export function addLeg(registry: Registry, leg: Leg): Done {
  registry.legs.set(leg.id, leg);
  addTo(registry.legsOf, leg.registrationId, leg);
  addTo(registry.legsOn, leg.deviceId, leg);
}

export function removeLeg(registry: Registry, leg: Leg): Done {
  if (!registry.legs.delete(leg.id)) return;
  removeFrom(registry.legsOf, leg.registrationId, leg);
  removeFrom(registry.legsOn, leg.deviceId, leg);
}
