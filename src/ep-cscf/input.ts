/** Everything the core hears, from the API, the core network, the media plane, the event side, the timers and the operator. */
import type { ApiRequest } from './api-request.ts';
import type { BindingId, CallId, MediaSessionId, Owner, Ref } from './ids.ts';
import type { Address, EarlyMedia, LocationDetails, MediaSide, Outcome } from './words.ts';

export type ImsInput =
  | {
      type: 'ims-registered';
      owner: BindingId;
      ref: Ref;
      /** Granted expiry in seconds. */
      expiresS: number;
      /** P-Associated-URI in order, the default identity first; empty when the core sent none, or none by name. */
      associated: Address[];
    }
  /** `unanswered`: a server that was asked has not answered, whatever others said; it may have bound the contact. */
  | {
      type: 'ims-register-failed';
      owner: BindingId;
      ref: Ref;
      outcome: Outcome;
      retryAfterS: number | null;
      unanswered: boolean;
    }
  /** `confirmed` false: the network did not say that it let go of the binding. */
  | { type: 'ims-deregistered'; owner: BindingId; ref: Ref; confirmed: boolean }
  /** The network removed our binding (reg event). `retryAfterS` null means do not come back. */
  | {
      type: 'ims-binding-lost';
      owner: BindingId;
      event: 'deactivated' | 'probation' | 'rejected' | 'unregistered' | 'expired';
      retryAfterS: number | null;
    }
  /** The network wants a REGISTER: it has cut the life of our binding, or the set of its identities (reg event). */
  | { type: 'ims-register-wanted'; owner: BindingId }
  /** Provisional response above 100, 199 included. `fork` names the early dialog. `sdp` null when it carried none or it may not be used. */
  | {
      type: 'ims-progress';
      owner: CallId;
      code: number;
      phrase: string;
      fork: string;
      sdp: string | null;
      earlyMedia: EarlyMedia | 'unsaid';
      callWaiting: boolean;
    }
  /** `calleeName`: the name the network asserts of the party that answered. */
  | { type: 'ims-answered'; owner: CallId; fork: string; sdp: string | null; calleeName: string | null }
  /** Final answer other than 2xx to our INVITE, or none (`outcome.local`). */
  | { type: 'ims-rejected'; owner: CallId; outcome: Outcome }
  /** Final answer to our INVITE: the network has lost our registration and wants it anew (504). TS 24.229 5.1.2A.1.6. */
  | { type: 'ims-state-lost'; owner: CallId; outcome: Outcome }
  /** Final answer to our INVITE: the network says that it is an emergency call (380). TS 24.229 5.1.3.1. */
  | { type: 'ims-is-emergency'; owner: CallId }
  /** Before a progress or the answer: who it comes from is an emergency service, so the network has made the call one. */
  | { type: 'ims-emergency-answers'; owner: CallId }
  /** A new call from the core for one of our bindings; `owner` is minted by the Mw side for it. */
  | {
      type: 'ims-invited';
      owner: CallId;
      binding: BindingId;
      correlator: string;
      caller: Address;
      callerName: string | null;
      /** Who was called: the identity, else what the caller dialled; null when only the binding tells. */
      called: Address | null;
      /** The identity of the binding that the network says was called; null when it does not say. RFC 7315 4.2. */
      identity: Address | null;
      /** Null: an offerless INVITE. */
      sdp: string | null;
      location: LocationDetails | null;
      /** RFC 4458 cause when the call was forwarded to us. */
      diverted: number | null;
      /** A call back by an emergency centre: nothing turns it away. RFC 7090. */
      emergency: boolean;
      /** False: the caller still reserves and wants our answer for it; nobody is rung before `ims-caller-ready`. RFC 3312. */
      callerReady: boolean;
    }
  /** What the caller reserved is there: it may be rung. */
  | { type: 'ims-caller-ready'; owner: CallId }
  /** The caller gave up, or another branch answered, before our final response. */
  | { type: 'ims-cancelled'; owner: CallId; outcome: Outcome }
  /** ACK of our 2xx; `sdp` when it carried the answer to our offer. */
  | { type: 'ims-acked'; owner: CallId; sdp: string | null }
  /** BYE received, or the dialog died (no ACK, 481, timeout). */
  | { type: 'ims-ended'; owner: CallId; outcome: Outcome }
  /** re-INVITE or UPDATE received; answered by `ims.answer` or `ims.reject` with this `ref`. `sdp` null: an offerless re-INVITE, answered with our offer (an UPDATE without SDP stays on the Mw side). */
  | { type: 'ims-reoffered'; owner: CallId; ref: Ref; sdp: string | null }
  /** INFO: the far end lacks a picture that needs no other. RFC 5168. */
  | { type: 'ims-key-frame'; owner: CallId }
  | { type: 'ims-updated'; owner: CallId; ref: Ref; sdp: string | null }
  | { type: 'ims-update-failed'; owner: CallId; ref: Ref; outcome: Outcome };

