/** Non-INVITE client transaction: RFC 3261 17.1.2. */
import type { SipRequest, SipResponse } from '../message/message.ts';
import {
  backOff,
  type ClientInput,
  never,
  type Out,
  patience,
  type Setup,
  SPENT,
  startTimer,
  stopTimer,
} from './machine.ts';
import type { TimerName } from './types.ts';

export interface NonInviteClient extends Setup {
  type: 'non-invite-client';
  /** What is sent again; behind the final response nothing. */
  request: SipRequest;
  state: 'Trying' | 'Proceeding' | 'Completed' | 'Terminated';
  /** Interval of timer E, in ms. */
  intervalMs: number;
  /** Timer E runs. */
  repeats: boolean;
}

/** A new transaction; give it `start` next. */
export function nonInviteClient(setup: Setup, request: SipRequest): NonInviteClient {
  return { ...setup, type: 'non-invite-client', request, state: 'Trying', intervalMs: setup.values.t1, repeats: false };
}

/** One step of the machine: changes `state`, appends effects. Inputs that mean nothing in a state do nothing. RFC 3261 17.1.2.2. */
export function handleNonInviteClient(state: NonInviteClient, input: ClientInput, _now: number, out: Out): void {
  switch (input.type) {
    case 'start':
      start(state, out);
      return;
    case 'response':
      onResponse(state, input.response, out);
      return;
    case 'timer':
      onTimer(state, input.name, out);
      return;
    case 'cancel':
      // Only an INVITE can be taken back (RFC 3261 9.1): of another there are no more copies.
      stopCopies(state, out);
      return;
    case 'transport-error':
      if (!waiting(state)) return;
      stopTimer(out, state.key, 'F');
      fail(state, 'transport', out);
      return;
    default:
      never(input);
  }
}

function waiting(state: NonInviteClient): boolean {
  return state.state === 'Trying' || state.state === 'Proceeding';
}

function start(state: NonInviteClient, out: Out): void {
  if (state.state !== 'Trying') return;
  out.push({ type: 'send', key: state.key, message: state.request });
  startTimer(out, state.key, 'F', patience(state.values));
  if (state.reliable) return;
  state.repeats = true;
  startTimer(out, state.key, 'E', state.intervalMs);
}

function stopCopies(state: NonInviteClient, out: Out): void {
  if (state.repeats) stopTimer(out, state.key, 'E');
  state.repeats = false;
}

function onResponse(state: NonInviteClient, response: SipResponse, out: Out): void {
  if (!waiting(state)) return;
  if (response.status < 200) {
    state.state = 'Proceeding';
    out.push({ type: 'response', key: state.key, response });
    return;
  }
  state.request = SPENT;
  stopTimer(out, state.key, 'F');
  if (state.reliable) {
    // Timer K is zero.
    state.state = 'Terminated';
    out.push({ type: 'response', key: state.key, response }, { type: 'terminated', key: state.key });
    return;
  }
  stopCopies(state, out);
  state.state = 'Completed';
  startTimer(out, state.key, 'K', state.values.t4);
  out.push({ type: 'response', key: state.key, response });
}

function onTimer(state: NonInviteClient, name: TimerName, out: Out): void {
  if (name === 'E' && state.repeats) {
    state.intervalMs = state.state === 'Proceeding' ? state.values.t2 : backOff(state.intervalMs, state.values);
    out.push({ type: 'send', key: state.key, message: state.request });
    startTimer(out, state.key, 'E', state.intervalMs);
  } else if (name === 'F' && waiting(state)) {
    fail(state, 'timeout', out);
  } else if (name === 'K' && state.state === 'Completed') {
    state.state = 'Terminated';
    out.push({ type: 'terminated', key: state.key });
  }
}

function fail(state: NonInviteClient, cause: 'timeout' | 'transport', out: Out): void {
  stopCopies(state, out);
  state.state = 'Terminated';
  out.push({ type: 'failed', key: state.key, cause }, { type: 'terminated', key: state.key });
}
