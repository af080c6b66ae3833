/** What a call is played from a file, and the browser's answer to hear it by before the far end has given one. TS 24.628 4.2, TS 23.228 4.2.5. */
import { joined } from './call-media.ts';
import { webAnswer } from './call-text.ts';
import { single } from './codec.ts';
import { type Plane, type Session, sendRoute } from './session.ts';
import { connect, type Done, type EffectOf, ready } from './step.ts';

/** The browser is answered as if the far end had taken the first codec that it was offered; should it answer after all, what it has is made of that. */
export function preAnswer(plane: Plane, session: Session, effect: EffectOf<'media.pre-answer'>): Done {
  const { call } = session;
  const leg = joined(call);
  const { ims } = call;
  const first = ims.offered?.speech[0];
  if (leg === null || ims.offered === null || first === undefined || !plane.engine.caps().play) return 'unsupported';
  if (leg.origin.text !== null) return ready(plane, session, effect, leg.origin.text);
  const presumed = single(ims.offered, first);
  ims.to ??= presumed;
  ims.from ??= presumed;
  return connect(plane, session, effect, leg, () => {
    const text = webAnswer(call, leg);
    sendRoute(plane, session);
    return ready(plane, session, effect, text);
  });
}

/** Plays, or says that it cannot be. */
export function play(plane: Plane, session: Session, effect: EffectOf<'media.play'>): Done {
  const { side, name, repeat } = effect;
  const { number, owner } = session;
  if (name === null) {
    plane.engine.send({ type: 'play', session: number, side, what: null, repeat });
    return null;
  }
  const file = plane.settings.announcements[name];
  if (file === undefined || !plane.engine.caps().play)
    plane.emit({ type: 'media-playing', owner, side, name, ms: null });
  else plane.engine.send({ type: 'play', session: number, side, what: { name, file }, repeat });
  return null;
}