export type MediaFailure =
  | 'bad-sdp'
  | 'no-codec'
  | 'no-port'
  | 'overload'
  | 'driver'
  | 'timeout'
  | 'unsupported'
  | 'srtp';

export type MediaInput =
  /** Answer to `media.offer` from the web, `media.answer`, `media.hold`, `media.reoffer`: the SDP to send to the other side. */
  | { type: 'media-ready'; owner: CallId; ref: Ref; sdp: string }
  /** Answer to `media.reoffer`: the other side has to agree first, to this offer. Its answer goes to `media.agree`. */
  | { type: 'media-asks'; owner: CallId; ref: Ref; sdp: string }
  /** A new offer for the joined browser leg, since the far end has dropped its video. The browser's answer goes to `media.agree`. */
  | { type: 'media-renews'; owner: CallId; sdp: string }
  /** The browser lacks a picture that needs no other, and the far end cannot be asked for one beside the media. Seldom. */
  | { type: 'media-key-frame'; owner: CallId }
  /** Answer to `media.offer` from the IMS: one offer for each device leg. `answer`: that to the IMS offer, when it was asked for. */
  | {
      type: 'media-offers';
      owner: CallId;
      ref: Ref;
      offers: Array<{ leg: MediaSessionId; sdp: string }>;
      answer: string | null;
    }
  | { type: 'media-failed'; owner: CallId; ref: Ref; failure: MediaFailure }
  /** What `media.play` named begins to be heard on that side, and lasts so long; null: it cannot be played there. */
  | { type: 'media-playing'; owner: CallId; side: MediaSide; name: string; ms: number | null }
  /** ICE and DTLS are up and the fingerprint is right. */
  | { type: 'media-connected'; owner: CallId; leg: MediaSessionId }
  /** The media session is gone or silent; nothing more comes from it. */
  | { type: 'media-lost'; owner: CallId; cause: 'worker' | 'web' | 'ims-silent' | 'fingerprint' }
  /** Totals, once, after `media.release`. */
  | { type: 'media-stats'; owner: CallId; stats: MediaStats };

/** Totals of a call's media as seen by the gateway. Unknown figures are null. */
export interface MediaStats {
  /** Towards the IMS side. */
  codec: string | null;
  /** How the browser was reached: transport and protection. */
  path: string | null;
  /** The side that sent nothing though the call was answered and connected. */
  oneWay: 'web' | 'ims' | 'both' | null;
  fromWeb: LegStats;
  fromIms: LegStats;
}
/** What came from one side, and how the path to it is. */
export interface LegStats {
  packets: number;
  bytes: number;
  /** Packets. */
  lost: number | null;
  /** Mean. RFC 3550 6.4.1. */
  jitterMs: number | null;
  /** Packets of ours that the side says it did not get. */
  farLost: number | null;
  /** Mean. */
  roundTripMs: number | null;
  /** Estimated mean opinion score of what came, 1 to 4.4. ITU-T G.107. */
  mos: number | null;
}

/** How the delivery of an invitation went, told by the event side for the leg's `mediaSessionId`. */
export type EventInput =
  | { type: 'invitation-accepted'; owner: CallId; leg: MediaSessionId }
  /** No subscription matched, or every sink refused for good. */
  | { type: 'invitation-undeliverable'; owner: CallId; leg: MediaSessionId };

export type TimerInput = { type: 'timer'; owner: Owner; name: TimerName };

/** Rows found at start, before any other input. */
export type RestoreInput = { type: 'restore'; bindings: unknown[]; calls: unknown[]; leases: unknown[] };

/** The operator drains the node: no new calls but emergency ones; live ones go on until `end-all`, which may leave the emergency calls. */
export type AdminInput = { type: 'drain' } | { type: 'end-all'; spareEmergency: boolean };

export type Input = ApiRequest | ImsInput | MediaInput | EventInput | TimerInput | RestoreInput | AdminInput;

/** Every named timer of the core's machines. */
export type TimerName =
  | 'ims-refresh'
  | 'ims-register-guard'
  | 'ims-retry'
  /** Earliest expiry among the binding's registrations. */
  | 'registration-expiry'
  | 'originate-guard'
  | 'caller-ready'
  | 'ring-guard'
  | 'invitation'
  | 'provisional-repeat'
  | 'reoffer-guard'
  | 'browser-agrees'
  | 'media-setup'
  | 'media-op'
  | `announcement-${MediaSide}`
  | 'max-duration';
