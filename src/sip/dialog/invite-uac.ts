/** A call out: our INVITE, its early dialogs, forks, CANCEL, and the session its first 2xx makes. RFC 3261 9, 13.2, RFC 3262 4. */
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { TransactionKey } from '../transaction/types.ts';
import type { Body, ExtraHeaders, LocalCause } from '../user-agent-types.ts';
import { descriptionOf } from './body.ts';
import { ackIn, dialogOfResponse, refreshTarget, routed, tagOf } from './dialog.ts';
import { capabilities, plain } from './in-dialog.ts';
import { isReliable, onPrackResponse, prackLost, takeReliable } from './prack.ts';
import { draw } from './random.ts';
import { handleSession } from './session.ts';
import { closeSession, confirm, ID_BASE, newSession, refusePending, type Session } from './session-state.ts';
import { raised, timerOf2xx } from './session-timer.ts';
import { onStray2xx, onStrayBye } from './stray.ts';
import type { CallEffect, CallInput, Header } from './types.ts';
import {
  dropEarly,
  type Early,
  loseEarly,
  MAX_FORKS,
  MAX_TRIES,
  sessionsOf,
  spend,
  type UacState,
} from './uac-state.ts';

/** One input of a call out. `now` in ms of the adapter's clock. */
export function handleUac(state: UacState, input: CallInput, now: number, out: CallEffect[]): void {
  switch (input.type) {
    case 'invite':
      if (state.tries === 0) sendInvite(state, out);
      return;
    case 'response':
      onResponse(state, input, now, out);
      return;
    case 'failure':
      if (input.id === state.inviteId) reject(state, null, input.cause, out);
      else if (input.id in state.pracks) prackLost(state, input.id, out);
      else hearAnswer(state, input, now, out);
      return;
    case 'request':
      onRequest(state, input.key, input.request, now, out);
      return;
    case 'timer':
      if (input.name === 'cancel') reject(state, null, 'timeout', out);
      else for (const session of sessionsOf(state)) handleSession(session, input, now, out);
      return;
    case 'end':
      if (state.session === null) cancel(state, input.headers, out);
      else {
        // Every 2xx has its ACK, that of a call which ends before it has an answer too. RFC 3261 13.2.2.4.
        if (state.ack === null) acknowledge(state, state.session, null, out);
        handleSession(state.session, input, now, out);
      }
      return;
    case 'ack':
      if (state.session !== null && state.ack === null) acknowledge(state, state.session, input.body, out);
      return;
    case 'accept':
    case 'refuse':
      for (const session of sessionsOf(state)) handleSession(session, input, now, out);
      return;
    case 'update': {
      if (state.session !== null) handleSession(state.session, input, now, out);
      else updateEarly(state, input, now, out);
      return;
    }
    case 'reinvite':
    case 'info':
    case 'ack-received':
      if (state.session !== null) handleSession(state.session, input, now, out);
      return;
    case 'provisional':
    case 'answer':
    case 'reject':
    case 'cancel-received':
      return;
    default:
      input satisfies never;
  }
}

function updateEarly(state: UacState, input: CallInput & { type: 'update' }, now: number, out: CallEffect[]): void {
  const early = state.early[input.fork ?? ''];
  if (early === undefined || input.fork === null) return;
  early.waiting = { body: input.body, headers: input.headers };
  sendWaiting(state, input.fork, now, out);
}

/** The UPDATE of an early dialog goes out once every PRACK of it is answered. */
function sendWaiting(state: UacState, fork: string, now: number, out: CallEffect[]): void {
  const early = state.early[fork];
  if (early === undefined || early.waiting === null) return;
  if (Object.values(state.pracks).some(prack => prack.fork === fork)) return;
  const { body, headers } = early.waiting;
  early.waiting = null;
  handleSession(early.session, { type: 'update', fork, body, headers }, now, out);
}

