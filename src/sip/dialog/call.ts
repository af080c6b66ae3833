/** One call, out or in: the door of the call machines. */
import { descriptionOf } from './body.ts';
import { canInfo } from './info.ts';
import { handleUac } from './invite-uac.ts';
import { handleUas, type UasState } from './invite-uas.ts';
import { canReoffer, canUpdate } from './session-state.ts';
import type { CallEffect, CallInput } from './types.ts';
import type { UacState } from './uac-state.ts';

export type CallState = UacState | UasState;

/** One input, its effects appended to `out`. Pure: time is an argument, randomness is in the state. */
export function handleCall(state: CallState, input: CallInput, now: number, out: CallEffect[]): void {
  if (state.role === 'uac') handleUac(state, input, now, out);
  else handleUas(state, input, now, out);
}

/** True when an input of the user fits the state; others are ignored by the machine. */
export function fits(state: CallState, input: CallInput): boolean {
  switch (input.type) {
    case 'provisional':
    case 'answer':
      return state.role === 'uas' && state.phase === 'ringing' && state.held === null;
    case 'reject':
      return state.role === 'uas' && state.phase === 'ringing';
    case 'reinvite':
      return state.session !== null && canReoffer(state.session);
    case 'update':
      return updatable(state, input.fork, descriptionOf(input.body) !== null);
    case 'info':
      return state.session !== null && canInfo(state.session);
    case 'ack':
      return state.role === 'uac' && state.session !== null && state.ack === null;
    case 'end':
      if (state.role === 'uac' && state.session === null) return state.cancelled === null && state.phase !== 'finished';
      return state.session !== null && (state.session.phase === 'confirmed' || state.phase === 'ringing');
    default:
      return true;
  }
}

/** An UPDATE of ours needs a peer that takes it; on an early dialog it waits for the PRACK, and with an offer for the answer. RFC 3311 5.1. */
function updatable(state: CallState, fork: string | null, offer: boolean): boolean {
  if (state.session !== null) return state.session.phase === 'confirmed' && canUpdate(state.session, offer);
  if (state.role === 'uas') return false;
  const early = fork === null ? undefined : state.early[fork];
  return early !== undefined && state.cancelled === null && early.waiting === null && canUpdate(early.session, offer);
}

/** True once a dialog is confirmed and alive. */
export function isConfirmed(state: CallState): boolean {
  return state.session?.phase === 'confirmed';
}
