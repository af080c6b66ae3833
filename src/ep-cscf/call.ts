/** The state of a call and of its legs: plain data, one call machine for all the devices it concerns. */

import type { ApiRequest } from './api-request.ts';
import type { Final } from './call-status.ts';
import type { Holder } from './identity.ts';
import type { BindingId, CallId, DeviceId, E164, MediaSessionId, Ref, RegistrationId } from './ids.ts';
import type { ImsInput, MediaInput, MediaStats, TimerName } from './input.ts';
import type { Address, CallStatus, EarlyMedia, LocationDetails, Visit } from './words.ts';

/**
 * `offering`: the media plane makes the first SDP, or the caller reserves. `inviting`: our INVITE is out. `alerting`: devices were invited.
 * `announcing`: the network refused, its user hears why. `answering`: 2xx in, the browser's answer is being made. `talking`: answered. `cancelling`: hung up by the user before
 * the answer, the network's last word awaited. `closing`: over, the media totals awaited.
 */
type CallPhase =
  | 'offering'
  | 'inviting'
  | 'alerting'
  | 'announcing'
  | 'answering'
  | 'talking'
  | 'cancelling'
  | 'closing';

/** One device's part of a call: what the API shows as a session. */
export interface Leg {
  readonly id: MediaSessionId;
  readonly callId: CallId;
  readonly registrationId: RegistrationId;
  readonly deviceId: DeviceId;
  readonly holder: Holder;
  status: CallStatus;
  /** Number of the last event. */
  seq: number;
  /** The pair the client sees. */
  offer: string | null;
  answer: string | null;
  /** As its own client gave it. */
  location: LocationDetails | null;
  /** The invitation was taken, or the client acted on the session. */
  reached: boolean;
  /** ICE and DTLS are up. */
  connected: boolean;
  /** What the IMS is told when this device answers. */
  imsSdp: string | null;
  lastPut: { status: CallStatus; offer: string | null; answer: string | null } | null;
  final: Final | null;
  endedAt: number;
}

/** Which way sound may pass. */
export interface Gates {
  readonly fromIms: boolean;
  readonly fromWeb: boolean;
}

export const CLOSED: Gates = { fromIms: false, fromWeb: false };
export const OPEN: Gates = { fromIms: true, fromWeb: true };

/** One early dialog of a call out. */
export interface Fork {
  /** First SDP of the dialog; null before it came. RFC 3261 13.2.1. */
  sdp: string | null;
  earlyMedia: EarlyMedia;
  rang: boolean;
  /** Grows with every sign of life. */
  order: number;
}

export type PutRequest = Extract<ApiRequest, { type: 'put-status' }>;
type Progress = Extract<ImsInput, { type: 'ims-progress' }>;

/** The one request to the media plane that is in flight; what else depends on its order waits. */
export type MediaOp =
  | { kind: 'offer-out'; ref: Ref }
  | { kind: 'offers-in'; ref: Ref }
  /** SDP of a provisional response; `progress` null when another fork takes over. */
  | { kind: 'early'; ref: Ref; fork: string; sdp: string; progress: Progress | null }
  | { kind: 'final'; ref: Ref; fork: string; sdp: string }
  | { kind: 'device-answer'; ref: Ref; leg: Leg; put: PutRequest }
  | { kind: 'web-reoffer'; ref: Ref; leg: Leg; put: PutRequest }
  | { kind: 'hold'; ref: Ref; held: boolean }
  | { kind: 'hold-revert'; ref: Ref }
  | { kind: 'ims-reoffer'; ref: Ref; imsRef: Ref; sdp: string | null }
  /** The browser's answer for an announcement of this name. */
  | { kind: 'pre-answer'; ref: Ref; name: string }
  /** What the browser said to our offer; `put` null when it said nothing. */
  | { kind: 'agree'; ref: Ref; asked: Asked; leg: Leg; put: PutRequest | null };

/** A new offer that the browser has, the re-INVITE that waits for it, and the pair of before. */
export interface Asked {
  reoffer: { imsRef: Ref; sdp: string | null } | null;
  before: { offer: string | null; answer: string | null };
}

export type Deferrable =
  | PutRequest
  | Extract<ImsInput, { type: 'ims-progress' | 'ims-answered' | 'ims-reoffered' | 'ims-updated' | 'ims-update-failed' }>
  | Extract<MediaInput, { type: 'media-renews' }>;

