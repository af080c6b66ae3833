/** One call, out or in: the door of the call machines. */
import { handleUac } from './invite-uac.ts';
import { handleUas, type UasState } from './invite-uas.ts';
import { canReoffer } from './session-state.ts';
import type { CallEffect, CallInput } from './types.ts';
import type { UacState } from './uac-state.ts';

export type CallState = UacState | UasState;

/** One input, its effects appended to `out`. Pure: time is an argument, randomness is in the state. */
export function handleCall(state: CallState, input: CallInput, now: number, out: CallEffect[]): void {
  if (state.role === 'uac') handleUac(state, input, now, out);
  else handleUas(state, input, now, out);
}

/** True when an input of the user fits the state; others are ignored by the machine. */
export function fits(state: CallState, type: CallInput['type']): boolean {
  switch (type) {
    case 'provisional':
    case 'answer':
      return state.role === 'uas' && state.phase === 'ringing' && state.held === null;
    case 'reject':
      return state.role === 'uas' && state.phase === 'ringing';
    case 'reinvite':
      return state.session !== null && canReoffer(state.session);
    case 'ack':
      return state.role === 'uac' && state.session !== null && state.ack === null;
    case 'end':
      if (state.role === 'uac' && state.session === null) return state.cancelled === null && state.phase !== 'finished';
      return state.session !== null && (state.session.phase === 'confirmed' || state.phase === 'ringing');
    default:
      return true;
  }
}

/** True once a dialog is confirmed and alive. */
export function isConfirmed(state: CallState): boolean {
  return state.session?.phase === 'confirmed';
}