function sendInvite(state: UacState, out: CallEffect[]): void {
  const { sent, request, facts, raised } = state;
  if (state.tries > 0) sent.seq += 1;
  state.tries += 1;
  state.lastId += 1;
  state.inviteId = state.lastId;
  state.phase = 'calling';
  state.early = {};
  const { uri, nextHop, routes } = routed(sent.uri, request.route, request.proxy);
  const headers: Header[] = [['Max-Forwards', '70']];
  for (const route of routes) headers.push(['Route', route]);
  headers.push(['From', sent.from], ['To', request.to], ['Call-ID', sent.callId], ['CSeq', `${sent.seq} INVITE`]);
  headers.push(['Contact', sent.contact]);
  const has = (name: string) => request.headers.some(([given]) => given === name);
  for (const header of request.headers) if (!raised.some(([name]) => name === header[0])) headers.push(header);
  for (const header of capabilities(facts)) if (!has(header[0])) headers.push(header);
  headers.push(...raised, ...state.auth);
  out.push({ type: 'send', id: state.inviteId, spec: { method: 'INVITE', uri, nextHop, headers, body: request.body } });
}

function onResponse(state: UacState, input: CallInput & { type: 'response' }, now: number, out: CallEffect[]): void {
  const { id, response } = input;
  if (id === state.inviteId) {
    if (response.status < 200) onProvisional(state, response, out);
    else if (response.status < 300) on2xx(state, response, now, out);
    else onRefused(state, response, input.authorization, out);
    return;
  }
  const prack = state.pracks[id];
  if (prack !== undefined) {
    onPrackResponse(state, prack, input, out);
    sendWaiting(state, prack.fork, now, out);
    return;
  }
  if (id < ID_BASE) {
    onStrayBye(state, input, out);
    return;
  }
  hearAnswer(state, input, now, out);
}

/** To a request inside a session; of an early one it may be the end. */
function hearAnswer(
  state: UacState,
  input: CallInput & { type: 'response' | 'failure' },
  now: number,
  out: CallEffect[],
): void {
  for (const session of sessionsOf(state)) handleSession(session, input, now, out);
  for (const [fork, { session }] of Object.entries(state.early))
    if (session.phase === 'over') loseEarly(state, fork, out);
}

function onProvisional(state: UacState, response: SipResponse, out: CallEffect[]): void {
  if (state.phase === 'answered' || state.phase === 'finished' || state.abandoned) return;
  if (state.phase === 'calling') {
    state.phase = 'proceeding';
    if (state.cancelled !== null) out.push({ type: 'start-timer', name: 'cancel', ms: 64 * state.facts.t1 });
  }
  if (response.status === 100) {
    if (state.cancelled === null) out.push({ type: 'tell', event: { type: 'trying' } });
    return;
  }
  const fork = tagOf(response);
  const early = fork === '' ? null : earlyOf(state, fork, response);
  const reliable = early !== null && isReliable(response);
  if (reliable && !takeReliable(state, early, fork, response, out)) return;
  if (response.status === 199) dropEarly(state, fork, out);
  if (state.cancelled !== null) return;
  out.push({ type: 'tell', event: { type: 'progress', fork, response, reliable } });
}

/** A peer that wants preconditions takes UPDATE: its Allow may be missing in a provisional response. RFC 3312 10. */
function takesUpdate(response: SipResponse): boolean {
  return response.headers.hasToken('Allow', 'UPDATE') || response.headers.hasToken('Require', 'precondition');
}

function earlyOf(state: UacState, fork: string, response: SipResponse): Early | null {
  const known = state.early[fork];
  if (known !== undefined) {
    refreshTarget(known.session.dialog, response);
    known.session.peerUpdates ||= takesUpdate(response);
    return known;
  }
  if (state.forks >= MAX_FORKS) return null;
  const early: Early = { session: sessionOf(state, response), rseq: null, waiting: null };
  early.session.peerUpdates = takesUpdate(response);
  state.early[fork] = early;
  return early;
}

function sessionOf(state: UacState, response: SipResponse): Session {
  state.forks += 1;
  const session = newSession(
    dialogOfResponse(state.sent, response),
    state.facts,
    true,
    draw(state, 0x7fffffff),
    state.forks,
  );
  session.dialog.localSeq = Math.max(session.dialog.localSeq, state.spentSeq);
  session.localBody = descriptionOf(state.request.body);
  return session;
}

