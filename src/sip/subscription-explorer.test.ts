/** Every reachable state of a subscription, and what must hold in each. RFC 6665 4.1. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aliceWatches } from '../../test/support/notifier-model.ts';
import { walk } from '../../test/support/walk.ts';
import type { RequestSpec } from './dialog/types.ts';
import { createRequest, createResponse } from './message/build.ts';
import {
  handleSubscription,
  type SubscriptionEffect,
  type SubscriptionInput,
  type SubscriptionTimer,
} from './subscription.ts';
import type { SubscriptionState } from './subscription-state.ts';
import type { TransactionKey } from './transaction/types.ts';

/** The subscription, its SUBSCRIBEs without an answer, its timers, and what its user was told. */
interface Node {
  state: SubscriptionState;
  open: number[];
  running: SubscriptionTimer[];
  ended: boolean;
  left: boolean;
  gone: boolean;
}

const ROOT: Node = {
  state: aliceWatches(),
  open: [],
  running: [],
  ended: false,
  left: false,
  gone: false,
};

const SUBSCRIBE = createRequest('SUBSCRIBE', 'sip:alice@example.com', [
  ['Via', 'SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKa'],
  ['From', '<sip:alice@example.com>;tag=a'],
  ['To', '<sip:alice@example.com>'],
  ['Call-ID', 'c'],
  ['CSeq', '1 SUBSCRIBE'],
]);
const ANSWERS: ReadonlyArray<[number, Array<[string, string]>]> = [
  [100, []],
  [
    200,
    [
      ['Expires', '3600'],
      ['Contact', '<sip:n@192.0.2.2>'],
    ],
  ],
  [423, [['Min-Expires', '7200']]],
  [401, []],
  [403, []],
  [481, []],
  [503, [['Retry-After', '5']]],
];

const NOTIFIES: ReadonlyArray<[name: string, from: string, event: string, state: string]> = [
  ['active', 'b', 'reg', 'active;expires=3600'],
  ['active, time unsaid', 'b', 'reg', 'active'],
  ['pending', 'b', 'reg', 'pending;expires=60'],
  ['terminated', 'b', 'reg', 'terminated;reason=deactivated'],
  ['of another event', 'b', 'presence', 'active'],
  ['of another notifier', 'z', 'reg', 'active;expires=3600'],
];

let notifies = 0;

function notify(from: string, event: string, state: string): Extract<SubscriptionInput, { type: 'notify' }> {
  notifies += 1;
  const request = createRequest('NOTIFY', 'sip:alice@192.0.2.1', [
    ['From', `<sip:alice@example.com>;tag=${from}`],
    ['To', '<sip:alice@example.com>;tag=a'],
    ['Call-ID', 'c'],
    ['CSeq', `${notifies} NOTIFY`],
    ['Contact', '<sip:n@192.0.2.2>'],
    ['Event', event],
    ['Subscription-State', state],
  ]);
  return { type: 'notify', key: 'n' as TransactionKey, request };
}

function step(node: Node, input: SubscriptionInput): Node {
  const next = structuredClone(node);
  const { state } = next;
  if (input.type === 'unsubscribe') next.left = true;
  if (input.type === 'timer') next.running = next.running.filter(name => name !== input.name);
  if (input.type === 'failure') next.open = next.open.filter(id => id !== input.id);
  if (input.type === 'response' && input.response.status >= 200) next.open = next.open.filter(id => id !== input.id);
  const out: SubscriptionEffect[] = [];
  handleSubscription(state, input, out);
  if (node.gone) assert.deepEqual(out, [], 'an effect behind the end');
  for (const effect of out) hear(next, effect);
  const answers = out.filter(effect => effect.type === 'respond').length;
  if (!node.gone) assert.equal(answers, input.type === 'notify' ? 1 : 0, 'each NOTIFY is answered once');
  rest(next);
  return next;
}

