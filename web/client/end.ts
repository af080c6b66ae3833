/** How a call ended, as data and in plain words. */
import type { FinalStatus } from './session.ts';

export interface CallEnd {
  status: FinalStatus;
  /** Reason as the service gave it, or null. */
  reason: string | null;
  /** SIP response code, or null. */
  sip: number | null;
  /** Q.850 cause, or null. */
  q850: number | null;
  by: 'local' | 'remote' | 'network';
  answeredElsewhere: boolean;
  /** From the answer to the end; null when it was never answered. */
  durationMs: number | null;
}

/** Why a call is over, seen from here. */
export type EndReason =
  | 'busy'
  | 'declined-here'
  | 'declined'
  | 'not-answered-here'
  | 'not-answered'
  | 'not-reachable'
  | 'cancelled-here'
  | 'cancelled'
  | 'answered-elsewhere'
  | 'caller-gave-up'
  | 'hung-up-here'
  | 'hung-up'
  | 'out-of-reach'
  | 'lost-by-network'
  | 'no-sound'
  | 'no-response'
  | 'maintenance'
  | 'too-long'
  | 'not-allowed'
  | 'network-busy'
  | 'no-common-format'
  | 'failed';

const TEXT: Readonly<Record<EndReason, string>> = {
  busy: 'The other side is busy.',
  'declined-here': 'You declined the call.',
  declined: 'The other side declined the call.',
  'not-answered-here': 'You did not answer.',
  'not-answered': 'Nobody answered.',
  'not-reachable': 'The number cannot be reached.',
  'cancelled-here': 'You cancelled the call.',
  cancelled: 'The call was cancelled.',
  'answered-elsewhere': 'The call was answered on another device.',
  'caller-gave-up': 'The caller gave up.',
  'hung-up-here': 'You hung up.',
  'hung-up': 'The other side hung up.',
  'out-of-reach': 'The call ended while the service could not be reached.',
  'lost-by-network': 'The call was cut because the network lost track of it.',
  'no-sound': 'The call was cut because no sound came through.',
  'no-response': 'The network did not respond.',
  maintenance: 'The call was cut because the service is going down for maintenance.',
  'too-long': 'The call reached its longest allowed time.',
  'not-allowed': 'The network does not allow this call.',
  'network-busy': 'The network is busy. Try again in a moment.',
  'no-common-format': 'The two sides have no sound format in common.',
  failed: 'The call could not be made.',
};

/** Cause numbers of the gateway's own ends, `GW;cause=n`. */
const GATEWAY_REASON: Readonly<Record<number, EndReason>> = {
  2: 'lost-by-network',
  3: 'no-sound',
  4: 'no-response',
  6: 'maintenance',
  7: 'too-long',
};

/** `by` null: whoever the reason points to. */
export function endOf(
  status: FinalStatus,
  reason: string | null,
  by: 'local' | 'network' | null,
  durationMs: number | null,
): CallEnd {
  const find = (pattern: RegExp) => {
    const found = reason === null ? null : pattern.exec(reason);
    return found?.[1] === undefined ? null : Number(found[1]);
  };
  const gateway = find(/\bGW;cause=(\d+)/);
  const sip = find(/\bSIP;cause=(\d{3})/) ?? find(/^(\d{3})\b/);
  return {
    status,
    reason,
    sip,
    q850: find(/\bQ\.850;cause=(\d+)/),
    by: by ?? (gateway === null ? 'remote' : 'network'),
    answeredElsewhere:
      status === 'SessionCancelled' &&
      by !== 'local' &&
      (gateway === 5 || sip === 200 || /elsewhere/i.test(reason ?? '')),
    durationMs,
  };
}

/** One sentence for a person. `direction` is the call's. */
export function endText(end: CallEnd, direction: 'inbound' | 'outbound'): string {
  return TEXT[endReason(end, direction)];
}

/** For those who have words of their own. `direction` is the call's. */
export function endReason(end: CallEnd, direction: 'inbound' | 'outbound'): EndReason {
  switch (end.status) {
    case 'Busy':
      return 'busy';
    case 'Declined':
      return direction === 'inbound' && end.by === 'local' ? 'declined-here' : 'declined';
    case 'NoAnswer':
      return direction === 'inbound' ? 'not-answered-here' : 'not-answered';
    case 'NotReachable':
      return 'not-reachable';
    case 'Failed':
      return gatewayReason(end) ?? failedReason(end);
    case 'SessionCancelled':
      if (end.by === 'local') return 'cancelled-here';
      if (end.answeredElsewhere) return 'answered-elsewhere';
      return direction === 'inbound' ? 'caller-gave-up' : 'cancelled';
    case 'Terminated':
      if (end.by === 'local') return 'hung-up-here';
      if (end.reason === null && end.by === 'network') return 'out-of-reach';
      return gatewayReason(end) ?? 'hung-up';
    default:
      return end.status satisfies never;
  }
}

function failedReason({ sip }: CallEnd): EndReason {
  if (sip === 403) return 'not-allowed';
  if (sip === 503) return 'network-busy';
  if (sip === 488 || sip === 606) return 'no-common-format';
  return 'failed';
}

function gatewayReason(end: CallEnd): EndReason | null {
  const cause = /\bGW;cause=(\d+)/.exec(end.reason ?? '')?.[1];
  return cause === undefined ? null : (GATEWAY_REASON[Number(cause)] ?? null);
}
