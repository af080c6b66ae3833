/** Test help: two call machines of ours over transactions that lose, copy and reorder what they carry, in plain data. RFC 3261 12 to 15, 17. */
import assert from 'node:assert/strict';
import { handleCall } from '../../src/sip/dialog/call.ts';
import { plain } from '../../src/sip/dialog/in-dialog.ts';
import { newUas } from '../../src/sip/dialog/invite-uas.ts';
import { tooShort } from '../../src/sip/dialog/session-timer.ts';
import type {
  CallEffect,
  CallInput,
  DialogTimer,
  Header,
  RequestSpec,
  ResponseSpec,
} from '../../src/sip/dialog/types.ts';
import type { SipResponse } from '../../src/sip/message/message.ts';
import type { TransactionKey } from '../../src/sip/transaction/types.ts';
import { requestOf, responseOf } from '../../src/sip/user-agent-message.ts';
import { hear, took } from './dialog-user.ts';
import {
  type Exchange,
  edit,
  exchangeOf,
  type Flying,
  isFirst,
  isSpent,
  otherOf,
  type Party,
  type Side,
  seqOf,
  type World,
  withoutIdle,
  withResponse,
} from './dialog-world.ts';

/** Later than any wait. */
const AT_LAST = 1e9;

/** A world to change: whatever is put into it, the given one stays. */
export function changed(world: World, change: (next: World) => void): World {
  const next = { ...world, left: { ...world.left } };
  change(next);
  next.exchanges = next.exchanges.map(exchange => withoutIdle(next, exchange)).filter(exchange => !isSpent(exchange));
  return next;
}

/** One input of a machine and all its effects. */
export function input(world: World, side: Side, given: CallInput, late = false): void {
  const before = world[side];
  const party: Party = { ...before, state: copyOf(before.state), running: new Set(before.running) };
  world[side] = party;
  assert.ok(party.state !== null);
  const out: CallEffect[] = [];
  handleCall(party.state, given, late ? AT_LAST : 0, out);
  for (const effect of out) perform(world, side, effect, given);
}

function perform(world: World, side: Side, effect: CallEffect, cause: CallInput): void {
  const party = world[side];
  switch (effect.type) {
    case 'send':
      send(world, side, effect.id, effect.spec);
      return;
    case 'send-ack':
      sendAck(world, side, effect.spec);
      return;
    case 'cancel':
      cancel(world, side, effect.id);
      return;
    case 'respond':
      respond(world, side, effect.key, effect.spec);
      return;
    case 'repeat': {
      const { kept, flying } = exchangeOf(world, effect.key);
      assert.ok(kept !== null, 'nothing is kept to repeat');
      edit(world, effect.key, { flying: withResponse(flying, kept) });
      return;
    }
    case 'forget':
      edit(world, effect.key, { kept: null });
      return;
    case 'start-timer':
      assert.ok(!party.gone, `timer ${effect.name} behind the end`);
      if (effect.name === 'glare') checkGlare(side, effect.ms, cause);
      party.running = new Set([...party.running, effect.name]);
      return;
    case 'stop-timer':
      party.running = new Set([...party.running].filter(name => name !== effect.name));
      return;
    case 'tell':
      hear(party, effect.event);
      return;
    case 'log':
      assert.fail(effect.message);
      return;
    case 'gone':
      gone(world, side);
      return;
    default:
      effect satisfies never;
  }
}

/** Whoever has ended has nothing running, owes nobody an answer and has told its user so. */
function gone(world: World, side: Side): void {
  const party = world[side];
  assert.ok(!party.gone, 'gone twice');
  party.gone = true;
  assert.deepEqual([...party.running], [], 'timers run on');
  assert.equal(party.ends, 1, `the user has heard of ${party.ends} ends`);
  const owed = world.exchanges.filter(({ from, server }) => from !== side && server === 'trying');
  assert.deepEqual(
    owed.map(({ request }) => request.method),
    [],
    'requests are left without an answer',
  );
}

/** 2.1 to 4 s for the owner of the Call-ID, 0 to 2 s for the other, in steps of 10 ms, behind a 491; one more second behind theirs. RFC 3261 14.1. */
function checkGlare(side: Side, ms: number, cause: CallInput): void {
  if (cause.type === 'timer') {
    assert.equal(ms, 1000);
    return;
  }
  assert.ok(cause.type === 'response' && cause.response.status === 491, `a wait behind ${cause.type}`);
  const [least, most] = side === 'a' ? [2100, 4000] : [0, 2000];
  assert.ok(ms >= least && ms <= most && ms % 10 === 0, `${side} waits ${ms} ms`);
}

function send(world: World, from: Side, id: number, spec: RequestSpec): void {
  const request = requestOf(Object.freeze(spec), '');
  const seqs = world.exchanges.filter(exchange => exchange.from === from).map(one => seqOf(one.request));
  assert.ok(
    seqs.every(seq => seq < seqOf(request)),
    'CSeq does not grow',
  );
  const key = `!${from}${id}` as TransactionKey;
  const flying: Flying[] = [{ what: 'request' }];
  const exchange: Exchange = {
    key,
    from,
    id,
    request,
    flying,
    client: 'calling',
    server: 'none',
    cancel: 'no',
    kept: null,
  };
  world.exchanges = [...world.exchanges, exchange];
}

/** The ACK of a 2xx finds its INVITE by the CSeq; of one that nobody knows any more it says nothing. */
function sendAck(world: World, from: Side, spec: RequestSpec): void {
  const request = requestOf(Object.freeze(spec), '');
  const invite = world.exchanges.find(
    one => one.from === from && one.request.method === 'INVITE' && seqOf(one.request) === seqOf(request),
  );
  assert.equal(invite?.client, 'accepted', 'an ACK for no 2xx');
  if (invite === undefined || invite.flying.some(({ what }) => what === 'ack')) return;
  edit(world, invite.key, { flying: [...invite.flying, { what: 'ack', request }] });
}

