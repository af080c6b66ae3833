/** INFO of ours without a package, as RFC 5168 has it: one at a time, and never again to a peer that refused one. RFC 6086. */
import type { Body } from '../user-agent-types.ts';
import { sendLone } from './lone.ts';
import { die, isKnown, type Session } from './session-state.ts';
import type { CallEffect } from './types.ts';

export function canInfo(session: Session): boolean {
  const { phase, peerInfos, info } = session;
  return phase === 'confirmed' && peerInfos && info === null && isKnown(session);
}

export function sendInfo(session: Session, body: Body, out: CallEffect[]): void {
  if (!canInfo(session)) return;
  session.info = sendLone(session, { method: 'INFO', headers: [], body }, out);
}

/** Its answer; 0 when none came. Phones that know no INFO may be silent: only 481 says that the dialog is dead. RFC 5057 5.1. */
export function onInfoAnswer(session: Session, status: number, out: CallEffect[]): void {
  if (status > 0 && status < 200) return;
  session.info = null;
  if (status < 200 || status >= 300) session.peerInfos = false;
  if (status === 481) die(session, 'dead', [], out);
}
