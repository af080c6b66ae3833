/** Test help: what makes two worlds of two call machines the same. Of numbers and descriptions only the order counts. */
import { sdpOf } from '../../src/sip/dialog/body.ts';
import type { CallState } from '../../src/sip/dialog/call.ts';
import type { Session } from '../../src/sip/dialog/session-state.ts';
import type { UacState } from '../../src/sip/dialog/uac-state.ts';
import type { SipMessage, SipRequest } from '../../src/sip/message/message.ts';
import { type Exchange, type Flying, otherOf, type Party, type Side, seqOf, type World } from './dialog-world.ts';

/** The same text: whatever comes, both go on in the same way. */
export function identity({ a, b, exchanges, left, unheard }: World): string {
  const flights = exchanges.map(exchangeText).sort();
  const text = `${partyText(a, 'a')}${partyText(b, 'b')}${flights}${Object.values(left)}${unheard}`;
  // Where one side has ended nobody asks any more what is in force.
  return ranked(a.ends + b.ends > 0 ? text.replaceAll(/@[ab]\d+/g, '@') : text, exchanges);
}

const memory = new WeakMap<object, string>();

function remembered<T extends object>(value: T, textOf: (value: T) => unknown): string {
  const known = memory.get(value);
  if (known !== undefined) return known;
  const text = JSON.stringify(textOf(value));
  memory.set(value, text);
  return text;
}

/** Every number behind the same mark becomes its place among them: `@` descriptions, `#` CSeq, `!` transactions (those that are over: all the same), `~` RSeq. */
function ranked(text: string, exchanges: World['exchanges']): string {
  const found = new Map<string, Set<number>>();
  for (const [, mark = '', number] of text.matchAll(MARKED)) {
    const numbers = found.get(mark);
    if (numbers === undefined) found.set(mark, new Set([Number(number)]));
    else numbers.add(Number(number));
  }
  const places = new Map<string, number>();
  for (const [mark, numbers] of found) {
    [...numbers].sort((x, y) => x - y).forEach((number, place) => void places.set(`${mark}${number}`, place));
  }
  return text.replaceAll(MARKED, (all, mark: string) =>
    mark.startsWith('!') && exchanges.every(({ key }) => key !== all) ? '!' : `${mark}${places.get(all)}`,
  );
}

const MARKED = /([@#!~][ab])(\d+)/g;

function partyText(party: Party, side: Side): string {
  return remembered(party, ({ state, facts: _, running, ...user }) => [
    state === null ? null : stateText(state, side),
    [...running].sort(),
    user.ends > 0 ? { ...user, mine: null, theirs: null } : user,
  ]);
}

const id = (side: Side, value: number | string | null | undefined) => `!${side}${value}`;

function stateText(state: CallState, side: Side): unknown {
  if (state.role === 'uac') return uacText(state, side);
  const { seq: _, session, rseq, pending, ...rest } = state;
  const waits = pending && [`~b${pending.rseq}`, pending.hasBody];
  return [rest, sessionText(session, side), rseq > 0 && `~b${rseq}`, waits];
}

function uacText(state: UacState, side: Side): unknown {
  const { seed, facts, sent, request, inviteId, lastId, early, pracks, session, ack, strays, byes, ...rest } = state;
  return [
    rest,
    id(side, inviteId),
    Object.values(early).map(({ session: one, rseq, waiting }) => [sessionText(one, side), `~b${rseq}`, waiting]),
    Object.entries(pracks).map(([at, { rack, answered }]) => [
      id(side, at),
      `~b${Number.parseInt(rack, 10)}`,
      answered,
    ]),
    session && sessionText(session, side),
    ack !== null,
    Object.keys(strays),
    Object.keys(byes).map(at => id(side, at)),
  ];
}

/** CSeq numbers of what is known by its transaction say nothing more than that. */
function sessionText(session: Session, side: Side): unknown {
  const { seed, facts, dialog, nextId, outgoing, incoming, unacked, acked, bye, update, info, lone, ...rest } = session;
  const { remoteSeq, remoteTag, target } = dialog;
  if (session.phase === 'over') return [acked && id(side, acked.id), outgoing && id(side, outgoing.id)];
  return [
    rest,
    [`#${otherOf(side)}${Math.max(remoteSeq, 0)}`, remoteTag, target],
    outgoing && { ...outgoing, id: id(side, outgoing.id), seq: 0, rseq: `~b${outgoing.rseq}` },
    incoming && [incoming.key, incoming.method, incoming.timer],
    unacked && [unacked.key, unacked.first],
    acked && id(side, acked.id),
    bye && [id(side, bye.id), bye.tries],
    update && { ...update, id: id(side, update.id) },
    info && id(side, info),
    Object.entries(lone).map(([at, { method }]) => [id(side, at), method]),
  ];
}

function exchangeText(exchange: Exchange): string {
  return remembered(exchange, ({ key, from, request, flying, client, server, cancel, kept }) => [
    [request.method, key, client, server, cancel],
    server === 'none' && [`#${from}${seqOf(request)}`, sdpOf(request), rackOf(request), timersOf(request)],
    kept && flyingText({ what: 'response', response: kept }),
    flying.map(flyingText).sort(),
  ]);
}

function rackOf({ headers }: SipRequest): string | undefined {
  return headers.get('RAck')?.replace(/^(\d+).*/, '~b$1');
}

function flyingText(flying: Flying): string {
  if (flying.what === 'response') {
    const { response } = flying;
    const rseq = response.headers.number('RSeq');
    return JSON.stringify([response.status, sdpOf(response), rseq && `~b${rseq}`, timersOf(response)]);
  }
  return flying.what === 'ack' ? `ack ${sdpOf(flying.request)}` : flying.what;
}

function timersOf({ headers }: SipMessage): unknown {
  return [headers.get('Session-Expires'), headers.get('Min-SE'), headers.has('Authorization')];
}
