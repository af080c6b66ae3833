/** The vocabulary of the four transaction machines and of their user. RFC 3261 17, RFC 6026. */
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts';

/** What we open sockets for. */
export type SocketTransport = 'udp' | 'tcp' | 'tls';

/** Where a message goes to or came from. */
export interface Endpoint {
  /** `ws` and `wss`: a flow that a client has opened; nobody can be dialled so. RFC 7118 5. */
  transport: SocketTransport | 'ws' | 'wss';
  /** Numeric address. */
  host: string;
  port: number;
}

/** Where a request is sent: a numeric endpoint. */
export interface Target extends Endpoint {
  /** Pins a connection by the transport's id. */
  connection?: string;
  /** TLS: the name it was found by, which its certificate has to carry. Without it the certificate has to carry the address. RFC 5922 4. */
  domain?: string;
}

/** Timer values in ms. RFC 3261 table 4; defaults T1 500, T2 4000, T4 5000. */
export interface TimerValues {
  t1: number;
  t2: number;
  t4: number;
}

export type TimerName = 'A' | 'B' | 'D' | 'E' | 'F' | 'G' | 'H' | 'I' | 'J' | 'K' | 'L' | 'M';

/** Key of a transaction: branch, sent-by and method (INVITE for ACK). RFC 3261 17.2.3. */
export type TransactionKey = string & { readonly __brand: 'TransactionKey' };

/** What a transaction machine asks of the world around it. Flat, appended to `out`. */
export type TransactionEffect =
  | { type: 'send'; key: TransactionKey; message: SipMessage }
  | { type: 'start-timer'; key: TransactionKey; name: TimerName; ms: number }
  | { type: 'stop-timer'; key: TransactionKey; name: TimerName }
  /** Tells the transaction user: a response for a client, a request for a server. */
  | { type: 'response'; key: TransactionKey; response: SipResponse }
  | { type: 'request'; key: TransactionKey; request: SipRequest }
  /** ACK of a 2xx seen by the Accepted state of a server transaction (RFC 6026 7.1). */
  | { type: 'ack'; key: TransactionKey; request: SipRequest }
  /** Timer B, F or H ran out, or the transport failed. */
  | { type: 'failed'; key: TransactionKey; cause: 'timeout' | 'transport' }
  | { type: 'terminated'; key: TransactionKey };

/**
 * What the transaction layer tells its user (a user agent, a proxy). All calls come from the layer's own turn, never from inside one of
 * the user's calls into the layer.
 */
export interface ClientTransactionUser {
  /** Every provisional and final response that passes the machine; for an INVITE also each 2xx copy. */
  onResponse(response: SipResponse): void;
  /** No final response will come. */
  onFailure(cause: 'timeout' | 'transport'): void;
}

export interface ServerTransactionUser {
  /** A new request outside any transaction; ACK of a 2xx comes by `onAck`. Answer with `TransactionLayer.respond`. */
  onRequest(request: SipRequest, key: TransactionKey, source: Target): void;
  /** An ACK that matches no non-2xx server transaction: of a 2xx (match it to a dialog), or stray. */
  onAck(request: SipRequest, source: Target): void;
  /** A CANCEL that matches a pending INVITE server transaction; the layer has answered the CANCEL with 200 itself. */
  onCancel(inviteKey: TransactionKey, cancel: SipRequest): void;
  /** A server transaction ended without its response having got through (timer H, transport). */
  onServerFailure(key: TransactionKey, cause: 'timeout' | 'transport'): void;
}

/** The door of the transaction layer, what `dialog/`, `user-agent.ts` and the sandbox's proxy are written against. */
export interface TransactionLayer {
  /**
   * Sends a request in a new client transaction: pushes the top Via (branch, sent-by, rport on UDP), picks TCP for more than 1300 bytes
   * (RFC 3261 18.1.1, back to UDP when refused) and returns its key. The request is kept by the layer: do not change it afterwards.
   * `branch` overrides the random branch (a CANCEL is sent by `cancel`, an ACK of a 2xx by `sendAck`).
   */
  request(request: SipRequest, target: Target, user: ClientTransactionUser): TransactionKey;
  /** CANCELs an INVITE client transaction: at once when a 1xx came, else as soon as one comes (RFC 3261 9.1). Extra headers, such as Reason, are added. Of any other request no more copies are sent; its answer is told. True when a CANCEL is or will be sent. */
  cancel(key: TransactionKey, extra?: ReadonlyArray<readonly [string, string]>): boolean;
  /** Sends an ACK of a 2xx (or any request outside a transaction) once. */
  sendAck(request: SipRequest, target: Target): void;
  /** Answers in a server transaction. A 2xx to INVITE is sent once per call: its repetition is the dialog's (RFC 3261 13.3.1.4). */
  respond(key: TransactionKey, response: SipResponse): void;
  /** True while the server transaction is open (a final response can still be sent). */
  isPending(key: TransactionKey): boolean;
  /** Number of live transactions, for metrics and leak tests. */
  readonly size: number;
}
