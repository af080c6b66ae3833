/** Iq: the media plane port of the core. One media session per call, one operation at a time in each, every operation within its deadline. TS 23.334. */

import type { MediaEffect } from '../ep-cscf/effect.ts';
import type { CallId } from '../ep-cscf/ids.ts';
import type { Emit, MediaPlanePort } from '../ep-cscf/ports.ts';
import { callMedia, routeOf } from './call-media.ts';
import { type Engine, type EngineEvent, type EngineTotals, NO_TOTALS, type PtRule } from './engine.ts';
import { onEngineEvent } from './link.ts';
import { perform } from './operation.ts';
import { measure, statsOf } from './quality.ts';
import { mediaRealms } from './realm.ts';
import { callSrtp } from './sdes.ts';
import { fail, type Plane, type Session } from './session.ts';
import type { Clock, Count, Log, MediaSettings } from './settings.ts';

export interface ControlOptions {
  settings: MediaSettings;
  engine: Engine;
  emit: Emit;
  log: Log;
  count: Count;
  clock: Clock;
  random: () => number;
}

export interface Control {
  port: MediaPlanePort;
  onEvent(event: EngineEvent): void;
  sizes(): { sessions: number; waiting: number };
}

/** Builds the port. Throws on settings that cannot be read (a media prefix that is not CIDR). */
export function createControl(options: ControlOptions): Control {
  const plane: Plane = {
    ...options,
    realms: mediaRealms(options.settings),
    byOwner: new Map(),
    byNumber: new Map(),
    next: { session: 1, op: 1 },
    drain: session => drain(plane, session),
  };
  return {
    port: { run: effect => run(plane, effect) },
    onEvent: event => onEvent(plane, event),
    sizes: () => ({
      sessions: plane.byOwner.size,
      waiting: [...plane.byNumber.values()].filter(session => session.waiting !== null).length,
    }),
  };
}

function run(plane: Plane, effect: MediaEffect): void {
  const session = plane.byOwner.get(effect.owner);
  if (effect.type === 'media.release') release(plane, effect.owner, session);
  else if (session === undefined && effect.type !== 'media.offer') fail(plane, effect, 'driver');
  else {
    const held = session ?? createSession(plane, effect);
    held.queue.push(effect);
    drain(plane, held);
  }
}

function createSession(plane: Plane, effect: MediaEffect): Session {
  const name = (effect.type === 'media.offer' && effect.realm) || null;
  const realm = plane.realms(name);
  const session: Session = {
    owner: effect.owner,
    number: plane.next.session++,
    call: callMedia(
      effect.type === 'media.offer' ? effect.from : 'web',
      plane.random(),
      { ...realm.codecs, transcode: plane.engine.caps().transcode },
      plane.settings.videoKbps,
      !plane.engine.caps().bundle,
      callSrtp(realm.srtp, plane.engine.caps().keyLasts),
    ),
    realm,
    place: { realm: name, family: realm.family },
    open: false,
    lost: null,
    queue: [],
    waiting: null,
    cancelDeadline: null,
    cancelGrace: null,
    route: '',
    releasing: false,
    startedAt: 0,
  };
  plane.byOwner.set(session.owner, session);
  plane.byNumber.set(session.number, session);
  return session;
}

/** Runs queued operations until one has to wait for the engine. */
function drain(plane: Plane, session: Session): void {
  while (session.waiting === null) {
    const effect = session.queue.shift();
    if (effect === undefined) return;
    session.startedAt = plane.clock.now();
    const failure = session.lost !== null ? 'driver' : perform(plane, session, effect);
    if (failure !== null) fail(plane, effect, failure);
  }
}

function onEvent(plane: Plane, event: EngineEvent): void {
  const session = plane.byNumber.get(event.session);
  if (session === undefined) return;
  if ('op' in event) {
    const { waiting } = session;
    if (waiting?.op !== event.op) {
      // Nobody waits for these ports any more; those that are asked for now take their place by themselves.
      if (event.type === 'video-added' && waiting?.asked !== 'add-video' && !session.releasing) {
        plane.engine.send({ type: 'drop-video', session: session.number });
      }
      return;
    }
    session.waiting = null;
    waiting.settle(event);
    drain(plane, session);
    return;
  }
  if (event.type === 'closed') finish(plane, session, event);
  else if (!session.releasing) onEngineEvent(plane, session, event);
  else if (event.type === 'lost') finish(plane, session, event);
}

function release(plane: Plane, owner: CallId, session: Session | undefined): void {
  if (session === undefined) {
    plane.emit({ type: 'media-stats', owner, stats: statsOf(null, { web: null, ims: null }, NO_TOTALS) });
    return;
  }
  session.releasing = true;
  session.queue.length = 0;
  session.waiting = null;
  session.cancelDeadline?.();
  session.cancelGrace?.();
  // From now on the owner is free; the number stays until the engine has let go.
  plane.byOwner.delete(owner);
  if (!session.open || session.lost !== null) {
    finish(plane, session, session.lost);
    return;
  }
  session.cancelDeadline = plane.clock.after(plane.settings.operationMs, () => finish(plane, session, null));
  plane.engine.send({ type: 'close', session: session.number });
}

/** `carried` is null when the engine does not say. */
function finish(plane: Plane, session: Session, carried: EngineTotals | null): void {
  if (!session.releasing) return;
  session.cancelDeadline?.();
  session.cancelDeadline = null;
  plane.byNumber.delete(session.number);
  const { toIms, toWeb } = routeOf(session.call);
  const codecs = { web: speechOf(toIms), ims: speechOf(toWeb) };
  if (carried !== null) {
    measure(plane.count, 'web', codecs.web, carried.fromWeb);
    measure(plane.count, 'ims', codecs.ims, carried.fromIms);
  }
  const stats = statsOf(session.call.ims.to?.speech[0]?.name ?? null, codecs, carried ?? NO_TOTALS);
  plane.emit({ type: 'media-stats', owner: session.owner, stats });
}

/** What one side speaks: its codec of most preference that is relayed. */
function speechOf(rules: readonly PtRule[]): string | null {
  return rules.find(rule => rule.kind === 'speech')?.from.name ?? null;
}
