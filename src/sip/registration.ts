/** One contact at a registrar: REGISTER, its refreshes and its end, as a machine. RFC 3261 10.2, RFC 3327, RFC 3608. */

import { routed } from './dialog/dialog.ts';
import type { Header, RequestSpec } from './dialog/types.ts';
import { kept } from './message/kept.ts';
import type { NameAddr, SipResponse } from './message/message.ts';
import { parseNameAddr } from './message/name-addr.ts';
import { parseUri, sameUri } from './message/uri.ts';
import type { ExtraHeaders, Failure, LocalCause, Registered } from './user-agent-types.ts';

/** Lifetime when the registrar names none, in seconds. RFC 3261 10.2.4 leaves it to the registrar; an hour is the usual one. */
const DEFAULT_EXPIRES_S = 3600;
/** REGISTERs sent for one wish: the first, and repeats after 423, 401 or 407. */
const MAX_TRIES = 4;

export interface RegistrationState {
  registrar: string;
  aor: string;
  fromTag: string;
  contact: string;
  route: readonly string[];
  proxy?: string | undefined;
  callId: string;
  seq: number;
  /** Number of the last request; an answer to an older one is dropped. */
  id: number;
  /** The wish whose REGISTER is on its way. */
  pending: Pending | null;
  /** A newer wish: its turn comes when that REGISTER is answered, or has timed out. */
  next: Wish | null;
}

interface Wish {
  expiresS: number;
  headers: ExtraHeaders;
}

interface Pending extends Wish {
  tries: number;
  raised: boolean;
  auth: readonly Header[];
  /** Why a server that got one of its REGISTERs has not answered: whatever others say, it may have done what was wished. */
  unheard: LocalCause | null;
}

export type RegistrationInput =
  /** Registers for so many seconds; 0 removes the contact. */
  | { type: 'register'; expiresS: number; headers: ExtraHeaders }
  | { type: 'response'; id: number; response: SipResponse; unheard: LocalCause | null; authorization: Header | null }
  | { type: 'failure'; id: number; cause: LocalCause };

export type RegistrationEffect =
  | { type: 'send'; id: number; spec: RequestSpec }
  | { type: 'registered'; result: Registered }
  | { type: 'unregistered' }
  | { type: 'failed'; failure: Failure };

/**
 * One input of a registration. A new wish takes the place of an unanswered one, of which no more is told, and is sent behind it: of two
 * REGISTERs on their way the first could arrive last, and bind what the other has removed. RFC 3261 10.2.
 */
export function handleRegistration(
  state: RegistrationState,
  input: RegistrationInput,
  out: RegistrationEffect[],
): void {
  switch (input.type) {
    case 'register':
      state.next = { expiresS: input.expiresS, headers: input.headers };
      if (state.pending === null) sendNext(state, state.next, [], out);
      return;
    case 'response':
      if (input.id === state.id) onResponse(state, input, out);
      return;
    case 'failure':
      if (input.id === state.id) fail(state, { response: null, cause: input.cause }, out);
      return;
    default:
      input satisfies never;
  }
}

/**
 * The REGISTER that is on its way for another server, or null when there is none. It counts as another one: a registrar that gets both
 * goes by the later. RFC 3261 10.2, 10.3.
 */
export function registerElsewhere(state: RegistrationState): RequestSpec | null {
  return state.pending === null ? null : specOf(state, state.pending);
}

function sendNext(state: RegistrationState, wish: Wish, auth: readonly Header[], out: RegistrationEffect[]): void {
  state.next = null;
  send(state, { ...wish, tries: 0, raised: false, auth, unheard: null }, out);
}

function send(state: RegistrationState, pending: Pending, out: RegistrationEffect[]): void {
  state.pending = { ...pending, tries: pending.tries + 1 };
  state.id += 1;
  out.push({ type: 'send', id: state.id, spec: specOf(state, pending) });
}

