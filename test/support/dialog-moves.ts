/** Test help: all that can happen to two ends of a call: what their users wish, what the network does, and timers. */
import assert from 'node:assert/strict';
import { fits } from '../../src/sip/dialog/call.ts';
import type { CallInput, DialogTimer, Facts, Header } from '../../src/sip/dialog/types.ts';
import { newUac } from '../../src/sip/dialog/uac-state.ts';
import { challenge, changed, deliver, fail, fire, input } from './dialog-model.ts';
import { agree, end, SILENT } from './dialog-user.ts';
import {
  type Exchange,
  edit,
  isFirst,
  isForlorn,
  isReliable,
  type Party,
  type Side,
  type Weather,
  type World,
} from './dialog-world.ts';

const SIDES = ['a', 'b'] as const;
export const CLEAR: Weather = { losses: 0, copies: 0, silences: 0, challenges: 0 };
export const FACTS: Facts = Object.freeze({
  t1: 500,
  t2: 4000,
  supported: Object.freeze(['100rel', 'timer']),
  allow: Object.freeze(['INVITE', 'ACK', 'CANCEL', 'BYE', 'PRACK', 'UPDATE', 'INFO']),
  minSeS: 90,
});

export type Act = 'ring' | 'ring for sure' | 'early' | 'answer' | 'refuse' | 'end' | 'reinvite' | 'update' | 'ask';

export interface Scope {
  acts: readonly Act[];
  weather: Weather;
  facts?: Partial<Facts>;
  /** Fields of the INVITE. */
  headers?: readonly Header[];
  /** The INVITE carries no offer. */
  offerless?: true;
}

const sdp = (content: string) => Object.freeze({ contentType: 'application/sdp', content });
const label = (world: World, side: Side) => sdp(`@${side}${world.made}\r\n`);

/** The INVITE is on its way. */
export function beginning({ weather, facts = {}, headers = [], offerless }: Scope): World {
  const known = Object.freeze({ ...FACTS, ...facts });
  const supported = offerless ? known.supported.filter(tag => tag !== '100rel') : known.supported;
  const sent = {
    callId: 'c',
    localTag: 'a',
    from: '<sip:a@a>;tag=a',
    uri: 'sip:b@192.0.2.2',
    contact: '<sip:a@192.0.2.1>',
    seq: 1,
  };
  const body = offerless ? null : sdp('@a0\r\n');
  const request = Object.freeze({ to: '<sip:b@b>', route: [], headers, body });
  const party = { ...SILENT, facts: known, running: new Set<DialogTimer>() };
  const a: Party = {
    ...party,
    offering: body?.content ?? null,
    state: newUac(sent, request, Object.freeze({ ...known, supported }), 1),
  };
  const world: World = { a, b: { ...party, state: null }, exchanges: [], left: weather, made: 1, unheard: false };
  return changed(world, next => input(next, 'a', { type: 'invite' }));
}

/** The call stands and nothing is on its way. */
export function talking(scope: Scope): World {
  let world = beginning({ ...scope, weather: CLEAR });
  const settle = () => {
    for (;;) {
      const [exchange] = world.exchanges.filter(({ flying }) => flying.length > 0);
      const [first] = exchange?.flying ?? [];
      if (exchange === undefined || first === undefined) return;
      world = changed(world, next => deliver(next, exchange.key, first, false));
    }
  };
  settle();
  world = changed(world, next => input(next, 'b', { type: 'answer', body: sdp('@b0\r\n'), headers: [] }));
  settle();
  assert.deepEqual(world.exchanges, []);
  return { ...world, left: scope.weather };
}

/** `byUser`: it happens only when a user wants it, or a refresh is due. */
export type Step = readonly [name: string, change: (next: World) => void, byUser?: boolean];

function* acts(world: World, side: Side, scope: Scope): Generator<Step> {
  const { state, questions } = world[side];
  if (state === null) return;
  const body = label(world, side);
  const fork = side === 'a' && state.session === null ? 'b' : null;
  const provisional = { type: 'provisional', status: 180, reason: 'Ringing', headers: [], body: null } as const;
  const inputs: Record<Act, CallInput> = {
    ring: { ...provisional, reliable: 'auto' },
    'ring for sure': { ...provisional, reliable: true },
    early: { ...provisional, status: 183, body, reliable: 'auto' },
    answer: { type: 'answer', body, headers: [] },
    refuse: { type: 'reject', refusal: { status: 486, reason: 'Busy Here' } },
    end: { type: 'end', headers: [], refusal: { status: 480, reason: 'Temporarily Unavailable' } },
    reinvite: { type: 'reinvite', body, headers: [] },
    update: { type: 'update', fork, body, headers: [] },
    ask: { type: 'update', fork, body: null, headers: [] },
  };
  for (const act of scope.acts) {
    const given = inputs[act];
    if (!fits(state, given) || (given.type === 'provisional' && !hasRoom(world))) continue;
    yield [
      `${side} ${act}`,
      next => {
        next.made += 1;
        const before = next[side];
        next[side] = { ...before };
        if (act === 'reinvite' || act === 'update') next[side].offering = body.content;
        const ends = act === 'refuse' || (act === 'end' && (side === 'b' || fork === null));
        if (ends) end(next[side]);
        input(next, side, given);
      },
      true,
    ];
  }
  for (const { key, sdp: offer } of questions) yield* answers(world, side, key, offer);
}

/** One provisional response on its way, one behind it. */
function hasRoom({ b, exchanges }: World): boolean {
  const flying = exchanges.find(isFirst)?.flying ?? [];
  const provisional = flying.filter(one => one.what === 'response' && one.response.status > 100);
  return provisional.length < 2 && b.state?.role === 'uas' && b.state.queue.length === 0;
}