export interface Call {
  readonly id: CallId;
  readonly direction: 'out' | 'in';
  readonly number: E164;
  readonly bindingId: BindingId;
  readonly correlator: string;
  readonly createdAt: number;
  readonly originator: Address;
  readonly receiver: Address;
  readonly originatorName: string | null;
  /** As the client named it, else as the network names who answered. */
  receiverName: string | null;
  readonly callType: 'REGULAR' | 'EMERGENCY' | null;
  /** May be found out by the network. */
  emergency: boolean;
  /** Location of the caller: given by the client (out) or by the network (in). */
  readonly location: LocationDetails | null;
  /** Of a visitor's call: its number is leased and its registration ends with it. */
  readonly visit: Visit | null;
  phase: CallPhase;
  readonly legs: Leg[];
  /** The leg of a call out; the winner of a call in. */
  main: Leg | null;
  op: MediaOp | null;
  deferred: Deferrable[];
  /** A media session may exist. */
  mediaOpen: boolean;
  mediaReleased: boolean;
  ringingAt: number | null;
  answeredAt: number | null;
  endedAt: number | null;
  stats: MediaStats | null;
  /** How the call ended as a whole; null while it lives. */
  final: Final | null;
  /** What is announced, and how the call ends when it is over. */
  announced: { name: string; final: Final } | null;

  /** Call out: the offer of the INVITE that is out. */
  invited: string | null;
  /** Call out: the offer of an INVITE that goes out again once the number is registered anew, which happens once; empty: it has. */
  again: string | null;
  readonly forks: Map<string, Fork>;
  forkOrder: number;
  /** The dialog that drives the media, and the SDP of it that was applied. */
  audible: string | null;
  appliedSdp: string | null;
  gates: Gates;
  /** Its user hears our ring-back. */
  ringBack: boolean;

  /** Call in: the INVITE had no offer. */
  readonly offerless: boolean;
  /** Call in: RFC 4458 cause of a forwarding. */
  readonly diverted: number | null;
  /** Call in: nothing of the caller's has to be waited for before it may be rung. RFC 3312. */
  callerReady: boolean;
  /** Call in: last provisional said to the network; 0 none. */
  provisional: 0 | 180 | 183;
  /** Call in: the SDP was said in a provisional already. */
  committed: boolean;
  /** Call in: a device said busy or declined. */
  anyBusy: boolean;

  /** Our user's hold as wished and as known to the network, the far end's hold, and the state to fall back to. */
  hold: { want: boolean; net: boolean; remote: boolean; before: CallStatus };
  /** Our re-INVITE that was given up while its answer may still come; `video`: it was about video. */
  late: { ref: Ref; video: boolean } | null;
  /** The far end has agreed to what was given up: it is to hear again how things stand. */
  astray: boolean;
  /** Our re-INVITE that is out; `waits`: the PUT that waits for its outcome, null when it is about a hold. */
  update: { ref: Ref; held: boolean; waits: { leg: Leg; put: PutRequest } | null } | null;
  asked: Asked | null;
  readonly timers: Set<TimerName>;
}

export type CallSeed = Pick<
  Call,
  | 'id'
  | 'direction'
  | 'number'
  | 'bindingId'
  | 'correlator'
  | 'createdAt'
  | 'originator'
  | 'receiver'
  | 'originatorName'
  | 'receiverName'
  | 'callType'
  | 'emergency'
  | 'location'
  | 'visit'
  | 'offerless'
  | 'diverted'
  | 'callerReady'
>;

export function newCall(seed: CallSeed): Call {
  return {
    ...seed,
    phase: 'offering',
    legs: [],
    main: null,
    op: null,
    deferred: [],
    mediaOpen: false,
    mediaReleased: false,
    ringingAt: null,
    answeredAt: null,
    endedAt: null,
    stats: null,
    final: null,
    announced: null,
    invited: null,
    again: null,
    forks: new Map(),
    forkOrder: 0,
    audible: null,
    appliedSdp: null,
    gates: CLOSED,
    ringBack: false,
    provisional: 0,
    committed: false,
    anyBusy: false,
    hold: { want: false, net: false, remote: false, before: 'Connected' },
    late: null,
    astray: false,
    update: null,
    asked: null,
    timers: new Set(),
  };
}

export type LegSeed = Pick<Leg, 'id' | 'callId' | 'registrationId' | 'deviceId' | 'holder'>;

export function newLeg(seed: LegSeed): Leg {
  return {
    ...seed,
    status: 'Initial',
    seq: 0,
    offer: null,
    answer: null,
    location: null,
    reached: false,
    connected: false,
    imsSdp: null,
    lastPut: null,
    final: null,
    endedAt: 0,
  };
}
