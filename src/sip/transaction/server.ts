/** The server half of the layer: requests in, responses out, CANCEL, overload, and the answers to what cannot be read. */
import { createResponse, type ResponseOptions } from '../message/build.ts';
import { isEmergencyRequest } from '../message/emergency.ts';
import type { ParseResult, SipRequest, SipResponse } from '../message/message.ts';
import { serialize } from '../message/serialize.ts';
import { responseTarget } from '../transport/response-route.ts';
import { bucket } from './bucket.ts';
import type { Driver } from './driver.ts';
import { inviteServer } from './invite-server.ts';
import { serverKey } from './key.ts';
import type { Setup } from './machine.ts';
import { nonInviteServer } from './non-invite-server.ts';
import { DEFAULT_LIMITS, DEFAULT_TIMERS, type TransactionLayerOptions } from './port.ts';
import type { ServerEntry, Table } from './table.ts';
import type { Target, TransactionKey } from './types.ts';

export interface Server {
  onRequest(request: SipRequest, source: Target): void;
  /** The first sight of a request's transaction: the user's, or the layer's own for a CANCEL. */
  onNew(entry: ServerEntry, request: SipRequest): void;
  respond(key: TransactionKey, response: SipResponse): void;
  isPending(key: TransactionKey): boolean;
  /** Answers what the parser refused, without a transaction and at a bounded rate. */
  refuse(result: Extract<ParseResult, { ok: false }>, source: Target): void;
}

/** The server half of one layer. `driver` is built later, so it is asked for when needed. */
export function createServer(
  options: TransactionLayerOptions,
  table: Table,
  driver: () => Driver,
  nextId: () => string,
  drop: (why: string) => void,
): Server {
  const { wire, now, user, timerValues: values = DEFAULT_TIMERS } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const badAnswers = bucket(limits.badAnswersPerS, now);

  function onRequest(request: SipRequest, source: Target): void {
    const via = request.headers.via();
    const key = via ? serverKey(via, request.method) : null;
    if (via === undefined || key === null) {
      refuse({ ok: false, reason: 'no RFC 3261 branch', status: 400, request }, source);
      return;
    }
    const known = table.servers.get(key);
    if (request.method === 'ACK') {
      onAck(known, request, source);
      return;
    }
    if (known) {
      driver().runServer(known, { type: 'request' });
      return;
    }
    const target = responseTarget(via, source);
    if (overloaded(request)) {
      const headers: ResponseOptions['headers'] = [['Retry-After', String(limits.retryAfterS)]];
      drop('overload');
      answer(request, 503, target, { toTag: tagOf(key), headers });
      return;
    }
    begin(request, key, target, source);
  }

  /** A matched ACK ends a refusal or, behind a 2xx, is the user's; an unmatched one is the user's too. RFC 3261 17.2.3. */
  function onAck(known: ServerEntry | undefined, request: SipRequest, source: Target): void {
    if (!known) {
      user.onAck(request, source);
      return;
    }
    driver().ackSource = source;
    driver().runServer(known, { type: 'ack', request });
  }

  /** Requests in a dialog and CANCELs free resources, so they have headroom above the limit; emergency calls have the most. */
  function overloaded(request: SipRequest): boolean {
    const live = table.servers.size + table.clients.size;
    if (live < limits.transactions) return false;
    if (isEmergencyRequest(request)) return live >= limits.transactions * 1.5;
    const inside = request.method === 'CANCEL' || request.headers.to()?.params.has('tag') === true;
    return !inside || live >= limits.transactions * 1.25;
  }

  function begin(request: SipRequest, key: TransactionKey, target: Target, source: Target): void {
    const setup: Setup = { key, reliable: source.transport !== 'udp', values };
    const entry: ServerEntry = {
      side: 'server',
      id: nextId(),
      state:
        request.method === 'INVITE' ? inviteServer(setup, createResponse(request, 100)) : nonInviteServer(setup, now()),
      slots: [],
      target,
      message: null,
      packet: null,
      left: null,
      sent: null,
      source,
    };
    driver().listen(entry);
    table.servers.set(key, entry);
    driver().runServer(entry, { type: 'start', request });
  }

  function onNew(entry: ServerEntry, request: SipRequest): void {
    const { key } = entry.state;
    if (request.method === 'CANCEL') {
      onCancel(entry, request);
      return;
    }
    try {
      user.onRequest(request, key, entry.source);
    } catch (error) {
      // Nobody else would ever end this transaction.
      if (isPending(key)) respond(key, createResponse(request, 500, undefined, { toTag: tagOf(key) }));
      throw error;
    }
  }

  /** RFC 3261 9.2. After a final response a CANCEL has no effect, but it is still answered with 200. */
  function onCancel(entry: ServerEntry, cancel: SipRequest): void {
    const via = cancel.headers.via();
    const inviteKey = via ? serverKey(via, 'INVITE') : null;
    const invite = inviteKey === null ? undefined : table.servers.get(inviteKey);
    if (invite?.state.type !== 'invite-server') {
      respond(entry.state.key, createResponse(cancel, 481, undefined, { toTag: tagOf(entry.state.key) }));
      return;
    }
    // The To tag is that of the INVITE's responses, as far as they have one.
    const toTag = invite.state.last.headers.to()?.params.get('tag') ?? tagOf(invite.state.key);
    const pending = invite.state.state === 'Proceeding';
    respond(entry.state.key, createResponse(cancel, 200, undefined, { toTag }));
    if (pending) user.onCancel(invite.state.key, cancel);
  }

  function respond(key: TransactionKey, response: SipResponse): void {
    const entry = table.servers.get(key);
    if (!entry) return;
    if (entry.message !== response) {
      // Written before the machine moves: a response that cannot be written leaves the transaction as it is.
      entry.packet = serialize(response);
      entry.message = response;
    }
    driver().runServer(entry, { type: 'respond', response });
  }

  function isPending(key: TransactionKey): boolean {
    const state = table.servers.get(key)?.state.state;
    return state === 'Proceeding' || state === 'Trying';
  }

  function refuse(result: Extract<ParseResult, { ok: false }>, source: Target): void {
    const { request, status } = result;
    const via = request?.headers.via();
    if (!request || !via || status === null || request.method === 'ACK') {
      drop('malformed');
      return;
    }
    if (!badAnswers.take()) {
      drop('malformed-too-many');
      return;
    }
    drop('malformed-answered');
    answer(request, status, responseTarget(via, source), { toTag: tagOf(request.headers.callId() ?? '') });
  }

  function answer(request: SipRequest, status: number, target: Target, extra: ResponseOptions): void {
    wire.send(serialize(createResponse(request, status, undefined, extra)), target, null);
  }

  return { onRequest, onNew, respond, isPending, refuse };
}

/** To tag of an answer of the layer's own: the same for every copy of a request, as a stateless answer needs it. RFC 3261 8.2.7. */
function tagOf(text: string): string {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash.toString(36).padStart(7, '0');
}
