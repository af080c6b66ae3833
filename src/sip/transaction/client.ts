/** The client half of the layer: requests out, responses in, CANCEL, and the way back from TCP to UDP. */
import type { SipRequest, SipResponse } from '../message/message.ts';
import { serialize } from '../message/serialize.ts';
import { cancelOf } from './derived-request.ts';
import type { Driver } from './driver.ts';
import { inviteClient } from './invite-client.ts';
import { clientKey, MAGIC_COOKIE, viaPort } from './key.ts';
import type { Setup } from './machine.ts';
import { nonInviteClient } from './non-invite-client.ts';
import { DEFAULT_TIMERS, type SentBy, type TransactionLayerOptions } from './port.ts';
import { refusals } from './refusal.ts';
import type { ClientEntry, Table } from './table.ts';
import type { ClientTransactionUser, Endpoint, Target, TransactionKey } from './types.ts';

/** Above this many bytes a request goes by a congestion-controlled transport. RFC 3261 18.1.1. */
const SWITCH_BYTES = 1300;

type Fields = ReadonlyArray<readonly [string, string]>;

export interface Client {
  request(request: SipRequest, target: Target, user: ClientTransactionUser): TransactionKey;
  cancel(key: TransactionKey, extra: Fields): boolean;
  sendAck(request: SipRequest, target: Target): void;
  onResponse(response: SipResponse): void;
  /** True when the packet that could not be sent was sent by UDP instead. */
  onUnsent(entry: ClientEntry): boolean;
  /** A connection broke, or nobody is at a UDP endpoint: fails what waits for a first answer from it. */
  onBroken(remote: Endpoint, connection: string): void;
}

/** A request with its top Via, its bytes and the way they go. */
interface Prepared {
  target: Target;
  fallback: Target | null;
  packet: Uint8Array;
  sentBy: SentBy;
}

const NOBODY: ClientTransactionUser = { onResponse() {}, onFailure() {} };

