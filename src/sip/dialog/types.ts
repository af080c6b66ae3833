/** The vocabulary of the call machines: what they hear, what they ask for, what they tell. RFC 3261 12 to 15. */
import type { SipRequest, SipResponse } from '../message/message.ts';
import type { TransactionKey } from '../transaction/types.ts';
import type { Body, ExtraHeaders, LocalCause, Refusal } from '../user-agent-types.ts';

export type Header = readonly [name: string, value: string];

/** A request to send, as plain data. Via, Content-Type and Content-Length are the adapter's. */
export interface RequestSpec {
  method: string;
  uri: string;
  /** URI of the element it is sent to: the first Route, or the Request-URI. */
  nextHop: string;
  headers: Header[];
  body: Body | null;
}

/** A response to send. Via, From, To, Call-ID, CSeq and Record-Route come from its request. */
export interface ResponseSpec {
  status: number;
  reason: string;
  headers: Header[];
  body: Body | null;
}

/** What every call of one agent has in common. Times in ms unless named otherwise. */
export interface Facts {
  t1: number;
  t2: number;
  supported: readonly string[];
  allow: readonly string[];
  /** Smallest Session-Expires accepted, in seconds. RFC 4028 4. */
  minSeS: number;
}

export type DialogTimer =
  /** Next copy of an unacknowledged 2xx, or its end. RFC 3261 13.3.1.4. */
  | '2xx'
  /** Next copy of an unacknowledged reliable 1xx, or its end. RFC 3262 3. */
  | '1xx'
  /** Second try of a re-INVITE or UPDATE with an offer after 491. RFC 3261 14.1, RFC 3311 5.3. */
  | 'glare'
  /** 64*T1 after a CANCEL. RFC 3261 9.1. */
  | 'cancel'
  /** Half of the session interval: refresh. RFC 4028 7.2. */
  | 'refresh'
  /** No refresh, of either side, in time. RFC 4028 10. */
  | 'expiry';

export type CallInput =
  // the user
  | { type: 'invite' }
  | {
      type: 'provisional';
      status: number;
      reason: string;
      headers: ExtraHeaders;
      body: Body | null;
      reliable: boolean | 'auto';
    }
  | { type: 'answer'; body: Body | null; headers: ExtraHeaders }
  | { type: 'reject'; refusal: Refusal }
  | { type: 'end'; headers: ExtraHeaders; refusal: Refusal }
  | { type: 'reinvite'; body: Body; headers: ExtraHeaders }
  /** `fork`: the early dialog it is for; null for the confirmed one. */
  | { type: 'update'; fork: string | null; body: Body | null; headers: ExtraHeaders }
  | { type: 'info'; body: Body }
  | { type: 'ack'; body: Body }
  | { type: 'accept'; key: TransactionKey; body: Body | null; headers: ExtraHeaders }
  | { type: 'refuse'; key: TransactionKey; refusal: Refusal }
  // the network
  | { type: 'request'; key: TransactionKey; request: SipRequest }
  | { type: 'ack-received'; request: SipRequest }
  | { type: 'cancel-received'; request: SipRequest }
  /** `authorization`: the answer to a 401 or 407, when credentials are there and its nonce is new. */
  | { type: 'response'; id: number; response: SipResponse; authorization: Header | null }
  | { type: 'failure'; id: number; cause: LocalCause }
  | { type: 'timer'; name: DialogTimer };

/** What the user of the call is told. */
export type CallEvent =
  /** 100 to our INVITE: somebody has it. */
  | { type: 'trying' }
  | { type: 'progress'; fork: string; response: SipResponse; reliable: boolean }
  | { type: 'answered'; fork: string; response: SipResponse }
  | { type: 'rejected'; response: SipResponse | null; cause: LocalCause | null }
  | { type: 'cancelled'; request: SipRequest }
  | { type: 'acked'; request: SipRequest }
  | { type: 'ended'; cause: 'bye' | 'no-ack' | 'no-prack' | 'dead' | 'session-timer'; request: SipRequest | null }
  | { type: 'reoffer'; key: TransactionKey; request: SipRequest }
  /** INFO that was answered by 200. */
  | { type: 'info'; request: SipRequest }
  | { type: 'updated'; fork: string; response: SipResponse }
  | { type: 'update-failed'; response: SipResponse | null; cause: LocalCause | null };

export type CallEffect =
  /** In a new client transaction; responses come back with `id`. */
  | { type: 'send'; id: number; spec: RequestSpec }
  /** An ACK of a 2xx: no transaction, own branch. */
  | { type: 'send-ack'; spec: RequestSpec }
  /** CANCELs the INVITE sent with this id. */
  | { type: 'cancel'; id: number; headers: ExtraHeaders }
  | { type: 'respond'; key: TransactionKey; spec: ResponseSpec }
  /** Sends the last response of this transaction again. */
  | { type: 'repeat'; key: TransactionKey }
  /** No more copies: what is kept for `repeat` can go. */
  | { type: 'forget'; key: TransactionKey }
  | { type: 'start-timer'; name: DialogTimer; ms: number }
  | { type: 'stop-timer'; name: DialogTimer }
  | { type: 'tell'; event: CallEvent }
  | { type: 'log'; level: 'debug' | 'info' | 'warn'; message: string }
  /** Nothing more is told; only late 2xx of a fork are still acknowledged. */
  | { type: 'gone' };
