/** Offers inside a session: our re-INVITE with its 491 retry, their re-INVITE and UPDATE with the collision rules. RFC 3261 14, RFC 3311 5. */

import { kept } from '../message/kept.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { TransactionKey } from '../transaction/types.ts';
import type { Body, ExtraHeaders, LocalCause, Refusal } from '../user-agent-types.ts';
import { sdpOf } from './body.ts';
import { ackIn, refreshTarget, requestIn } from './dialog.ts';
import { capabilities, plain } from './in-dialog.ts';
import { sendLone } from './lone.ts';
import { draw } from './random.ts';
import { awaitAck, die, nextId, type Outgoing, refusalSpec, type Session } from './session-state.ts';
import { answerTimer, armTimer, raised, refreshHeaders, retryRefresh, timerOf2xx, tooShort } from './session-timer.ts';
import type { CallEffect, Header } from './types.ts';

/** Reliable responses to one re-INVITE that are followed: nobody needs more. */
const MAX_PRACKS = 8;

/** Sends (or sends again) a re-INVITE with an offer. The caller has asked `canReoffer`, or repeats after 491, 422 or 401. */
export function sendReinvite(
  session: Session,
  headers: ExtraHeaders,
  body: Body,
  purpose: 'user' | 'refresh',
  out: CallEffect[],
  auth: readonly Header[] = [],
): void {
  const id = nextId(session);
  const extra: Header[] = [...auth, ...capabilities(session.facts), ...refreshHeaders(session.timer), ...headers];
  const spec = requestIn(session.dialog, 'INVITE', extra, body);
  const tries = (session.outgoing?.tries ?? 0) + 1;
  session.outgoing = {
    id,
    seq: session.dialog.localSeq,
    headers,
    body,
    purpose,
    tries,
    auth,
    waiting: false,
    rseq: null,
    pracks: 0,
  };
  out.push({ type: 'send', id, spec });
}

/** A response to our re-INVITE. */
export function onReinviteResponse(
  session: Session,
  response: SipResponse,
  authorization: Header | null,
  out: CallEffect[],
): void {
  const { outgoing } = session;
  if (outgoing === null || outgoing.waiting) return;
  const { status } = response;
  if (status < 200) {
    prackReinvite(session, outgoing, response, out);
    return;
  }
  if (status < 300) {
    onReinviteAccepted(session, outgoing, response, out);
    return;
  }
  if (session.phase !== 'confirmed') {
    session.outgoing = null;
    return;
  }
  if (status === 491 && outgoing.tries < 2) {
    outgoing.waiting = true;
    out.push({ type: 'start-timer', name: 'glare', ms: glareMs(session) });
    return;
  }
  const timer = raised(session.timer, response);
  const challenged = (status === 401 || status === 407) && authorization !== null;
  if ((timer !== null || challenged) && outgoing.tries < 3) {
    session.timer = timer ?? session.timer;
    const { headers, body, purpose, auth } = outgoing;
    sendReinvite(session, headers, body, purpose, out, challenged ? [authorization] : auth);
    return;
  }
  failReinvite(session, response, null, out);
}

/** The wait after a 491, in steps of 10 ms: 2.1 to 4 s for the owner of the Call-ID, 0 to 2 s for the other. RFC 3261 14.1, RFC 3311 5.3. */
export function glareMs(session: Session): number {
  return session.owner ? 2100 + 10 * draw(session, 191) : 10 * draw(session, 201);
}

function onReinviteAccepted(session: Session, outgoing: Outgoing, response: SipResponse, out: CallEffect[]): void {
  const spec = ackIn(session.dialog, outgoing.seq, outgoing.auth, null);
  session.outgoing = null;
  refreshTarget(session.dialog, response);
  const { uri } = response.headers.contacts()[0] ?? { uri: spec.uri };
  if (spec.uri !== uri && session.dialog.routes.length === 0) spec.nextHop = uri;
  spec.uri = uri;
  session.acked = { id: outgoing.id, spec };
  out.push({ type: 'send-ack', spec });
  if (session.phase !== 'confirmed') return;
  session.localBody = outgoing.body;
  session.timer = timerOf2xx(response, session.timer, session.facts) ?? session.timer;
  armTimer(session.timer, out);
  if (outgoing.purpose === 'user') {
    out.push({ type: 'tell', event: { type: 'updated', fork: session.dialog.remoteTag, response } });
  }
}

/** No 2xx comes. 408, 481 and silence mean the dialog is dead; anything else leaves the session as it was. RFC 3261 12.2.1.2, 14.1. */
export function failReinvite(
  session: Session,
  response: SipResponse | null,
  cause: LocalCause | null,
  out: CallEffect[],
): void {
  const { outgoing } = session;
  session.outgoing = null;
  if (session.phase !== 'confirmed' || outgoing === null) return;
  if (response === null || response.status === 408 || response.status === 481) {
    die(session, 'dead', [], out);
    return;
  }
  if (outgoing.purpose === 'refresh') retryRefresh(session.timer, out);
  else out.push({ type: 'tell', event: { type: 'update-failed', response, cause } });
}

