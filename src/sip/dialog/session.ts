/** A session inside its dialog, the same for both ends: BYE, ACK, copies of a 2xx, refreshes. RFC 3261 12 to 15. */
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { TransactionKey } from '../transaction/types.ts';
import type { Body, ExtraHeaders, LocalCause } from '../user-agent-types.ts';
import { descriptionOf, sdpOf } from './body.ts';
import { takeSeq } from './dialog.ts';
import { plain, refusalOf, standingAnswer } from './in-dialog.ts';
import { onInfoAnswer, sendInfo } from './info.ts';
import { onLoneResponse } from './lone.ts';
import {
  acceptReoffer,
  failReinvite,
  onReinvite,
  onReinviteResponse,
  onUpdate,
  refuseReoffer,
  sendReinvite,
} from './offer.ts';
import { canUpdate, closeSession, die, isQuiet, refusePending, type Session, sendBye } from './session-state.ts';
import type { CallEffect, CallInput, DialogTimer, Header } from './types.ts';
import { failUpdate, onUpdateResponse, refresh, sendAgain, sendUpdate } from './update.ts';

/** One input of a session. `now` in ms of the adapter's clock. */
export function handleSession(session: Session, input: CallInput, now: number, out: CallEffect[]): void {
  switch (input.type) {
    case 'request':
      onRequest(session, input.key, input.request, out);
      return;
    case 'ack-received':
      onAck(session, input.request, out);
      return;
    case 'response':
      onResponse(session, input.id, input.response, input.authorization, out);
      return;
    case 'failure':
      onFailure(session, input.id, input.cause, out);
      return;
    case 'timer':
      onTimer(session, input.name, now, out);
      return;
    case 'accept':
      acceptReoffer(session, input.key, input.body, input.headers, now, out);
      return;
    case 'refuse':
      refuseReoffer(session, input.key, input.refusal, out);
      return;
    case 'reinvite':
      sendReinvite(session, input.headers, input.body, 'user', out);
      return;
    case 'update':
      update(session, input.headers, input.body, out);
      return;
    case 'end':
      end(session, input.headers, out);
      return;
    case 'info':
      sendInfo(session, input.body, out);
      return;
    case 'ack':
    case 'invite':
    case 'provisional':
    case 'answer':
    case 'reject':
    case 'cancel-received':
      return;
    default:
      input satisfies never;
  }
}

/** An UPDATE that waited for a PRACK may find that it can go no more. */
function update(session: Session, headers: ExtraHeaders, body: Body | null, out: CallEffect[]): void {
  const offer = descriptionOf(body) !== null;
  if (canUpdate(session, offer)) sendUpdate(session, headers, body, 'user', out);
  // An offer of theirs, which the user was told of, has taken the place of ours.
  else if (offer && session.incoming === null)
    out.push({ type: 'tell', event: { type: 'update-failed', response: null, cause: 'cancelled' } });
}

function onRequest(session: Session, key: TransactionKey, request: SipRequest, out: CallEffect[]): void {
  if (session.phase === 'over' || (session.phase === 'ending' && request.method !== 'BYE')) {
    out.push({ type: 'respond', key, spec: plain(481, 'Call/Transaction Does Not Exist') });
    return;
  }
  if (!takeSeq(session.dialog, request)) {
    out.push({ type: 'respond', key, spec: plain(500, 'Server Internal Error') });
    return;
  }
  const refusal = refusalOf(request, session.facts) ?? standingAnswer(request, session.facts);
  if (refusal !== null) {
    out.push({ type: 'respond', key, spec: refusal });
    const told = request.method === 'INFO' && refusal.status === 200 && session.phase === 'confirmed';
    if (told && request.body.length > 0) out.push({ type: 'tell', event: { type: 'info', request } });
    return;
  }
  switch (request.method) {
    case 'BYE':
      onBye(session, key, request, out);
      return;
    case 'INVITE':
      onReinvite(session, key, request, out);
      return;
    case 'UPDATE':
      onUpdate(session, key, request, out);
      return;
    default:
      // A PRACK that matches a response was taken before; any other is unknown here. RFC 3262 3.
      out.push({ type: 'respond', key, spec: plain(481, 'Call/Transaction Does Not Exist') });
  }
}

function onBye(session: Session, key: TransactionKey, request: SipRequest, out: CallEffect[]): void {
  if (session.phase === 'early' && session.owner) {
    // The called side may not end an early dialog by BYE. RFC 3261 15.
    out.push({ type: 'respond', key, spec: plain(481, 'Call/Transaction Does Not Exist') });
    return;
  }
  out.push({ type: 'respond', key, spec: plain(200, 'OK') });
  const told = session.phase === 'ending';
  closeSession(session, out);
  session.phase = 'over';
  // The answer to ours, which crossed theirs, says nothing more.
  session.bye = null;
  if (!told) out.push({ type: 'tell', event: { type: 'ended', cause: 'bye', request } });
  out.push({ type: 'gone' });
}

