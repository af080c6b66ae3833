/** A call's media session as the control keeps it, and its questions to the engine: one at a time, each within the deadline. */

import type { MediaEffect } from '../ep-cscf/effect.ts';
import type { CallId } from '../ep-cscf/ids.ts';
import type { MediaFailure } from '../ep-cscf/input.ts';
import type { Emit } from '../ep-cscf/ports.ts';
import type { AddressPolicy } from './address.ts';
import { type CallMedia, routeOf } from './call-media.ts';
import type { Engine, EngineCommand, EngineEvent, EngineTotals, ImsPlace } from './engine.ts';
import { type MediaRealm, type MediaRealms, within } from './realm.ts';
import type { Clock, Count, Log, MediaSettings } from './settings.ts';

/** A question to the engine, without the numbers that `ask` adds. */
export type Question =
  | Omit<Extract<EngineCommand, { type: 'open' }>, 'session' | 'op'>
  | Omit<Extract<EngineCommand, { type: 'add-leg' }>, 'session' | 'op'>
  | Omit<Extract<EngineCommand, { type: 'connect' }>, 'session' | 'op'>
  | Omit<Extract<EngineCommand, { type: 'add-video' }>, 'session' | 'op'>
  | Omit<Extract<EngineCommand, { type: 'restart' }>, 'session' | 'op'>;

export type Reply = Extract<EngineEvent, { op: number }>;

interface Waiting {
  op: number;
  asked: Question['type'];
  effect: MediaEffect;
  settle: (reply: Reply) => void;
}

export interface Session {
  owner: CallId;
  /** Its number at the engine. */
  number: number;
  call: CallMedia;
  realm: MediaRealm;
  /** Where it meets the core; the family is that of the far end's offer when there is one. */
  place: ImsPlace;
  /** The engine holds something for it. */
  open: boolean;
  /** Once the engine has lost it, what it had carried: only a release is left. */
  lost: EngineTotals | null;
  queue: MediaEffect[];
  waiting: Waiting | null;
  cancelDeadline: (() => void) | null;
  cancelGrace: (() => void) | null;
  /** Last route sent, as text; the same is not sent again. */
  route: string;
  releasing: boolean;
  /** When the operation in hand began, ms. */
  startedAt: number;
}

export interface Plane {
  settings: MediaSettings;
  realms: MediaRealms;
  engine: Engine;
  emit: Emit;
  log: Log;
  count: Count;
  clock: Clock;
  /** 32 random bits. */
  random: () => number;
  byOwner: Map<CallId, Session>;
  byNumber: Map<number, Session>;
  next: { session: number; op: number };
  /** Goes on with what is queued for a session. */
  drain: (session: Session) => void;
}

/**
 * Asks the engine something for `effect`; `next` goes on with a positive reply and tells why it cannot. A refusal fails
 * the effect, unless `refused` goes on without. All questions of one effect share its deadline; a later reply is dropped. Always null: nothing failed yet.
 */
export function ask(
  plane: Plane,
  session: Session,
  effect: MediaEffect,
  question: Question,
  next: (reply: Reply) => MediaFailure | null,
  refused?: () => MediaFailure | null,
): null {
  const op = plane.next.op++;
  session.waiting = {
    op,
    asked: question.type,
    effect,
    settle: reply => {
      const failure = reply.type !== 'refused' ? next(reply) : refused === undefined ? reply.failure : refused();
      if (failure !== null) fail(plane, effect, failure);
      if (session.waiting !== null) return;
      session.cancelDeadline?.();
      session.cancelDeadline = null;
    },
  };
  session.cancelDeadline ??= plane.clock.after(plane.settings.operationMs, () => {
    session.cancelDeadline = null;
    session.waiting = null;
    plane.log('warn', 'the media engine did not answer in time', { operation: effect.type });
    fail(plane, effect, 'timeout');
    plane.drain(session);
  });
  plane.engine.send({ ...question, session: session.number, op });
  return null;
}

/** Where the far end of an open session may have its media: its sockets are of one family. */
export function farEnds({ realm, place }: Session): AddressPolicy {
  return within(realm.addresses, place.family);
}

/** Notes how long an operation took and how it went. */
export function timed(plane: Plane, session: Session | undefined, effect: MediaEffect, outcome: 'ok' | 'failed'): void {
  const ms = session === undefined ? 0 : plane.clock.now() - session.startedAt;
  plane.count('media_command_duration_seconds', { command: effect.type, outcome }, ms / 1000);
}

/** Answers an effect that waits for an answer with a failure; the others are only counted. */
export function fail(plane: Plane, effect: MediaEffect, failure: MediaFailure): void {
  timed(plane, plane.byOwner.get(effect.owner), effect, 'failed');
  plane.count('media_failures_total', { operation: effect.type, failure }, 1);
  if ('ref' in effect) plane.emit({ type: 'media-failed', owner: effect.owner, ref: effect.ref, failure });
}

/** Tells the engine what to relay now, unless it knows. */
export function sendRoute(plane: Plane, session: Session): void {
  if (!session.open || session.lost !== null) return;
  const route = routeOf(session.call);
  const text = JSON.stringify(route);
  if (text === session.route) return;
  session.route = text;
  plane.engine.send({ type: 'route', session: session.number, route });
}
