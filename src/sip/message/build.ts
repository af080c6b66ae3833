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
  const headers = createHeaders();
  const makesDialog = status > 100 && status < 300;
  for (const [name, value] of request.headers.entries()) {
    if (name === 'To') headers.add(name, toWithTag(request, value, status, options.toTag));
    else if (name === 'Via' || name === 'From' || name === 'Call-ID' || name === 'CSeq') headers.add(name, value);
    else if (makesDialog && name === 'Record-Route') headers.add(name, value);
    else if (status === 100 && name === 'Timestamp') headers.add(name, value);
  }
  for (const [name, value] of options.headers ?? []) headers.add(name, value);
  return { type: 'response', status, reason, headers, body: toBytes(options.body ?? EMPTY) };
}

function toWithTag(request: SipRequest, value: string, status: number, tag: string | undefined): string {
  if (tag === undefined || status === 100 || request.headers.to()?.params.has('tag') === true) return value;
  return `${value};tag=${tag}`;
}

function toBytes(body: Uint8Array | string): Uint8Array {
  return typeof body === 'string' ? Buffer.from(body, 'utf8') : body;
}