function cancel(world: World, from: Side, id: number): void {
  const exchange = world.exchanges.find(one => one.from === from && one.id === id);
  if (exchange === undefined || exchange.cancel !== 'no') return;
  if (exchange.client === 'calling') edit(world, exchange.key, { cancel: 'wanted' });
  else if (exchange.client === 'proceeding') {
    edit(world, exchange.key, { cancel: 'sent', flying: [...exchange.flying, { what: 'cancel' }] });
  }
}

function respond(world: World, side: Side, key: TransactionKey, spec: ResponseSpec): void {
  const exchange = exchangeOf(world, key);
  const { request, server } = exchange;
  assert.equal(server, 'trying', `${spec.status} to a ${request.method} that was answered`);
  const response = responseOf(request, spec, side, '');
  const isInvite = request.method === 'INVITE';
  took(world[side], request, response);
  edit(world, key, {
    flying: withResponse(exchange.flying, response),
    kept: isInvite && spec.status < 300 ? response : null,
    server: spec.status < 200 ? server : isInvite && spec.status < 300 ? 'accepted' : 'completed',
  });
}

/** Delivers one message; `again`: a copy of it stays on its way. */
export function deliver(world: World, key: TransactionKey, flying: Flying, again: boolean): void {
  const exchange = exchangeOf(world, key);
  if (!again) edit(world, key, { flying: exchange.flying.filter(other => other !== flying) });
  const to = flying.what === 'response' ? exchange.from : otherOf(exchange.from);
  const party = world[to];
  switch (flying.what) {
    case 'request':
      arrive(world, to, exchange);
      return;
    case 'ack':
      if (!party.gone) input(world, to, { type: 'ack-received', request: flying.request });
      return;
    case 'cancel':
      // Only that of the first INVITE reaches the machine; the layer answers them all.
      if (isFirst(exchange) && exchange.server === 'trying' && !party.gone)
        input(world, to, { type: 'cancel-received', request: exchange.request });
      return;
    case 'response':
      hearResponse(world, exchange, flying.response);
      return;
    default:
      flying satisfies never;
  }
}

function arrive(world: World, to: Side, { key, request }: Exchange): void {
  const party = world[to];
  edit(world, key, { server: 'trying' });
  if (party.state !== null && !party.gone && !isFirst({ request })) {
    if (request.method === 'INVITE') proceed(world, key);
    input(world, to, { type: 'request', key, request });
    return;
  }
  const unknown = party.gone || !isFirst({ request });
  const refusal = unknown ? plain(481, 'Call/Transaction Does Not Exist') : tooShort(request, party.facts);
  if (refusal !== null) {
    respond(world, to, key, refusal);
    return;
  }
  const trying = responseOf(request, plain(100, 'Trying'), '', '');
  edit(world, key, { flying: withResponse(exchangeOf(world, key).flying, trying) });
  const state = newUas(request, key, party.facts, to, '<sip:b@192.0.2.2>', 1);
  world[to] = { ...party, state };
}

/** What the client transaction lets through. RFC 3261 17.1.1.2, RFC 6026 7.2. */
function hearResponse(world: World, exchange: Exchange, response: SipResponse): void {
  const { key, client, request, from, id } = exchange;
  const { status } = response;
  const accepts = request.method === 'INVITE' && status >= 200 && status < 300;
  if (client === 'done' || (client === 'accepted' && !accepts)) return;
  if (status < 200) proceed(world, key);
  else edit(world, key, { client: accepts ? 'accepted' : 'done' });
  const authorization: Header | null = status === 401 ? ['Authorization', 'Digest x'] : null;
  input(world, from, { type: 'response', id, response, authorization });
}

/** A 1xx has come: a CANCEL that waited for it goes out. The 100 to a re-INVITE tells a machine nothing, and is not on its way. */
function proceed(world: World, key: TransactionKey): void {
  const { client, cancel, flying } = exchangeOf(world, key);
  if (client === 'done') return;
  const due = cancel === 'wanted';
  edit(world, key, {
    client: 'proceeding',
    cancel: due ? 'sent' : cancel,
    flying: due ? [...flying, { what: 'cancel' }] : flying,
  });
}

/** No final answer will come. */
export function fail(world: World, { key, from, id }: Exchange): void {
  edit(world, key, { client: 'done' });
  input(world, from, { type: 'failure', id, cause: 'timeout' });
}

/** A proxy on the way challenges a request. */
export function challenge(world: World, { key, request }: Exchange): void {
  const spec = plain(401, 'Unauthorized', [['WWW-Authenticate', 'Digest realm="r", nonce="n"']]);
  const response = responseOf(request, spec, 'proxy', '');
  edit(world, key, { flying: [{ what: 'response', response }], server: 'completed' });
}

/** A timer of a machine runs out; `late`: it is the last one of its wait. */
export function fire(world: World, side: Side, name: DialogTimer, late: boolean): void {
  const party = world[side];
  world[side] = { ...party, running: new Set([...party.running].filter(other => other !== name)) };
  // Nothing is on its way as long as that.
  if (late)
    world.exchanges = world.exchanges.map(exchange =>
      isFirst(exchange) || exchange.kept !== null ? { ...exchange, flying: [] } : exchange,
    );
  input(world, side, { type: 'timer', name }, late);
}

/** A deep copy; what is frozen is shared. */
function copyOf<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value;
  if (Array.isArray(value)) return value.map(copyOf) as T;
  const copy: Record<string, unknown> = {};
  for (const key in value) copy[key] = copyOf(value[key]);
  return copy as T;
}
