/** Errors an application gets: stable numbers and names, one sentence, what may be behind it and what helps. */

export type ErrorName =
  | 'token-unavailable'
  | 'token-refused'
  | 'not-allowed'
  | 'registration-refused'
  | 'too-many-devices'
  | 'not-registered'
  | 'device-taken'
  | 'number-not-dialable'
  | 'call-refused'
  | 'too-many-calls'
  | 'emergency-not-supported'
  | 'call-over'
  | 'wrong-moment'
  | 'closed'
  | 'too-many-from-here'
  | 'cancelled'
  | 'microphone-denied'
  | 'microphone-missing'
  | 'camera-denied'
  | 'camera-missing'
  | 'video-refused'
  | 'media-failed'
  | 'digits-unusable'
  | 'network'
  | 'busy-service'
  | 'service';

type Row = readonly [code: number, message: string, causes: readonly string[], solutions: readonly string[]];

/** 1xxxx access, 2xxxx registration, 3xxxx call, 4xxxx microphone, camera, sound and picture, 6xxxx network and service. */
const table: Readonly<Record<ErrorName, Row>> = {
  'token-unavailable': [10001, 'No access token could be had.', ['The sign-in has ended.'], ['Sign in again.']],
  'token-refused': [10002, 'The access token was refused.', ['It has expired or was revoked.'], ['Sign in again.']],
  'not-allowed': [
    10003,
    'This is not allowed.',
    ['The access token lacks a scope.', 'The service forbids it, whoever asks.'],
    [],
  ],
  'registration-refused': [20001, 'The network refuses to register this number.', [], []],
  'too-many-devices': [20002, 'The number is registered on too many devices.', [], ['Sign out on another device.']],
  'not-registered': [
    20003,
    'This device is not registered.',
    ['Another tab or the network ended it.'],
    ['Register again.'],
  ],
  'device-taken': [
    20004,
    'This device is registered by somebody else.',
    ['Its id is used twice.'],
    ['Use a new device id.'],
  ],
  'number-not-dialable': [
    30001,
    'This is not a number that can be dialled.',
    [],
    ['Write it with + and the country code, like +15550109000.'],
  ],
  'call-refused': [30002, 'The call was refused.', [], []],
  'too-many-calls': [30003, 'There are too many calls at once.', [], ['End a call first.']],
  'emergency-not-supported': [30004, 'Emergency calls cannot be made here.', [], ['Use a telephone.']],
  'call-over': [30005, 'This call is over.', [], []],
  'wrong-moment': [30006, 'The call is not in a state that allows this.', [], []],
  closed: [30007, 'No calls are taken here now.', ['It is outside of the hours.'], ['Call again later.']],
  'too-many-from-here': [
    30009,
    'Too many calls came from your network just now.',
    ['Several people share its address, or somebody called again and again.'],
    ['Try again in a moment.'],
  ],
  cancelled: [30008, 'The call was given up before it was made.', [], []],
  'microphone-denied': [
    40001,
    'The microphone may not be used.',
    ['The browser asked and got no.'],
    ['Allow the microphone.'],
  ],
  'microphone-missing': [40002, 'No microphone was found.', [], ['Plug one in.']],
  'camera-denied': [40005, 'The camera may not be used.', ['The browser asked and got no.'], ['Allow the camera.']],
  'camera-missing': [40006, 'No camera was found.', [], ['Plug one in.']],
  'video-refused': [40007, 'The other side takes no video.', [], []],
  'media-failed': [40003, 'The sound could not be set up.', [], []],
  'digits-unusable': [40004, 'Only 0-9, *, #, A-D and w (a pause) can be sent as digits.', [], []],
  network: [60001, 'The service cannot be reached.', ['There is no connection.'], ['Try again.']],
  'busy-service': [60002, 'The service is busy.', [], ['Try again in a moment.']],
  service: [60003, 'The service could not do this.', [], []],
};

export interface ErrorDetail {
  httpStatus?: number;
  camaraCode?: string;
  /** Seconds the service asks to wait. */
  retryAfterS?: number;
  cause?: unknown;
  message?: string;
}

/** What every promise of the SDK rejects with. */
export class CallingError extends Error {
  readonly code: number;
  override readonly name: ErrorName;
  readonly causes: readonly string[];
  readonly solutions: readonly string[];
  readonly httpStatus: number | null;
  readonly camaraCode: string | null;
  readonly retryAfterS: number | null;
  /** The same request may succeed later. */
  readonly retryable: boolean;

  constructor(name: ErrorName, detail: ErrorDetail = {}) {
    const [code, message, causes, solutions] = table[name];
    super(detail.message ?? message, detail.cause === undefined ? {} : { cause: detail.cause });
    this.name = name;
    this.code = code;
    this.causes = causes;
    this.solutions = solutions;
    this.httpStatus = detail.httpStatus ?? null;
    this.camaraCode = detail.camaraCode ?? null;
    this.retryAfterS = detail.retryAfterS ?? null;
    this.retryable = name === 'network' || name === 'busy-service';
  }
}

const byCamaraCode: Readonly<Record<string, ErrorName>> = {
  UNAUTHENTICATED: 'token-refused',
  PERMISSION_DENIED: 'not-allowed',
  MAX_DEVICES_PER_USER: 'too-many-devices',
  MAX_REGISTRATION_PER_MSISDN: 'too-many-devices',
  MAX_REGISTRATION_PER_USER: 'too-many-devices',
  INVALID_TOKEN_CONTEXT: 'not-registered',
  CALLTYPE_EMERGENCY_NOT_SUPPORTED: 'emergency-not-supported',
  ENTRY_POINT_CLOSED: 'closed',
  QUOTA_EXCEEDED: 'too-many-calls',
  SOURCE_QUOTA_EXCEEDED: 'too-many-from-here',
  INCOMPATIBLE_STATE: 'wrong-moment',
  TOO_MANY_REQUESTS: 'busy-service',
  UNAVAILABLE: 'busy-service',
  TIMEOUT: 'busy-service',
};

/** The error of an HTTP answer that is not a success; `body` as parsed, whatever it is. */
export function errorOfAnswer(httpStatus: number, body: unknown, retryAfterS: number | null): CallingError {
  const { code, message } = (typeof body === 'object' && body !== null ? body : {}) as Record<string, unknown>;
  const camaraCode = typeof code === 'string' ? code : '';
  const name = byCamaraCode[camaraCode] ?? (httpStatus >= 502 ? 'busy-service' : 'service');
  return new CallingError(name, {
    httpStatus,
    ...(camaraCode === '' ? {} : { camaraCode }),
    ...(retryAfterS === null ? {} : { retryAfterS }),
    // Only the service knows more of these.
    ...((name === 'service' || name === 'not-allowed') && typeof message === 'string' ? { message } : {}),
  });
}

/** Why a page's own way to a token gave none. `fetch` rejects with TypeError when it finds no network, which may come back; all else counts as a no. */
export function errorOfToken(cause: unknown): CallingError {
  if (cause instanceof CallingError) return cause;
  return new CallingError(cause instanceof TypeError ? 'network' : 'token-unavailable', { cause });
}

/** What is not there any more is no error to one who asks whether it is. */
export function nothingFound(error: unknown): null {
  if (error instanceof CallingError && error.httpStatus === 404) return null;
  throw error;
}
