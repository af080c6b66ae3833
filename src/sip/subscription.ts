/** One subscription as its subscriber, as a machine: SUBSCRIBE, the NOTIFYs, the refreshes, the end. RFC 6665 4.1. */
import { dialogOfResponse, requestIn, routed } from './dialog/dialog.ts';
import { plain } from './dialog/in-dialog.ts';
import type { Header, RequestSpec, ResponseSpec } from './dialog/types.ts';
import type { SipRequest, SipResponse } from './message/message.ts';
import { refusalOfNotify, subscriptionState } from './subscription-notify.ts';
import type { SubscriptionEnd, SubscriptionState } from './subscription-state.ts';
import type { TransactionKey } from './transaction/types.ts';
import type { LocalCause } from './user-agent-types.ts';

export type SubscriptionTimer =
  /** 64*T1 without a NOTIFY. RFC 6665 4.1.2.4. */
  | 'n'
  | 'refresh'
  /** The end of the granted time. */
  | 'expiry';

export type SubscriptionInput =
  | { type: 'subscribe' }
  | { type: 'unsubscribe' }
  | { type: 'response'; id: number; response: SipResponse; authorization: Header | null }
  | { type: 'failure'; id: number; cause: LocalCause }
  | { type: 'notify'; key: TransactionKey; request: SipRequest }
  | { type: 'timer'; name: SubscriptionTimer };

export type SubscriptionEffect =
  | { type: 'send'; id: number; spec: RequestSpec }
  | { type: 'respond'; key: TransactionKey; spec: ResponseSpec }
  | { type: 'start-timer'; name: SubscriptionTimer; ms: number }
  | { type: 'stop-timer'; name: SubscriptionTimer }
  | { type: 'notified'; request: SipRequest }
  | { type: 'ended'; end: SubscriptionEnd }
  /** Nothing more is taken. */
  | { type: 'gone' };

const LONG_S = 1200;
const LEAD_S = 600;
/** A refresh comes at most so often, whatever the notifier grants, ms. */
const MIN_REFRESH_MS = 1000;
const MAX_REFRESH_MS = 2_000_000_000;
/** Challenges answered for one SUBSCRIBE: of a proxy, of the notifier, a stale nonce. */
const MAX_CHALLENGES = 3;
/** Refusals of a refresh that end the subscription; after others it is good for the time it was given. RFC 6665 4.1.2.2, RFC 3261 12.2.1.2. */
const ENDING = new Set([404, 405, 408, 410, 416, 480, 481, 482, 483, 484, 485, 489, 501, 604]);

/** One input of a subscription. */
export function handleSubscription(
  state: SubscriptionState,
  input: SubscriptionInput,
  out: SubscriptionEffect[],
): void {
  if (state.phase === 'ended') return;
  switch (input.type) {
    case 'subscribe':
      if (state.phase !== 'leaving') refresh(state, out);
      return;
    case 'unsubscribe':
      leave(state, out);
      return;
    case 'response':
      if (input.id === state.id) onResponse(state, input.response, input.authorization, out);
      return;
    case 'failure':
      if (input.id === state.id) onFailure(state, input.cause, out);
      return;
    case 'notify':
      onNotify(state, input.key, input.request, out);
      return;
    case 'timer':
      if (input.name === 'refresh') refresh(state, out);
      else end(state, state.refusal ?? { reason: 'timeout', retryAfterS: null, status: 0 }, out);
      return;
    default:
      input satisfies never;
  }
}

/** One SUBSCRIBE at a time: of two, what they are answered could not be put in order, and without a dialog each would make one. */
function refresh(state: SubscriptionState, out: SubscriptionEffect[]): void {
  if (state.open) state.again = true;
  else ask(state, state.phase === 'leaving' ? 0 : state.expiresS, out);
}

function ask(state: SubscriptionState, expiresS: number, out: SubscriptionEffect[]): void {
  state.askedS = expiresS;
  state.again = false;
  state.auth = [];
  state.challenges = 0;
  send(state, out);
}

function send(state: SubscriptionState, out: SubscriptionEffect[]): void {
  const fields: Header[] = [
    ['Contact', state.contact],
    ['Event', state.event],
    ['Accept', state.accept],
    ['Expires', String(state.askedS)],
    ...state.headers,
    ...state.auth,
  ];
  state.id += 1;
  state.open = true;
  // Behind an un-SUBSCRIBE the last NOTIFY comes, though not every notifier sends it.
  if (state.phase === 'leaving' || (state.dialog === null && state.phase === 'waiting')) {
    out.push({ type: 'start-timer', name: 'n', ms: 64 * state.t1 });
  }
  const spec = state.dialog === null ? firstSpec(state, fields) : requestIn(state.dialog, 'SUBSCRIBE', fields);
  out.push({ type: 'send', id: state.id, spec });
}

function firstSpec(state: SubscriptionState, fields: Header[]): RequestSpec {
  state.seq += 1;
  const { uri, nextHop, routes } = routed(state.uri, state.route, state.proxy);
  const headers: Header[] = [['Max-Forwards', '70']];
  for (const route of routes) headers.push(['Route', route]);
  headers.push(['From', state.from], ['To', state.to], ['Call-ID', state.callId], ['CSeq', `${state.seq} SUBSCRIBE`]);
  return { method: 'SUBSCRIBE', uri, nextHop, headers: [...headers, ...fields], body: null };
}

function leave(state: SubscriptionState, out: SubscriptionEffect[]): void {
  if (state.phase === 'leaving') return;
  if (state.seq === 0) {
    finish(state, out);
    return;
  }
  state.phase = 'leaving';
  out.push({ type: 'stop-timer', name: 'refresh' }, { type: 'stop-timer', name: 'expiry' });
  if (state.dialog !== null) unsubscribe(state, out);
  else out.push({ type: 'start-timer', name: 'n', ms: 64 * state.t1 });
}

