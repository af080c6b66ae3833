/** The core: finds the machine an input is for, checks who may touch it, and writes down what changed. */

import type { ApiRequest, SessionView } from './api-request.ts';
import { armExpiry, dropRegistration, expireDue } from './binding.ts';
import { type BindingInput, bindingTimer, handleBinding, settleBinding } from './binding-ims.ts';
import type { Call, Leg } from './call.ts';
import { callAgain } from './call-again.ts';
import { onInvited } from './call-in.ts';
import { type CallInput, handleCall, leaveCall } from './call-input.ts';
import { originate } from './call-out.ts';
import { drainCall, networkReleasesCall } from './call-release.ts';
import type { Effect } from './effect.ts';
import { maySee } from './identity.ts';
import type { BindingId, CallId, Ids, Owner } from './ids.ts';
import type { ImsInput, Input, TimerName } from './input.ts';
import { sessionView } from './leg.ts';
import { countLeases, createNumberPool } from './number-pool.ts';
import type { Core } from './ports.ts';
import { findRegistration, handleRegistration, registrationsOn } from './registration.ts';
import { createRegistry, type Registry } from './registry.ts';
import { bindingRow, callRow, restore } from './restore.ts';
import type { CoreSettings } from './settings.ts';
import { type Done, refuse, reply, type Turn } from './turn.ts';
import { dial, visit } from './visit.ts';

/** Builds the core. `settings` are kept, not copied; `ids` are the only source of anything unpredictable; `registry` holds its machines. */
export function createCore(parts: { settings: CoreSettings; ids: Ids; registry?: Registry }): Core {
  const { registry = createRegistry() } = parts;
  const numbers = createNumberPool(parts.settings.pool);
  const turn: Turn = {
    now: 0,
    out: [],
    correlator: null,
    settings: parts.settings,
    ids: parts.ids,
    registry,
    numbers,
    draining: false,
    changedCalls: new Set(),
    changedBindings: new Set(),
    idleBindings: new Set(),
    arrivals: [],
  };
  return {
    handle(input, now, out) {
      turn.now = now;
      turn.out = out;
      turn.correlator = 'correlator' in input ? input.correlator : null;
      route(turn, input);
      finishTurn(turn);
    },
    sizes: () => ({
      bindings: registry.bindings.size,
      registrations: registry.registrations.size,
      calls: registry.calls.size,
      legs: registry.legs.size,
    }),
    leases: now => countLeases(numbers, now),
  };
}

/** Visitors who were let in call, bindings without use go, and every changed row is written once. */
function finishTurn(turn: Turn): Done {
  for (const { binding, registration, request } of turn.arrivals.splice(0)) dial(turn, binding, registration, request);
  for (const binding of turn.idleBindings) settleBinding(turn, binding);
  turn.idleBindings.clear();
  for (const binding of turn.changedBindings) put(turn.out, 'binding', binding.id, bindingRow(binding));
  turn.changedBindings.clear();
  for (const call of turn.changedCalls) put(turn.out, 'call', call.id, callRow(call));
  turn.changedCalls.clear();
}

function put(out: Effect[], kind: 'binding' | 'call', key: string, value: unknown): Done {
  out.push({ type: 'store', write: { op: 'put', kind, key, value } });
}

function route(turn: Turn, input: Input): Done {
  switch (input.type) {
    case 'register':
    case 'list-registrations':
    case 'get-registration':
    case 'extend-registration':
      return handleRegistration(turn, input);
    case 'unregister':
      return unregister(turn, input);
    case 'originate':
      return originate(turn, input, null);
    case 'visit':
      return visit(turn, input);
    case 'get-session':
    case 'put-status':
    case 'end-session':
      return session(turn, input);
    case 'snapshot':
      return snapshot(turn, input);
    case 'ims-registered':
    case 'ims-register-failed':
    case 'ims-deregistered':
    case 'ims-binding-lost':
    case 'ims-register-wanted':
      return bindingInput(turn, input);
    case 'ims-invited':
      return turn.registry.calls.has(input.owner) ? undefined : onInvited(turn, input);
    case 'timer':
      return timer(turn, input.owner, input.name);
    case 'restore':
      return restore(turn, input);
    case 'drain':
      turn.draining = true;
      return;
    case 'end-all':
      turn.draining = true;
      for (const call of [...turn.registry.calls.values()])
        if (!(input.spareEmergency && call.emergency)) drainCall(turn, call);
      return;
    default:
      return callInput(turn, input);
  }
}

