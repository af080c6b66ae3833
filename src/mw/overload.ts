/** What is refused when there is too much to do, before any work is done for it. IMS digest 7.5. */
import { isEmergencyRequest, type Refusal, reasonPhrase, type SipCount, type SipRequest } from '../sip/index.ts';

export interface OverloadOptions {
  /** How late the event loop is, in ms. */
  lagMs(): number;
  /** Calls up or being set up. */
  calls(): number;
  /** From this lag on nothing but calls is taken from outside a dialog; from twice this no call either. */
  maxLagMs: number;
  maxCalls: number;
  count: SipCount;
  /** Tells the operator that something was refused. */
  tell(reason: string): void;
  /** [0, 1). */
  random(): number;
}

/** Retry-After spreads over these, in seconds, so that not all come back at once. */
const RETRY_MIN_S = 5;
const RETRY_MAX_S = 30;

/** A first look at a request: goes on, or is refused with 503. Requests in a dialog and emergency calls always go on. */
export function createOverload(options: OverloadOptions): (request: SipRequest) => 'accept' | Refusal {
  const { maxLagMs, maxCalls, count, random } = options;

  function reasonFor(isCall: boolean): string | null {
    const lag = options.lagMs();
    if (lag >= (isCall ? 2 * maxLagMs : maxLagMs)) return 'sip-lag';
    return isCall && options.calls() >= maxCalls ? 'sip-calls' : null;
  }

  return request => {
    const reason = reasonFor(request.method === 'INVITE');
    if (reason === null || request.headers.to()?.params.has('tag') || isEmergencyRequest(request)) return 'accept';
    count('overload_shed_total', { reason }, 1);
    options.tell(reason);
    const seconds = RETRY_MIN_S + Math.floor(random() * (RETRY_MAX_S - RETRY_MIN_S + 1));
    return { status: 503, reason: reasonPhrase(503), headers: [['Retry-After', String(seconds)]] };
  };
}
