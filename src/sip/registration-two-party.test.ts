/** A client and a registrar over a network that loses, delays and reorders: every order of events, and what both hold true at rest. RFC 3261 10. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { leadsElsewhere, type Mood, type Registrar, serveRegister } from '../../test/support/registrar-model.ts';
import { walk } from '../../test/support/walk.ts';
import type { Header, RequestSpec } from './dialog/types.ts';
import type { SipRequest, SipResponse } from './message/message.ts';
import {
  handleRegistration,
  type RegistrationEffect,
  type RegistrationInput,
  type RegistrationState,
  registerElsewhere,
} from './registration.ts';
import { requestOf } from './user-agent-message.ts';

const CONTACT = 'sip:alice@192.0.2.1';
const ASKED_S = 3600;
/** Servers that one REGISTER is sent to. */
const MAX_SERVERS = 2;
const MAX_CHALLENGES = 1;
const MOODS: readonly Mood[] = ['grant', 'grant half', 'challenge', 'strict', 'busy'];

/** One REGISTER in its transaction: copies of it reach the registrar as one request. */
interface Flight {
  id: number;
  spec: RequestSpec;
  response: SipResponse | null;
  /** What became of the answer. `refused`: another server was asked because of it; `held`: it came while another one was asked already. */
  answer: 'awaited' | 'refused' | 'held';
}

interface Node {
  client: RegistrationState;
  registrar: Registrar;
  flights: Flight[];
  /** Highest CSeq that was sent. */
  seq: number;
  /** What the user holds true: granted seconds, 0, or null while it cannot know. Who hears no from all has what it had before. */
  believes: number | null;
  /** The wish that was not answered yet. */
  wish: 'register' | 'remove' | null;
}

const ROOT: Node = {
  client: {
    registrar: 'sip:example.com',
    aor: '<sip:alice@example.com>',
    fromTag: 'a',
    contact: `<${CONTACT}>`,
    route: [],
    callId: 'c',
    seq: 0,
    id: 0,
    pending: null,
    next: null,
  },
  registrar: { bindings: {} },
  flights: [],
  seq: 0,
  believes: 0,
  wish: null,
};

const seqOf = ({ headers }: RequestSpec) => Number.parseInt(headers.find(([name]) => name === 'CSeq')?.[1] ?? '', 10);

function changed(node: Node, change: (next: Node) => void): Node {
  const next: Node = {
    ...node,
    // Neither side changes what these hold, but puts another in its place.
    client: { ...node.client },
    registrar: { bindings: { ...node.registrar.bindings } },
    flights: node.flights.map(flight => ({ ...flight })),
  };
  change(next);
  atRest(next);
  return next;
}

function input(node: Node, given: RegistrationInput): void {
  const out: RegistrationEffect[] = [];
  handleRegistration(node.client, given, out);
  for (const effect of out) {
    switch (effect.type) {
      case 'send':
        send(node, effect.id, effect.spec);
        break;
      case 'registered':
        assert.equal(node.wish, 'register');
        node.believes = effect.result.expiresS;
        node.wish = null;
        break;
      case 'unregistered':
        assert.equal(node.wish, 'remove');
        node.believes = 0;
        node.wish = null;
        break;
      case 'failed':
        if (effect.failure.cause !== null) node.believes = null;
        node.wish = null;
        break;
      default:
        effect satisfies never;
    }
  }
}

function send(node: Node, id: number, spec: RequestSpec): void {
  assert.ok(
    node.flights.every(flight => flight.id === id),
    'a REGISTER beside another that was not answered (RFC 3261 10.2)',
  );
  assert.ok(seqOf(spec) > node.seq, 'CSeq does not grow');
  node.seq = seqOf(spec);
  node.flights.push({ id, spec, response: null, answer: 'awaited' });
}

const answered = (node: Node, answer: Flight['answer']) => node.flights.find(flight => flight.answer === answer);

function askAnother(node: Node): void {
  const spec = registerElsewhere(node.client);
  assert.ok(spec !== null);
  send(node, (node.flights[0] as Flight).id, spec);
}

/** The answer of one server reaches the client as the sender lets it through: the last one asked has the last word, unless it refuses what another has done. */
function deliver(node: Node, flight: Flight): void {
  const { response } = flight;
  assert.ok(response !== null);
  const held = answered(node, 'held');
  if (flight !== node.flights.at(-1)) {
    if (response.status < 300) flight.answer = 'held';
    else node.flights = node.flights.filter(other => other !== flight);
  } else if (leadsElsewhere(response) && held === undefined && node.flights.length < MAX_SERVERS) {
    flight.answer = 'refused';
    askAnother(node);
  } else tell(node, response.status >= 300 && held !== undefined ? held : flight);
}

