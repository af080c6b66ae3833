/** INVITE client transaction: RFC 3261 17.1.1 with the Accepted state of RFC 6026 7.2. */
import type { SipRequest, SipResponse } from '../message/message.ts';
import { acknowledge } from './derived-request.ts';
import { type ClientInput, never, type Out, patience, type Setup, SPENT, startTimer, stopTimer } from './machine.ts';
import type { TimerName } from './types.ts';

export interface InviteClient extends Setup {
  type: 'invite-client';
  /** What is sent again: the INVITE, then the ACK of its refusal; behind a 2xx nothing. */
  request: SipRequest;
  state: 'Calling' | 'Proceeding' | 'Accepted' | 'Completed' | 'Terminated';
  /** Interval of timer A, in ms. */
  intervalMs: number;
  /** A CANCEL was sent: the wait for the final response is bounded by 64*T1. RFC 3261 9.1. */
  cancelled: boolean;
}

/** A new transaction; give it `start` next. */
export function inviteClient(setup: Setup, request: SipRequest): InviteClient {
  return {
    ...setup,
    type: 'invite-client',
    request,
    state: 'Calling',
    intervalMs: setup.values.t1,
    cancelled: false,
  };
}

/** One step of the machine: changes `state`, appends effects. Inputs that mean nothing in a state do nothing. RFC 3261 17.1.1.2. */
export function handleInviteClient(state: InviteClient, input: ClientInput, _now: number, out: Out): void {
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
      onCancel(state, out);
      return;
    case 'transport-error':
      onTransportError(state, out);
      return;
    default:
      never(input);
  }
}

function start(state: InviteClient, out: Out): void {
  if (state.state !== 'Calling') return;
  out.push({ type: 'send', key: state.key, message: state.request });
  startTimer(out, state.key, 'B', patience(state.values));
  if (!state.reliable) startTimer(out, state.key, 'A', state.intervalMs);
}

function onResponse(state: InviteClient, response: SipResponse, out: Out): void {
  switch (state.state) {
    case 'Calling':
    case 'Proceeding':
      if (response.status < 200) {
        provisional(state, response, out);
        return;
      }
      leaveWaiting(state, out);
      if (response.status < 300) {
        accept(state, response, out);
        return;
      }
      complete(state, response, out);
      return;
    case 'Accepted':
      if (response.status >= 200 && response.status < 300) out.push({ type: 'response', key: state.key, response });
      return;
    case 'Completed':
      if (response.status >= 300) out.push({ type: 'send', key: state.key, message: state.request });
      return;
    case 'Terminated':
      return;
    default:
      never(state.state);
  }
}

function provisional(state: InviteClient, response: SipResponse, out: Out): void {
  if (state.state === 'Calling') {
    leaveWaiting(state, out);
    state.state = 'Proceeding';
  }
  out.push({ type: 'response', key: state.key, response });
}

/** A final response, or the first provisional one, ends the timers of Calling (and timer B of a cancelled Proceeding). */
function leaveWaiting(state: InviteClient, out: Out): void {
  if (state.state === 'Calling' || state.cancelled) stopTimer(out, state.key, 'B');
  if (state.state === 'Calling' && !state.reliable) stopTimer(out, state.key, 'A');
}

/** RFC 6026 7.2: copies of the 2xx, and 2xx of other forks, still reach the user until timer M. */
function accept(state: InviteClient, response: SipResponse, out: Out): void {
  state.state = 'Accepted';
  state.request = SPENT;
  startTimer(out, state.key, 'M', patience(state.values));
  out.push({ type: 'response', key: state.key, response });
}

function complete(state: InviteClient, response: SipResponse, out: Out): void {
  state.request = acknowledge(state.request, response);
  out.push({ type: 'send', key: state.key, message: state.request });
  if (state.reliable) {
    // Timer D is zero: no copy can come.
    state.state = 'Terminated';
    out.push({ type: 'response', key: state.key, response }, { type: 'terminated', key: state.key });
    return;
  }
  state.state = 'Completed';
  // Timer D is at least 32 s whatever T1 is.
  startTimer(out, state.key, 'D', Math.max(32_000, patience(state.values)));
  out.push({ type: 'response', key: state.key, response });
}

function onTimer(state: InviteClient, name: TimerName, out: Out): void {
  if (name === 'A' && state.state === 'Calling') {
    state.intervalMs *= 2;
    out.push({ type: 'send', key: state.key, message: state.request });
    startTimer(out, state.key, 'A', state.intervalMs);
  } else if (name === 'B' && (state.state === 'Calling' || state.state === 'Proceeding')) {
    fail(state, 'timeout', out);
  } else if ((name === 'D' && state.state === 'Completed') || (name === 'M' && state.state === 'Accepted')) {
    state.state = 'Terminated';
    out.push({ type: 'terminated', key: state.key });
  }
}

/** In Proceeding nothing bounds the wait but the user; after a CANCEL timer B does again. RFC 3261 9.1. */
function onCancel(state: InviteClient, out: Out): void {
  if (state.state !== 'Proceeding' || state.cancelled) return;
  state.cancelled = true;
  startTimer(out, state.key, 'B', patience(state.values));
}

function onTransportError(state: InviteClient, out: Out): void {
  if (state.state === 'Calling') {
    stopTimer(out, state.key, 'B');
    fail(state, 'transport', out);
  } else if (state.state === 'Completed') {
    // The ACK did not get out. The user has its final response: there is nothing more to tell it.
    stopTimer(out, state.key, 'D');
    state.state = 'Terminated';
    out.push({ type: 'terminated', key: state.key });
  }
}

function fail(state: InviteClient, cause: 'timeout' | 'transport', out: Out): void {
  if (state.state === 'Calling' && !state.reliable) stopTimer(out, state.key, 'A');
  state.state = 'Terminated';
  out.push({ type: 'failed', key: state.key, cause }, { type: 'terminated', key: state.key });
}