function specOf(state: RegistrationState, pending: Pending): RequestSpec {
  state.seq += 1;
  const { uri, nextHop, routes } = routed(state.registrar, state.route, state.proxy);
  const headers: Header[] = [['Max-Forwards', '70']];
  for (const route of routes) headers.push(['Route', route]);
  headers.push(['From', `${state.aor};tag=${state.fromTag}`], ['To', state.aor]);
  headers.push(['Call-ID', state.callId], ['CSeq', `${state.seq} REGISTER`]);
  headers.push(['Contact', `${state.contact};expires=${pending.expiresS}`], ['Expires', String(pending.expiresS)]);
  // An answer to a challenge takes the place of the caller's own Authorization.
  for (const header of pending.headers) {
    if (!pending.auth.some(([name]) => name === header[0])) headers.push(header);
  }
  headers.push(...pending.auth);
  return { method: 'REGISTER', uri, nextHop, headers, body: null };
}

function onResponse(
  state: RegistrationState,
  { response, authorization, unheard: silence }: Extract<RegistrationInput, { type: 'response' }>,
  out: RegistrationEffect[],
): void {
  const { pending, next } = state;
  const { status } = response;
  if (pending === null || status < 200) return;
  const unheard = pending.unheard ?? silence;
  if (next !== null) {
    sendNext(state, next, authorization === null ? [] : [authorization], out);
    return;
  }
  if (status < 300) {
    state.pending = null;
    if (pending.expiresS === 0) out.push({ type: 'unregistered' });
    else accepted(state, response, out);
    return;
  }
  const again = pending.tries < MAX_TRIES;
  if (again && (status === 401 || status === 407) && authorization !== null) {
    const auth = [...pending.auth.filter(([name]) => name !== authorization[0]), authorization];
    send(state, { ...pending, auth, unheard }, out);
    return;
  }
  const minimum = response.headers.number('Min-Expires');
  if (
    again &&
    status === 423 &&
    !pending.raised &&
    minimum !== undefined &&
    minimum > pending.expiresS &&
    pending.expiresS > 0
  ) {
    send(state, { ...pending, raised: true, expiresS: minimum, auth: [], unheard }, out);
    return;
  }
  fail(state, { response, cause: unheard }, out);
}

function accepted(state: RegistrationState, response: SipResponse, out: RegistrationEffect[]): void {
  const { headers } = response;
  const own = ownContact(state.contact, headers.contacts());
  const expiresS = own === null ? 0 : lifetime(own, headers.number('Expires'));
  // A 200 that does not list our contact has not registered us. RFC 3261 10.2.4.
  if (expiresS <= 0) {
    out.push({ type: 'failed', failure: { response: null, cause: 'internal' } });
    return;
  }
  const serviceRoute = headers.all('Service-Route').map(kept);
  const associated = headers.nameAddrs('P-Associated-URI').map(address => kept(address.uri));
  out.push({ type: 'registered', result: { expiresS, serviceRoute, associated, response } });
}

function lifetime(contact: NameAddr, expires: number | undefined): number {
  const own = contact.params.get('expires');
  if (typeof own === 'string' && /^\d{1,9}$/.test(own)) return Number(own);
  return expires ?? DEFAULT_EXPIRES_S;
}

/** Our contact among those of a 200: by `+sip.instance`, else by the URI. RFC 5626 4.2, RFC 3261 10.2.4. */
function ownContact(ours: string, listed: readonly NameAddr[]): NameAddr | null {
  const own = parseNameAddr(ours);
  if (own === null) return null;
  const instance = own.params.get('+sip.instance');
  if (typeof instance === 'string') {
    const found = listed.find(contact => contact.params.get('+sip.instance') === instance);
    if (found !== undefined) return found;
  }
  const uri = parseUri(own.uri);
  if (uri === null) return null;
  for (const contact of listed) {
    const other = parseUri(contact.uri);
    if (other !== null && sameUri(uri, other)) return contact;
  }
  return null;
}

function fail(state: RegistrationState, failure: Failure, out: RegistrationEffect[]): void {
  const { pending, next } = state;
  if (pending === null) return;
  state.pending = null;
  if (next === null) out.push({ type: 'failed', failure });
  else sendNext(state, next, [], out);
}