/** Who is asked answers some time; to what is known already with what stands. */
function* answers(world: World, side: Side, key: Exchange['key'], offer: string | null): Generator<Step> {
  const { mine, theirs } = world[side];
  const body = offer === theirs && mine !== null ? sdp(mine) : label(world, side);
  const settled = (next: World) => {
    next.made += 1;
    next[side] = { ...next[side], questions: [] };
  };
  if (key === '2xx') {
    yield [
      `${side} acknowledges`,
      next => {
        settled(next);
        agree(next[side], body.content, offer);
        input(next, side, { type: 'ack', body });
      },
    ];
    return;
  }
  yield [
    `${side} accepts`,
    next => {
      settled(next);
      input(next, side, { type: 'accept', key, body, headers: [] });
    },
  ];
  yield [
    `${side} refuses`,
    next => {
      settled(next);
      input(next, side, { type: 'refuse', key, refusal: { status: 488, reason: 'Not Acceptable Here' } });
    },
  ];
}

/** What the dialog machines themselves repeat may be lost for good or come twice. */
function* network(world: World): Generator<Step> {
  const { losses, copies, silences, challenges } = world.left;
  for (const exchange of world.exchanges) {
    const { key, from, request, flying, client, server, cancel } = exchange;
    const name = `${from} ${request.method}`;
    for (const one of flying) {
      const what = one.what === 'response' ? `${one.response.status}` : one.what;
      yield [`${what} of ${name} arrives`, next => deliver(next, key, one, false)];
      const invite = request.method === 'INVITE' && (one.what === 'response' || one.what === 'ack');
      if (invite && (one.what === 'ack' || (one.response.status > 100 && one.response.status < 300))) {
        if (losses > 0) {
          yield [
            `${what} of ${name} is lost`,
            next => {
              next.left.losses -= 1;
              edit(next, key, { flying: flying.filter(other => other !== one) });
            },
          ];
        }
        if (copies > 0) {
          yield [
            `${what} of ${name} arrives and comes again`,
            next => {
              next.left.copies -= 1;
              deliver(next, key, one, true);
            },
          ];
        }
      }
      if (one.what === 'request' && challenges > 0) {
        yield [
          `${name} is challenged`,
          next => {
            next.left.challenges -= 1;
            challenge(next, exchange);
          },
        ];
      }
    }
    const waits = client === 'calling' || client === 'proceeding';
    if (isForlorn(exchange) && (client === 'calling' || cancel === 'sent')) {
      yield [`${name} ends at last`, next => fail(next, exchange)];
    } else if (waits && silences > 0 && (client === 'calling' || cancel === 'sent')) {
      yield [
        `no answer to ${name}`,
        next => {
          next.left.silences -= 1;
          next.unheard ||= request.method === 'BYE';
          fail(next, exchange);
        },
      ];
      if (server === 'none') {
        yield [
          `${name} is never heard`,
          next => {
            next.left.silences -= 1;
            next.unheard ||= request.method === 'BYE';
            edit(next, key, { flying: [] });
            fail(next, exchange);
          },
        ];
      }
    }
  }
}

/** Whether what a timer would repeat is still on its way, or was answered by what is. */
function isUnderWay(world: World, name: DialogTimer): boolean {
  // Who has an offer in a 2xx before it acknowledges when it likes.
  if (name === '2xx' && world.a.questions.some(({ key }) => key === '2xx')) return true;
  return world.exchanges.some(({ request, flying, client }) => {
    if (name === '1xx' && request.method === 'PRACK') return client === 'calling';
    if (name === '1xx' && flying.some(({ what }) => what === 'cancel')) return true;
    return (
      request.method === 'INVITE' &&
      flying.some(one =>
        one.what === 'response'
          ? name === '2xx'
            ? one.response.status >= 200 && one.response.status < 300
            : isReliable(one.response)
          : name === '2xx' && one.what === 'ack',
      )
    );
  });
}

function* timers(world: World, side: Side): Generator<Step> {
  const { copies, silences } = world.left;
  for (const name of world[side].running) {
    const repeats = name === '1xx' || name === '2xx';
    // Nobody is there any more to hear what is repeated.
    const isDeaf = ({ from, client }: Exchange) => client === 'done' || (name === '1xx' && world[from].gone);
    const deaf = repeats && world.exchanges.some(one => one.from !== side && one.kept !== null && isDeaf(one));
    if (name === 'glare') yield [`${side} ${name}`, next => fire(next, side, name, false)];
    if (name === 'refresh') yield [`${side} ${name}`, next => fire(next, side, name, false), true];
    if (repeats && !deaf && !isUnderWay(world, name)) yield [`${side} ${name}`, next => fire(next, side, name, false)];
    else if (repeats && copies > 0) {
      yield [
        `${side} ${name} early`,
        next => {
          next.left.copies -= 1;
          fire(next, side, name, false);
        },
      ];
    }
    if (deaf || ((repeats || name === 'cancel' || name === 'expiry') && silences > 0)) {
      yield [
        `${side} ${name} at last`,
        next => {
          if (!deaf) next.left.silences -= 1;
          fire(next, side, name, true);
        },
      ];
    }
  }
}

/** All that can happen in a world. */
export function* steps(world: World, scope: Scope): Generator<Step> {
  yield* network(world);
  for (const side of SIDES) {
    yield* timers(world, side);
    yield* acts(world, side, scope);
  }
}
