/** A call in: provisional responses (reliable ones too), the answer, CANCEL, and the session. RFC 3261 13.3, RFC 3262 3. */
import type { SipRequest } from '../message/message.ts';
import type { TransactionKey } from '../transaction/types.ts';
import type { Body, ExtraHeaders } from '../user-agent-types.ts';
import { sdpOf } from './body.ts';
import { dialogOfRequest, takeSeq } from './dialog.ts';
import { capabilities, plain, refusalOf } from './in-dialog.ts';
import { ask } from './offer.ts';
import { draw } from './random.ts';
import { handleSession } from './session.ts';
import { awaitAck, confirm, newSession, refusalSpec, refusePending, type Session } from './session-state.ts';
import { answerTimer } from './session-timer.ts';
import type { CallEffect, CallInput, Facts, Header, ResponseSpec } from './types.ts';

type ProvisionalInput = CallInput & { type: 'provisional' };

/** Provisional responses kept behind an unacknowledged one. */
const MAX_QUEUE = 8;

export interface UasState {
  role: 'uas';
  phase: 'ringing' | 'answered' | 'finished';
  key: TransactionKey;
  seq: number;
  session: Session;
  /** What the INVITE says of 100rel. */
  rel: 'required' | 'supported' | 'no';
  /** The INVITE carried an offer. */
  offered: boolean;
  /** RSeq of the last reliable response; 0 before the first. */
  rseq: number;
  pending: { rseq: number; hasBody: boolean; intervalMs: number; until: number } | null;
  queue: ProvisionalInput[];
  /** The answer that waits for the PRACK of a response with a description. RFC 3262 3. */
  held: { body: Body | null; headers: ExtraHeaders } | null;
  /** Our description went in a reliable response and was acknowledged: the 200 repeats none. */
  described: boolean;
  timer: ReturnType<typeof answerTimer>;
}

/** A call in that has answered nothing yet. The INVITE has passed `refusalOf` and `tooShort`. */
export function newUas(
  invite: SipRequest,
  key: TransactionKey,
  facts: Facts,
  localTag: string,
  contact: string,
  seed: number,
  standing: ExtraHeaders = [],
): UasState {
  const session = newSession(dialogOfRequest(invite, localTag, contact, standing), facts, false, seed, 0);
  session.peerUpdates = invite.headers.hasToken('Allow', 'UPDATE');
  session.peerInfos = invite.headers.hasToken('Allow', 'INFO');
  const able = facts.supported.includes('100rel');
  const supported = able && invite.headers.hasToken('Supported', '100rel') ? 'supported' : 'no';
  return {
    role: 'uas',
    phase: 'ringing',
    key,
    seq: invite.headers.cseq()?.seq ?? 0,
    session,
    rel: able && invite.headers.hasToken('Require', '100rel') ? 'required' : supported,
    offered: sdpOf(invite) !== null,
    rseq: 0,
    pending: null,
    queue: [],
    held: null,
    described: false,
    timer: answerTimer(invite, facts),
  };
}

/** One input of a call in. `now` in ms of the adapter's clock. */
export function handleUas(state: UasState, input: CallInput, now: number, out: CallEffect[]): void {
  switch (input.type) {
    case 'provisional':
      if (state.phase !== 'ringing' || state.held !== null) return;
      if (state.pending === null) sendProvisional(state, input, now, out);
      else if (state.queue.length < MAX_QUEUE) state.queue.push(input);
      return;
    case 'answer':
      if (state.phase !== 'ringing' || state.held !== null) return;
      if (state.pending?.hasBody === true) state.held = { body: input.body, headers: input.headers };
      else sendAnswer(state, input.body, input.headers, now, out);
      return;
    case 'reject':
      finish(state, refusalSpec(input.refusal), out);
      return;
    case 'end':
      if (state.phase !== 'ringing') handleSession(state.session, input, now, out);
      else finish(state, withHeaders(refusalSpec(input.refusal), input.headers), out);
      return;
    case 'cancel-received':
      cancelled(state, input.request, out);
      return;
    case 'request':
      onRequest(state, input.key, input.request, now, out);
      return;
    case 'timer':
      if (input.name === '1xx') repeat1xx(state, now, out);
      else handleSession(state.session, input, now, out);
      return;
    case 'accept':
    case 'refuse':
    case 'reinvite':
    case 'update':
    case 'info':
    case 'ack-received':
    case 'response':
    case 'failure':
      handleSession(state.session, input, now, out);
      return;
    case 'invite':
    case 'ack':
      return;
    default:
      input satisfies never;
  }
}

function sendProvisional(state: UasState, input: ProvisionalInput, now: number, out: CallEffect[]): void {
  const { facts, dialog } = state.session;
  const body = newDescription(state, input.body);
  const auto = state.rel === 'required' || (state.rel === 'supported' && body !== null);
  const reliable =
    state.rel !== 'no' && (input.reliable === 'auto' ? auto : input.reliable || state.rel === 'required');
  const headers: Header[] = [['Contact', dialog.contact], ...capabilities(facts)];
  if (reliable) {
    state.rseq = state.rseq === 0 ? 1 + draw(state.session, 0x7ffffc00) : state.rseq + 1;
    headers.push(['Require', '100rel'], ['RSeq', String(state.rseq)]);
    state.pending = {
      rseq: state.rseq,
      hasBody: body !== null,
      intervalMs: facts.t1,
      until: now + 64 * facts.t1,
    };
    out.push({ type: 'start-timer', name: '1xx', ms: facts.t1 });
  }
  headers.push(...input.headers);
  const { status, reason } = input;
  out.push({ type: 'respond', key: state.key, spec: { status, reason, headers, body } });
}

