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

/** Cause numbers of the gateway's own ends, `GW;cause=n`. */
const GATEWAY_TEXT: Readonly<Record<number, string>> = {
  2: 'The call was cut because the network lost track of it.',
  3: 'The call was cut because no sound came through.',
  4: 'The network did not respond.',
  6: 'The call was cut because the service is going down for maintenance.',
  7: 'The call reached its longest allowed time.',
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
  switch (end.status) {
    case 'Busy':
      return 'The other side is busy.';
    case 'Declined':
      return direction === 'inbound' && end.by === 'local'
        ? 'You declined the call.'
        : 'The other side declined the call.';
    case 'NoAnswer':
      return direction === 'inbound' ? 'You did not answer.' : 'Nobody answered.';
    case 'NotReachable':
      return 'The number cannot be reached.';
    case 'Failed':
      return failedText(end);
    case 'SessionCancelled':
      if (end.by === 'local') return 'You cancelled the call.';
      if (end.answeredElsewhere) return 'The call was answered on another device.';
      return direction === 'inbound' ? 'The caller gave up.' : 'The call was cancelled.';
    case 'Terminated':
      if (end.by === 'local') return 'You hung up.';
      if (end.reason === null && end.by === 'network') return 'The call ended while the service could not be reached.';
      return gatewayText(end) ?? 'The other side hung up.';
    default:
      return end.status satisfies never;
  }
}

function failedText(end: CallEnd): string {
  const known = gatewayText(end);
  if (known !== null) return known;
  if (end.sip === 403) return 'The network does not allow this call.';
  if (end.sip === 503) return 'The network is busy. Try again in a moment.';
  if (end.sip === 488 || end.sip === 606) return 'The two sides have no sound format in common.';
  return 'The call could not be made.';
}

function gatewayText(end: CallEnd): string | null {
  const cause = /\bGW;cause=(\d+)/.exec(end.reason ?? '')?.[1];
  return cause === undefined ? null : (GATEWAY_TEXT[Number(cause)] ?? null);
}
