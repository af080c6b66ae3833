/** A dialog: its id, both CSeq counters, route set and remote target, and the requests sent in it. RFC 3261 12. */
import { kept } from '../message/kept.ts';
import type { SipMessage, SipRequest, SipResponse } from '../message/message.ts';
import type { Body, ExtraHeaders } from '../user-agent-types.ts';
import type { Header, RequestSpec } from './types.ts';

export interface Dialog {
  callId: string;
  localTag: string;
  remoteTag: string;
  /** Our side as From or To value, tag included. */
  local: string;
  /** Their side, tag included (as they wrote it). */
  remote: string;
  localSeq: number;
  /** Highest CSeq received, -1 before the first. */
  remoteSeq: number;
  /** URI of their Contact. */
  target: string;
  /** Route values in the order they are sent. */
  routes: string[];
  /** Our Contact value. */
  contact: string;
  /** Fields of every request of ours but the ACK of a 2xx. */
  standing?: ExtraHeaders;
}

/** What a dialog needs of the INVITE we sent. */
export interface SentInvite {
  callId: string;
  localTag: string;
  /** From value with tag. */
  from: string;
  uri: string;
  contact: string;
  seq: number;
  /** Fields that later requests repeat. */
  standing?: ExtraHeaders;
}

const MAX_FORWARDS: Header = ['Max-Forwards', '70'];

/** The dialog a response to our INVITE makes: Record-Route reversed. Also good for the 2xx of an early dialog. RFC 3261 12.1.2. */
export function dialogOfResponse(sent: SentInvite, response: SipResponse): Dialog {
  return {
    callId: sent.callId,
    localTag: sent.localTag,
    remoteTag: kept(tagOf(response)),
    local: sent.from,
    remote: kept(response.headers.get('To') ?? ''),
    localSeq: sent.seq,
    remoteSeq: -1,
    target: kept(response.headers.contacts()[0]?.uri ?? sent.uri),
    routes: response.headers.all('Record-Route').map(kept).reverse(),
    contact: sent.contact,
    standing: sent.standing ?? [],
  };
}

/** The dialog a received INVITE makes: Record-Route in order. RFC 3261 12.1.1. */
export function dialogOfRequest(
  invite: SipRequest,
  localTag: string,
  contact: string,
  standing: ExtraHeaders = [],
): Dialog {
  const { headers } = invite;
  return {
    callId: kept(headers.callId() ?? ''),
    localTag,
    remoteTag: kept(headers.from()?.params.get('tag') ?? ''),
    local: kept(`${headers.get('To') ?? ''};tag=${localTag}`),
    remote: kept(headers.get('From') ?? ''),
    localSeq: 0,
    remoteSeq: headers.cseq()?.seq ?? 0,
    target: kept(headers.contacts()[0]?.uri ?? headers.from()?.uri ?? ''),
    routes: headers.all('Record-Route').map(kept),
    contact,
    standing: standing.map(([name, value]): Header => [name, kept(value)]),
  };
}

/** To-tag of a response, empty when it has none. */
export function tagOf(response: SipMessage): string {
  return response.headers.to()?.params.get('tag') ?? '';
}

/** A new request in the dialog: next CSeq, route set applied. RFC 3261 12.2.1.1. */
export function requestIn(
  dialog: Dialog,
  method: string,
  headers: ExtraHeaders = [],
  body: Body | null = null,
): RequestSpec {
  dialog.localSeq += 1;
  const carriesContact = method === 'INVITE' || method === 'UPDATE';
  const extra = [...headers, ...(dialog.standing ?? [])];
  return specIn(dialog, method, dialog.localSeq, carriesContact, extra, body);
}

/** The ACK of a 2xx: CSeq number of its INVITE, credentials of it in `headers`. RFC 3261 13.2.2.4. */
export function ackIn(dialog: Dialog, seq: number, headers: ExtraHeaders, body: Body | null): RequestSpec {
  return specIn(dialog, 'ACK', seq, false, headers, body);
}

function specIn(
  dialog: Dialog,
  method: string,
  seq: number,
  contact: boolean,
  extra: ExtraHeaders,
  body: Body | null,
): RequestSpec {
  const { uri, nextHop, routes } = routed(dialog.target, dialog.routes);
  const headers: Header[] = [MAX_FORWARDS];
  for (const route of routes) headers.push(['Route', route]);
  headers.push(['From', dialog.local], ['To', dialog.remote], ['Call-ID', dialog.callId], ['CSeq', `${seq} ${method}`]);
  if (contact) headers.push(['Contact', dialog.contact]);
  for (const header of extra) headers.push(header);
  return { method, uri, nextHop, headers, body };
}

/**
 * Request-URI, Route values and next hop for a target behind a route set: loose routing, or the exchange with a strict
 * first hop (no `lr`), whose URI becomes the Request-URI and the target the last Route. RFC 3261 12.2.1.1.
 * Without a route set the request goes to `proxy`, which no Route names. RFC 3261 8.1.2.
 */
export function routed(
  target: string,
  routes: readonly string[],
  proxy: string = target,
): { uri: string; nextHop: string; routes: readonly string[] } {
  const first = routes[0];
  if (first === undefined) return { uri: target, nextHop: proxy, routes };
  const hop = uriOf(first);
  if (/;lr(?=[;=?]|$)/i.test(hop)) return { uri: target, nextHop: hop, routes };
  const bare = (hop.split('?')[0] ?? hop).replace(/;method=[^;]*/i, '');
  return { uri: bare, nextHop: hop, routes: [...routes.slice(1), `<${target}>`] };
}

/** The URI inside a Route value. */
export function uriOf(value: string): string {
  const open = value.indexOf('<');
  if (open < 0) return (value.split(';')[0] ?? value).trim();
  const close = value.indexOf('>', open);
  return value.slice(open + 1, close < 0 ? undefined : close);
}

/** Takes the CSeq of a request in the dialog; false when it is not above the last one (answer 500). RFC 3261 12.2.2. */
export function takeSeq(dialog: Dialog, request: SipRequest): boolean {
  const seq = request.headers.cseq()?.seq;
  if (seq === undefined || seq <= dialog.remoteSeq) return false;
  dialog.remoteSeq = seq;
  return true;
}

/** Replaces the remote target by the Contact of a target refresh request or of its 2xx; the route set stays. RFC 3261 12.2. */
export function refreshTarget(dialog: Dialog, message: SipMessage): void {
  const contact = message.headers.contacts()[0];
  if (contact !== undefined) dialog.target = kept(contact.uri);
}
