/** What the four machines share: their inputs, and the writing of effects. */
import { createRequest } from '../message/build.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { TimerName, TimerValues, TransactionEffect, TransactionKey } from './types.ts';

/** Everything a client transaction can hear. `cancel`: a CANCEL for this INVITE is being sent; any other request is sent no more. */
export type ClientInput =
  | { type: 'start' }
  | { type: 'response'; response: SipResponse }
  | { type: 'timer'; name: TimerName }
  | { type: 'cancel' }
  | { type: 'transport-error' };

/** Everything a server transaction can hear; `respond` comes from its user. */
export type ServerInput =
  | { type: 'start'; request: SipRequest }
  | { type: 'request' }
  | { type: 'ack'; request: SipRequest }
  | { type: 'respond'; response: SipResponse }
  | { type: 'timer'; name: TimerName }
  | { type: 'transport-error' };

/** What every machine is made from. */
export interface Setup {
  key: TransactionKey;
  /** True on TCP and TLS: nothing is repeated and nothing has to be absorbed. */
  reliable: boolean;
  values: TimerValues;
}

/** In the place of a request that is not sent again: its transaction lives on for up to half a minute. */
export const SPENT: SipRequest = createRequest('', '', []);

export type Out = TransactionEffect[];

export function startTimer(out: Out, key: TransactionKey, name: TimerName, ms: number): void {
  out.push({ type: 'start-timer', key, name, ms });
}

export function stopTimer(out: Out, key: TransactionKey, name: TimerName): void {
  out.push({ type: 'stop-timer', key, name });
}

/** How long a client or a user waits for the other side: 64*T1, in ms. RFC 3261 table 4 (timers B, F, H, J, L, M). */
export function patience(values: TimerValues): number {
  return 64 * values.t1;
}

/** The next interval of a repeated message, in ms: doubled, at most T2. RFC 3261 17.1.2.2 (timer E), 17.2.1 (timer G). */
export function backOff(intervalMs: number, values: TimerValues): number {
  return Math.min(2 * intervalMs, values.t2);
}

/** Keeps `switch` honest: the argument has no possible value left. */
export function never(value: never): never {
  throw new TypeError(`unexpected ${JSON.stringify(value)}`);
}
