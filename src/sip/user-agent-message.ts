/** From the machines' plain data to messages and next hops. RFC 3261 8.1.2, 18.1. */
import type { Header, RequestSpec, ResponseSpec } from './dialog/types.ts';
import { createRequest, createResponse } from './message/build.ts';
import type { SipRequest, SipResponse, SipUri } from './message/message.ts';
import { parseUri } from './message/uri.ts';
import type { Target } from './transaction/types.ts';
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

/** The endpoint of a SIP URI whose host is an address; null for names and other schemes. Defaults: UDP, 5060. RFC 3263 4. */
export function locateNumeric(uri: SipUri): Target | null {
  if (uri.scheme !== 'sip') return null;
  const host = numericHost(uri.host);
  const transport = transportOf(uri);
  return host === null || transport === null ? null : { transport, host, port: uri.port ?? 5060 };
}

/** Transport a URI asks for: its parameter, or UDP; null for one we do not speak. */
export function transportOf(uri: SipUri): 'udp' | 'tcp' | null {
  const asked = uri.params.get('transport')?.toLowerCase() ?? 'udp';
  return asked === 'udp' || asked === 'tcp' ? asked : null;
}

function numericHost(host: string): string | null {
  if (host.startsWith('[')) return host.slice(1, -1);
  return /^\d{1,3}(?:\.\d{1,3}){3}$/.test(host) ? host : null;
}

/** Next hop of a spec, or null. */
export function targetOf(spec: RequestSpec, locate: (uri: SipUri) => Target | null): Target | null {
  const uri = parseUri(spec.nextHop);
  return uri === null ? null : locate(uri);
}
