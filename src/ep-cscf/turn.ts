/** One turn of the core: what every machine is handed, and the few words they all use to ask for effects. */

import type { CoreErrorCode, Reply } from './api-request.ts';
import type { Binding, Registration } from './binding.ts';
import type { Call } from './call.ts';
import type { Effect, LogEffect } from './effect.ts';
import type { Ids, Owner, Ref } from './ids.ts';
import type { TimerName } from './input.ts';
import type { NumberPool } from './number-pool.ts';
import type { Registry } from './registry.ts';
import type { CoreSettings } from './settings.ts';
import type { VisitRequest } from './visit.ts';
import type { Principal } from './words.ts';

/** A registration that was made to call at once. */
export interface Arrival {
  binding: Binding;
  registration: Registration;
  request: VisitRequest;
}

/** Result of a function that only acts, so that a guard clause can end it with the refusal it makes. */
export type Done = undefined;

/** Reused from input to input; `now` and `out` are those of the current one. */
export interface Turn {
  now: number;
  out: Effect[];
  /** Of the request being handled, or going on after a wait; events it causes carry it. */
  correlator: string | null;
  readonly settings: CoreSettings;
  readonly ids: Ids;
  readonly registry: Registry;
  readonly numbers: NumberPool;
  /** No new calls and registrations; live ones go on. */
  draining: boolean;
  /** Machines whose stored row changed in this turn: each is written once, at its end. */
  readonly changedCalls: Set<Call>;
  readonly changedBindings: Set<Binding>;
  /** Bindings that may have lost their last use. */
  readonly idleBindings: Set<Binding>;
  /** Visitors whose number the network has taken: their calls are made at the end of the turn. */
  readonly arrivals: Arrival[];
}

/** Any machine that owns timers. */
export interface Timed {
  readonly id: Owner;
  readonly timers: Set<TimerName>;
}

export function startTimer(turn: Turn, machine: Timed, name: TimerName, ms: number): Done {
  machine.timers.add(name);
  turn.out.push({ type: 'timer.start', owner: machine.id, name, ms: Math.max(0, Math.ceil(ms)) });
}

export function stopTimer(turn: Turn, machine: Timed, name: TimerName): Done {
  if (machine.timers.delete(name)) turn.out.push({ type: 'timer.stop', owner: machine.id, name });
}

export function stopTimers(turn: Turn, machine: Timed): Done {
  for (const name of machine.timers) turn.out.push({ type: 'timer.stop', owner: machine.id, name });
  machine.timers.clear();
}

export function reply(turn: Turn, ref: Ref, answer: Reply): Done {
  turn.out.push({ type: 'reply', ref, reply: answer });
}

export function refuse(turn: Turn, ref: Ref, error: CoreErrorCode, field?: string): Done {
  reply(turn, ref, field === undefined ? { ok: false, error } : { ok: false, error, field });
}

export function log(
  turn: Turn,
  level: LogEffect['level'],
  owner: Owner | null,
  message: string,
  fields: LogEffect['fields'] = {},
): Done {
  turn.out.push({ type: 'log', level, message, owner, fields });
}

export function count(turn: Turn, name: string, labels: Readonly<Record<string, string>>, value = 1): Done {
  turn.out.push({ type: 'count', name, labels, value });
}

/** Label `case` of the metrics: who stands behind a number. */
export function caseOf(legs: Principal['legs']): string {
  return legs === 3 ? 'byon' : 'click-to-call';
}
