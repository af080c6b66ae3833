/** INVITE server transaction: RFC 3261 17.2.1 with the Accepted state of RFC 6026 7.1. */
import type { SipRequest, SipResponse } from '../message/message.ts';
import { backOff, never, type Out, patience, type ServerInput, type Setup, startTimer, stopTimer } from './machine.ts';
import type { TimerName } from './types.ts';

export interface InviteServer extends Setup {
  type: 'invite-server';
  state: 'Proceeding' | 'Accepted' | 'Completed' | 'Confirmed' | 'Terminated';
  /** The response a copy of the INVITE gets; the first is the 100, sent at once. */
  last: SipResponse;
  /** Interval of timer G, in ms. */
  intervalMs: number;
  /** The user knows that its final response did not get through. */
  told: boolean;
}

/** A new transaction; give it `start` next. `trying` is the 100 it sends by itself: the user may think as long as it likes. */
export function inviteServer(setup: Setup, trying: SipResponse): InviteServer {
  return {
    ...setup,
    type: 'invite-server',
    state: 'Proceeding',
    last: trying,
    intervalMs: setup.values.t1,
    told: false,
  };
}

/** One step of the machine: changes `state`, appends effects. Inputs that mean nothing in a state do nothing. RFC 3261 17.2.1. */
export function handleInviteServer(state: InviteServer, input: ServerInput, _now: number, out: Out): void {
  switch (input.type) {
    case 'start':
      if (state.state !== 'Proceeding') return;
      resend(state, out);
      out.push({ type: 'request', key: state.key, request: input.request });
      return;
    case 'request':
      // RFC 6026 7.1: a copy in Accepted is absorbed, the user repeats its 2xx by itself.
      if (state.state === 'Proceeding' || state.state === 'Completed') resend(state, out);
      return;
    case 'ack':
      onAck(state, input.request, out);
      return;
    case 'respond':
      onRespond(state, input.response, out);
      return;
    case 'timer':
      onTimer(state, input.name, out);
      return;
    case 'transport-error':
      onTransportError(state, out);
      return;
    default:
      never(input);
  }
}

function resend(state: InviteServer, out: Out): void {
  out.push({ type: 'send', key: state.key, message: state.last });
}

function onAck(state: InviteServer, request: SipRequest, out: Out): void {
  if (state.state === 'Accepted') {
    out.push({ type: 'ack', key: state.key, request });
    return;
  }
  if (state.state !== 'Completed') return;
  stopTimer(out, state.key, 'H');
  if (state.reliable) {
    // Timer I is zero.
    state.state = 'Terminated';
    out.push({ type: 'terminated', key: state.key });
    return;
  }
  stopTimer(out, state.key, 'G');
  state.state = 'Confirmed';
  startTimer(out, state.key, 'I', state.values.t4);
}

function onRespond(state: InviteServer, response: SipResponse, out: Out): void {
  const { status } = response;
  if (state.state === 'Accepted') {
    // RFC 6026 7.1: only further 2xx pass.
    if (status >= 200 && status < 300) out.push({ type: 'send', key: state.key, message: response });
    return;
  }
  // A 100 of the user's own would be a second one.
  if (state.state !== 'Proceeding' || status === 100) return;
  state.last = response;
  resend(state, out);
  if (status < 200) return;
  if (status < 300) {
    state.state = 'Accepted';
    startTimer(out, state.key, 'L', patience(state.values));
    return;
  }
  state.state = 'Completed';
  startTimer(out, state.key, 'H', patience(state.values));
  if (!state.reliable) startTimer(out, state.key, 'G', state.intervalMs);
}

function onTimer(state: InviteServer, name: TimerName, out: Out): void {
  if (name === 'G' && state.state === 'Completed') {
    state.intervalMs = backOff(state.intervalMs, state.values);
    resend(state, out);
    startTimer(out, state.key, 'G', state.intervalMs);
  } else if (name === 'H' && state.state === 'Completed') {
    if (!state.reliable) stopTimer(out, state.key, 'G');
    state.state = 'Terminated';
    if (!state.told) out.push({ type: 'failed', key: state.key, cause: 'timeout' });
    out.push({ type: 'terminated', key: state.key });
  } else if ((name === 'I' && state.state === 'Confirmed') || (name === 'L' && state.state === 'Accepted')) {
    state.state = 'Terminated';
    out.push({ type: 'terminated', key: state.key });
  }
}

/**
 * The machine stays where it is (RFC 6026 8.7): a copy of the request, timer G or the user's next 2xx tries again. The user is told
 * once, and only of a final refusal: after a lost provisional its final response may still get through, and a 2xx is its own to repeat.
 */
function onTransportError(state: InviteServer, out: Out): void {
  if (state.state !== 'Completed' || state.told) return;
  state.told = true;
  out.push({ type: 'failed', key: state.key, cause: 'transport' });
}
