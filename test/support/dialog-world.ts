/** Test help: what there is in a world of two ends of a call: the parties, what is on its way between them, and what that is still worth. */
import assert from 'node:assert/strict';
import type { CallState } from '../../src/sip/dialog/call.ts';
import type { DialogTimer, Facts } from '../../src/sip/dialog/types.ts';
import type { SipRequest, SipResponse } from '../../src/sip/message/message.ts';
import type { TransactionKey } from '../../src/sip/transaction/types.ts';
import type { Listener } from './dialog-user.ts';

/** The caller and the called side. */
export type Side = 'a' | 'b';

/** One end: the machine, what runs in it, and its user. */
export interface Party extends Listener {
  /** Null: no INVITE has come. */
  state: CallState | null;
  facts: Facts;
  running: ReadonlySet<DialogTimer>;
}

/** What is on its way in a transaction; the ACK of a 2xx goes with its INVITE. */
export type Flying =
  | { what: 'request' }
  | { what: 'cancel' }
  | { what: 'ack'; request: SipRequest }
  | { what: 'response'; response: SipResponse };

/** A client transaction and its server transaction. Copies of a request and of a refusal are their matter: here those only come late. */
export interface Exchange {
  key: TransactionKey;
  from: Side;
  id: number;
  request: SipRequest;
  flying: readonly Flying[];
  client: 'calling' | 'proceeding' | 'accepted' | 'done';
  server: 'none' | 'trying' | 'accepted' | 'completed';
  /** `wanted`: kept back until a 1xx comes. RFC 3261 9.1. */
  cancel: 'no' | 'wanted' | 'sent';
  /** What `repeat` sends again. */
  kept: SipResponse | null;
}

/** What the network may still do. */
export interface Weather {
  /** Responses and ACKs to lose that nobody but the dialog machines repeats. */
  losses: number;
  /** Copies of those. */
  copies: number;
  /** Transactions and waits that end without an answer. */
  silences: number;
  /** Requests that a proxy challenges. */
  challenges: number;
}

export interface World {
  a: Party;
  b: Party;
  exchanges: readonly Exchange[];
  left: Weather;
  /** Descriptions made so far, each another. */
  made: number;
  /** The end of a call was not heard by the other side. */
  unheard: boolean;
}

export const otherOf = (side: Side): Side => (side === 'a' ? 'b' : 'a');

export function exchangeOf(world: World, key: TransactionKey): Exchange {
  const exchange = world.exchanges.find(one => one.key === key);
  assert.ok(exchange !== undefined, `${key} is over`);
  return exchange;
}

export function edit(world: World, key: TransactionKey, change: Partial<Exchange>): void {
  world.exchanges = world.exchanges.map(exchange => (exchange.key === key ? { ...exchange, ...change } : exchange));
}

/** No second copy beside one that is on its way. */
export function withResponse(flying: readonly Flying[], response: SipResponse): readonly Flying[] {
  const known = flying.some(one => one.what === 'response' && one.response === response);
  return known ? flying : [...flying, { what: 'response', response }];
}

/** A client that waits for what nobody sends any more; only a CANCEL of it has an end. */
export function isForlorn({ client, flying, server, kept }: Exchange): boolean {
  const silent =
    flying.length === 0 && (server === 'completed' || server === 'none' || (server === 'accepted' && kept === null));
  return silent && (client === 'calling' || client === 'proceeding');
}

/** Without messages that nobody hears any more. */
export function withoutIdle(world: World, exchange: Exchange): Exchange {
  const { client, server, from, flying } = exchange;
  const isHeard = (one: Flying) => {
    if (one.what === 'request') return true;
    if (one.what === 'ack') return !world[otherOf(from)].gone;
    // The layer answers every CANCEL; only that of the first INVITE reaches a machine.
    if (one.what === 'cancel') return isFirst(exchange) && server === 'trying';
    const accepts = one.response.status >= 200 && one.response.status < 300;
    return client !== 'done' && (client !== 'accepted' || accepts);
  };
  return flying.every(isHeard) ? exchange : { ...exchange, flying: flying.filter(isHeard) };
}

export function isSpent({ client, flying, server, kept }: Exchange): boolean {
  if (flying.length > 0 || server === 'trying' || kept !== null) return false;
  return client === 'accepted' || client === 'done';
}

/** The INVITE that makes the dialog. */
export function isFirst({ request }: Pick<Exchange, 'request'>): boolean {
  return request.method === 'INVITE' && request.headers.to()?.params.has('tag') !== true;
}

export function isReliable(response: SipResponse): boolean {
  return response.headers.has('RSeq');
}

export function seqOf(request: SipRequest): number {
  return request.headers.cseq()?.seq ?? 0;
}
