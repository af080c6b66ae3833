/** What the core hears of a SIP response, a CANCEL, a BYE or a silence. RFC 3326, RFC 6432, IMS digest 3.9. */
import type { CallId } from '../ep-cscf/ids.ts';
import type { ImsInput } from '../ep-cscf/input.ts';
import type { Outcome } from '../ep-cscf/words.ts';
import type { End, Failure, LocalCause, SipMessage, SipRequest, SipResponse } from '../sip/index.ts';
import { alternativeServiceOf } from './alternative-service.ts';

/** Longest text of Reason values handed on. */
const MAX_REASON = 1024;

const LOCAL: Readonly<Record<LocalCause, NonNullable<Outcome['local']>>> = {
  timeout: 'no-response',
  transport: 'transport',
  'no-route': 'no-route',
  internal: 'internal',
  cancelled: 'internal',
};

/** The outcome of a final response other than 2xx, or of none. */
export function outcomeOfFailure(failure: Failure): Outcome {
  if (failure.response !== null) return outcomeOfResponse(failure.response);
  return endedHere(LOCAL[failure.cause]);
}

function endedHere(local: Outcome['local']): Outcome {
  return { code: 0, phrase: '', q850: null, local, reason: null };
}

function outcomeOfResponse(response: SipResponse): Outcome {
  return {
    code: response.status,
    phrase: response.reason,
    q850: causeOf(response, 'Q.850'),
    local: null,
    reason: reasonsOf(response),
  };
}

/** What the core hears when no 2xx comes to an INVITE of ours. `knowsUs`: who was asked keeps our registration. */
export function unanswered(owner: CallId, failure: Failure, knowsUs: boolean): ImsInput {
  // The 2xx crossed our CANCEL: it was acknowledged and ended by BYE.
  if (failure.cause === 'cancelled') return { type: 'ims-ended', owner, outcome: refusedHere(0, '') };
  if (saysEmergency(failure)) return { type: 'ims-is-emergency', owner };
  const outcome = outcomeOfFailure(failure);
  return { type: knowsUs && saysStateLost(failure) ? 'ims-state-lost' : 'ims-rejected', owner, outcome };
}

/** True for a 380 whose alternative service is the emergency service. TS 24.229 7.6, IMS digest 6.5. */
function saysEmergency({ response }: Failure): boolean {
  return response?.status === 380 && alternativeServiceOf(response) === 'emergency';
}

/** True for a 504 of an S-CSCF that was restarted: it asks for an initial registration by a document of the IMS. TS 24.229 5.2.7, 7.6. */
export function saysStateLost({ response }: Failure): boolean {
  return response?.status === 504 && alternativeServiceOf(response) === 'restoration';
}

/** The outcome a CANCEL or a BYE tells: its code is the SIP cause of the Reason header, or 0. */
export function outcomeOfRequest(request: SipRequest): Outcome {
  return {
    code: causeOf(request, 'SIP') ?? 0,
    phrase: '',
    q850: causeOf(request, 'Q.850'),
    local: null,
    reason: reasonsOf(request),
  };
}

/** The outcome of a confirmed dialog that is over. */
export function outcomeOfEnd(end: End): Outcome {
  switch (end.cause) {
    case 'bye':
      return outcomeOfRequest(end.request);
    case 'no-prack':
      return { code: 504, phrase: 'Server Time-out', q850: null, local: null, reason: null };
    case 'session-timer':
      return endedHere('session-timer');
    case 'no-ack':
    case 'dead':
    case 'closed':
      return endedHere('no-response');
    default:
      return end satisfies never;
  }
}

/** An outcome of our own making: a request we could not even send. */
export function refusedHere(code: number, phrase: string): Outcome {
  return { code, phrase, q850: null, local: null, reason: null };
}

/** The cause number a Reason value of this protocol carries, or null. RFC 3326 2. */
function causeOf(message: SipMessage, protocol: string): number | null {
  for (const value of message.headers.all('Reason')) {
    if ((value.split(';', 1)[0] ?? '').trim().toLowerCase() !== protocol.toLowerCase()) continue;
    const cause = /;\s*cause\s*=\s*(\d{1,3})(?!\d)/i.exec(value)?.[1];
    if (cause !== undefined) return Number(cause);
  }
  return null;
}

function reasonsOf(message: SipMessage): string | null {
  const values = message.headers.all('Reason');
  return values.length === 0 ? null : values.join(', ').slice(0, MAX_REASON);
}

/** True when a server that was asked may have done it: it has not answered, or its connection broke. */
export function isUnanswered({ cause }: Failure): boolean {
  return cause === 'timeout' || cause === 'transport';
}

/** Retry-After in seconds, or null. */
export function retryAfterOf(failure: Failure): number | null {
  return failure.response?.headers.number('Retry-After') ?? null;
}
