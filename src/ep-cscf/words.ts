/** Words of the core that inputs and effects share: who asks, addresses, states of a call, outcomes. */
import type { DeviceId, E164 } from './ids.ts';

/** Who asks, as the access token says. CAMARA digest 3.2. */
export interface Principal {
  clientId: string;
  /** Null for two-legged access tokens; of a visitor token, the visit. */
  subject: string | null;
  /** The number the token resolves to; null for two-legged tokens. */
  number: E164 | null;
  legs: 2 | 3;
}

/** True of an anonymous visitor's token: two-legged for somebody in particular. */
export function isVisit({ legs, subject }: Principal): boolean {
  return legs === 2 && subject !== null;
}

/** What is known of an anonymous visitor's call beside the call itself. CAMARA digest 11b. */
export interface Visit {
  /** Id of the pool its number is leased from. */
  pool: string;
  entryPoint: string;
  /** The business's own name for it. */
  reference: string | null;
  /** Source address of the visitor: for the record, never for a log. */
  address: string;
  /** The call is ended then; ms since the epoch. */
  endsAt: number;
}

/** A CAMARA Address as text: `tel:+...`, `sip:...`, `urn:service:sos...`, `sip:anonymous@anonymous.invalid`. */
export type Address = string;

export const ANONYMOUS: Address = 'sip:anonymous@anonymous.invalid';

/** The CAMARA enum of session states. webrtc-call-handling v0.4. */
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

/** Every call ends with one of these, for metrics and records. */
export type EndClass = 'success' | 'client' | 'network' | 'upstream' | 'internal';

/** All the core hears of a SIP response, a CANCEL or a BYE. */
export interface Outcome {
  /** SIP status code; 0 when the end was local (see `local`). For a BYE or CANCEL 0 unless its Reason names a SIP cause. */
  code: number;
  phrase: string;
  /** Q.850 cause of a Reason header, or null. */
  q850: number | null;
  /** Why it ended without a response from the network. */
  local: 'no-response' | 'session-timer' | 'transport' | 'overload' | 'no-route' | 'internal' | null;
  /** Reason header values as received, or null. */
  reason: string | null;
}

/** Geographic location as the API carries it; checked by the API layer, opaque to the core. */
export type LocationDetails = Readonly<Record<string, unknown>>;

/** Where our user's device is, for the network. */
export interface DeviceLocation {
  details: LocationDetails;
  deviceId: DeviceId;
}

/** What may be heard before the answer, in the words of the far end: `sendonly` is sound from it alone. RFC 5009 8. */
export type EarlyMedia = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** Who hears, or is heard: the browser, or the far end behind the IMS. */
export type MediaSide = 'web' | 'ims';
