/** Reliable provisional responses as UAC: PRACK in order, and what its answer means. RFC 3262 4. */
import type { SipResponse } from '../message/message.ts';
import { sdpOf } from './body.ts';
import { requestIn } from './dialog.ts';
import { nextId } from './session-state.ts';
import type { CallEffect, CallInput, Header } from './types.ts';
import { type Early, loseEarly, type Prack, type UacState } from './uac-state.ts';

/** True for a provisional response that wants a PRACK. RFC 3262 4. */
export function isReliable(response: SipResponse): boolean {
  return response.headers.hasToken('Require', '100rel') && response.headers.number('RSeq') !== undefined;
}

/** PRACKs of one early dialog under way. The peer waits for each before its next response; one that does not is not followed. RFC 3262 3. */
const MAX_PRACKS = 4;

/** PRACKs a reliable response in its order; false for a copy, one out of order, or one of too many. RFC 3262 4. */
export function takeReliable(
  state: UacState,
  early: Early,
  fork: string,
  response: SipResponse,
  out: CallEffect[],
): boolean {
  const rseq = response.headers.number('RSeq') ?? 0;
  if (early.rseq !== null && rseq !== early.rseq + 1) return false;
  if (Object.values(state.pracks).filter(prack => prack.fork === fork).length >= MAX_PRACKS) return false;
  early.rseq = rseq;
  if (sdpOf(response) !== null && state.request.body !== null) early.session.settled = true;
  sendPrack(state, early, { fork, rack: `${rseq} ${state.sent.seq} INVITE`, answered: false }, null, out);
  return true;
}

function sendPrack(state: UacState, early: Early, prack: Prack, authorization: Header | null, out: CallEffect[]): void {
  const id = nextId(early.session);
  state.pracks[id] = prack;
  const headers: Header[] = [['RAck', prack.rack]];
  if (authorization !== null) headers.push(authorization);
  out.push({ type: 'send', id, spec: requestIn(early.session.dialog, 'PRACK', headers) });
}

/** The answer to a PRACK of ours. */
export function onPrackResponse(
  state: UacState,
  prack: Prack,
  input: CallInput & { type: 'response' },
  out: CallEffect[],
): void {
  const { status } = input.response;
  if (status < 200) return;
  if (status === 408 || status === 481) {
    prackLost(state, input.id, out);
    return;
  }
  delete state.pracks[input.id];
  const early = state.early[prack.fork];
  const challenged = (status === 401 || status === 407) && input.authorization !== null && !prack.answered;
  if (challenged && early !== undefined)
    sendPrack(state, early, { ...prack, answered: true }, input.authorization, out);
}

/** Nobody answers it, or knows its early dialog any more. */
export function prackLost(state: UacState, id: number, out: CallEffect[]): void {
  const fork = state.pracks[id]?.fork ?? '';
  delete state.pracks[id];
  loseEarly(state, fork, out);
}
