/** The door of the SIP stack in types: what a user agent can be asked, and what it tells. Knows nothing of IMS. */
import type { AkaCard } from './auth/aka.ts';
import type { DigestAlgorithm } from './auth/digest-algorithm.ts';
import type { Locate } from './locate/locator.ts';
import type { TargetHealth } from './locate/target-health.ts';
import type { SipRequest, SipResponse } from './message/message.ts';
import type { SipTimers } from './transaction/port.ts';
import type { ServerTransactionUser, Target, TimerValues, TransactionLayer } from './transaction/types.ts';

/** Extra header fields of the caller, in order: name and value. */
export type ExtraHeaders = ReadonlyArray<readonly [string, string]>;

/** A message body as text (UTF-8). */
export interface Body {
  contentType: string;
  content: string;
}

/** A final refusal of a request. */
export interface Refusal {
  status: number;
  reason: string;
  headers?: ExtraHeaders;
  body?: Body;
}

/** Where the answer to a request never came from, or why it ended without one. */
export type LocalCause = 'timeout' | 'transport' | 'no-route' | 'internal' | 'cancelled';

/** A call placed by us. URIs are written as given. */
export interface OutgoingCall {
  /** Request-URI. */
  uri: string;
  /** From value without tag (name-addr or addr-spec in angle brackets), such as `<sip:a@example.com>`. */
  from: string;
  /** To value without tag. */
  to: string;
  /** Contact value: `<sip:user@host:port;transport=udp>` with any header parameters. */
  contact: string;
  /** Route set of the first request, in order; empty: `proxy`, else the Request-URI, is the next hop. */
  route: readonly string[];
  /** URI of the next hop of a first request without Route. */
  proxy?: string | undefined;
  /** Everything else: P-headers, Accept, Session-Expires ... Allow and Supported are the agent's unless given here. */
  headers: ExtraHeaders;
  /** Names of those among `headers` that every request of ours in the dialog repeats, but the ACK of a 2xx. Default none. */
  standing?: readonly string[];
  body: Body | null;
  /** Default: a random one. */
  callId?: string;
  /** Digest credentials for a 401 or 407, answered once per nonce. */
  credentials?: Credentials;
}

/** A user by name, with a password for digest, a SIM for AKA, or both. */
export interface Credentials {
  username: string;
  password?: string;
  card?: AkaCard;
  /** Weakest algorithm a password answers, and how it answers a challenge without qop. Default: MD5, in the form of its own. */
  digest?: { minimum: DigestAlgorithm; noQop: 'legacy' | 'auth' };
}

/** A response to an INVITE as the user hears it; `fork` is the To-tag of its early dialog. */
export interface Heard {
  fork: string;
  response: SipResponse;
  /** Body when it is application/sdp (also the SDP part of a multipart), else null. */
  sdp: string | null;
}

/** A final answer that is not a 2xx, or none. A cause beside an answer: another server that was asked has given none, so it may have done it. */
export type Failure = { response: SipResponse; cause: LocalCause | null } | { response: null; cause: LocalCause };

/** What ended a confirmed dialog: the BYE, or why the agent itself gave it up. */
export type End =
  | { cause: 'bye'; request: SipRequest }
  /** No ACK of our 2xx, 408 or 481 or no answer to a request in the dialog, session timer, no PRACK, `close()`. */
  | { cause: 'no-ack' | 'no-prack' | 'dead' | 'session-timer' | 'closed'; request: null };

/** A re-INVITE or an UPDATE received: answer it once with `accept` or `reject`. */
export interface Reoffer {
  request: SipRequest;
  /** Null: no offer in it. */
  sdp: string | null;
  accept(body: Body | null, headers?: ExtraHeaders): void;
  reject(refusal: Refusal): void;
}

