/** The words of a CAMARA media session as the SDK hears them: in answers, in events, in snapshots. */

export type CallStatus =
  | 'Initial'
  | 'InProgress'
  | 'Ringing'
  | 'Proceeding'
  | 'Waiting'
  | 'Connected'
  | 'Hold'
  | 'Resume'
  | FinalStatus;

export type FinalStatus =
  | 'Terminated'
  | 'SessionCancelled'
  | 'Declined'
  | 'Failed'
  | 'NoAnswer'
  | 'NotReachable'
  | 'Busy';

const FINAL: ReadonlySet<string> = new Set<FinalStatus>([
  'Terminated',
  'SessionCancelled',
  'Declined',
  'Failed',
  'NoAnswer',
  'NotReachable',
  'Busy',
]);
const ANSWERED: ReadonlySet<string> = new Set<CallStatus>(['Connected', 'Hold', 'Resume']);

export const isFinal = (status: CallStatus): status is FinalStatus => FINAL.has(status);
export const isAnswered = (status: CallStatus): boolean => ANSWERED.has(status);

/** A session as an answer, an event or a snapshot shows it. */
export interface SessionNews {
  mediaSessionId: string;
  status: CallStatus;
  originatorAddress?: string;
  receiverAddress?: string;
  originatorName?: string;
  receiverName?: string;
  offer?: { sdp?: string };
  answer?: { sdp?: string };
  reason?: string;
  sequenceNumber?: number;
}

/** Null when it has not the shape of a session. */
export function readSession(value: unknown): SessionNews | null {
  if (typeof value !== 'object' || value === null) return null;
  const { mediaSessionId, status } = value as Record<string, unknown>;
  return typeof mediaSessionId === 'string' && typeof status === 'string' ? (value as SessionNews) : null;
}

/** The far end, or our own. */
export interface Party {
  address: string;
  /** E.164, or null when the address holds none. */
  number: string | null;
  display: string | null;
  anonymous: boolean;
}

export function partyOf(address: string, display?: string): Party {
  const number = /^(?:tel:|sip:)(\+[1-9]\d{4,14})(?![\d])/.exec(address)?.[1] ?? null;
  return { address, number, display: display ?? null, anonymous: address.startsWith('sip:anonymous@') };
}

/** What a device knows as an emergency number everywhere, without being told. TS 22.101 10.1.1. */
const EMERGENCY_NUMBERS: readonly string[] = ['112', '911'];

/** The CAMARA address of what a person typed: +country and number with or without separators, a tel: or sip: URI, or an emergency call: 112, 911 and the `local` numbers of the service. Null: none. */
export function dialAddress(typed: string, local: readonly string[] = []): string | null {
  const text = typed.trim();
  if (/^urn:service:sos(?:\.[a-z0-9-]{1,32}){0,4}$/.test(text)) return text;
  if (/^sip:[^\s@]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{1,63}$/.test(text)) return text;
  const digits = text.replace(/^tel:/i, '').replace(/[\s().\-/]/g, '');
  if (EMERGENCY_NUMBERS.includes(digits) || local.includes(digits)) return 'urn:service:sos';
  // What most countries dial before a country code. ITU-T E.164.
  const international = digits.replace(/^00/, '+');
  return /^\+[1-9]\d{4,14}$/.test(international) ? `tel:${international}` : null;
}
