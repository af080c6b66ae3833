/** What happens to a call when a browser leg comes up or goes, the far end falls silent, or the engine loses the session. */
import { joined } from './call-media.ts';
import type { EngineEvent, LegLoss } from './engine.ts';
import { fail, type Plane, type Session, sendRoute } from './session.ts';
import type { WebLeg } from './web-leg.ts';

type LinkEvent = Extract<
  EngineEvent,
  { type: 'leg-up' | 'leg-down' | 'ims-silent' | 'playing' | 'one-way' | 'key-frame-wanted' | 'lost' }
>;

export function onEngineEvent(plane: Plane, session: Session, event: LinkEvent): void {
  switch (event.type) {
    case 'leg-up':
      legUp(plane, session, event.leg);
      break;
    case 'leg-down':
      legDown(plane, session, event.leg, event.cause);
      break;
    case 'ims-silent':
      lose(plane, session, 'ims-silent');
      break;
    case 'playing':
      plane.emit({ type: 'media-playing', owner: session.owner, side: event.side, name: event.name, ms: event.ms });
      break;
    case 'one-way':
      plane.count('media_one_way_total', { side: event.side }, 1);
      plane.log('warn', 'an answered call has no media of one side', { call: session.owner, side: event.side });
      break;
    case 'key-frame-wanted':
      plane.emit({ type: 'media-key-frame', owner: session.owner });
      break;
    case 'lost':
      session.lost = event;
      session.cancelDeadline?.();
      session.cancelDeadline = null;
      if (session.waiting !== null) fail(plane, session.waiting.effect, 'driver');
      session.waiting = null;
      lose(plane, session, 'worker');
      // What still waits is answered: nothing will come of it.
      plane.drain(session);
      break;
    default:
      event satisfies never;
  }
}

/** A device was chosen: if its leg is gone already, the loss counts from now. */
export function afterSelect(plane: Plane, session: Session, leg: WebLeg): void {
  if (leg.link !== 'new' && leg.link !== 'up') gone(plane, session, leg.link);
}

/** The browser of a lost leg has come with a new connection: that gets the time any connection has. */
export function cameBack(plane: Plane, session: Session): void {
  if (session.cancelGrace === null) return;
  session.cancelGrace();
  startGrace(plane, session, plane.settings.webGraceMs);
}

function legUp(plane: Plane, session: Session, number: number): void {
  const leg = legOf(session, number);
  if (leg === null) return;
  leg.link = 'up';
  const { replaces } = leg;
  leg.replaces = null;
  if (leg === joined(session.call)) {
    session.cancelGrace?.();
    session.cancelGrace = null;
  }
  sendRoute(plane, session);
  if (replaces !== null) plane.engine.send({ type: 'drop-leg', session: session.number, leg: replaces });
  plane.emit({ type: 'media-connected', owner: session.owner, leg: leg.id });
}

function legDown(plane: Plane, session: Session, number: number, cause: LegLoss): void {
  const leg = legOf(session, number);
  if (leg === null) return;
  leg.link = cause;
  if (leg === joined(session.call)) gone(plane, session, cause);
}

/** A page that said goodbye is loaded again soon or never; a network may take longer to come back. */
function gone(plane: Plane, session: Session, cause: LegLoss): void {
  const { webGraceMs, webLeftMs } = plane.settings;
  if (cause === 'fingerprint') lose(plane, session, 'fingerprint');
  else if (session.cancelGrace === null) startGrace(plane, session, cause === 'left' ? webLeftMs : webGraceMs);
}

/** The browser may come back with a new connection until the grace is over. */
function startGrace(plane: Plane, session: Session, ms: number): void {
  session.cancelGrace = plane.clock.after(ms, () => {
    session.cancelGrace = null;
    lose(plane, session, 'web');
  });
}

function lose(plane: Plane, session: Session, cause: 'worker' | 'web' | 'ims-silent' | 'fingerprint'): void {
  plane.count('media_lost_total', { cause }, 1);
  plane.emit({ type: 'media-lost', owner: session.owner, cause });
}

function legOf(session: Session, number: number): WebLeg | null {
  for (const leg of session.call.legs.values()) if (leg.request.leg === number) return leg;
  return null;
}
