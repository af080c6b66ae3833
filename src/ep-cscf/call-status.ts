/** From SIP to the CAMARA states: provisional codes, final outcomes, and the class each end counts as. */

import { foreignReason, foreignValues, GW, gwReason, join, sipReason } from './reason.ts';
import type { CallStatus, EndClass, FinalStatus, Outcome } from './words.ts';

export interface Final {
  status: FinalStatus;
  reason: string;
  class: EndClass;
}

/** State for a provisional code above 100; null when it says nothing about the state (199). IMS digest 3.9.1. */
export function progressStatus(code: number): CallStatus | null {
  switch (code) {
    case 180:
      return 'Ringing';
    case 182:
      return 'Waiting';
    case 183:
      return 'InProgress';
    case 199:
      return null;
    default:
      return 'Proceeding';
  }
}

const Q850: Readonly<Record<number, FinalStatus>> = {
  ...each('NotReachable', [1, 2, 3, 20, 22, 27, 28]),
  17: 'Busy',
  ...each('NoAnswer', [18, 19]),
  ...each('Declined', [21, 55, 87]),
};

/** Q.850 causes that leave the decision to the SIP code: the clearing was normal. */
const Q850_SILENT = new Set([16, 31]);

const CODES: Readonly<Record<number, FinalStatus>> = {
  ...each('NotReachable', [404, 410, 484, 485, 604]),
  408: 'NoAnswer',
  433: 'Declined',
  ...each('Busy', [486, 600]),
  487: 'SessionCancelled',
  ...each('Declined', [603, 607, 608]),
};

function each(status: FinalStatus, codes: readonly number[]): Record<number, FinalStatus> {
  return Object.fromEntries(codes.map(code => [code, status]));
}

/** End of a call of ours that was not answered. `rang`: a 180 was seen on any dialog. First matching row of IMS digest 3.9.2. */
export function finalOf(outcome: Outcome, rang: boolean): Final {
  if (outcome.local !== null) return localFinal(outcome.local);
  const status = statusOf(outcome, rang);
  return { status, reason: reasonOf(outcome), class: classOf(status, outcome.code) };
}

function statusOf(outcome: Outcome, rang: boolean): FinalStatus {
  if (outcome.q850 !== null && !Q850_SILENT.has(outcome.q850)) return Q850[outcome.q850] ?? 'Failed';
  // A flow that failed means nobody there, as 480 does. RFC 5626 11.4, IMS digest 7.6.
  if (outcome.code === 480 || outcome.code === 430) return rang ? 'NoAnswer' : 'NotReachable';
  return CODES[outcome.code] ?? 'Failed';
}

function localFinal(local: NonNullable<Outcome['local']>): Final {
  switch (local) {
    case 'no-response':
      return { status: 'Failed', reason: gwReason(GW.noResponse, 'no response'), class: 'network' };
    case 'session-timer':
      return { status: 'Failed', reason: gwReason(GW.sessionTimer, 'session timer'), class: 'network' };
    case 'transport':
      return { status: 'Failed', reason: gwReason(GW.noResponse, 'transport failure'), class: 'network' };
    case 'no-route':
      return { status: 'Failed', reason: gwReason(GW.noResponse, 'no route'), class: 'network' };
    case 'overload':
      return { status: 'Failed', reason: gwReason(GW.policy, 'overload'), class: 'upstream' };
    case 'internal':
      return { status: 'Failed', reason: sipReason(500, 'Internal error'), class: 'internal' };
    default: {
      const never: never = local;
      return never;
    }
  }
}

function classOf(status: FinalStatus, code: number): EndClass {
  // Media and request faults below 500 are of our own making or of the client's; the rest is the network's.
  if (status !== 'Failed') return 'client';
  return code === 488 || code === 606 ? 'client' : 'upstream';
}

/** `reason` for a response: the SIP part, then what the Reason header adds. RFC 3326. */
export function reasonOf(outcome: Outcome): string {
  const values = [sipReason(outcome.code, outcome.phrase)];
  const foreign = outcome.reason === null ? [] : foreignValues(outcome.reason);
  for (const value of foreign) if (!value.startsWith('SIP;')) values.push(value);
  if (foreign.length === 0 && outcome.q850 !== null) values.push(`Q.850;cause=${outcome.q850}`);
  return join(values);
}

/** End of an answered call by BYE or by the death of its dialog: always Terminated. IMS digest 5.6. */
export function endedOf(outcome: Outcome): Final {
  const foreign = outcome.reason === null ? null : foreignReason(outcome.reason);
  const died = outcome.local !== null || outcome.code >= 300;
  const own =
    outcome.local === null
      ? outcome.code >= 300
        ? sipReason(outcome.code, outcome.phrase)
        : byeReason(outcome)
      : localFinal(outcome.local).reason;
  return { status: 'Terminated', reason: foreign ?? own, class: died ? 'network' : 'success' };
}

function byeReason(outcome: Outcome): string {
  return outcome.q850 === null ? 'SIP;text="BYE"' : `Q.850;cause=${outcome.q850}`;
}

/** End of an unanswered incoming call by its CANCEL: always SessionCancelled; a Reason tells why. IMS digest 4.7. */
export function cancelledOf(outcome: Outcome): Final {
  const foreign = outcome.reason === null ? null : foreignReason(outcome.reason);
  return { status: 'SessionCancelled', reason: foreign ?? sipReason(487, 'Request Terminated'), class: 'client' };
}
