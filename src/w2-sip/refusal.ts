/** What a SIP user agent is told where an application would get an error or a final status. RFC 3261 21, IMS digest 3.9. */
import type { CoreErrorCode } from '../ep-cscf/api-request.ts';
import { ANSWERED_ELSEWHERE } from '../ep-cscf/reason.ts';
import type { CallStatus } from '../ep-cscf/words.ts';
import { type ExtraHeaders, type Refusal, reasonPhrase } from '../sip/index.ts';

const CODES: Readonly<Partial<Record<CoreErrorCode, number>>> = {
  'not-found': 404,
  'receiver-anonymous': 404,
  'sdp-unusable': 488,
  'offer-and-answer': 488,
  'emergency-not-supported': 380,
  'incompatible-state': 491,
  'registration-pending': 503,
  'network-unavailable': 503,
  'call-quota': 503,
  draining: 503,
  'network-timeout': 504,
  internal: 500,
};

/** A refusal by the core; what is not named is forbidden. */
export function refusalOf({ error, retryAfterS }: { error: string; retryAfterS?: number }): Refusal {
  const status = CODES[error as CoreErrorCode] ?? 403;
  const seconds = retryAfterS ?? (status === 503 ? 5 : null);
  return refusal(status, seconds === null ? [] : [['Retry-After', String(seconds)]]);
}

export function refusal(status: number, headers: ExtraHeaders = []): Refusal {
  return { status, reason: reasonPhrase(status), headers };
}

const FINAL: Readonly<Partial<Record<CallStatus, number>>> = {
  Busy: 486,
  Declined: 603,
  NoAnswer: 480,
  NotReachable: 480,
  SessionCancelled: 487,
  Failed: 500,
};

/** How a call out that nobody answered ends: the code the network has given where the reason names one. */
export function finalOf(status: CallStatus, reason: string | null): Refusal {
  const cause = Number(/^SIP;cause=([4-6]\d\d)/.exec(reason ?? '')?.[1] ?? 0);
  const code = cause === 0 ? (FINAL[status] ?? 480) : cause;
  return refusal(code, reasonHeaders(reason));
}

/** Why a call ends, as a field of a CANCEL, a BYE or a final response. RFC 3326 2, TS 24.229 5.1.3.1. */
export function reasonHeaders(reason: string | null): ExtraHeaders {
  if (reason === null) return [];
  return [['Reason', reason === ANSWERED_ELSEWHERE ? 'SIP;cause=200;text="Call completed elsewhere"' : reason]];
}
