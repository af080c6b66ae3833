/** What the core can be told: limits, lifetimes, guards and the realms of numbers, with the published defaults. */

import { BACK_OFF, type BackOff } from './back-off.ts';
import type { E164 } from './ids.ts';
import type { Address } from './words.ts';

interface RegistrationSettings {
  /** Shortest, usual and longest life of a CAMARA registration, ms. */
  ttlMinMs: number;
  ttlDefaultMs: number;
  ttlMaxMs: number;
  /** How far below the minimum a request may fall, ms: its time in transit. */
  transitGraceMs: number;
  devicesPerUser: number;
  perNumber: number;
  perUser: number;
  /** Registrations one token can see on one device: the array limit of the API. */
  perDevice: number;
}

interface ImsSettings {
  /** Expiry asked of the registrar, s. */
  expiresS: number;
  /** How long the first REGISTER, and a de-registration, may take, ms. */
  registerGuardMs: number;
  /** How long a refresh may take, ms: longer than the transaction's own limit. */
  refreshGuardMs: number;
  /** After a failed refresh. */
  backOff: BackOff;
  /** Longest `retry-after` of a probation that is waited for quietly, s. */
  probationMaxS: number;
  /** Register again when somebody else removed our binding. */
  reclaim: boolean;
  /** Bindings found at start are registered again this far apart on average, ms: a few at once, many as a stream and not as a storm. */
  restoreSpacingMs: number;
}

interface RealmSettings {
  /** Home network domain of a number, or null when it lives in no realm of ours. */
  homeOf(number: E164): string | null;
  /** Name of that realm, which the media plane is told; undefined when realms have none. */
  nameOf(number: E164): string | undefined;
}

interface CallSettings {
  /** Outgoing call not answered, ms. */
  originateGuardMs: number;
  /** The caller reserves before it may be rung, ms. RFC 3312. */
  callerReadyMs: number;
  /** Incoming call not answered, ms. */
  ringGuardMs: number;
  /** No sink took the invitation, ms: the device is skipped. */
  invitationMs: number;
  /** 18x is said again, ms, so that no proxy's timer C ends the call. */
  provisionalRepeatMs: number;
  /** Our re-INVITE not answered, ms. */
  reofferGuardMs: number;
  /** The far end's word on what a browser offered in a call, ms: the browser's request waits for it. */
  networkAgreesMs: number;
  /** The browser's word on what the far end offered in a call, ms: the far end's re-INVITE waits for it. */
  browserAgreesMs: number;
  /** ICE and DTLS not up after the answer, ms. */
  mediaSetupMs: number;
  /** One request to the media plane, ms. */
  mediaOpMs: number;
  /** Totals of the media plane after the release, ms. */
  statsMs: number;
  /** Outcome of a cancelled INVITE, ms. */
  cancelGuardMs: number;
  maxDurationMs: number;
  perRegistration: number;
  perNumber: number;
  /** `device`: the declining device leaves, the others ring on; `all`: 603 at once. */
  declineMode: 'device' | 'all';
  /** SIP addresses that may be called; `home`: those of the caller's home domain. */
  sipReceivers: 'any' | 'home' | 'none';
  /** The location of ordinary calls is told to the network. */
  sendLocation: boolean;
  /** What there is to be heard: `ringing`, `maximum-duration`, final responses (`404`) and classes of them (`4xx`). */
  announcements: ReadonlySet<string>;
}

export interface EmergencySettings {
  enabled: boolean;
  /** Numbers that are emergency calls whatever the request says, as dialled: `112`, `911`. */
  numbers: readonly string[];
  /** Calls a number may have as emergency calls beyond its quota. */
  beyondQuota: number;
}

/** Numbers of a business, for its visitors. */
export interface Pool {
  readonly id: string;
  /** client_ids of the business. */
  readonly clients: readonly string[];
  readonly numbers: readonly E164[];
  /** Who is called when somebody calls a leased number; null: nobody, 480. */
  readonly mainNumber: Address | null;
}

export interface PoolSettings {
  pools: readonly Pool[];
  /** Rest of a number after the network has let go of it, ms. */
  quarantineMs: number;
  /** Numbers of one pool that visitors of one source may have at once, those that rest after their calls included. */
  perSource: number;
}

export interface CoreSettings {
  registration: RegistrationSettings;
  ims: ImsSettings;
  realm: RealmSettings;
  call: CallSettings;
  emergency: EmergencySettings;
  pool: PoolSettings;
}

const MINUTE = 60_000;
const HOUR = 3_600_000;

/** Settings with the published defaults for one home domain; each area may be overridden field by field. */
export function coreSettings(
  home: string,
  override: { [K in keyof CoreSettings]?: Partial<CoreSettings[K]> } = {},
): CoreSettings {
  return {
    registration: {
      ttlMinMs: MINUTE,
      ttlDefaultMs: HOUR,
      ttlMaxMs: 24 * HOUR,
      transitGraceMs: 1_000,
      devicesPerUser: 10,
      perNumber: 10,
      perUser: 20,
      perDevice: 10,
      ...override.registration,
    },
    ims: {
      expiresS: 3_600,
      registerGuardMs: 10_000,
      refreshGuardMs: 40_000,
      backOff: BACK_OFF,
      probationMaxS: 30,
      reclaim: false,
      restoreSpacingMs: 10,
      ...override.ims,
    },
    realm: { homeOf: () => home, nameOf: () => undefined, ...override.realm },
    call: {
      originateGuardMs: 3 * MINUTE,
      callerReadyMs: 20_000,
      ringGuardMs: 2 * MINUTE,
      invitationMs: 8_000,
      provisionalRepeatMs: MINUTE,
      reofferGuardMs: 20_000,
      networkAgreesMs: 13_000,
      browserAgreesMs: 10_000,
      mediaSetupMs: 10_000,
      mediaOpMs: 5_000,
      statsMs: 2_000,
      cancelGuardMs: 5_000,
      maxDurationMs: 4 * HOUR,
      perRegistration: 4,
      perNumber: 10,
      declineMode: 'device',
      sipReceivers: 'any',
      sendLocation: false,
      announcements: new Set(),
      ...override.call,
    },
    emergency: {
      enabled: false,
      numbers: ['112', '911', '999', '000', '110', '119'],
      beyondQuota: 4,
      ...override.emergency,
    },
    pool: { pools: [], quarantineMs: MINUTE, perSource: 3, ...override.pool },
  };
}
