/** From the machines' plain data to messages and next hops. RFC 3261 8.1.2, 18.1. */
import type { Header, RequestSpec, ResponseSpec } from './dialog/types.ts';
import { createRequest, createResponse } from './message/build.ts';
import type { SipRequest, SipResponse } from './message/message.ts';
import type { Body } from './user-agent-types.ts';

/** The request of a spec, without Via (the transaction layer's). `product` is the User-Agent, empty for none. */
export function requestOf(spec: RequestSpec, product: string): SipRequest {
  const headers = withEnd(spec.headers, 'User-Agent', product, spec.body);
  return createRequest(spec.method, spec.uri, headers, spec.body?.content ?? '');
}

/** The response of a spec to this request; `toTag` goes into To when the request had no tag there. */
export function responseOf(request: SipRequest, spec: ResponseSpec, toTag: string, product: string): SipResponse {
  const headers = withEnd(spec.headers, 'Server', product, spec.body);
  return createResponse(request, spec.status, spec.reason, { toTag, headers, body: spec.body?.content ?? '' });
}

function withEnd(headers: readonly Header[], field: string, product: string, body: Body | null): readonly Header[] {
  if (product === '' && body === null) return headers;
  const all = [...headers];
  if (product !== '') all.push([field, product]);
  if (body !== null) all.push(['Content-Type', body.contentType]);
  return all;
}
