/** What the API layer asks of the core and what it is answered. */
import type { DeviceId, E164, MediaSessionId, Ref, RegistrationId } from './ids.ts';
import type { Address, CallStatus, LocationDetails, Principal, Visit } from './words.ts';

/** Every API request reaches the core as one of these and is answered by exactly one `reply` effect with the same `ref`. */
export type ApiRequest =
  | {
      type: 'register';
      ref: Ref;
      who: Principal;
      correlator: string;
      number: E164;
      deviceId: DeviceId;
      expiresAt: number | null;
    }
  | { type: 'list-registrations'; ref: Ref; who: Principal; deviceId: DeviceId }
  | { type: 'get-registration'; ref: Ref; who: Principal; registrationId: RegistrationId }
  | {
      type: 'extend-registration';
      ref: Ref;
      who: Principal;
      correlator: string;
      registrationId: RegistrationId;
      expiresAt: number | null;
    }
  | { type: 'unregister'; ref: Ref; who: Principal; correlator: string; registrationId: RegistrationId }
  | {
      type: 'originate';
      ref: Ref;
      who: Principal;
      correlator: string;
      registrationId: RegistrationId;
      originator: Address;
      receiver: Address;
      originatorName: string | null;
      receiverName: string | null;
      offer: string;
      callType: 'REGULAR' | 'EMERGENCY' | null;
      location: LocationDetails | null;
    }
  /** A call from a number that is leased for it. It is answered as `originate` is, once the network has taken the number. */
  | {
      type: 'visit';
      ref: Ref;
      /** The business; its subject is the visit. */
      who: Principal;
      correlator: string;
      deviceId: DeviceId;
      receiver: Address;
      originatorName: string;
      offer: string;
      visit: Visit;
      /** Where the visitor calls from, for limits: the same for all addresses that one host may have. */
      source: string;
      /** Calls the entry point may have at once; null: as many as there are numbers. */
      maxConcurrent: number | null;
    }
  | { type: 'get-session'; ref: Ref; who: Principal; mediaSessionId: MediaSessionId }
  | {
      type: 'put-status';
      ref: Ref;
      who: Principal;
      correlator: string;
      mediaSessionId: MediaSessionId;
      status: CallStatus;
      offer: string | null;
      answer: string | null;
      location: LocationDetails | null;
    }
  | { type: 'end-session'; ref: Ref; who: Principal; correlator: string; mediaSessionId: MediaSessionId }
  /** What one device holds now: the snapshot of a notification channel. Answered with both lists. */
  | { type: 'snapshot'; ref: Ref; who: Principal; deviceId: DeviceId };

export interface RegistrationView {
  registrationId: RegistrationId;
  deviceId: DeviceId;
  phoneNumber: E164;
  /** ms since the epoch. */
  expiresAt: number;
  /** Identities the network lets it use, the default one first; empty when it has named none. RFC 7315 4.1. */
  associated: readonly Address[];
}

export interface SessionView {
  mediaSessionId: MediaSessionId;
  originatorAddress: Address;
  receiverAddress: Address;
  originatorName: string | null;
  receiverName: string | null;
  status: CallStatus;
  callType: 'REGULAR' | 'EMERGENCY' | null;
  offer: string | null;
  answer: string | null;
  location: LocationDetails | null;
}

/** Why the core refuses an API request; `errors.ts` gives each its sentence, HTTP status and CAMARA code. */
export type CoreErrorCode =
  | 'not-found'
  | 'registration-exists'
  | 'registration-pending'
  | 'max-devices-per-user'
  | 'max-registrations-per-number'
  | 'max-registrations-per-user'
  | 'expiry-out-of-range'
  | 'registration-refused'
  | 'network-unavailable'
  | 'network-timeout'
  | 'registration-not-usable'
  | 'originator-mismatch'
  | 'receiver-anonymous'
  | 'receiver-refused'
  | 'emergency-not-supported'
  | 'emergency-mismatch'
  | 'sdp-unusable'
  | 'call-quota'
  | 'pool-foreign'
  | 'pool-empty'
  | 'source-busy'
  | 'entry-point-busy'
  | 'emergency-refused'
  | 'status-not-settable'
  | 'incompatible-state'
  | 'answer-missing'
  | 'offer-and-answer'
  | 'draining'
  | 'internal';

export type Reply =
  | { ok: true; registration: RegistrationView }
  | { ok: true; registrations: RegistrationView[] }
  | { ok: true; session: SessionView }
  | { ok: true; registrations: RegistrationView[]; sessions: SessionView[] }
  | { ok: true }
  | { ok: false; error: CoreErrorCode; field?: string; retryAfterS?: number };