function prackReinvite(session: Session, outgoing: Outgoing, response: SipResponse, out: CallEffect[]): void {
  const rseq = response.headers.number('RSeq');
  if (rseq === undefined || response.status === 100 || !response.headers.hasToken('Require', '100rel')) return;
  if (outgoing.pracks >= MAX_PRACKS || (outgoing.rseq !== null && rseq !== outgoing.rseq + 1)) return;
  outgoing.rseq = rseq;
  outgoing.pracks += 1;
  const rack: Header = ['RAck', `${rseq} ${outgoing.seq} INVITE`];
  sendLone(session, { method: 'PRACK', headers: [rack], body: null }, out);
}

/** Their re-INVITE: 491 while ours is open, 500 while theirs is, else to the user. RFC 3261 14.2. */
export function onReinvite(session: Session, key: TransactionKey, request: SipRequest, out: CallEffect[]): void {
  const refusal = collision(session) ?? tooShort(request, session.facts);
  if (refusal !== null) {
    out.push({ type: 'respond', key, spec: refusal });
    return;
  }
  ask(session, key, request, out);
}

/** Their UPDATE: without an offer 200 at once; an offer goes to the user, under the collision rules. RFC 3311 5.2. */
export function onUpdate(session: Session, key: TransactionKey, request: SipRequest, out: CallEffect[]): void {
  const offer = sdpOf(request) !== null;
  const pending = session.incoming?.method === 'UPDATE' ? later(session) : null;
  const refusal = (offer ? collision(session) : pending) ?? tooShort(request, session.facts);
  if (refusal !== null) {
    out.push({ type: 'respond', key, spec: refusal });
    return;
  }
  if (offer) {
    ask(session, key, request, out);
    return;
  }
  refreshTarget(session.dialog, request);
  const { timer, headers } = answerTimer(request, session.facts);
  out.push({
    type: 'respond',
    key,
    spec: plain(200, 'OK', [['Contact', session.dialog.contact], ...capabilities(session.facts), ...headers]),
  });
  restartTimer(session, timer, out);
}

/** Hands an offer of theirs to the user; it is answered by `accept` or `refuse`. */
export function ask(session: Session, key: TransactionKey, request: SipRequest, out: CallEffect[]): void {
  giveWay(session, out);
  const target = request.headers.contacts()[0]?.uri;
  session.incoming = {
    key,
    method: request.method,
    seq: request.headers.cseq()?.seq ?? 0,
    target: target === undefined ? null : kept(target),
    timer: answerTimer(request, session.facts),
  };
  out.push({ type: 'tell', event: { type: 'reoffer', key, request } });
}

/**
 * Ours waits for its second try while theirs comes: theirs goes first, and ours, written for what stood before, is dropped.
 * The user, asked about theirs, makes it anew; theirs refreshes the session as well, unless it is refused.
 */
function giveWay(session: Session, out: CallEffect[]): void {
  const { outgoing, update } = session;
  if (!outgoing?.waiting && !update?.waiting) return;
  out.push({ type: 'stop-timer', name: 'glare' });
  if (outgoing?.purpose === 'refresh') retryRefresh(session.timer, out);
  session.outgoing = null;
  session.update = null;
}

/** RFC 3261 14.2, RFC 3311 5.2. */
function later(session: Session) {
  return plain(500, 'Server Internal Error', [['Retry-After', String(draw(session, 11))]]);
}

function collision(session: Session) {
  const { outgoing, update } = session;
  const offering = (outgoing !== null && !outgoing.waiting) || (update?.offer === true && !update.waiting);
  if (offering) return plain(491, 'Request Pending');
  // Before the first answer is complete ours (the caller's) or theirs is still open. RFC 3311 5.2.
  if (!session.settled && session.owner) return plain(491, 'Request Pending');
  if (session.settled && session.incoming === null && session.unacked === null) return null;
  return later(session);
}

/** The user takes their offer: 200, repeated until ACK when it was an INVITE. */
export function acceptReoffer(
  session: Session,
  key: TransactionKey,
  body: Body | null,
  extra: ExtraHeaders,
  now: number,
  out: CallEffect[],
): void {
  const { incoming, facts } = session;
  if (incoming === null || incoming.key !== key) return;
  session.incoming = null;
  if (incoming.target !== null) session.dialog.target = incoming.target;
  if (body !== null) session.localBody = body;
  const headers: Header[] = [
    ['Contact', session.dialog.contact],
    ...capabilities(facts),
    ...incoming.timer.headers,
    ...extra,
  ];
  out.push({ type: 'respond', key, spec: { status: 200, reason: 'OK', headers, body } });
  if (incoming.method === 'INVITE') awaitAck(session, key, incoming.seq, false, now, out);
  restartTimer(session, incoming.timer.timer, out);
}

/** The user refuses their offer; the session goes on as it was. */
export function refuseReoffer(session: Session, key: TransactionKey, refusal: Refusal, out: CallEffect[]): void {
  if (session.incoming === null || session.incoming.key !== key) return;
  session.incoming = null;
  out.push({ type: 'respond', key, spec: refusalSpec(refusal) });
}

/** Their request refreshed the session; without Session-Expires in it the timer is off from now. RFC 4028 7.4. */
function restartTimer(session: Session, timer: Session['timer'], out: CallEffect[]): void {
  if (session.phase !== 'confirmed') return;
  session.timer = timer;
  armTimer(timer, out);
}
