/** Everything the core asks for: of the core network, the media plane, the event side, the store, the timers and the log. */
import type { Reply } from './api-request.ts';
import type { BindingId, CallId, DeviceId, E164, MediaSessionId, Owner, Ref, RegistrationId } from './ids.ts';
import type { TimerName } from './input.ts';
import type { Address, CallStatus, DeviceLocation, LocationDetails, MediaSide } from './words.ts';

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
      /** The REGISTER of this binding that may still be answered: an initial one waits for that. One that has timed out is none. RFC 3261 10.2. */
      behind: Ref | null;
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
   * `reason` is a Reason header value or null, `contact` of a 302: who is to be called in its place.
   */
  | { type: 'ims.end'; owner: CallId; code: number; phrase: string; reason: string | null; contact?: Address };

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
  /** The browser of a call out shall hear something though the far end has not answered -> `media-ready` with its answer, made for all that the far end was offered. */
  | { type: 'media.pre-answer'; owner: CallId; ref: Ref }
  /** Plays what the settings name so, once or again and again; it takes the place of what is played, and null ends that -> `media-playing` of that side when it begins, or cannot. */
  | { type: 'media.play'; owner: CallId; side: MediaSide; name: string | null; repeat: boolean }
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
  /** Which way sound may pass; neither until it is said. `early`: the call is not answered yet, nobody is missed who is silent. */
  | { type: 'media.gate'; owner: CallId; fromIms: boolean; fromWeb: boolean; early?: boolean }
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

export type StoreKind =
  | 'binding'
  | 'call'
  | 'subscription'
  | 'outbox'
  | 'channel'
  | 'written'
  | 'lease'
  | 'entry-point'
  | 'record';
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
