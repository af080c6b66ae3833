/** One table of everything the APIs can answer other than success: code -> HTTP status, CAMARA code, sentence. CAMARA Commonalities r4.3. */
import type { CoreErrorCode } from './ep-cscf/api-request.ts';

/** Refusals made outside the core: by the request pipeline, the token check, the event side. */
export type PipelineErrorCode =
  | 'unknown-route'
  | 'method-not-allowed'
  | 'unauthenticated'
  | 'too-many-requests'
  | 'scope-missing'
  | 'not-acceptable'
  | 'media-type'
  | 'request-timeout'
  | 'expectation-failed'
  | 'invalid-argument'
  | 'out-of-range'
  | 'token-context'
  | 'identifier-missing'
  | 'identifier-unnecessary'
  | 'number-not-allotted'
  | 'emergency-address-missing'
  | 'invalid-protocol'
  | 'invalid-credential'
  | 'invalid-token'
  | 'invalid-sink'
  | 'subscription-mismatch'
  | 'subscription-exists'
  | 'subscription-quota'
  | 'channel-quota'
  | 'origin-refused'
  | 'proof-refused'
  | 'entry-point-closed'
  | 'entry-point-quota'
  | 'public-tokens-off'
  | 'visitor-token-used'
  | 'overloaded'
  | 'not-kept';

export type ErrorCode = CoreErrorCode | PipelineErrorCode;

export interface ErrorRow {
  status: number;
  /** CAMARA code. */
  code: string;
  message: string;
}