function on2xx(state: UacState, response: SipResponse, now: number, out: CallEffect[]): void {
  const fork = tagOf(response);
  if (state.session !== null && state.session.dialog.remoteTag === fork) {
    if (state.ack !== null) out.push({ type: 'send-ack', spec: state.ack });
    return;
  }
  if (state.session !== null || state.phase === 'finished') {
    onStray2xx(state, fork, response, out);
    return;
  }
  const { session, waiting } = state.early[fork] ?? { session: sessionOf(state, response), waiting: null };
  // The route set of the 2xx replaces the early one. RFC 3261 13.2.2.4.
  const { localSeq, remoteSeq } = session.dialog;
  session.dialog = { ...dialogOfResponse(state.sent, response), localSeq, remoteSeq };
  // What an 18x of it said counts on when the 2xx names nothing.
  if (response.headers.has('Allow')) session.peerUpdates = response.headers.hasToken('Allow', 'UPDATE');
  session.peerInfos = response.headers.hasToken('Allow', 'INFO');
  delete state.early[fork];
  for (const other of Object.values(state.early)) {
    refusePending(other.session, out);
    spend(state, other.session);
  }
  state.early = {};
  state.session = session;
  state.phase = 'answered';
  out.push({ type: 'stop-timer', name: 'cancel' });
  confirm(session, timerOf2xx(response, state.asked, state.facts), out);
  if (state.request.body !== null || state.cancelled !== null) acknowledge(state, session, null, out);
  if (state.cancelled === null) {
    out.push({ type: 'tell', event: { type: 'answered', fork, response } });
    // The peer held its 2xx back until it had the PRACK: its answer to that may come later.
    if (waiting !== null) handleSession(session, { type: 'update', fork, ...waiting }, now, out);
    return;
  }
  // The 200 crossed our CANCEL. RFC 3261 9.1.
  handleSession(session, { type: 'end', headers: state.cancelled, refusal: { status: 487, reason: '' } }, now, out);
  out.push({ type: 'tell', event: { type: 'rejected', response: null, cause: 'cancelled' } });
}

function acknowledge(state: UacState, session: Session, body: Body | null, out: CallEffect[]): void {
  state.ack = ackIn(session.dialog, state.sent.seq, state.auth, body);
  if (body !== null) session.localBody = descriptionOf(body);
  out.push({ type: 'send-ack', spec: state.ack });
}

function onRefused(state: UacState, response: SipResponse, authorization: Header | null, out: CallEffect[]): void {
  if (state.phase === 'answered' || state.phase === 'finished') return;
  const { status } = response;
  if (state.cancelled === null && state.tries < MAX_TRIES) {
    if ((status === 401 || status === 407) && authorization !== null) {
      state.auth = [...state.auth.filter(([name]) => name !== authorization[0]), authorization];
      sendInvite(state, out);
      return;
    }
    const asked = raised(state.asked, response);
    if (asked !== null) {
      state.asked = asked;
      state.raised = [
        ['Session-Expires', String(asked.intervalS)],
        ['Min-SE', String(asked.minSeS)],
      ];
      sendInvite(state, out);
      return;
    }
  }
  // The 487 of a CANCEL that no user asked for tells of a silence, not of a user.
  if (state.abandoned && status === 487) reject(state, null, 'timeout', out);
  else reject(state, response, null, out);
}

function reject(state: UacState, response: SipResponse | null, cause: LocalCause | null, out: CallEffect[]): void {
  if (state.phase === 'answered' || state.phase === 'finished') return;
  state.phase = 'finished';
  for (const early of Object.values(state.early)) {
    closeSession(early.session, out);
    early.session.phase = 'over';
    early.waiting = null;
  }
  out.push({ type: 'stop-timer', name: 'cancel' });
  out.push({ type: 'tell', event: { type: 'rejected', response, cause } }, { type: 'gone' });
}

/** CANCEL, which the transaction layer keeps back until a 1xx came. RFC 3261 9.1. */
function cancel(state: UacState, headers: ExtraHeaders, out: CallEffect[]): void {
  if (state.cancelled !== null || state.phase === 'answered' || state.phase === 'finished') return;
  state.cancelled = headers;
  out.push({ type: 'cancel', id: state.inviteId, headers });
  if (state.phase === 'proceeding') out.push({ type: 'start-timer', name: 'cancel', ms: 64 * state.facts.t1 });
}

function onRequest(state: UacState, key: TransactionKey, request: SipRequest, now: number, out: CallEffect[]): void {
  const tag = request.headers.from()?.params.get('tag') ?? '';
  const session = state.session?.dialog.remoteTag === tag ? state.session : state.early[tag]?.session;
  if (session !== undefined) handleSession(session, { type: 'request', key, request }, now, out);
  else out.push({ type: 'respond', key, spec: plain(481, 'Call/Transaction Does Not Exist') });
}
