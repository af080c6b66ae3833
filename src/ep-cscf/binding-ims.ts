/** The IMS side of a binding: first REGISTER, refresh, back-off, loss by the network, de-registration. IMS digest 2.7 to 2.13. */

import type { CoreErrorCode } from './api-request.ts';
import { retryDelay } from './back-off.ts';
import { admit, type Binding, dropRegistration, publishEnd, type Waiting } from './binding.ts';
import { spreadOf } from './identity.ts';
import type { ImsInput } from './input.ts';
import { settleNumber } from './number-pool.ts';
import { release, removeBinding } from './registry.ts';
import { count, type Done, log, refuse, reply, startTimer, stopTimer, stopTimers, type Turn } from './turn.ts';
import type { Outcome } from './words.ts';

export type BindingInput = Extract<
  ImsInput,
  { type: 'ims-registered' | 'ims-register-failed' | 'ims-deregistered' | 'ims-binding-lost' | 'ims-register-wanted' }
>;

const LONG_EXPIRY_MS = 1_200_000;
const LEAD_MS = 600_000;
const SHORTEST_GUARD_MS = 1000;

/** Sends a REGISTER; its guard is short while somebody waits for it. */
export function sendRegister(turn: Turn, binding: Binding, correlator: string): Done {
  const { expiresS, registerGuardMs } = turn.settings.ims;
  const ref = turn.ids.ref();
  const behind = binding.ref;
  binding.ref = ref;
  binding.sentAt = turn.now;
  binding.wasBoundUntil = binding.boundUntil;
  binding.boundUntil = Math.max(binding.boundUntil, turn.now + expiresS * 1000);
  binding.attempts += 1;
  const { id: owner, number, fresh: initial } = binding;
  turn.out.push({ type: 'ims.register', owner, ref, number, expiresS, correlator, initial, behind });
  stopTimer(turn, binding, 'ims-refresh');
  stopTimer(turn, binding, 'ims-retry');
  startTimer(
    turn,
    binding,
    'ims-register-guard',
    binding.phase === 'active' ? refreshGuard(turn, binding) : registerGuardMs,
  );
}

/** A refresh that is not answered leaves time for another try before a short expiry ends. */
function refreshGuard({ now, settings }: Turn, { imsExpiresAt }: Binding): number {
  return Math.min(settings.ims.refreshGuardMs, Math.max(SHORTEST_GUARD_MS, (imsExpiresAt - now) / 2));
}

/** Takes what the network says about a binding; answers to an older REGISTER are dropped. */
export function handleBinding(turn: Turn, binding: Binding, input: BindingInput): Done {
  switch (input.type) {
    case 'ims-registered':
      if (input.ref === binding.ref) registered(turn, binding, input);
      return;
    case 'ims-register-failed':
      if (input.ref === binding.ref) registerFailed(turn, binding, input);
      return;
    case 'ims-deregistered':
      if (input.ref === binding.ref) deregistered(turn, binding, input.confirmed);
      return;
    case 'ims-binding-lost':
      lost(turn, binding, input);
      return;
    case 'ims-register-wanted':
      // A REGISTER on its way does what is asked. IMS digest 2.12.
      if (binding.phase === 'active' && binding.ref === null) sendRegister(turn, binding, turn.ids.uuid());
      return;
    default: {
      const never: never = input;
      return never;
    }
  }
}

/** Delay until the refresh, ms: 600 s before the end of a long expiry, half of a short one, up to 10 % earlier. TS 24.229 5.1.1.4.1. */
export function refreshDelay(grantedMs: number, spread: number): number {
  const instant = grantedMs > LONG_EXPIRY_MS ? grantedMs - LEAD_MS : grantedMs / 2;
  return Math.floor(instant * (1 - 0.1 * spread));
}

function jitter(binding: Binding): number {
  return spreadOf(`${binding.id} ${binding.attempts}`);
}

function registered(turn: Turn, binding: Binding, input: Extract<BindingInput, { type: 'ims-registered' }>): Done {
  count(turn, 'ims_register_total', { outcome: 'ok', sip_code: '200' });
  count(turn, 'ims_register_duration_seconds', {}, (turn.now - binding.sentAt) / 1000);
  if (binding.phase === 'registering') log(turn, 'info', binding.id, 'number registered', { number: binding.number });
  binding.ref = null;
  binding.phase = 'active';
  binding.failures = 0;
  binding.fresh = false;
  binding.associated = input.associated.slice(0, 32);
  const grantedMs = Math.max(1, input.expiresS) * 1000;
  binding.imsExpiresAt = turn.now + grantedMs;
  binding.boundUntil = binding.imsExpiresAt;
  stopTimer(turn, binding, 'ims-register-guard');
  startTimer(turn, binding, 'ims-refresh', refreshDelay(grantedMs, jitter(binding)));
  turn.changedBindings.add(binding);
  turn.idleBindings.add(binding);
  for (const waiting of takeWaiting(binding)) admitOrExpire(turn, binding, waiting);
}

