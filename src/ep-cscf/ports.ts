/** The core's words: everything it hears (inputs), everything it asks for (effects), and the ports that carry them. */
import type { ApiRequest, Reply } from './api-request.ts';
import type { BindingId, CallId, DeviceId, E164, MediaSessionId, Owner, Ref, RegistrationId } from './ids.ts';

// ---------------------------------------------------------------------------------------------------------------- common words

/** Who asks, as the access token says. CAMARA digest 3.2. */
export interface Principal {
  clientId: string;
  /** Null for two-legged tokens. */
  subject: string | null;
  /** The number the token resolves to; null for two-legged tokens. */
  number: E164 | null;
  legs: 2 | 3;
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
  local: 'no-response' | 'transport' | 'overload' | 'no-route' | 'internal' | null;
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

// ---------------------------------------------------------------------------------------------------------------- inputs

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
  | { type: 'ims-register-failed'; owner: BindingId; ref: Ref; outcome: Outcome; retryAfterS: number | null }
  | { type: 'ims-deregistered'; owner: BindingId; ref: Ref }
  /** The network removed our binding (reg event). `retryAfterS` null means do not come back. */
  | {
      type: 'ims-binding-lost';
      owner: BindingId;
      event: 'deactivated' | 'probation' | 'rejected' | 'unregistered' | 'expired';
      retryAfterS: number | null;
    }
  /** The network has cut the life of our binding to this many seconds and wants a REGISTER before (reg event). */
  | { type: 'ims-binding-shortened'; owner: BindingId; expiresS: number }
  /** Provisional response above 100, 199 included. `fork` names the early dialog. `sdp` null when it carried none or it may not be used. */
  | {
      type: 'ims-progress';
      owner: CallId;
      code: number;
      phrase: string;
      fork: string;
      sdp: string | null;
      earlyMedia: 'open' | 'closed' | 'unsaid';
      callWaiting: boolean;
    }
  /** `calleeName`: the name the network asserts of the party that answered. */
  | { type: 'ims-answered'; owner: CallId; fork: string; sdp: string | null; calleeName: string | null }
  /** Final answer other than 2xx to our INVITE, or none (`outcome.local`). */
  | { type: 'ims-rejected'; owner: CallId; outcome: Outcome }
  /** Final answer to our INVITE: the network says that it is an emergency call (380). TS 24.229 5.1.3.1. */
  | { type: 'ims-is-emergency'; owner: CallId }
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

export type MediaFailure = 'bad-sdp' | 'no-codec' | 'no-port' | 'overload' | 'driver' | 'timeout' | 'unsupported';

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
export type RestoreInput = { type: 'restore'; bindings: unknown[]; calls: unknown[] };

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
  | 'device-alert'
  | 'provisional-repeat'
  | 'reoffer-guard'
  | 'browser-agrees'
  | 'media-setup'
  | 'media-op'
  | 'max-duration';

// ---------------------------------------------------------------------------------------------------------------- effects

export type ImsEffect =
  | {
      type: 'ims.register';
      owner: BindingId;
      ref: Ref;
      /** Of a checked token: who it is in the IMS is the Mw side's to find. TS 33.203 X.3.2.3. */
      number: E164;
      expiresS: number;
      correlator: string;
      initial: boolean;
    }
  | { type: 'ims.deregister'; owner: BindingId; ref: Ref; correlator: string }
  /** The binding is over: nothing more is said of it and nothing sent. Always safe. */
  | { type: 'ims.forget'; owner: BindingId }
  | {
      type: 'ims.invite';
      owner: CallId;
      binding: BindingId;
      from: E164;
      anonymous: boolean;
      displayName: string | null;
      to: Address;
      sdp: string;
      correlator: string;
      location: DeviceLocation | null;
    }
  /** Tells the network where our user is, as soon as the call is answered and if it can be told. */
  | { type: 'ims.locate'; owner: CallId; number: E164; location: DeviceLocation }
  /** 180 or 183 to the incoming INVITE; the Mw side decides whether it goes reliably. */
  | { type: 'ims.provisional'; owner: CallId; code: 180 | 181 | 183; sdp: string | null }
  /** 200 to the incoming INVITE (`ref` null) or to a re-INVITE or UPDATE. */
  | { type: 'ims.answer'; owner: CallId; ref: Ref | null; sdp: string | null }
  /** Final refusal of a re-INVITE or UPDATE. */
  | { type: 'ims.reject'; owner: CallId; ref: Ref; code: number; phrase: string }
  /** Asks the far end for a picture that needs no other; no answer comes. RFC 5168. */
  | { type: 'ims.key-frame'; owner: CallId }
  /** re-INVITE with this offer. */
  | { type: 'ims.update'; owner: CallId; ref: Ref; sdp: string }
  /**
   * Ends the IMS side whatever its state: CANCEL, BYE, or the final response `code` to an unanswered incoming INVITE.
   * The Mw side sees it through alone (CANCEL after the first 1xx, ACK and BYE for a 2xx that crossed it). For an
   * unanswered INVITE of ours it still tells the outcome, `ims-rejected` or `ims-answered`; the core waits some seconds.
   * `reason` is a Reason header value or null.
   */
  | { type: 'ims.end'; owner: CallId; code: number; phrase: string; reason: string | null };

export type MediaEffect =
  /** The browser's offer of a call out -> `media-ready` with the IMS offer. `realm`: the name of the number's, when they have names. */
  | {
      type: 'media.offer';
      owner: CallId;
      ref: Ref;
      from: 'web';
      realm?: string | undefined;
      leg: MediaSessionId;
      sdp: string;
    }
  /**
   * The IMS offer of a call in (null: offerless) -> `media-offers`, one for each leg. `commit`: the IMS side is answered
   * already now, before any device has; whatever a device answers later has to fit that.
   */
  | {
      type: 'media.offer';
      owner: CallId;
      ref: Ref;
      from: 'ims';
      realm?: string | undefined;
      legs: MediaSessionId[];
      sdp: string | null;
      commit?: boolean;
    }
  /** The IMS answer on one early dialog -> `media-ready` with the browser's answer, the same text for every fork. */
  | { type: 'media.answer'; owner: CallId; ref: Ref; from: 'ims'; fork: string; sdp: string }
  /** A device's answer -> `media-ready` with the IMS answer. Its transport is set up; it carries sound once selected. */
  | { type: 'media.answer'; owner: CallId; ref: Ref; from: 'web'; leg: MediaSessionId; sdp: string }
  /** This device won: its leg is joined with the IMS side, the others are dropped. */
  | { type: 'media.select'; owner: CallId; leg: MediaSessionId }
  /** Hold or resume by our user -> `media-ready` with the IMS re-offer. */
  | { type: 'media.hold'; owner: CallId; ref: Ref; held: boolean }
  /** re-INVITE from the IMS (null: offerless) -> `media-ready` with the answer (or our offer) for it. */
  | { type: 'media.reoffer'; owner: CallId; ref: Ref; from: 'ims'; sdp: string | null }
  /** A changed offer of the browser (new candidates, new RTCPeerConnection) -> `media-ready` with the answer for it; the IMS side is untouched; when video comes or goes -> `media-asks`. */
  | { type: 'media.reoffer'; owner: CallId; ref: Ref; from: 'web'; leg: MediaSessionId; sdp: string }
  /** Answer of the side that was asked by `media-asks` or `media-renews`, null when it refused or said nothing -> `media-ready` with the answer for the side that began, empty when that waits for none. */
  | { type: 'media.agree'; owner: CallId; ref: Ref; sdp: string | null }
  /** The IMS answer to `media.hold`'s offer, or the SDP of an ACK. No answer comes. */
  | { type: 'media.settle'; owner: CallId; sdp: string }
  /** Asks the browser for a picture that needs no other, unless it just was. No answer comes. */
  | { type: 'media.key-frame'; owner: CallId }
  /** Early-media gate; both closed until said otherwise. */
  | { type: 'media.gate'; owner: CallId; fromIms: boolean; fromWeb: boolean }
  /** Frees everything of the call. Always safe. */
  | { type: 'media.release'; owner: CallId };

/** Whom an event is for: every subscription that matches. CAMARA digest 8.3. */
export interface Audience {
  deviceId: DeviceId;
  clientId: string;
  subject: string | null;
  number: E164;
  legs: 2 | 3;
}

export type CoreEvent =
  | {
      kind: 'session-invitation' | 'session-status';
      mediaSessionId: MediaSessionId;
      sequenceNumber: number;
      status: CallStatus;
      /** Full addresses of the call; the event side narrows them to what the event schema takes. */
      originatorAddress: Address;
      receiverAddress: Address;
      originatorName: string | null;
      receiverName: string | null;
      offer: string | null;
      answer: string | null;
      reason: string | null;
      location: LocationDetails | null;
      /** True when no event of this session follows. */
      final: boolean;
    }
  | {
      kind: 'registration-ends';
      registrationId: RegistrationId;
      terminationReason: 'REGISTRATION_EXPIRED' | 'NETWORK_TERMINATED';
      terminationDescription: string | null;
    };

export type EventEffect = {
  type: 'event.publish';
  owner: Owner;
  audience: Audience;
  correlator: string;
  event: CoreEvent;
};

export type StoreKind = 'binding' | 'call' | 'subscription' | 'outbox' | 'channel' | 'written' | 'lease' | 'record';
/** `value` is plain data; the store takes it as JSON at once and keeps no reference. */
export type Write =
  | { op: 'put'; kind: StoreKind; key: string; value: unknown }
  | { op: 'delete'; kind: StoreKind; key: string };
export type StoreEffect = { type: 'store'; write: Write };

export type TimerEffect =
  | { type: 'timer.start'; owner: Owner; name: TimerName; ms: number }
  | { type: 'timer.stop'; owner: Owner; name: TimerName };

export type ReplyEffect = { type: 'reply'; ref: Ref; reply: Reply };

/** `fields` never hold tokens, SDP, keys; numbers are masked by the logger. */
export type LogEffect = {
  type: 'log';
  level: 'debug' | 'info' | 'warn' | 'error';
  message: string;
  owner: Owner | null;
  fields: Readonly<Record<string, string | number | boolean | null>>;
};
/** `name` without the `lineside_` prefix; labels of low cardinality only. `value` is added to a counter, or observed (seconds) by a histogram. */
export type CountEffect = { type: 'count'; name: string; labels: Readonly<Record<string, string>>; value: number };

/** The machine is done: the loop forgets its queue and its timers. Last effect of a machine. */
export type GoneEffect = { type: 'gone'; owner: Owner };

export type Effect =
  | ReplyEffect
  | ImsEffect
  | MediaEffect
  | EventEffect
  | StoreEffect
  | TimerEffect
  | LogEffect
  | CountEffect
  | GoneEffect;

// ---------------------------------------------------------------------------------------------------------------- ports

/** A port takes effects and answers later with inputs; `emit` is given when it is built. It returns nothing and never throws for what the network did. */
export interface Port<E extends Effect> {
  run(effect: E): void;
}
export type Emit = (input: Input) => void;

export type ImsPort = Port<ImsEffect>;
export type MediaPlanePort = Port<MediaEffect>;

/** The event side: turns what is published into owed deliveries, in the same transaction as the state that caused it. */
export interface EventsPort {
  /** Rows to store for this event (one for each matching subscription). Pure but for the event side's own memory. */
  plan(effect: EventEffect, now: number): Write[];
  /** How much has been planned so far, for `dispatch`. */
  planned(): number;
  /** After the commit: start delivering what was planned up to there. */
  dispatch(upTo: number): void;
}

/** Durable state. Everything lives in memory while the process runs; the store is read at start and written before the world hears. */
export interface Store {
  /** All values of a kind, in the order of their first put. */
  load(kind: StoreKind): Array<{ key: string; value: unknown }>;
  /**
   * All or nothing, and durable in the order of the calls: what is kept is never without what was given before. A promise means: not durable
   * yet, and effects wait. Throws (or rejects) when it cannot be kept.
   */
  commit(writes: readonly Write[]): void | Promise<void>;
  close(): void | Promise<void>;
}

/** The core as the loop sees it. `handle` is pure: same state, input and now give the same effects; it never throws for bad input. */
export interface Core {
  handle(input: Input, now: number, out: Effect[]): void;
  /** Live counts for gauges and leak tests. */
  sizes(): { bindings: number; registrations: number; calls: number; legs: number };
}