/**
 * An un-SUBSCRIBE is a refresh to no time at all: refused, it leaves the subscription as it is, and is tried again for as long as a
 * refresh would be. Behind that a NOTIFY gets 481, which ends it too. RFC 6665 4.1.2.2, 4.1.2.3, 4.2.2.
 */
function unsubscribe(state: SubscriptionState, out: SubscriptionEffect[]): void {
  if (state.leadS > 0) endIn(state.leadS, out);
  ask(state, 0, out);
}

function onResponse(
  state: SubscriptionState,
  response: SipResponse,
  authorization: Header | null,
  out: SubscriptionEffect[],
): void {
  const { status, headers } = response;
  if (status < 200) return;
  state.open = false;
  if (status < 300) {
    const { callId, fromTag: localTag, from, uri, contact, seq } = state;
    state.dialog ??= dialogOfResponse({ callId, localTag, from, uri, contact, seq }, response);
    const grantedS = headers.number('Expires') ?? state.expiresS;
    if (state.phase === 'leaving') {
      if (state.askedS === 0) {
        out.push({ type: 'stop-timer', name: 'expiry' });
        return;
      }
      state.leadS = leadOf(grantedS);
      unsubscribe(state, out);
      return;
    }
    granted(state, grantedS, out);
    if (state.again) refresh(state, out);
    return;
  }
  const left = state.phase === 'leaving' && state.askedS > 0;
  if ((status === 401 || status === 407) && authorization !== null && state.challenges < MAX_CHALLENGES && !left) {
    state.auth = [...state.auth.filter(([name]) => name !== authorization[0]), authorization];
    state.challenges += 1;
    send(state, out);
    return;
  }
  const minimum = headers.number('Min-Expires');
  const raises = !state.raised && state.phase !== 'leaving';
  if (status === 423 && raises && minimum !== undefined && minimum > state.expiresS) {
    state.raised = true;
    state.expiresS = minimum;
    ask(state, minimum, out);
    return;
  }
  refused(state, status, { reason: null, retryAfterS: headers.number('Retry-After') ?? null, status }, out);
}

/** Silence counts as 408, a broken transport as 503. RFC 3261 8.1.3.1. */
function onFailure(state: SubscriptionState, cause: LocalCause, out: SubscriptionEffect[]): void {
  state.open = false;
  refused(state, cause === 'timeout' ? 408 : 503, { reason: cause, retryAfterS: null, status: 0 }, out);
}

/** What a refused refresh, or un-SUBSCRIBE, leaves: nothing, or the subscription for as long as was granted, in which it is tried again. */
function refused(state: SubscriptionState, status: number, told: SubscriptionEnd, out: SubscriptionEffect[]): void {
  if (state.leadS === 0 || ENDING.has(status)) {
    end(state, told, out);
    return;
  }
  if (state.phase === 'leaving') out.push({ type: 'stop-timer', name: 'n' });
  state.refusal = told;
  refreshIn(Math.max(told.retryAfterS ?? 0, state.leadS / 4), out);
}

/** The next refresh comes 600 s before the end of a long time, at half of a short one, as that of registrations. IMS digest 2.12. */
function granted(state: SubscriptionState, grantedS: number, out: SubscriptionEffect[]): void {
  state.leadS = leadOf(grantedS);
  state.refusal = null;
  refreshIn(grantedS - state.leadS, out);
  endIn(grantedS, out);
}

function leadOf(grantedS: number): number {
  return grantedS > LONG_S ? LEAD_S : grantedS / 2;
}

function endIn(seconds: number, out: SubscriptionEffect[]): void {
  const ms = within(2 * MIN_REFRESH_MS, seconds, MAX_REFRESH_MS + LEAD_S * 1000);
  out.push({ type: 'start-timer', name: 'expiry', ms });
}

function refreshIn(seconds: number, out: SubscriptionEffect[]): void {
  out.push({ type: 'start-timer', name: 'refresh', ms: within(MIN_REFRESH_MS, seconds, MAX_REFRESH_MS) });
}

function within(minMs: number, seconds: number, maxMs: number): number {
  return Math.min(maxMs, Math.max(minMs, seconds * 1000));
}

function onNotify(state: SubscriptionState, key: TransactionKey, request: SipRequest, out: SubscriptionEffect[]): void {
  const refusal = refusalOfNotify(state, request);
  out.push({ type: 'respond', key, spec: refusal ?? plain(200, 'OK') });
  if (refusal !== null) return;
  const told = subscriptionState(request.headers.get('Subscription-State') ?? '');
  if (state.phase === 'leaving') {
    if (told.state === 'terminated') finish(state, out);
    return;
  }
  if (state.phase === 'waiting') {
    state.phase = 'active';
    out.push({ type: 'stop-timer', name: 'n' });
  }
  out.push({ type: 'notified', request });
  if (told.state === 'terminated') {
    end(state, { reason: told.reason, retryAfterS: told.retryAfterS, status: 0 }, out);
  } else if (told.expiresS !== null) granted(state, told.expiresS, out);
}

function end(state: SubscriptionState, told: SubscriptionEnd, out: SubscriptionEffect[]): void {
  if (state.phase !== 'leaving') out.push({ type: 'ended', end: told });
  finish(state, out);
}

function finish(state: SubscriptionState, out: SubscriptionEffect[]): void {
  state.phase = 'ended';
  for (const name of ['n', 'refresh', 'expiry'] as const) out.push({ type: 'stop-timer', name });
  out.push({ type: 'gone' });
}