export const errorTable: Readonly<Record<ErrorCode, ErrorRow>> = {
  'unknown-route': { status: 404, code: 'NOT_FOUND', message: 'The specified resource is not found.' },
  'method-not-allowed': {
    status: 405,
    code: 'METHOD_NOT_ALLOWED',
    message: 'The method is not allowed on this resource.',
  },
  unauthenticated: { status: 401, code: 'UNAUTHENTICATED', message: 'The request lacks valid credentials.' },
  'too-many-requests': { status: 429, code: 'TOO_MANY_REQUESTS', message: 'Too many requests; try again later.' },
  'scope-missing': {
    status: 403,
    code: 'PERMISSION_DENIED',
    message: 'The access token does not allow this operation.',
  },
  'not-acceptable': { status: 406, code: 'NOT_ACCEPTABLE', message: 'Accept excludes what is answered here.' },
  'media-type': { status: 415, code: 'UNSUPPORTED_MEDIA_TYPE', message: 'The body must be application/json in UTF-8.' },
  'request-timeout': { status: 408, code: 'REQUEST_TIMEOUT', message: 'The request did not arrive whole in time.' },
  'expectation-failed': { status: 417, code: 'EXPECTATION_FAILED', message: 'Expect takes nothing but 100-continue.' },
  'invalid-argument': { status: 400, code: 'INVALID_ARGUMENT', message: 'The request is malformed.' },
  'out-of-range': { status: 400, code: 'OUT_OF_RANGE', message: 'A value is out of range.' },
  'token-context': {
    status: 403,
    code: 'INVALID_TOKEN_CONTEXT',
    message: 'The request does not fit the access token.',
  },
  'identifier-missing': {
    status: 422,
    code: 'MISSING_IDENTIFIER',
    message: 'phoneNumber is needed with this access token.',
  },
  'identifier-unnecessary': {
    status: 422,
    code: 'UNNECESSARY_IDENTIFIER',
    message: 'The access token names the number already; phoneNumber must be left out.',
  },
  'number-not-allotted': { status: 403, code: 'PERMISSION_DENIED', message: 'This client may not use this number.' },
  'emergency-address-missing': {
    status: 400,
    code: 'EMERGENCY_ADDRESS_MISSING',
    message: 'The operator has no address for emergency calls of this number.',
  },
  'invalid-protocol': { status: 400, code: 'INVALID_PROTOCOL', message: 'Only the protocol HTTP is supported.' },
  'invalid-credential': {
    status: 400,
    code: 'INVALID_CREDENTIAL',
    message: 'Only sink credentials of type ACCESSTOKEN are supported.',
  },
  'invalid-token': { status: 400, code: 'INVALID_TOKEN', message: 'Only access tokens of type bearer are supported.' },
  'invalid-sink': { status: 400, code: 'INVALID_SINK', message: 'The sink cannot be used.' },
  'subscription-mismatch': {
    status: 403,
    code: 'SUBSCRIPTION_MISMATCH',
    message: 'The subscription does not fit the access token.',
  },
  'subscription-exists': { status: 409, code: 'ALREADY_EXISTS', message: 'An equal subscription is active.' },
  'subscription-quota': { status: 429, code: 'QUOTA_EXCEEDED', message: 'Too many active subscriptions.' },
  'channel-quota': { status: 429, code: 'QUOTA_EXCEEDED', message: 'Too many open channels.' },
  'origin-refused': {
    status: 403,
    code: 'ORIGIN_NOT_ALLOWED',
    message: 'Pages of this origin may not use this entry point.',
  },
  'proof-refused': {
    status: 403,
    code: 'INVALID_PROOF',
    message: 'The proof is missing, wrong, too late or used; ask for a new challenge.',
  },
  'entry-point-closed': { status: 409, code: 'ENTRY_POINT_CLOSED', message: 'Visitors cannot call at this time.' },
  'entry-point-quota': { status: 429, code: 'QUOTA_EXCEEDED', message: 'Too many entry points.' },
  'public-tokens-off': {
    status: 403,
    code: 'PERMISSION_DENIED',
    message: 'Tokens for this entry point are given by the business only.',
  },
  'visitor-token-used': {
    status: 403,
    code: 'VISITOR_TOKEN_USED',
    message: 'The visitor token has had its call; ask for a new one.',
  },
  'not-kept': {
    status: 503,
    code: 'UNAVAILABLE',
    message: 'The service cannot keep this now; try again later.',
  },
  overloaded: { status: 503, code: 'UNAVAILABLE', message: 'The service is overloaded; try again later.' },

  'not-found': { status: 404, code: 'NOT_FOUND', message: 'The specified resource is not found.' },
  'registration-exists': {
    status: 409,
    code: 'ALREADY_EXISTS',
    message: 'This device is registered for this number already.',
  },
  'registration-pending': {
    status: 409,
    code: 'ALREADY_EXISTS',
    message: 'An earlier registration of this device for this number waits for the network.',
  },
  'max-devices-per-user': {
    status: 403,
    code: 'MAX_DEVICES_PER_USER',
    message: 'The user has too many registered devices.',
  },
  'max-registrations-per-number': {
    status: 403,
    code: 'MAX_REGISTRATION_PER_MSISDN',
    message: 'The number has too many registrations.',
  },
  'max-registrations-per-user': {
    status: 403,
    code: 'MAX_REGISTRATION_PER_USER',
    message: 'The user has too many registrations.',
  },
  'expiry-out-of-range': { status: 400, code: 'OUT_OF_RANGE', message: 'The time is too early.' },
  'registration-refused': {
    status: 403,
    code: 'PERMISSION_DENIED',
    message: 'The network refuses to register this number.',
  },
  'network-unavailable': { status: 503, code: 'UNAVAILABLE', message: 'The network cannot be reached now.' },
  'network-timeout': { status: 504, code: 'TIMEOUT', message: 'The network did not answer in time.' },
  'registration-not-usable': {
    status: 403,
    code: 'INVALID_TOKEN_CONTEXT',
    message: 'The registration is not usable with this access token.',
  },
  'originator-mismatch': {
    status: 403,
    code: 'INVALID_TOKEN_CONTEXT',
    message: 'originatorAddress is not the registered number, or the network lets it make no calls.',
  },
  'receiver-anonymous': { status: 400, code: 'INVALID_ARGUMENT', message: 'Somebody must be named.' },
  'receiver-refused': { status: 403, code: 'PERMISSION_DENIED', message: 'This receiver may not be called.' },
  'emergency-not-supported': {
    status: 501,
    code: 'CALLTYPE_EMERGENCY_NOT_SUPPORTED',
    message: 'Emergency calls are not supported.',
  },
  'emergency-mismatch': { status: 400, code: 'INVALID_ARGUMENT', message: 'callType and receiverAddress disagree.' },
  'sdp-unusable': { status: 400, code: 'INVALID_ARGUMENT', message: 'The SDP cannot be read or has no audio.' },
  'call-quota': { status: 429, code: 'QUOTA_EXCEEDED', message: 'Too many calls at once.' },
  'pool-foreign': { status: 403, code: 'PERMISSION_DENIED', message: 'This client may not use this pool of numbers.' },
  'pool-empty': { status: 429, code: 'QUOTA_EXCEEDED', message: 'All numbers are in use; try again later.' },
  'source-busy': {
    status: 429,
    code: 'SOURCE_QUOTA_EXCEEDED',
    message: 'Too many calls from this address; try again later.',
  },
  'entry-point-busy': { status: 429, code: 'QUOTA_EXCEEDED', message: 'Too many visitors call now; try again later.' },
  'emergency-refused': {
    status: 403,
    code: 'EMERGENCY_NOT_ALLOWED',
    message: 'Visitors of a web page cannot make emergency calls.',
  },
  'status-not-settable': { status: 400, code: 'INVALID_ARGUMENT', message: 'This value cannot be set.' },
  'incompatible-state': {
    status: 409,
    code: 'INCOMPATIBLE_STATE',
    message: 'The session is not in a state that allows this.',
  },
  'answer-missing': { status: 400, code: 'INVALID_ARGUMENT', message: 'The call cannot be connected without one.' },
  'offer-and-answer': {
    status: 400,
    code: 'INVALID_ARGUMENT',
    message: 'offer and answer must not change in one request.',
  },
  draining: {
    status: 503,
    code: 'UNAVAILABLE',
    message: 'The service is going down for maintenance; try again later.',
  },
  internal: { status: 500, code: 'INTERNAL', message: 'Internal error.' },
};
