/** A call out: our INVITE, its early dialogs, forks, CANCEL, and the session its first 2xx makes. RFC 3261 9, 13.2, RFC 3262 4. */
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { TransactionKey } from '../transaction/types.ts';
import type { Body, ExtraHeaders, LocalCause } from '../user-agent-types.ts';
import { ackIn, dialogOfResponse, refreshTarget, requestIn, routed, type SentInvite, tagOf } from './dialog.ts';
import { capabilities, plain } from './in-dialog.ts';
import type { Seeded } from './random.ts';
import { draw } from './random.ts';
import { handleSession } from './session.ts';
import { confirm, ID_BASE, newSession, nextId, refusePending, type Session } from './session-state.ts';
import { timerOf2xx } from './session-timer.ts';
import type { CallEffect, CallInput, Facts, Header, RequestSpec } from './types.ts';

/** Early dialogs and stray 2xx kept for one INVITE; what a fork adds beyond them is not answered. */
const MAX_FORKS = 32;
/** INVITEs sent for one call: the first and repeats after 401, 407 or 422. */
const MAX_TRIES = 4;

interface Early {
  session: Session;
  /** RSeq of the last reliable response taken. */
  rseq: number | null;
}

/** The INVITE as its user asked for it. */
export interface UacRequest {
  to: string;
  route: readonly string[];
  headers: ExtraHeaders;
  body: Body | null;
}

export interface UacState extends Seeded {
  role: 'uac';
  phase: 'calling' | 'proceeding' | 'answered' | 'finished';
  facts: Facts;
  sent: SentInvite;
  request: UacRequest;
  /** Id of the INVITE that counts, and of everything else sent outside the sessions. */
  inviteId: number;
  lastId: number;
  tries: number;
  auth: Header[];
  /** Session-Expires asked for, in seconds, or null. */
  askedS: number | null;
  cancelled: ExtraHeaders | null;
  early: Record<string, Early>;
  forks: number;
  /** PRACKs on their way: id and fork. */
  pracks: Record<number, string>;
  session: Session | null;
  ack: RequestSpec | null;
  strays: Record<string, RequestSpec>;
}

/** A call out that has sent nothing yet; input `invite` sends it. `sent.seq` is the first CSeq number. */
export function newUac(sent: SentInvite, request: UacRequest, facts: Facts, seed: number): UacState {
  const asked = Number.parseInt(request.headers.find(([name]) => name === 'Session-Expires')?.[1] ?? '', 10);
  return {
    seed,
    role: 'uac',
    phase: 'calling',
    facts,
    sent,
    request,
    inviteId: 0,
    lastId: 0,
    tries: 0,
    auth: [],
    askedS: Number.isNaN(asked) ? null : asked,
    cancelled: null,
    early: {},
    forks: 0,
    pracks: {},
    session: null,
    ack: null,
    strays: {},
  };
}