/** The next copy of a reliable response, or 504 after 64*T1 without PRACK. RFC 3262 3. */
function repeat1xx(state: UasState, now: number, out: CallEffect[]): void {
  const { pending } = state;
  if (pending === null || state.phase !== 'ringing') return;
  if (now >= pending.until) {
    finish(state, plain(504, 'Server Time-out'), out, { type: 'ended', cause: 'no-prack', request: null });
    return;
  }
  pending.intervalMs *= 2;
  out.push({ type: 'repeat', key: state.key });
  out.push({ type: 'start-timer', name: '1xx', ms: Math.min(pending.intervalMs, pending.until - now) });
}

function onRequest(state: UasState, key: TransactionKey, request: SipRequest, now: number, out: CallEffect[]): void {
  const tag = request.headers.from()?.params.get('tag') ?? '';
  if (tag !== state.session.dialog.remoteTag || state.phase === 'finished') {
    out.push({ type: 'respond', key, spec: plain(481, 'Call/Transaction Does Not Exist') });
    return;
  }
  if (request.method === 'PRACK' && takePrack(state, key, request, now, out)) return;
  if (request.method === 'BYE' && state.phase === 'ringing' && takeSeq(state.session.dialog, request)) {
    out.push({ type: 'respond', key, spec: plain(200, 'OK') });
    cancelled(state, request, out);
    return;
  }
  handleSession(state.session, { type: 'request', key, request }, now, out);
}

/** True when the PRACK was for our reliable response and is dealt with. RFC 3262 3. */
function takePrack(state: UasState, key: TransactionKey, request: SipRequest, now: number, out: CallEffect[]): boolean {
  const { pending } = state;
  const rack = /^\s*(\d{1,10})\s+(\d{1,10})\s+INVITE\s*$/.exec(request.headers.get('RAck') ?? '');
  if (pending === null || rack === null || Number(rack[1]) !== pending.rseq || Number(rack[2]) !== state.seq)
    return false;
  if (refusalOf(request, state.session.facts) !== null || !takeSeq(state.session.dialog, request)) return false;
  state.pending = null;
  state.described ||= pending.hasBody;
  if (pending.hasBody && state.offered) state.session.settled = true;
  out.push({ type: 'stop-timer', name: '1xx' });
  const sdp = sdpOf(request);
  if (sdp !== null && state.offered) ask(state.session, key, request, out);
  else {
    out.push({ type: 'respond', key, spec: plain(200, 'OK') });
    // The answer to the offer our reliable response made.
    if (sdp !== null) out.push({ type: 'tell', event: { type: 'acked', request } });
  }
  if (state.phase !== 'ringing') return true;
  while (state.pending === null) {
    const next = state.queue.shift();
    if (next === undefined) break;
    sendProvisional(state, next, now, out);
  }
  if (state.held !== null && state.pending === null) sendAnswer(state, state.held.body, state.held.headers, now, out);
  return true;
}

function sendAnswer(state: UasState, body: Body | null, extra: ExtraHeaders, now: number, out: CallEffect[]): void {
  const { session } = state;
  const headers: Header[] = [
    ['Contact', session.dialog.contact],
    ...capabilities(session.facts),
    ...state.timer.headers,
    ...extra,
  ];
  if (state.pending !== null) out.push({ type: 'stop-timer', name: '1xx' });
  state.phase = 'answered';
  state.held = null;
  state.queue = [];
  const sent = newDescription(state, body);
  out.push({ type: 'respond', key: state.key, spec: { status: 200, reason: 'OK', headers, body: sent } });
  awaitAck(session, state.key, state.seq, true, now, out);
  confirm(session, state.timer.timer, out);
}

/** The description that goes with a response: none once one was acknowledged. What was agreed on since then stays. RFC 3262 5. */
function newDescription({ described, session }: UasState, body: Body | null): Body | null {
  if (described) return null;
  session.localBody = body ?? session.localBody;
  return body;
}

function cancelled(state: UasState, request: SipRequest, out: CallEffect[]): void {
  finish(state, plain(487, 'Request Terminated'), out, { type: 'cancelled', request });
}

/** The final response other than 2xx; nothing follows. */
function finish(
  state: UasState,
  spec: ResponseSpec,
  out: CallEffect[],
  event?: (CallEffect & { type: 'tell' })['event'],
): void {
  if (state.phase !== 'ringing') return;
  state.phase = 'finished';
  state.session.phase = 'over';
  refusePending(state.session, out);
  if (state.pending !== null) out.push({ type: 'stop-timer', name: '1xx' });
  out.push({ type: 'respond', key: state.key, spec });
  if (event !== undefined) out.push({ type: 'tell', event });
  out.push({ type: 'gone' });
}

function withHeaders(spec: ResponseSpec, extra: ExtraHeaders): ResponseSpec {
  return { ...spec, headers: [...spec.headers, ...extra] };
}
