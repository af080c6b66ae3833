/** Whether a call was forwarded on its way to us, and why. RFC 7044, RFC 4458, RFC 5806, IMS digest 4.1. */
import { type Headers, parseUri, type SipRequest } from '../sip/index.ts';
import { privacyOf } from './identity.ts';

/** Causes of RFC 4458 as carriers use them: unconditional, busy, no answer, unavailable, deflected at once or while ringing, not reachable. */
const CAUSES: ReadonlySet<number> = new Set([302, 404, 408, 480, 486, 487, 503]);

/** Reasons of the older Diversion field. RFC 5806 4. */
const REASONS: Readonly<Record<string, number>> = {
  unconditional: 302,
  'user-busy': 486,
  'no-answer': 408,
  unavailable: 404,
  deflection: 480,
  'out-of-service': 503,
};

/** RFC 4458 cause of the last forwarding, or null: none, or history is private. RFC 7044 10.1. */
export function diversionOf({ headers }: SipRequest): number | null {
  if (privacyOf(headers).includes('history')) return null;
  return lastCause(headers) ?? lastReason(headers);
}

function lastCause(headers: Headers): number | null {
  let last: number | null = null;
  for (const { uri } of headers.nameAddrs('History-Info')) {
    const entry = parseUri(uri);
    // One entry that is private keeps the whole way private.
    if (entry?.headers?.toLowerCase().includes('privacy=history') === true) return null;
    const cause = Number(entry?.params.get('cause'));
    if (CAUSES.has(cause)) last = cause;
  }
  return last;
}

/** The topmost Diversion is the latest. RFC 5806 5. */
function lastReason(headers: Headers): number | null {
  const reason = headers.nameAddrs('Diversion')[0]?.params.get('reason');
  return typeof reason === 'string' ? (REASONS[reason.toLowerCase()] ?? 302) : null;
}