/** One input of a call out. `now` in ms of the adapter's clock. */
export function handleUac(state: UacState, input: CallInput, now: number, out: CallEffect[]): void {
  switch (input.type) {
    case 'invite':
      if (state.tries === 0) sendInvite(state, [], out);
      return;
    case 'response':
      onResponse(state, input, now, out);
      return;
    case 'failure':
      if (input.id === state.inviteId) reject(state, null, input.cause, out);
      else if (input.id in state.pracks) prackLost(state, input.id, out);
      else if (state.session !== null) handleSession(state.session, input, now, out);
      return;
    case 'request':
      onRequest(state, input.key, input.request, now, out);
      return;
    case 'timer':
      if (input.name === 'cancel') reject(state, null, 'timeout', out);
      else if (state.session !== null) handleSession(state.session, input, now, out);
      return;
    case 'end':
      if (state.session !== null) handleSession(state.session, input, now, out);
      else cancel(state, input.headers, out);
      return;
    case 'ack':
      if (state.session !== null && state.ack === null) acknowledge(state, state.session, input.body, out);
      return;
    case 'accept':
    case 'refuse':
      for (const session of sessionsOf(state)) handleSession(session, input, now, out);
      return;
    case 'reinvite':
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

function sendInvite(state: UacState, changed: readonly Header[], out: CallEffect[]): void {
  const { sent, request, facts } = state;
  if (state.tries > 0) sent.seq += 1;
  state.tries += 1;
  state.lastId += 1;
  state.inviteId = state.lastId;
  state.phase = 'calling';
  state.early = {};
  const { uri, nextHop, routes } = routed(sent.uri, request.route);
  const headers: Header[] = [['Max-Forwards', '70']];
  for (const route of routes) headers.push(['Route', route]);
  headers.push(['From', sent.from], ['To', request.to], ['Call-ID', sent.callId], ['CSeq', `${sent.seq} INVITE`]);
  headers.push(['Contact', sent.contact]);
  const has = (name: string) => request.headers.some(([given]) => given === name);
  for (const header of request.headers) if (!changed.some(([name]) => name === header[0])) headers.push(header);
  for (const header of capabilities(facts)) if (!has(header[0])) headers.push(header);
  headers.push(...changed, ...state.auth);
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
  if (id in state.pracks) {
    const { status } = response;
    if (status === 408 || status === 481) prackLost(state, id, out);
    else if (status >= 200) delete state.pracks[id];
    return;
  }
  if (id < ID_BASE) return;
  for (const session of sessionsOf(state)) handleSession(session, input, now, out);
}

function onProvisional(state: UacState, response: SipResponse, out: CallEffect[]): void {
  if (state.phase === 'answered' || state.phase === 'finished') return;
  if (state.phase === 'calling') {
    state.phase = 'proceeding';
    if (state.cancelled !== null) out.push({ type: 'start-timer', name: 'cancel', ms: 64 * state.facts.t1 });
  }
  if (response.status === 100) return;
  const fork = tagOf(response);
  const early = fork === '' ? null : earlyOf(state, fork, response);
  const reliable = early !== null && isReliable(response);
  if (reliable && !takeReliable(state, early, fork, response, out)) return;
  if (response.status === 199) delete state.early[fork];
  if (state.cancelled !== null) return;
  out.push({ type: 'tell', event: { type: 'progress', fork, response, reliable } });
}

function earlyOf(state: UacState, fork: string, response: SipResponse): Early | null {
  const known = state.early[fork];
  if (known !== undefined) {
    refreshTarget(known.session.dialog, response);
    return known;
  }
  if (state.forks >= MAX_FORKS) return null;
  const early: Early = { session: sessionOf(state, response), rseq: null };
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
  session.auth = state.auth;
  return session;
}

function isReliable(response: SipResponse): boolean {
  return response.headers.hasToken('Require', '100rel') && response.headers.number('RSeq') !== undefined;
}

/** PRACKs a reliable response in its order; false for a copy or one out of order. RFC 3262 4. */
function takeReliable(state: UacState, early: Early, fork: string, response: SipResponse, out: CallEffect[]): boolean {
  const rseq = response.headers.number('RSeq') ?? 0;
  if (early.rseq !== null && rseq !== early.rseq + 1) return false;
  early.rseq = rseq;
  const id = nextId(early.session);
  state.pracks[id] = fork;
  const rack: Header = ['RAck', `${rseq} ${state.sent.seq} INVITE`];
  out.push({ type: 'send', id, spec: requestIn(early.session.dialog, 'PRACK', [...state.auth, rack]) });
  return true;
}

/** The peer does not know the early dialog any more: it is dropped, and the INVITE cancelled when it was the only one. */
function prackLost(state: UacState, id: number, out: CallEffect[]): void {
  const fork = state.pracks[id] ?? '';
  delete state.pracks[id];
  if (state.phase !== 'proceeding' || !(fork in state.early)) return;
  delete state.early[fork];
  if (Object.keys(state.early).length > 0 || state.cancelled !== null) return;
  out.push({ type: 'cancel', id: state.inviteId, headers: [] });
  out.push({ type: 'start-timer', name: 'cancel', ms: 64 * state.facts.t1 });
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
  const session = state.early[fork]?.session ?? sessionOf(state, response);
  // The route set of the 2xx replaces the early one. RFC 3261 13.2.2.4.
  const { localSeq, remoteSeq } = session.dialog;
  session.dialog = { ...dialogOfResponse(state.sent, response), localSeq, remoteSeq };
  session.localBody = state.request.body;
  session.peerUpdates = response.headers.hasToken('Allow', 'UPDATE');
  delete state.early[fork];
  for (const other of Object.values(state.early)) refusePending(other.session, out);
  state.early = {};
  state.session = session;
  state.phase = 'answered';
  out.push({ type: 'stop-timer', name: 'cancel' });
  confirm(session, timerOf2xx(response, state.askedS, state.facts), out);
  if (state.request.body !== null || state.cancelled !== null) acknowledge(state, session, null, out);
  if (state.cancelled === null) {
    out.push({ type: 'tell', event: { type: 'answered', fork, response } });
    return;
  }
  // The 200 crossed our CANCEL. RFC 3261 9.1.
  handleSession(session, { type: 'end', headers: state.cancelled, refusal: { status: 487, reason: '' } }, now, out);
  out.push({ type: 'tell', event: { type: 'rejected', response: null, cause: 'cancelled' } });
}

function acknowledge(state: UacState, session: Session, body: Body | null, out: CallEffect[]): void {
  state.ack = ackIn(session.dialog, state.sent.seq, state.auth, body);
  out.push({ type: 'send-ack', spec: state.ack });
}

/** A 2xx of another fork, or after the end: ACK, then BYE; copies are acknowledged again. RFC 3261 13.2.2.4. */
function onStray2xx(state: UacState, fork: string, response: SipResponse, out: CallEffect[]): void {
  const known = state.strays[fork];
  if (known !== undefined) {
    out.push({ type: 'send-ack', spec: known });
    return;
  }
  if (Object.keys(state.strays).length >= MAX_FORKS) return;
  const dialog = dialogOfResponse(state.sent, response);
  dialog.localSeq = Math.max(dialog.localSeq, state.early[fork]?.session.dialog.localSeq ?? 0);
  const ack = ackIn(dialog, state.sent.seq, state.auth, null);
  state.strays[fork] = ack;
  state.lastId += 1;
  out.push({ type: 'send-ack', spec: ack });
  out.push({ type: 'send', id: state.lastId, spec: requestIn(dialog, 'BYE', state.auth) });
}

function onRefused(state: UacState, response: SipResponse, authorization: Header | null, out: CallEffect[]): void {
  if (state.phase === 'answered' || state.phase === 'finished') return;
  const { status } = response;
  if (state.cancelled === null && state.tries < MAX_TRIES) {
    if ((status === 401 || status === 407) && authorization !== null) {
      state.auth = [...state.auth.filter(([name]) => name !== authorization[0]), authorization];
      sendInvite(state, [], out);
      return;
    }
    const minSe = response.headers.number('Min-SE');
    if (status === 422 && state.askedS !== null && minSe !== undefined && minSe > state.askedS) {
      state.askedS = minSe;
      const changed: Header[] = [
        ['Session-Expires', String(minSe)],
        ['Min-SE', String(minSe)],
      ];
      sendInvite(state, changed, out);
      return;
    }
  }
  reject(state, response, null, out);
}

function reject(state: UacState, response: SipResponse | null, cause: LocalCause | null, out: CallEffect[]): void {
  if (state.phase === 'answered' || state.phase === 'finished') return;
  state.phase = 'finished';
  for (const early of Object.values(state.early)) refusePending(early.session, out);
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

function sessionsOf(state: UacState): Session[] {
  if (state.session !== null) return [state.session];
  return Object.values(state.early).map(early => early.session);
}