/** Tells the client one answer, and whether another server has given none; what is on its way is given up. */
function tell(node: Node, told: Flight): void {
  const { id, spec, response } = told;
  assert.ok(response !== null);
  const silent = node.flights.some(flight => flight !== told && flight.answer === 'awaited');
  node.flights = [];
  const authorization: Header | null = response.status === 401 ? ['Authorization', `for ${seqOf(spec)}`] : null;
  input(node, { type: 'response', id, response, unheard: silent ? 'timeout' : null, authorization });
}

/** Nobody says more: what one server has said is the answer, if one has. */
function runOut(node: Node): void {
  const refused = answered(node, 'refused');
  const { id } = node.flights[0] as Flight;
  if (refused !== undefined) tell(node, refused);
  else {
    node.flights = [];
    input(node, { type: 'failure', id, cause: 'timeout' });
  }
}

/** What must hold when nothing is on its way: whoever was told is told the truth. */
function atRest({ client, registrar, flights, believes, wish }: Node): void {
  const bindings = Object.entries(registrar.bindings);
  assert.ok(bindings.length <= 1, 'two bindings');
  assert.equal(wish !== null, flights.length > 0, 'a wish waits for nothing, or nobody waits for a REGISTER');
  if (flights.length > 0) return;
  assert.equal(client.next, null, 'a wish was left lying');
  if (believes === null) return;
  const binding = registrar.bindings[CONTACT];
  assert.equal(believes, binding?.expiresS ?? 0, 'the sides disagree on the binding');
  if (binding !== undefined) assert.equal(binding.callId, client.callId);
}

const request = (flight: Flight): SipRequest => requestOf(flight.spec, '');

function* events(node: Node): Generator<readonly [string, () => Node]> {
  for (const wish of ['register', 'remove'] as const) {
    yield [
      wish,
      () =>
        changed(node, next => {
          // What became of the wish before it is not told.
          if (next.wish !== null) next.believes = null;
          next.wish = wish;
          input(next, { type: 'register', expiresS: wish === 'register' ? ASKED_S : 0, headers: [] });
        }),
    ];
  }
  for (const [index, flight] of node.flights.entries()) {
    const at = (next: Node) => next.flights[index] as Flight;
    const name = `${seqOf(flight.spec)}`;
    if (flight.response === null) {
      // How often it lets itself be challenged is the explorer's matter.
      const tired = (node.client.pending?.tries ?? 0) > MAX_CHALLENGES;
      for (const mood of MOODS) {
        if (tired && mood === 'challenge') continue;
        yield [
          `${mood} ${name}`,
          () =>
            changed(node, next => {
              at(next).response = serveRegister(next.registrar, request(flight), mood);
            }),
        ];
      }
    } else if (flight.answer === 'awaited')
      yield [`answer to ${name}`, () => changed(node, next => deliver(next, at(next)))];
  }
  if (node.flights.length === 0) return;
  if (node.flights.length < MAX_SERVERS) yield ['silence: another server', () => changed(node, askAnother)];
  const held = node.flights.findIndex(({ answer }) => answer === 'held');
  if (held < 0) yield ['nobody answers in time', () => changed(node, runOut)];
  // A request that was served is answered, unless everything is lost.
  else if (node.flights.at(-1)?.response === null)
    yield ['the other server stays silent', () => changed(node, next => tell(next, next.flights[held] as Flight))];
}

test('REG-07 a client and a registrar agree on the binding whenever nothing is on its way, in every order of events', () => {
  const { nodes, steps } = walk<Node>({
    root: ROOT,
    // Of the numbers only the order counts: all that are sent later are higher.
    identity({ client, registrar, flights, believes, wish }) {
      const { pending, next } = client;
      const bound = Object.values(registrar.bindings).map(({ seq, expiresS }) => [
        flights.map(({ spec }) => seqOf(spec) <= seq),
        expiresS,
      ]);
      const flying = flights.map(({ response, answer }) => [
        answer,
        response?.status,
        response?.headers.get('Contact'),
      ]);
      const { expiresS, tries, raised, auth, unheard } = pending ?? {};
      const waits = [expiresS, tries, raised, auth?.length, unheard, next?.expiresS];
      return JSON.stringify([wish, believes, waits, flying, bound]);
    },
    next: events,
    ended: ({ flights }) => flights.length === 0,
  });
  assert.ok(nodes.length > 1000, `${nodes.length} nodes, ${steps} steps`);
});