/** A POST that waited longer than the life it asked for has nothing left to give. */
function admitOrExpire(turn: Turn, binding: Binding, waiting: Waiting): Done {
  if (turn.now < waiting.registration.expiresAt) return admit(turn, binding, waiting);
  release(turn.registry, waiting.registration);
  refuse(turn, waiting.ref, 'network-timeout');
}

function takeWaiting(binding: Binding): Waiting[] {
  const waiting = binding.waiting;
  binding.waiting = [];
  return waiting;
}

/** What the API says of a REGISTER that failed. IMS digest 2.7. */
export function registerError(outcome: Outcome): CoreErrorCode {
  return isRefusal(outcome) ? 'registration-refused' : 'network-unavailable';
}

function isRefusal(outcome: Outcome): boolean {
  return outcome.local === null && [403, 404, 603, 604, 607, 608].includes(outcome.code);
}

function isFinal(outcome: Outcome): boolean {
  return outcome.local === null && (isRefusal(outcome) || outcome.code >= 600);
}

type RegisterFailure = Pick<
  Extract<BindingInput, { type: 'ims-register-failed' }>,
  'outcome' | 'retryAfterS' | 'unanswered'
>;

function registerFailed(turn: Turn, binding: Binding, { outcome, retryAfterS, unanswered }: RegisterFailure): Done {
  const code = outcome.local ?? String(outcome.code);
  count(turn, 'ims_register_total', { outcome: 'failed', sip_code: outcome.local === null ? code : '0' });
  log(turn, 'warn', binding.id, 'REGISTER failed', { number: binding.number, outcome: code, phase: binding.phase });
  binding.ref = null;
  // Who answers no has bound nothing; silence tells nothing.
  if (!unanswered) binding.boundUntil = binding.wasBoundUntil;
  stopTimer(turn, binding, 'ims-register-guard');
  refuseWaiting(turn, binding, registerError(outcome), retryAfterS);
  switch (binding.phase) {
    case 'registering':
      // Take back what a REGISTER without an answer may have bound.
      if (unanswered) deregister(turn, binding);
      else forget(turn, binding);
      return;
    case 'reclaiming':
      terminate(turn, binding, `Registration not renewed (${code})`);
      return;
    case 'active':
    case 'restoring':
      if (isFinal(outcome)) terminate(turn, binding, `Registration refused (${code})`);
      else retryLater(turn, binding, outcome, retryAfterS);
      return;
    case 'deregistering':
      return;
    default: {
      const never: never = binding.phase;
      return never;
    }
  }
}

/** A failed refresh ends nothing: tries go on inside the time granted. IMS digest 2.7. */
function retryLater(turn: Turn, binding: Binding, outcome: Outcome, retryAfterS: number | null): Done {
  binding.failures += 1;
  if (outcome.local === 'no-response' || outcome.code === 408 || outcome.code === 500 || outcome.code === 504)
    binding.fresh = true;
  const left = binding.imsExpiresAt - turn.now;
  if (left <= 0) return terminate(turn, binding, 'Registration expired in the network');
  const delay = retryDelay(binding.failures, retryAfterS, jitter(binding), turn.settings.ims.backOff);
  // A back-off longer than what is left would let the binding go without a second word.
  const soon = binding.failures === 1 && retryAfterS === null ? left / 2 : left;
  startTimer(turn, binding, 'ims-retry', Math.min(delay, soon));
}

function refuseWaiting(turn: Turn, binding: Binding, error: CoreErrorCode, retryAfterS: number | null): Done {
  for (const { ref, registration } of takeWaiting(binding)) {
    release(turn.registry, registration);
    reply(turn, ref, retryAfterS === null ? { ok: false, error } : { ok: false, error, retryAfterS });
  }
}

/** Timers of a binding but the one of its registrations. */
export function bindingTimer(
  turn: Turn,
  binding: Binding,
  name: 'ims-refresh' | 'ims-retry' | 'ims-register-guard',
): Done {
  switch (name) {
    case 'ims-refresh':
      sendRegister(turn, binding, turn.ids.uuid());
      return;
    case 'ims-retry':
      if (binding.phase === 'active' && turn.now >= binding.imsExpiresAt)
        terminate(turn, binding, 'Registration expired in the network');
      else sendRegister(turn, binding, turn.ids.uuid());
      return;
    case 'ims-register-guard':
      guardFired(turn, binding);
      return;
    default: {
      const never: never = name;
      return never;
    }
  }
}