/** ACK of our 2xx; copies and strangers are ignored. */
function onAck(session: Session, request: SipRequest, out: CallEffect[]): void {
  const { unacked } = session;
  if (unacked === null || request.headers.cseq()?.seq !== unacked.seq) return;
  session.unacked = null;
  out.push({ type: 'stop-timer', name: '2xx' }, { type: 'forget', key: unacked.key });
  if (session.phase === 'ending') {
    if (session.byeAfterAck !== null) sendBye(session, session.byeAfterAck, out);
    return;
  }
  if (unacked.first || sdpOf(request) !== null) out.push({ type: 'tell', event: { type: 'acked', request } });
}

function onResponse(
  session: Session,
  id: number,
  response: SipResponse,
  authorization: Header | null,
  out: CallEffect[],
): void {
  if (session.acked?.id === id && session.outgoing?.id !== id) {
    if (response.status >= 200 && response.status < 300) out.push({ type: 'send-ack', spec: session.acked.spec });
    return;
  }
  if (session.outgoing?.id === id) {
    onReinviteResponse(session, response, authorization, out);
    return;
  }
  if (session.bye?.id === id) {
    onByeResponse(session, session.bye, response, authorization, out);
    return;
  }
  const again = onLoneResponse(session, id, response, authorization, out);
  if (session.info === id && again !== null) session.info = again;
  else if (session.info === id) onInfoAnswer(session, response.status, out);
  if (session.update?.id === id) onUpdateResponse(session, session.update, response, authorization, out);
}

function onFailure(session: Session, id: number, cause: LocalCause, out: CallEffect[]): void {
  delete session.lone[id];
  if (session.outgoing?.id === id) failReinvite(session, null, cause, out);
  else if (session.bye?.id === id) over(session, out);
  else if (session.update?.id === id) failUpdate(session, session.update, null, cause, out);
  else if (session.info === id) onInfoAnswer(session, 0, out);
}

function onTimer(session: Session, name: DialogTimer, now: number, out: CallEffect[]): void {
  switch (name) {
    case '2xx':
      repeat2xx(session, now, out);
      return;
    case 'glare':
      onGlare(session, out);
      return;
    case 'refresh':
      refresh(session, out);
      return;
    case 'expiry':
      if (session.phase === 'confirmed')
        die(session, 'session-timer', [['Reason', 'SIP;cause=408;text="Session timer"']], out);
      return;
    case '1xx':
    case 'cancel':
      return;
    default:
      name satisfies never;
  }
}

/** The second try after a 491. */
function onGlare(session: Session, out: CallEffect[]): void {
  const { outgoing, update } = session;
  if (!outgoing?.waiting && !update?.waiting) return;
  if (!isQuiet(session)) out.push({ type: 'start-timer', name: 'glare', ms: 1000 });
  else if (update?.waiting) sendAgain(session, update, out, update.auth);
  else if (outgoing !== null) sendReinvite(session, outgoing.headers, outgoing.body, outgoing.purpose, out);
}

/** The next copy of our 2xx, or BYE after 64*T1 without ACK. RFC 3261 13.3.1.4. */
function repeat2xx(session: Session, now: number, out: CallEffect[]): void {
  const { unacked, facts } = session;
  if (unacked === null) return;
  if (now >= unacked.until) {
    session.unacked = null;
    out.push({ type: 'forget', key: unacked.key });
    if (session.phase === 'ending') sendBye(session, session.byeAfterAck ?? [], out);
    else die(session, 'no-ack', [], out);
    return;
  }
  unacked.intervalMs = Math.min(unacked.intervalMs * 2, facts.t2);
  out.push({ type: 'repeat', key: unacked.key });
  out.push({ type: 'start-timer', name: '2xx', ms: Math.min(unacked.intervalMs, unacked.until - now) });
}

/** Ends the session by us: BYE, or BYE after the ACK when our first 2xx has none yet. RFC 3261 15. */
function end(session: Session, headers: ExtraHeaders, out: CallEffect[]): void {
  if (session.phase !== 'confirmed') return;
  if (session.unacked?.first === true) {
    session.phase = 'ending';
    session.byeAfterAck = headers;
    refusePending(session, out);
    return;
  }
  sendBye(session, headers, out);
}

function onByeResponse(
  session: Session,
  bye: NonNullable<Session['bye']>,
  response: SipResponse,
  authorization: Header | null,
  out: CallEffect[],
): void {
  if (response.status < 200) return;
  const challenged = response.status === 401 || response.status === 407;
  if (challenged && authorization !== null && bye.tries < 2) {
    sendBye(session, bye.headers, out, [authorization]);
    return;
  }
  over(session, out);
}

function over(session: Session, out: CallEffect[]): void {
  session.phase = 'over';
  out.push({ type: 'gone' });
}