/** What the user of one call hears. Never called from inside one of the user's own calls into the agent. */
export interface CallUser {
  /** Call out: 100, somebody has the INVITE. */
  onTrying?(): void;
  /** Call out: provisional above 100. `reliable`: it came with RSeq and was PRACKed. 199 ends its fork. */
  onProgress(heard: Heard & { reliable: boolean }): void;
  /** Call out: first 2xx. The ACK was sent by the agent unless our INVITE carried no offer: then call `ack`. */
  onAnswered(heard: Heard): void;
  /** Call out: no 2xx will come. Nothing follows. Also after our own CANCEL (487). */
  onRejected(failure: Failure): void;
  /** Call in: CANCEL before our final response (or a BYE on the early dialog), 487 was sent. Nothing follows. */
  onCancelled(cancel: SipRequest): void;
  /** Call in: the ACK of our 2xx; `sdp` when it carried the answer to our offer. */
  onAcked(sdp: string | null, request: SipRequest): void;
  /** The confirmed dialog is over, not by our `end`. Nothing follows. */
  onEnded(end: End): void;
  /** Should an offer of ours wait for its second try after a 491, theirs has taken its place: nothing more is told of ours. */
  onReoffer(reoffer: Reoffer): void;
  /** INFO with a body that is known (digits, RFC 5168); 200 was sent. */
  onInfo?(request: SipRequest): void;
  /** Our re-INVITE was accepted. */
  onUpdated(heard: Heard): void;
  /** Our re-INVITE was refused; the session goes on as it was. (408, 481 and silence end the call: `onEnded`.) */
  onUpdateFailed(failure: Failure): void;
}

/** A provisional response to send: 101 to 199. */
export interface Provisional {
  status: number;
  reason: string;
  body?: Body | null;
  headers?: ExtraHeaders;
  /** Default 'auto': reliable when the INVITE requires 100rel, or supports it and this response has a body. RFC 3262. */
  reliable?: boolean | 'auto';
}

/** One call, in or out. A method that does not fit the state does nothing and returns false. */
export interface Call {
  readonly callId: string;
  /** Call in: sends 101-199. Queued behind an unacknowledged reliable one. */
  provisional(response: Provisional): boolean;
  /** Call in: sends 200, repeated until ACK. Waits for an unacknowledged reliable 18x with a body. */
  answer(body: Body | null, headers?: ExtraHeaders): boolean;
  /** Call in: sends the final refusal. Nothing follows. */
  reject(refusal: Refusal): boolean;
  /** Ends it whatever its state: CANCEL (remembered until a 1xx), BYE, or `refusal` (default 480) for an unanswered call in. */
  end(headers?: ExtraHeaders, refusal?: Refusal): boolean;
  /** Sends a re-INVITE with this offer. False while another offer is open in either direction, or no dialog. */
  reinvite(body: Body, headers?: ExtraHeaders): boolean;
  /**
   * Sends an UPDATE in the confirmed dialog, or in the early one of a call out that `fork` names. With an offer its answer is
   * told like that of a re-INVITE. False while it may not be sent, or when the peer takes none. RFC 3311.
   */
  update(body: Body | null, headers?: ExtraHeaders, fork?: string): boolean;
  /** Sends INFO in the confirmed dialog; its answer is not told. False while one is under way, or when the peer takes none. RFC 6086. */
  info(body: Body): boolean;
  /** ACK of a 2xx that answered an offerless INVITE, with our answer. */
  ack(body: Body): boolean;
}

/** What the user of the agent is asked. */
export interface UserAgentUser {
  /**
   * First look at every new request outside a dialog and inside one. 'accept' goes on; a refusal is sent.
   * Default: accept everything.
   */
  screen?(request: SipRequest, source: Target): 'accept' | Refusal;
  /** A new call: its listener, or a refusal to send. 100 was sent. The user may call `call` at once or later. */
  onInvite(call: Call, request: SipRequest, sdp: string | null, source: Target): CallUser | Refusal;
  /** An out-of-dialog OPTIONS: status and extra headers; default 200. */
  onOptions?(request: SipRequest, source: Target): Refusal;
  /** Any other request outside a dialog (REGISTER, SUBSCRIBE, MESSAGE ...): its answer. Default: 405 or 501. */
  onOther?(request: SipRequest, source: Target): Refusal | null;
  log?(
    level: 'debug' | 'info' | 'warn',
    message: string,
    fields: Readonly<Record<string, string | number | null>>,
  ): void;
}

/** A request outside any dialog: OPTIONS, REGISTER, MESSAGE. */
export interface SingleRequest {
  method: string;
  uri: string;
  from: string;
  to: string;
  contact?: string;
  route: readonly string[];
  headers: ExtraHeaders;
  body?: Body | null;
  callId?: string;
  cseq?: number;
  /** This target alone, whatever the route. */
  target?: Target;
}

export interface SingleUser {
  /** `unheard`: why another server that was asked has given no answer. */
  onFinal(response: SipResponse, unheard: LocalCause | null): void;
  onFailure(cause: LocalCause): void;
}

