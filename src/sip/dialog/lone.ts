/** Requests of ours whose answer decides nothing by itself: sent once, and once more with the answer to a challenge. RFC 3261 22.2. */
import type { SipResponse } from '../message/message.ts';
import { requestIn } from './dialog.ts';
import { type Lone, nextId, type Session } from './session-state.ts';
import type { CallEffect, Header } from './types.ts';

/** Sends it; its id. */
export function sendLone(session: Session, lone: Lone, out: CallEffect[]): number {
  const id = nextId(session);
  session.lone[id] = lone;
  out.push({ type: 'send', id, spec: requestIn(session.dialog, lone.method, lone.headers, lone.body) });
  return id;
}

/** A response to the request with this id: the id under which it goes out again, once, or null. */
export function onLoneResponse(
  session: Session,
  id: number,
  { status }: SipResponse,
  authorization: Header | null,
  out: CallEffect[],
): number | null {
  const lone = session.lone[id];
  if (lone === undefined || status < 200) return null;
  delete session.lone[id];
  if ((status !== 401 && status !== 407) || authorization === null || session.phase !== 'confirmed') return null;
  const again = sendLone(session, { ...lone, headers: [...lone.headers, authorization] }, out);
  delete session.lone[again];
  return again;
}