/** The client half of one layer. `driver` is built later, so it is asked for when needed. */
export function createClient(
  options: TransactionLayerOptions,
  table: Table,
  driver: () => Driver,
  nextId: () => string,
  drop: (why: string) => void,
): Client {
  const { wire, now, random, timerValues: values = DEFAULT_TIMERS, singleVia = false, viaParams = '' } = options;
  const refusing = refusals();

  /** Pushes the top Via, and picks TCP for a large request. RFC 3261 18.1.1. */
  function prepare(request: SipRequest, target: Target, branch: string): Prepared | null {
    const sentBy = wire.sentBy(target);
    if (sentBy === null) return null;
    request.headers.prepend('Via', viaText(target, sentBy, branch) + viaParams);
    const packet = serialize(request);
    if (target.transport !== 'udp' || packet.length <= SWITCH_BYTES || refusing.has(target, now())) {
      return { target, fallback: null, packet, sentBy };
    }
    const stream: Target = { transport: 'tcp', host: target.host, port: target.port };
    const streamSentBy = wire.sentBy(stream);
    if (streamSentBy === null) return { target, fallback: null, packet, sentBy };
    replaceVia(request, viaText(stream, streamSentBy, branch) + viaParams);
    return { target: stream, fallback: target, packet: serialize(request), sentBy: streamSentBy };
  }

  function begin(request: SipRequest, key: TransactionKey, branch: string, way: Prepared, user: ClientTransactionUser) {
    const setup: Setup = { key, reliable: way.target.transport !== 'udp', values };
    const entry: ClientEntry = {
      side: 'client',
      id: nextId(),
      state: request.method === 'INVITE' ? inviteClient(setup, request) : nonInviteClient(setup, request),
      slots: [],
      target: way.target,
      message: request,
      packet: way.packet,
      left: null,
      sent: null,
      user,
      branch,
      sentBy: way.sentBy,
      fallback: way.fallback,
      cancel: null,
      cancelled: false,
    };
    driver().listen(entry);
    table.clients.set(key, entry);
    return entry;
  }

  function request(request: SipRequest, target: Target, user: ClientTransactionUser): TransactionKey {
    const branch = MAGIC_COOKIE + random();
    const key = clientKey(branch, request.method);
    const way = prepare(request, target, branch);
    if (way === null) {
      // We do not speak that transport. The user hears of it as of any other transport failure: after this call.
      const nowhere: Prepared = { target, fallback: null, packet: new Uint8Array(0), sentBy: { host: '', port: 0 } };
      driver().unsentLater(begin(request, key, branch, nowhere, user));
      return key;
    }
    driver().runClient(begin(request, key, branch, way, user), { type: 'start' });
    return key;
  }

  function sendAck(request: SipRequest, target: Target): void {
    const way = prepare(request, target, MAGIC_COOKIE + random());
    if (way === null) {
      drop('no-transport');
      return;
    }
    const { fallback } = way;
    // Should TCP be refused, the ACK of the next copy of the 2xx goes by UDP (RFC 3261 13.2.2.4).
    const sent = fallback === null ? null : (error: Error | null) => void (error && refusing.add(fallback, now()));
    wire.send(way.packet, way.target, sent);
  }

  function cancel(key: TransactionKey, extra: Fields): boolean {
    const entry = table.clients.get(key);
    if (entry === undefined || entry.cancelled) return false;
    if (entry.state.type !== 'invite-client') {
      driver().runClient(entry, { type: 'cancel' });
      return false;
    }
    const { state } = entry.state;
    if (state !== 'Calling' && state !== 'Proceeding') return false;
    entry.cancelled = true;
    if (state === 'Calling') entry.cancel = extra;
    else sendCancel(entry, extra);
    return true;
  }

  function sendCancel(entry: ClientEntry, extra: Fields): void {
    entry.cancel = null;
    const invite = entry.state.request;
    const message = cancelOf(invite, extra);
    const way = { target: entry.target, fallback: null, packet: serialize(message), sentBy: entry.sentBy };
    const key = clientKey(entry.branch, 'CANCEL');
    driver().runClient(begin(message, key, entry.branch, way, NOBODY), { type: 'start' });
    driver().runClient(entry, { type: 'cancel' });
  }

  function onResponse(response: SipResponse): void {
    const { headers } = response;
    const via = headers.via();
    const branch = via?.params.get('branch');
    const cseq = headers.cseq();
    if (!via || !branch || !cseq) {
      drop('malformed-response');
      return;
    }
    const entry = table.clients.get(clientKey(branch, cseq.method));
    if (!entry) {
      drop('unmatched-response');
      return;
    }
    if (via.host !== entry.sentBy.host || viaPort(via) !== entry.sentBy.port) {
      drop('foreign-via');
      return;
    }
    if (singleVia && headers.all('Via').length > 1) {
      drop('several-vias');
      return;
    }
    driver().runClient(entry, { type: 'response', response });
    if (response.status >= 200) settle(entry);
    if (entry.cancel !== null && entry.state.state === 'Proceeding') sendCancel(entry, entry.cancel);
  }

  /** The transaction may live on for half a minute, for copies of its final response: what they do not need goes now. */
  function settle(entry: ClientEntry): void {
    const { state } = entry;
    // All but the ACK of a refusal.
    if (entry.message !== state.request) {
      entry.packet = null;
      entry.message = null;
      entry.left = null;
    }
    // Only behind a 2xx there may be others to tell, of other forks.
    if (state.state !== 'Accepted') entry.user = NOBODY;
  }

  function onUnsent(entry: ClientEntry): boolean {
    const { fallback, state } = entry;
    if (fallback === null || (state.state !== 'Calling' && state.state !== 'Trying')) return false;
    const sentBy = wire.sentBy(fallback);
    refusing.add(fallback, now());
    entry.fallback = null;
    if (sentBy === null) return false;
    driver().stopTimers(entry);
    replaceVia(state.request, viaText(fallback, sentBy, entry.branch) + viaParams);
    entry.target = fallback;
    entry.sentBy = sentBy;
    entry.packet = null;
    const { key, request } = state;
    const setup: Setup = { key, reliable: false, values };
    entry.state = state.type === 'invite-client' ? inviteClient(setup, request) : nonInviteClient(setup, request);
    driver().runClient(entry, { type: 'start' });
    return true;
  }

  function onBroken(remote: Endpoint, connection: string): void {
    for (const entry of table.clients.values()) {
      const { target, state } = entry;
      if (target.transport !== remote.transport || (state.state !== 'Calling' && state.state !== 'Trying')) continue;
      // A pinned UDP target names a socket of ours, not a connection.
      const byAddress = target.transport === 'udp' || target.connection === undefined;
      const same = byAddress ? sameEndpoint(target, remote) : target.connection === connection;
      if (same) driver().unsent(entry);
    }
  }

  return { request, cancel, sendAck, onResponse, onUnsent, onBroken };
}

/** Our Via value. Answers on a connection go back on it: `rport` is for UDP alone. RFC 3261 18.1.1, RFC 3581 1. */
function viaText({ transport }: Endpoint, sentBy: SentBy, branch: string): string {
  const rport = transport === 'udp' ? ';rport' : '';
  return `SIP/2.0/${transport.toUpperCase()} ${sentBy.host}:${sentBy.port};branch=${branch}${rport}`;
}

function replaceVia(request: SipRequest, via: string): void {
  request.headers.removeFirst('Via');
  request.headers.prepend('Via', via);
}

function sameEndpoint(a: Endpoint, b: Endpoint): boolean {
  return a.host === b.host && a.port === b.port;
}