/** One registered contact. RFC 3261 10. */
export interface RegistrationRequest {
  /** Registrar: `sip:example.com`. */
  registrar: string;
  /** Address of record as From and To value: `<sip:a@example.com>`. */
  aor: string;
  /** Contact value without `expires`. */
  contact: string;
  route: readonly string[];
  /** URI of the next hop when there is no Route. */
  proxy?: string | undefined;
  /** Requested lifetime in seconds. */
  expiresS: number;
  credentials?: Credentials;
  callId?: string;
  /** Last CSeq used for this Call-ID (0 for none): a binding taken up again after a restart goes on counting. */
  cseq?: number;
}

export interface Registered {
  /** Granted lifetime in seconds, of our own Contact. */
  expiresS: number;
  serviceRoute: string[];
  associated: string[];
  response: SipResponse;
}

export interface RegistrationUser {
  onRegistered(result: Registered): void;
  onUnregistered(): void;
  onRegisterFailed(failure: Failure): void;
}

export interface Registration {
  readonly callId: string;
  /** Sends REGISTER; `headers` are written into it (P-headers, Path, Authorization). Replaces an unanswered one's result. */
  refresh(expiresS: number, headers: ExtraHeaders): void;
  /** REGISTER with expires 0. */
  remove(headers: ExtraHeaders): void;
}

/** One subscription. RFC 6665. */
export interface SubscriptionRequest {
  uri: string;
  /** From and To values without tag. */
  from: string;
  to: string;
  contact: string;
  route: readonly string[];
  /** URI of the next hop when there is no Route. */
  proxy?: string | undefined;
  /** Event package, lower case, without parameters. */
  event: string;
  /** The one media type taken in a NOTIFY. */
  accept: string;
  expiresS: number;
  /** Written into every SUBSCRIBE. */
  headers: ExtraHeaders;
  /** For a 401 or 407, answered once per nonce. */
  credentials?: Credentials;
}

export interface SubscriptionUser {
  /** A NOTIFY of the package; it was answered with 200. */
  onNotified(request: SipRequest): void;
  /** No subscription any more, not by our `end`. `reason` of the last NOTIFY or a local cause; `status` of a refusal, or 0. Nothing follows. */
  onSubscriptionEnded(end: { reason: string | null; retryAfterS: number | null; status: number }): void;
}

export interface Subscription {
  readonly callId: string;
  /** SUBSCRIBE again now: the notifier answers with the full state. */
  refresh(): void;
  /** Un-SUBSCRIBE; nothing is told any more. */
  end(): void;
}

export interface UserAgent {
  call(request: OutgoingCall, user: CallUser): Call;
  register(request: RegistrationRequest, user: RegistrationUser): Registration;
  request(request: SingleRequest, user: SingleUser): void;
  subscribe(request: SubscriptionRequest, user: SubscriptionUser): Subscription;
  /** Live calls and registrations, for gauges and leak tests. */
  sizes(): { calls: number; dialogs: number; singles: number; subscriptions: number };
  /** Ends every call (CANCEL, BYE, 480) with these headers; resolves nothing: watch `sizes()`. */
  endAll(headers?: ExtraHeaders): void;
}

/** What the agent needs of the world around it. */
export interface UserAgentOptions {
  user: UserAgentUser;
  /** Builds the transaction layer around the agent: the agent is the layer's user. */
  layer: (user: ServerTransactionUser) => TransactionLayer;
  /** The timer facility, the same as the layer's; several agents may share it. */
  timers: SipTimers;
  /** Milliseconds of a clock that never goes back. */
  now: () => number;
  /** Default: RFC 3261 table 4. */
  timerValues?: TimerValues;
  /** Next hops of a URI. Default: numeric hosts only. */
  locate?: Locate;
  /** What is known of the targets. Default: kept by the agent alone. */
  health?: TargetHealth;
  /** How long a target may say nothing while there is another to try, in ms. Default 4000. */
  patienceMs?: number;
  /** Contact value of calls in, from the request that came: `<sip:echo@127.0.0.1:5070>`. */
  contact: (invite: SipRequest) => string;
  /** Fields of every request of ours in the dialog of a call in, but the ACK of a 2xx. Default none. */
  standing?: (invite: SipRequest) => ExtraHeaders;
  /** Extension tags of calls in and out. Default 100rel and timer. */
  supported?: readonly string[];
  /** Extension tags that a call uses, and tells of, when its INVITE names them. Default none. */
  onDemand?: readonly string[];
  /** Methods of the Allow header. */
  allow?: readonly string[];
  /** Smallest Session-Expires taken, in seconds. Default 90. */
  minSeS?: number;
  /** User-Agent and Server header; default none. */
  product?: string;
  /** So many random bytes as lower-case hex. Default: node:crypto. Seeded in tests. */
  randomHex?: (bytes: number) => string;
}
