/** Every reachable state of a registration, and what must hold in each. RFC 3261 10.2. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleRequest } from '../../test/support/sip-machine.ts';
import { walk } from '../../test/support/walk.ts';
import { createResponse } from './message/build.ts';
import {
  handleRegistration,
  type RegistrationEffect,
  type RegistrationInput,
  type RegistrationState,
} from './registration.ts';

/** The registration, its requests without an answer (one at a time), and what its user waits for. */
interface Node {
  state: RegistrationState;
  open: number[];
  /** The wish that was not answered yet. */
  wish: 'register' | 'remove' | null;
  /** REGISTERs of the wish whose turn it is. */
  sent: number;
}

const CONTACT = '<sip:alice@192.0.2.1>';
const ROOT: Node = {
  state: {
    registrar: 'sip:example.com',
    aor: '<sip:alice@example.com>',
    fromTag: 'a',
    contact: CONTACT,
    route: [],
    callId: 'c',
    seq: 0,
    id: 0,
    pending: null,
    next: null,
  },
  open: [],
  wish: null,
  sent: 0,
};

const REGISTER = sampleRequest('REGISTER');
const answer = (status: number, headers: Array<[string, string]> = []) =>
  createResponse(REGISTER, status, undefined, { toTag: 'b', headers });

const ANSWERS: ReadonlyArray<
  [string, Pick<Extract<RegistrationInput, { type: 'response' }>, 'response' | 'authorization'>]
> = [
  ['100', { response: answer(100), authorization: null }],
  ['200', { response: answer(200, [['Contact', CONTACT]]), authorization: null }],
  ['200 without us', { response: answer(200), authorization: null }],
  ['401', { response: answer(401), authorization: ['Authorization', 'Digest x'] }],
  ['407', { response: answer(407), authorization: ['Proxy-Authorization', 'Digest x'] }],
  ['401 for good', { response: answer(401), authorization: null }],
  ['423', { response: answer(423, [['Min-Expires', '7200']]), authorization: null }],
  ['423 for less', { response: answer(423, [['Min-Expires', '60']]), authorization: null }],
  ['503', { response: answer(503), authorization: null }],
];

function step(node: Node, input: RegistrationInput): Node {
  const next = structuredClone(node);
  const { state } = next;
  const before = structuredClone(state);
  const out: RegistrationEffect[] = [];
  if (input.type === 'register') {
    next.wish = input.expiresS === 0 ? 'remove' : 'register';
    if (node.open.length === 0) next.sent = 0;
  } else next.open = next.open.filter(id => id !== input.id || isProvisional(input));
  handleRegistration(state, input, out);
  if (before.next !== null && state.next === null) next.sent = 0;
  if (input.type !== 'register' && input.id !== before.id) assert.deepEqual(out, [], 'a word on an older REGISTER');
  for (const effect of out) hear(next, effect);
  assert.ok(out.filter(effect => effect.type !== 'send').length <= 1, 'more than one word for one input');
  assert.equal(state.seq - before.seq, out.filter(effect => effect.type === 'send').length, 'CSeq counts REGISTERs');
  // Whoever waits is waiting for a REGISTER on its way, and nobody else is.
  assert.equal(state.pending !== null, next.wish !== null, 'a wish was lost, or answered in silence');
  assert.equal(next.wish !== null, next.open.includes(state.id), 'a wish waits for nothing');
  assert.ok(next.open.length <= 1, 'two REGISTERs at once');
  assert.ok(state.next === null || state.pending !== null, 'a wish lies behind nothing');
  return next;
}

function isProvisional(input: RegistrationInput): boolean {
  return input.type === 'response' && input.response.status < 200;
}

function hear(node: Node, effect: RegistrationEffect): void {
  if (effect.type === 'send') {
    node.sent += 1;
    assert.ok(node.sent <= 4, 'no end of REGISTERs for one wish');
    const expires = effect.spec.headers.find(([name]) => name === 'Expires')?.[1];
    assert.equal(expires === '0', node.wish === 'remove', 'a REGISTER of the other kind');
    node.open.push(effect.id);
    return;
  }
  assert.ok(node.wish !== null, `${effect.type} that nobody waits for`);
  if (effect.type !== 'failed') {
    assert.equal(effect.type === 'registered' ? 'register' : 'remove', node.wish, 'an answer to the other wish');
  }
  node.wish = null;
}

test('REG-07 a registration: all states, every wish has one end, no REGISTER is lost', () => {
  const { nodes, steps } = walk<Node>({
    root: ROOT,
    identity: ({ state, open, wish, sent }) => {
      const { pending, id, next } = state;
      const { tries, raised, expiresS, auth } = pending ?? {};
      return JSON.stringify([wish, sent, open.includes(id), open.length, tries, raised, expiresS, auth, next]);
    },
    *next(node) {
      yield ['register', () => step(node, { type: 'register', expiresS: 3600, headers: [] })];
      yield ['remove', () => step(node, { type: 'register', expiresS: 0, headers: [] })];
      for (const id of node.open) {
        for (const [name, given] of ANSWERS)
          yield [`${name} to ${id}`, () => step(node, { type: 'response', id, unheard: null, ...given })];
        yield [`no answer to ${id}`, () => step(node, { type: 'failure', id, cause: 'timeout' })];
      }
    },
    ended: ({ wish }) => wish === null,
  });
  assert.ok(nodes.length > 50 && steps > 500, `${nodes.length} nodes, ${steps} steps`);
});
