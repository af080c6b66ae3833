/** What is kept of the machines, and what a restart makes of it: bindings register again, calls end with a reason and a record. */
import { armExpiry, type Binding, emptyBinding, expireDue, type Registration } from './binding.ts';
import { type Call, type Leg, newCall, newLeg } from './call.ts';
import type { Final } from './call-status.ts';
import { type Holder, spreadOf } from './identity.ts';
import type { BindingId, CallId, DeviceId, E164, MediaSessionId, RegistrationId } from './ids.ts';
import type { Input } from './input.ts';
import { finishLeg, record } from './leg.ts';
import { coolRestored, isHeld, restoreLeases, settleNumber } from './number-pool.ts';
import { GW, gwReason } from './reason.ts';
import { addBinding, addRegistration, removeBinding, reserve } from './registry.ts';
import { type Done, log, startTimer, type Turn } from './turn.ts';
import type { Visit } from './words.ts';

interface RegistrationRow {
  id: RegistrationId;
  deviceId: DeviceId;
  holder: Holder;
  correlator: string;
  expiresAt: number;
}

export interface BindingRow {
  v: 1;
  id: BindingId;
  number: E164;
  imsExpiresAt: number;
  registrations: RegistrationRow[];
}

interface LegRow {
  id: MediaSessionId;
  registrationId: RegistrationId;
  deviceId: DeviceId;
  holder: Holder;
  seq: number;
  final: Final | null;
  endedAt: number;
}

/** No SDP: a call cannot be taken up again from its row, only brought to its end. */
export interface CallRow
  extends Pick<
    Call,
    | 'id'
    | 'direction'
    | 'number'
    | 'bindingId'
    | 'correlator'
    | 'createdAt'
    | 'originator'
    | 'receiver'
    | 'originatorName'
    | 'receiverName'
    | 'callType'
    | 'emergency'
    | 'ringingAt'
    | 'answeredAt'
  > {
  v: 1;
  /** Absent in rows of older versions. */
  visit?: Visit | null;
  main: MediaSessionId | null;
  legs: LegRow[];
}

export function bindingRow(binding: Binding): BindingRow {
  const { id, number, imsExpiresAt } = binding;
  const registrations = [...binding.registrations.values()].map(r => ({
    id: r.id,
    deviceId: r.deviceId,
    holder: r.holder,
    correlator: r.correlator,
    expiresAt: r.expiresAt,
  }));
  return { v: 1, id, number, imsExpiresAt, registrations };
}

export function callRow(call: Call): CallRow {
  const { id, direction, number, bindingId, correlator, createdAt, originator, receiver } = call;
  const { originatorName, receiverName, callType, emergency, ringingAt, answeredAt, visit } = call;
  return {
    v: 1,
    id,
    direction,
    number,
    bindingId,
    correlator,
    createdAt,
    originator,
    receiver,
    originatorName,
    receiverName,
    callType,
    emergency,
    ringingAt,
    answeredAt,
    visit,
    main: call.main?.id ?? null,
    legs: call.legs.map(legRow),
  };
}

function legRow(leg: Leg): LegRow {
  const { id, registrationId, deviceId, holder, seq, final, endedAt } = leg;
  return { id, registrationId, deviceId, holder, seq, final, endedAt };
}

/** Takes up what was found at start. A row that cannot be read is left alone and reported. */
export function restore(turn: Turn, input: Extract<Input, { type: 'restore' }>): Done {
  restoreLeases(turn, input.leases);
  const spreadMs = input.bindings.length * turn.settings.ims.restoreSpacingMs;
  for (const row of input.bindings) {
    if (isRow(row, 'registrations')) restoreBinding(turn, row as BindingRow, spreadMs);
    else log(turn, 'error', null, 'stored binding not readable');
  }
  coolRestored(turn);
  for (const row of input.calls) {
    if (isRow(row, 'legs')) closeLostCall(turn, row as CallRow);
    else log(turn, 'error', null, 'stored call not readable');
  }
}

function isRow(row: unknown, list: string): boolean {
  if (typeof row !== 'object' || row === null) return false;
  const fields = row as Record<string, unknown>;
  return (
    fields['v'] === 1 &&
    typeof fields['id'] === 'string' &&
    typeof fields['number'] === 'string' &&
    Array.isArray(fields[list])
  );
}

function restoreBinding(turn: Turn, row: BindingRow, spreadMs: number): Done {
  if (turn.registry.bindings.has(row.id) || turn.registry.bindingOf.has(row.number)) return;
  const binding = emptyBinding(row.id, row.number, 'restoring');
  binding.imsExpiresAt = row.imsExpiresAt;
  binding.boundUntil = row.imsExpiresAt;
  addBinding(turn.registry, binding);
  // A visit ends with its call: what is left of it in the network is registered once more, by nobody, to be able to leave.
  const leased = isHeld(turn, row.number);
  for (const r of leased ? [] : row.registrations) {
    const registration: Registration = { ...r, bindingId: row.id };
    reserve(turn.registry, registration);
    binding.registrations.set(r.id, registration);
    addRegistration(turn.registry, registration);
  }
  expireDue(turn, binding);
  if (binding.registrations.size === 0 && !(leased && row.imsExpiresAt > turn.now)) {
    removeBinding(turn.registry, binding);
    turn.changedBindings.delete(binding);
    turn.idleBindings.delete(binding);
    turn.out.push({ type: 'store', write: { op: 'delete', kind: 'binding', key: row.id } });
    settleNumber(turn, row.number, row.imsExpiresAt);
    return;
  }
  armExpiry(turn, binding);
  // Not all at once: the registrar sees a restart as a storm otherwise.
  startTimer(turn, binding, 'ims-retry', spreadMs * spreadOf(row.id));
}

/** Its dialog and its media are gone with the old process: every leg gets its final event and its record. */
function closeLostCall(turn: Turn, row: CallRow): Done {
  const call = newCall({
    ...row,
    visit: row.visit ?? null,
    location: null,
    offerless: false,
    diverted: null,
    callerReady: true,
  });
  call.ringingAt = row.ringingAt;
  call.answeredAt = row.answeredAt;
  const reason = gwReason(GW.drained, 'gateway restarted');
  for (const saved of row.legs) {
    const leg = newLeg({
      id: saved.id,
      callId: row.id as CallId,
      registrationId: saved.registrationId,
      deviceId: saved.deviceId,
      holder: saved.holder,
    });
    leg.seq = saved.seq;
    call.legs.push(leg);
    if (saved.id === row.main) call.main = leg;
    leg.final = saved.final;
    leg.endedAt = saved.endedAt;
    if (saved.final !== null) continue;
    const answered = leg === call.main && row.answeredAt !== null;
    finishLeg(turn, call, leg, { status: answered ? 'Terminated' : 'Failed', reason, class: 'internal' });
  }
  if (call.main !== null) record(turn, call, call.main, null);
  turn.changedCalls.delete(call);
  turn.out.push({ type: 'store', write: { op: 'delete', kind: 'call', key: row.id } });
}
