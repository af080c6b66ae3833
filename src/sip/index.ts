/** The door of the SIP stack: everything other folders may use. */
export { type AkaCard, akaPassword, createAkaCard, createAkaVector, readAuts } from './auth/aka.ts';
export { type AuthValue, parseAuthValue } from './auth/auth-param.ts';
export {
  type AnswerInput,
  answerChallenge,
  type Challenge,
  chooseChallenge,
  parseChallenge,
} from './auth/digest.ts';
export type { DigestAlgorithm } from './auth/digest-algorithm.ts';
export {
  createChallenge,
  createNonce,
  createNonceCounts,
  type NonceCounts,
  type Verdict,
  type VerifyInput,
  verifyAuthorization,
} from './auth/digest-server.ts';
export { opcOf } from './auth/milenage.ts';
export { createRequest, createResponse, type ResponseOptions } from './message/build.ts';
export { isEmergencyRequest, isEmergencyUri } from './message/emergency.ts';
export { createFramer, type Framer, type FramerEvent } from './message/framer.ts';
export { createHeaders } from './message/header-list.ts';
export type { Headers } from './message/headers.ts';
export type {
  CSeq,
  NameAddr,
  ParseLimits,
  ParseResult,
  SipMessage,
  SipRequest,
  SipResponse,
  SipUri,
  Via,
} from './message/message.ts';
export { METHODS } from './message/method.ts';
export { joinParts, mediaType, type Part } from './message/multipart.ts';
export { formatNameAddr, parseNameAddr, parseNameAddrList } from './message/name-addr.ts';
export { formatParams, parseParams } from './message/param.ts';
export { DEFAULT_LIMITS, parseMessage } from './message/parse.ts';
export { reasonPhrase } from './message/reason.ts';
export { serialize } from './message/serialize.ts';
export { formatUri, parseUri, sameUri, unescapeUri } from './message/uri.ts';
export { formatVia, parseVia } from './message/via.ts';

// transaction
export { createTransactionLayer, type DrivenTransactionLayer } from './transaction/layer.ts';
export type { Sent, SipCount, SipTimers, Wire } from './transaction/port.ts';
export type {
  ServerTransactionUser,
  Target,
  TransactionKey,
  TransactionLayer,
} from './transaction/types.ts';

// transport
export { createSipTransport } from './transport/sip-transport.ts';
export { createSystemTimers } from './transport/system-timers.ts';
export type { Listen, SipTransport, TlsSide } from './transport/types.ts';

// locating servers

export type { Dns } from './locate/dns.ts';
export { createLocator, type Locate, locateNumeric } from './locate/locator.ts';
export { OVERLOAD_CONTROL } from './locate/overload-control.ts';
export { orderServers, type Server } from './locate/server-set.ts';
export { createTargetHealth, type TargetHealth } from './locate/target-health.ts';

// dialog

export { partsOf } from './dialog/body.ts';
export { uriOf } from './dialog/dialog.ts';
// user agent

export { createUserAgent } from './user-agent.ts';
export type {
  Body,
  Call,
  CallUser,
  Credentials,
  End,
  ExtraHeaders,
  Failure,
  Heard,
  LocalCause,
  OutgoingCall,
  Provisional,
  Refusal,
  Registered,
  Registration,
  RegistrationRequest,
  RegistrationUser,
  Reoffer,
  SingleRequest,
  SingleUser,
  Subscription,
  SubscriptionRequest,
  SubscriptionUser,
  UserAgent,
  UserAgentOptions,
  UserAgentUser,
} from './user-agent-types.ts';