/** What must hold between two inputs. */
function rest({ state, open, running, ended, left, gone }: Node): void {
  assert.equal(gone, state.phase === 'ended', 'gone is told with the end');
  if (gone) {
    assert.deepEqual(running, [], 'timers run on');
    assert.ok(ended || left, 'an end without a word');
    return;
  }
  assert.ok(!ended, 'the end was told and it goes on');
  assert.ok(open.length <= (left ? 2 : 1), 'a SUBSCRIBE beside another that is none of a farewell');
  assert.equal(state.open, open.includes(state.id), 'it waits for nothing, or unseen');
  const asking = open.includes(state.id);
  const again = running.includes('refresh');
  // Who has left waits for the last NOTIFY behind an un-SUBSCRIBE that was accepted, and for an end of its tries else.
  const granted = state.leadS > 0 && (state.phase !== 'leaving' || asking || again);
  assert.equal(running.includes('expiry'), granted, 'what was granted has an end');
  if (state.phase === 'active') assert.ok(again || asking, 'an active subscription runs out unseen');
  else if (state.phase === 'leaving')
    assert.notEqual(again, running.includes('n'), 'it waits for a NOTIFY, or tries again');
  else assert.ok(running.includes('n') || state.seq === 0 || asking, `${state.phase} waits for nothing`);
}

function isFarewell({ headers }: RequestSpec): boolean {
  return headers.some(([name, value]) => name === 'Expires' && value === '0');
}

function hear(node: Node, effect: SubscriptionEffect): void {
  assert.ok(!node.gone, `${effect.type} behind gone`);
  switch (effect.type) {
    case 'send':
      if (node.left) assert.ok(isFarewell(effect.spec), 'who has left asks for time');
      node.open.push(effect.id);
      return;
    case 'start-timer':
      assert.ok(effect.ms > 0);
      if (!node.running.includes(effect.name)) node.running.push(effect.name);
      return;
    case 'stop-timer':
      node.running = node.running.filter(name => name !== effect.name);
      return;
    case 'notified':
      assert.ok(!node.left, 'a NOTIFY is told to who has left');
      return;
    case 'ended':
      assert.ok(!node.ended && !node.left, 'the end is told twice, or to who has left');
      node.ended = true;
      return;
    case 'gone':
      node.gone = true;
      return;
    case 'respond':
      return;
    default:
      effect satisfies never;
  }
}

test('EVT-02 a subscription: all states, one end, a refresh always armed', () => {
  const { nodes, steps } = walk<Node>({
    root: ROOT,
    identity: ({ state, open, running, ended, left, gone }) => {
      const { phase, raised, askedS, dialog, seq, id, leadS, refusal, challenges, again } = state;
      const asking = [open.includes(id), open.length];
      return JSON.stringify([
        phase,
        raised,
        askedS,
        challenges,
        again,
        leadS > 0,
        refusal === null,
        dialog?.remoteTag,
        seq > 0,
        asking,
        [...running].sort(),
        ended,
        left,
        gone,
      ]);
    },
    *next(node) {
      yield ['subscribe', () => step(node, { type: 'subscribe' })];
      yield ['unsubscribe', () => step(node, { type: 'unsubscribe' })];
      for (const id of node.open) {
        for (const [status, headers] of ANSWERS) {
          const response = createResponse(SUBSCRIBE, status, undefined, { toTag: 'b', headers });
          const authorization = status === 401 ? (['Authorization', 'Digest x'] as const) : null;
          yield [`${status} to ${id}`, () => step(node, { type: 'response', id, response, authorization })];
        }
        for (const cause of ['timeout', 'transport'] as const)
          yield [`${cause} of ${id}`, () => step(node, { type: 'failure', id, cause })];
      }
      // Nobody knows of it before.
      if (node.state.seq > 0)
        for (const [name, ...said] of NOTIFIES) yield [`NOTIFY ${name}`, () => step(node, notify(...said))];
      for (const name of node.running) {
        yield [`timer ${name}`, () => step(node, { type: 'timer', name })];
      }
    },
    ended: ({ gone }) => gone,
  });
  const phases = new Set(nodes.map(({ state }) => state.phase));
  assert.deepEqual([...phases].sort(), ['active', 'ended', 'leaving', 'waiting']);
  assert.ok(nodes.length > 50 && steps > 500, `${nodes.length} nodes, ${steps} steps`);
});
