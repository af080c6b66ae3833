/** Our UPDATE inside a dialog, early or confirmed: session refresh, a new offer, or what else has to be told. RFC 3311, RFC 4028 7.4. */
import type { SipResponse } from '../message/message.ts';
import type { Body, ExtraHeaders, LocalCause } from '../user-agent-types.ts';
import { descriptionOf, sdpOf } from './body.ts';
import { refreshTarget, requestIn } from './dialog.ts';
import { capabilities } from './in-dialog.ts';
import { die, nextId, type OutgoingUpdate, type Session } from './session-state.ts';
import { armTimer, refreshHeaders, timerOf2xx } from './session-timer.ts';
import type { CallEffect, Header } from './types.ts';

/** Sends an UPDATE. The caller has asked `canUpdate`, or repeats after a challenge. */
export function sendUpdate(
  session: Session,
  headers: ExtraHeaders,
  body: Body | null,
  purpose: 'user' | 'refresh',
  out: CallEffect[],
  authorization: Header | null = null,
): void {
  const id = nextId(session);
  const extra: Header[] = [...capabilities(session.facts), ...refreshHeaders(session.timer), ...headers];
  if (authorization !== null) extra.push(authorization);
  const offer = descriptionOf(body) !== null;
  session.update = { id, headers, body, purpose, offer, answered: authorization !== null };
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
  session.update = null;
  if (session.phase !== 'early' && session.phase !== 'confirmed') return;
  if ((status === 401 || status === 407) && authorization !== null && !update.answered) {
    sendUpdate(session, update.headers, update.body, update.purpose, out, authorization);
    return;
  }
  if (status >= 300) {
    failUpdate(session, update, response, null, out);
    return;
  }
  refreshTarget(session.dialog, response);
  if (session.phase === 'confirmed') {
    session.timer = timerOf2xx(response, session.timer?.intervalS ?? null, session.facts) ?? session.timer;
    armTimer(session.timer, out);
  }
  if (!update.offer) return;
  session.localBody = descriptionOf(update.body);
  if (sdpOf(response) === null)
    out.push({ type: 'log', level: 'info', message: 'an UPDATE with an offer got no answer' });
  out.push({ type: 'tell', event: { type: 'updated', fork: session.dialog.remoteTag, response } });
}

/** The UPDATE was refused, or nothing came. */
export function failUpdate(
  session: Session,
  update: OutgoingUpdate,
  response: SipResponse | null,
  cause: LocalCause | null,
  out: CallEffect[],
): void {
  session.update = null;
  if (session.phase === 'confirmed' && (response === null || response.status === 408 || response.status === 481)) {
    die(session, 'dead', [], out);
    return;
  }
  if (update.purpose === 'refresh') armTimer(session.timer, out);
  else if (update.offer) out.push({ type: 'tell', event: { type: 'update-failed', response, cause } });
}