function callInput(turn: Turn, input: Exclude<CallInput, ApiRequest | { type: 'timer' }>): Done {
  const call = turn.registry.calls.get(input.owner);
  if (call !== undefined) return handleCall(turn, call, input);
  // The far end waits for an answer even when the call is gone.
  if (input.type === 'ims-reoffered')
    turn.out.push({
      type: 'ims.reject',
      owner: input.owner,
      ref: input.ref,
      code: 481,
      phrase: 'Call/Transaction Does Not Exist',
    });
}

function bindingInput(turn: Turn, input: BindingInput): Done {
  const binding = turn.registry.bindings.get(input.owner);
  if (binding === undefined) return;
  handleBinding(turn, binding, input);
  callAgain(turn, binding);
  if (isRejection(input))
    for (const call of [...(turn.registry.callsOf.get(binding.number) ?? [])]) networkReleasesCall(turn, call);
}

function isRejection(input: ImsInput): boolean {
  return input.type === 'ims-binding-lost' && input.event === 'rejected';
}

/** A firing of a timer nobody waits for any more is dropped. */
function timer(turn: Turn, owner: Owner, name: TimerName): Done {
  const call = turn.registry.calls.get(owner as CallId);
  if (call !== undefined) {
    if (call.timers.delete(name)) handleCall(turn, call, { type: 'timer', name });
    return;
  }
  const binding = turn.registry.bindings.get(owner as BindingId);
  if (binding === undefined || !binding.timers.delete(name)) return;
  if (name === 'registration-expiry') expireDue(turn, binding);
  else if (name === 'ims-refresh' || name === 'ims-retry' || name === 'ims-register-guard')
    bindingTimer(turn, binding, name);
  callAgain(turn, binding);
}

/** DELETE of a registration: answered, its calls released, and with the last device the number leaves the IMS. CAMARA digest 4.6. */
function unregister(turn: Turn, request: Extract<ApiRequest, { type: 'unregister' }>): Done {
  const registration = findRegistration(turn, request);
  const binding = registration === null ? undefined : turn.registry.bindings.get(registration.bindingId);
  if (registration === null || binding === undefined) return refuse(turn, request.ref, 'not-found');
  reply(turn, request.ref, { ok: true });
  dropRegistration(turn, binding, registration);
  armExpiry(turn, binding);
  for (const leg of [...(turn.registry.legsOf.get(registration.id) ?? [])]) {
    const call = turn.registry.calls.get(leg.callId);
    if (call !== undefined) leaveCall(turn, call, leg);
  }
}

/** A session the token may see; all else is not found. CAMARA digest 2.5. */
function find(
  turn: Turn,
  request: Extract<ApiRequest, { type: 'get-session' | 'put-status' | 'end-session' }>,
): { call: Call; leg: Leg } | null {
  const leg = turn.registry.legs.get(request.mediaSessionId);
  const call = leg === undefined ? undefined : turn.registry.calls.get(leg.callId);
  return leg === undefined || call === undefined || !maySee(request.who, leg.holder) ? null : { call, leg };
}

function session(
  turn: Turn,
  request: Extract<ApiRequest, { type: 'get-session' | 'put-status' | 'end-session' }>,
): Done {
  const found = find(turn, request);
  if (found === null) return refuse(turn, request.ref, 'not-found');
  const { call, leg } = found;
  // A device that looks at the session was reached, whatever became of its notification.
  leg.reached = true;
  if (request.type === 'get-session') reply(turn, request.ref, { ok: true, session: sessionView(call, leg) });
  else handleCall(turn, call, request);
}

function snapshot(turn: Turn, request: Extract<ApiRequest, { type: 'snapshot' }>): Done {
  const registrations = registrationsOn(turn, request);
  const sessions: SessionView[] = [];
  for (const leg of turn.registry.legsOn.get(request.deviceId) ?? []) {
    const call = turn.registry.calls.get(leg.callId);
    if (call !== undefined && maySee(request.who, leg.holder)) sessions.push(sessionView(call, leg));
  }
  reply(turn, request.ref, { ok: true, registrations, sessions });
}
