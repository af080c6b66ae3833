/** New requests and responses. RFC 3261 8.1.1, 8.2.6, 12.1.1. */
import { createHeaders } from './header-list.ts';
import type { SipRequest, SipResponse } from './message.ts';
import { reasonPhrase } from './reason.ts';

const EMPTY = new Uint8Array(0);

/** A request with these fields in this order; Content-Length is written by `serialize`, the top Via by the transaction layer. */
export function createRequest(
  method: string,
  uri: string,
  headers: ReadonlyArray<readonly [string, string]>,
  body: Uint8Array | string = EMPTY,
): SipRequest {
  return { type: 'request', method, uri, headers: createHeaders(headers), body: toBytes(body) };
}

export interface ResponseOptions {
  /** Put into To when the request had no tag there; never into a 100. */
  toTag?: string;
  /** Fields appended in order. */
  headers?: ReadonlyArray<readonly [string, string]>;
  body?: Uint8Array | string;
}

/**
 * A response to this request: Vias, From, To, Call-ID and CSeq copied, Record-Route too where the response may make a dialog (101 to 299),
 * Timestamp into a 100. RFC 3261 8.2.6, 12.1.1.
 */
export function createResponse(
  request: SipRequest,
  status: number,
  reason: string = reasonPhrase(status),
  options: ResponseOptions = {},
): SipResponse {
  const headers = request.headers.filter(name => isEchoed(name, status));
  const to = headers.get('To');
  if (options.toTag !== undefined && status !== 100 && to !== undefined && headers.to()?.params.has('tag') !== true)
    headers.set('To', `${to};tag=${options.toTag}`);
  for (const [name, value] of options.headers ?? []) headers.add(name, value);
  return { type: 'response', status, reason, headers, body: toBytes(options.body ?? EMPTY) };
}

function isEchoed(name: string, status: number): boolean {
  switch (name) {
    case 'Via':
    case 'From':
    case 'To':
    case 'Call-ID':
    case 'CSeq':
      return true;
    case 'Record-Route':
      return status > 100 && status < 300;
    case 'Timestamp':
      return status === 100;
    default:
      return false;
  }
}

function toBytes(body: Uint8Array | string): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
}
