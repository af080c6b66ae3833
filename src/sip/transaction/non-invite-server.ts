/** Non-INVITE server transaction: RFC 3261 17.2.2, with the restraint of RFC 4320 4. */
import type { SipResponse } from '../message/message.ts';
import { never, type Out, patience, type ServerInput, type Setup, startTimer, stopTimer } from './machine.ts';
import type { TimerName } from './types.ts';

export interface NonInviteServer extends Setup {
  type: 'non-invite-server';
  state: 'Trying' | 'Proceeding' | 'Completed' | 'Terminated';
  /** When the request came, ms. */
  since: number;
  /** The response a copy of the request gets; null in Trying. */
  last: SipResponse | null;
  /** The user knows that its final response did not get through. */
  told: boolean;
}

/** A new transaction that came at `now` (ms); give it `start` next. */
export function nonInviteServer(setup: Setup, now: number): NonInviteServer {
  return { ...setup, type: 'non-invite-server', state: 'Trying', since: now, last: null, told: false };
}

/** One step of the machine: changes `state`, appends effects. Inputs that mean nothing in a state do nothing. RFC 3261 17.2.2. */
export function handleNonInviteServer(state: NonInviteServer, input: ServerInput, now: number, out: Out): void {
  switch (input.type) {
    case 'start':
      if (state.state !== 'Trying') return;
      // The client gives up at its timer F; a later answer would only be a stray (RFC 4320 4.2), so the wait here ends with it.
      startTimer(out, state.key, 'F', patience(state.values));
      out.push({ type: 'request', key: state.key, request: input.request });
      return;
    case 'request':
      if (state.last && state.state !== 'Terminated') out.push({ type: 'send', key: state.key, message: state.last });
      return;
    case 'ack':
      return;
    case 'respond':
      onRespond(state, input.response, now, out);
      return;
    case 'timer':
      onTimer(state, input.name, out);
      return;
    case 'transport-error':
      // The machine stays (RFC 6026 8.7): a copy of the request tries again.
      if (state.state !== 'Completed' || state.told) return;
      state.told = true;
      out.push({ type: 'failed', key: state.key, cause: 'transport' });
      return;
    default:
      never(input);
  }
}

function onRespond(state: NonInviteServer, response: SipResponse, now: number, out: Out): void {
  if (state.state !== 'Trying' && state.state !== 'Proceeding') return;
  if (!allowed(state, response.status, now)) return;
  state.last = response;
  out.push({ type: 'send', key: state.key, message: response });
  if (response.status < 200) {
    state.state = 'Proceeding';
    return;
  }
  stopTimer(out, state.key, 'F');
  if (state.reliable) {
    // Timer J is zero.
    state.state = 'Terminated';
    out.push({ type: 'terminated', key: state.key });
    return;
  }
  state.state = 'Completed';
  startTimer(out, state.key, 'J', patience(state.values));
}

/** RFC 4320 4.1, 4.2: no 1xx but 100, and that on UDP only when the client's timer E has reached T2; never a 408. */
function allowed(state: NonInviteServer, status: number, now: number): boolean {
  if (status === 408) return false;
  if (status >= 200) return true;
  if (status !== 100) return false;
  return state.reliable || now - state.since >= state.values.t2 - state.values.t1;
}

function onTimer(state: NonInviteServer, name: TimerName, out: Out): void {
  if (name === 'F' && (state.state === 'Trying' || state.state === 'Proceeding')) {
    state.state = 'Terminated';
    out.push({ type: 'failed', key: state.key, cause: 'timeout' }, { type: 'terminated', key: state.key });
  } else if (name === 'J' && state.state === 'Completed') {
    state.state = 'Terminated';
    out.push({ type: 'terminated', key: state.key });
  }
}
