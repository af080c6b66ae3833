/** Our UPDATE inside a dialog, early or confirmed: session refresh, a new offer, or what else has to be told. RFC 3311, RFC 4028 7.4. */
import type { SipResponse } from '../message/message.ts';
import type { Body, ExtraHeaders, LocalCause } from '../user-agent-types.ts';
import { descriptionOf, sdpOf } from './body.ts';
import { refreshTarget, requestIn } from './dialog.ts';
import { capabilities } from './in-dialog.ts';
import { glareMs, sendReinvite } from './offer.ts';
import { canReoffer, canUpdate, die, isAlive, nextId, type OutgoingUpdate, type Session } from './session-state.ts';
import { armTimer, raised, refreshHeaders, retryRefresh, timerOf2xx } from './session-timer.ts';
import type { CallEffect, Header } from './types.ts';

/** Sends an UPDATE. The caller has asked `canUpdate`, or repeats after 491, 422 or 401. */
export function sendUpdate(
  session: Session,
  headers: ExtraHeaders,
  body: Body | null,
  purpose: 'user' | 'refresh',
  out: CallEffect[],
  auth: readonly Header[] = [],
): void {
  const id = nextId(session);
  const extra: Header[] = [...capabilities(session.facts), ...refreshHeaders(session.timer), ...headers, ...auth];
  const offer = descriptionOf(body) !== null;
  const tries = (session.update?.tries ?? 0) + 1;
  session.update = { id, headers, body, purpose, offer, tries, auth, waiting: false };
  out.push({ type: 'send', id, spec: requestIn(session.dialog, 'UPDATE', extra, body) });
}

/** A response to our UPDATE. 408 and 481 mean the dialog is dead; any other refusal leaves the session as it was. RFC 3311 5.3. */
export function onUpdateResponse(
  session: Session,
  update: OutgoingUpdate,
  response: SipResponse,
  authorization: Header | null,
  out: CallEffect[],
): void {
  const { status } = response;
  if (status < 200) return;
  if (status >= 300) {
    if (!isAlive(session) || !againstRefusal(session, update, response, authorization, out))
      failUpdate(session, update, response, null, out);
    return;
  }
  session.update = null;
  if (!isAlive(session)) return;
  refreshTarget(session.dialog, response);
  if (session.phase === 'confirmed') {
    session.timer = timerOf2xx(response, session.timer, session.facts) ?? session.timer;
    armTimer(session.timer, out);
  }
  if (!update.offer) return;
  session.localBody = descriptionOf(update.body);
  if (sdpOf(response) === null)
    out.push({ type: 'log', level: 'info', message: 'an UPDATE with an offer got no answer' });
  out.push({ type: 'tell', event: { type: 'updated', fork: session.dialog.remoteTag, response } });
}

/** True when the UPDATE is, or will be, sent again: what the refusal wants is known. */
function againstRefusal(
  session: Session,
  update: OutgoingUpdate,
  response: SipResponse,
  authorization: Header | null,
  out: CallEffect[],
): boolean {
  const { status } = response;
  const timer = raised(session.timer, response);
  if (status === 491 && update.offer && update.tries < 2) {
    update.waiting = true;
    out.push({ type: 'start-timer', name: 'glare', ms: glareMs(session) });
    return true;
  }
  const challenged = (status === 401 || status === 407) && authorization !== null && update.auth.length === 0;
  if (update.tries >= 3 || (timer === null && !challenged)) return false;
  session.timer = timer ?? session.timer;
  sendAgain(session, update, out, challenged ? [authorization] : update.auth);
  return true;
}

/** The same UPDATE as a new request. */
export function sendAgain(
  session: Session,
  { headers, body, purpose }: OutgoingUpdate,
  out: CallEffect[],
  auth: readonly Header[],
): void {
  sendUpdate(session, headers, body, purpose, out, auth);
}

/** The UPDATE was refused, or nothing came; behind the end of the session that says nothing any more. */
export function failUpdate(
  session: Session,
  update: OutgoingUpdate,
  response: SipResponse | null,
  cause: LocalCause | null,
  out: CallEffect[],
): void {
  session.update = null;
  if (!isAlive(session)) return;
  const status = response?.status ?? 408;
  const dead = status === 408 || status === 481;
  if (dead && session.phase === 'confirmed') {
    die(session, 'dead', [], out);
    return;
  }
  if (dead) session.phase = 'over';
  // It does not take UPDATE, whatever its Allow said.
  const unknown = status === 405 || status === 501;
  if (unknown) session.peerUpdates = false;
  if (update.offer) out.push({ type: 'tell', event: { type: 'update-failed', response, cause } });
  else if (update.purpose !== 'refresh') return;
  else if (unknown) refresh(session, out);
  else retryRefresh(session.timer, out);
}

/** Refreshes the session: UPDATE when the peer takes it, else a re-INVITE with the unchanged description. RFC 4028 7.4. */
export function refresh(session: Session, out: CallEffect[]): void {
  if (session.phase !== 'confirmed' || session.timer === null) return;
  if (canUpdate(session, false)) sendUpdate(session, [], null, 'refresh', out);
  else if (!session.peerUpdates && canReoffer(session) && session.localBody !== null)
    sendReinvite(session, [], session.localBody, 'refresh', out);
  else out.push({ type: 'start-timer', name: 'refresh', ms: 1000 });
}