function guardFired(turn: Turn, binding: Binding): Done {
  if (binding.phase === 'deregistering') return deregistered(turn, binding, false);
  refuseWaiting(turn, binding, 'network-timeout', null);
  registerFailed(turn, binding, { outcome: NO_RESPONSE, retryAfterS: null, unanswered: true });
}

const NO_RESPONSE: Outcome = { code: 0, phrase: '', q850: null, local: 'no-response', reason: null };

function deregister(turn: Turn, binding: Binding): Done {
  const ref = turn.ids.ref();
  binding.ref = ref;
  binding.phase = 'deregistering';
  stopTimers(turn, binding);
  turn.out.push({ type: 'ims.deregister', owner: binding.id, ref, correlator: turn.ids.uuid() });
  startTimer(turn, binding, 'ims-register-guard', turn.settings.ims.registerGuardMs);
  turn.changedBindings.add(binding);
}

function deregistered(turn: Turn, binding: Binding, confirmed: boolean): Done {
  if (binding.phase !== 'deregistering') return;
  binding.ref = null;
  if (confirmed) binding.boundUntil = 0;
  const first = binding.waiting[0];
  if (first === undefined) return forget(turn, binding);
  // A device came while the last one left: start over under the same id.
  binding.phase = 'registering';
  binding.fresh = true;
  binding.imsExpiresAt = 0;
  sendRegister(turn, binding, first.registration.correlator);
}

function lost(turn: Turn, binding: Binding, input: Extract<BindingInput, { type: 'ims-binding-lost' }>): Done {
  if (binding.phase !== 'active' && binding.phase !== 'reclaiming') return;
  // A REGISTER on its way may bind it again.
  if (binding.ref === null) binding.boundUntil = 0;
  log(turn, 'warn', binding.id, 'binding removed by the network', { number: binding.number, event: input.event });
  const { reclaim, probationMaxS } = turn.settings.ims;
  binding.fresh = true;
  binding.failures = 0;
  switch (input.event) {
    case 'deactivated':
    case 'expired':
      return comeBack(turn, binding);
    case 'probation':
      if (input.retryAfterS === null || input.retryAfterS > probationMaxS)
        return terminate(turn, binding, 'Registration suspended by the network');
      binding.phase = 'reclaiming';
      binding.ref = null;
      stopTimer(turn, binding, 'ims-refresh');
      stopTimer(turn, binding, 'ims-register-guard');
      startTimer(turn, binding, 'ims-retry', input.retryAfterS * 1000);
      return;
    case 'unregistered':
      if (reclaim && binding.registrations.size > 0) return comeBack(turn, binding);
      return terminate(turn, binding, 'Registration removed in the network');
    case 'rejected':
      return terminate(turn, binding, 'Registration rejected by the network');
    default: {
      const never: never = input.event;
      return never;
    }
  }
}

function comeBack(turn: Turn, binding: Binding): Done {
  binding.phase = 'reclaiming';
  sendRegister(turn, binding, turn.ids.uuid());
}

/** The network ended it: every registration ends with an event, nothing is sent. */
function terminate(turn: Turn, binding: Binding, description: string): Done {
  refuseWaiting(turn, binding, 'network-unavailable', null);
  for (const registration of [...binding.registrations.values()]) {
    dropRegistration(turn, binding, registration);
    publishEnd(turn, binding, registration, 'NETWORK_TERMINATED', description);
  }
  forget(turn, binding);
}

/** De-registers a binding that no registration and no live call needs any more. */
export function settleBinding(turn: Turn, binding: Binding): Done {
  if (binding.registrations.size > 0 || binding.waiting.length > 0) return;
  if (turn.registry.bindings.get(binding.id) !== binding) return;
  // The registrar ends the dialogs of a contact it removes, so calls that outlive their registration keep it.
  if (turn.registry.callsOf.has(binding.number)) return;
  if (binding.phase === 'active' || binding.phase === 'reclaiming') deregister(turn, binding);
  else if (binding.phase === 'restoring') forget(turn, binding);
}

function forget(turn: Turn, binding: Binding): Done {
  stopTimers(turn, binding);
  removeBinding(turn.registry, binding);
  turn.changedBindings.delete(binding);
  turn.idleBindings.delete(binding);
  turn.out.push({ type: 'store', write: { op: 'delete', kind: 'binding', key: binding.id } });
  turn.out.push({ type: 'ims.forget', owner: binding.id }, { type: 'gone', owner: binding.id });
  settleNumber(turn, binding.number, binding.boundUntil);
}
