/** The 2xx of a call out that nobody waits for: each dialog it makes is acknowledged and ended. RFC 3261 13.2.2.4. */
import type { SipResponse } from '../message/message.ts';
import { ackIn, dialogOfResponse, requestIn } from './dialog.ts';
import type { CallEffect, CallInput } from './types.ts';
import { MAX_FORKS, spend, type UacState } from './uac-state.ts';

/** A 2xx of another fork, or after the end: ACK, then BYE; copies are acknowledged again. RFC 3261 13.2.2.4. */
export function onStray2xx(state: UacState, fork: string, response: SipResponse, out: CallEffect[]): void {
  const known = state.strays[fork];
  if (known !== undefined) {
    out.push({ type: 'send-ack', spec: known });
    return;
  }
  if (Object.keys(state.strays).length >= MAX_FORKS) return;
  const dialog = dialogOfResponse(state.sent, response);
  const early = state.early[fork]?.session;
  if (early !== undefined) spend(state, early);
  dialog.localSeq = Math.max(dialog.localSeq, state.spentSeq);
  const ack = ackIn(dialog, state.sent.seq, state.auth, null);
  state.strays[fork] = ack;
  state.lastId += 1;
  state.byes[state.lastId] = dialog;
  out.push({ type: 'send-ack', spec: ack });
  out.push({ type: 'send', id: state.lastId, spec: requestIn(dialog, 'BYE') });
}

/** The BYE to such a dialog goes out once more when it is challenged. */
export function onStrayBye(state: UacState, input: CallInput & { type: 'response' }, out: CallEffect[]): void {
  const { id, authorization } = input;
  const dialog = state.byes[id];
  const { status } = input.response;
  if (dialog === undefined || status < 200) return;
  delete state.byes[id];
  if ((status !== 401 && status !== 407) || authorization === null) return;
  state.lastId += 1;
  out.push({ type: 'send', id: state.lastId, spec: requestIn(dialog, 'BYE', [authorization]) });
}
