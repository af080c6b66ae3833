/** A subscriber and a notifier over a network that loses, delays and reorders: every order of events, and what both hold true at rest. RFC 6665 4. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  aliceWatches,
  endDialog,
  type Notifier,
  type NotifierMood,
  notifyOf,
  type Subscribed,
  serveSubscribe,
} from '../../test/support/notifier-model.ts';
import { type Walked, walk } from '../../test/support/walk.ts';
import type { Header, RequestSpec } from './dialog/types.ts';
import type { SipRequest, SipResponse } from './message/message.ts';
import {
  handleSubscription,
  type SubscriptionEffect,
  type SubscriptionInput,
  type SubscriptionTimer,
} from './subscription.ts';
import type { SubscriptionState } from './subscription-state.ts';
import type { TransactionKey } from './transaction/types.ts';
import { requestOf } from './user-agent-message.ts';

/** What may happen. */
interface Scope {
  /** Nothing is lost, and time does not run out. */
  fair: boolean;
  /** NOTIFYs on their way at once. */
  maxNotified: number;
  moods: readonly NotifierMood[];
}

const FAIR: Scope = {
  fair: true,
  maxNotified: 2,
  moods: ['grant', 'grant half', 'challenge', 'busy', 'forget'],
};
const FOUL: Scope = { fair: false, maxNotified: 2, moods: ['grant', 'busy', 'forget'] };
/** How often one lets itself be challenged is the explorer's matter. */
const MAX_CHALLENGES = 0;

interface Asked {
  id: number;
  spec: RequestSpec;
  response: SipResponse | null;
}

interface Node {
  client: SubscriptionState;
  notifier: Notifier;
  asked: Asked[];
  notified: SipRequest[];
  running: Partial<Record<SubscriptionTimer, number>>;
  /** Highest CSeq sent; last version told; the status that answered the last NOTIFY. */
  seq: number;
  told: number;
  answered: number;
  ended: boolean;
  left: boolean;
  gone: boolean;
}

const ROOT: Node = {
  client: aliceWatches(),
  notifier: { dialogs: {}, made: 0, version: 1 },
  asked: [],
  notified: [],
  running: {},
  seq: 0,
  told: 0,
  answered: 0,
  ended: false,
  left: false,
  gone: false,
};

const seqOf = ({ headers }: RequestSpec) => Number.parseInt(headers.find(([name]) => name === 'CSeq')?.[1] ?? '', 10);
const versionOf = ({ body }: SipRequest) => Number(Buffer.from(body).toString());
const subscribedOf = ({ dialogs }: Notifier): Subscribed | undefined => Object.values(dialogs)[0];

function copyOf(node: Node): Node {
  const { client, notifier } = node;
  const dialogs = Object.entries(notifier.dialogs).map(([tag, dialog]) => [tag, { ...dialog }] as const);
  return {
    ...node,
    client: { ...client, dialog: client.dialog && { ...client.dialog } },
    notifier: { ...notifier, dialogs: Object.fromEntries(dialogs) },
    asked: node.asked.map(one => ({ ...one })),
    notified: [...node.notified],
    running: { ...node.running },
  };
}

function input(node: Node, given: SubscriptionInput): void {
  const out: SubscriptionEffect[] = [];
  handleSubscription(node.client, given, out);
  for (const effect of out) perform(node, effect);
}

function perform(node: Node, effect: SubscriptionEffect): void {
  assert.ok(!node.gone, `${effect.type} behind the end`);
  switch (effect.type) {
    case 'send':
      assert.ok(seqOf(effect.spec) > node.seq, 'CSeq does not grow');
      assert.ok(node.asked.length === 0 || node.left, 'a SUBSCRIBE beside another');
      node.seq = seqOf(effect.spec);
      node.asked.push({ id: effect.id, spec: effect.spec, response: null });
      return;
    case 'respond':
      node.answered = effect.spec.status;
      return;
    case 'start-timer':
      node.running[effect.name] = effect.ms;
      return;
    case 'stop-timer':
      delete node.running[effect.name];
      return;
    case 'notified':
      assert.ok(versionOf(effect.request) >= node.told, 'told of what is of the past');
      node.told = versionOf(effect.request);
      return;
    case 'ended':
      node.ended = true;
      return;
    case 'gone':
      node.gone = true;
      return;
    default:
      effect satisfies never;
  }
}

/** An answer reaches the subscriber; whoever is gone hears nothing. */
function answer(node: Node, index: number): void {
  const [one] = node.asked.splice(index, 1);
  if (one === undefined || one.response === null || node.gone) return;
  const { id, response } = one;
  const authorization: Header | null = response.status === 401 ? ['Authorization', 'Digest x'] : null;
  input(node, { type: 'response', id, response, authorization });
}

/** A NOTIFY reaches the subscriber; true when its answer lets the subscription be. RFC 6665 4.2.2. */
function notify(node: Node, index: number): boolean {
  const [request] = node.notified.splice(index, 1);
  assert.ok(request);
  node.answered = 481;
  if (!node.gone) input(node, { type: 'notify', key: 'n' as TransactionKey, request });
  return node.answered === 200 || node.answered === 500;
}

const tagOf = (request: SipRequest) => String(request.headers.from()?.params.get('tag'));

function forget(node: Node, request: SipRequest): void {
  delete node.notifier.dialogs[tagOf(request)];
}

/** What holds at any time, and what both know when nothing is on its way and nothing was lost. */
function check(node: Node, { fair }: Scope): Node {
  const { client, notifier, running, gone } = node;
  assert.ok(Object.keys(notifier.dialogs).length <= 1, 'two subscriptions');
  assert.equal(gone, client.phase === 'ended');
  if (gone) assert.deepEqual(running, {}, 'timers run on');
  else assert.ok(!node.ended);
  if (!fair || node.asked.length > 0 || node.notified.length > 0 || client.seq === 0) return node;
  const subscribed = subscribedOf(notifier);
  assert.notEqual(client.phase, 'waiting');
  if (client.phase === 'leaving') {
    assert.ok(running.refresh !== undefined, 'it was left, and the notifier will not hear of it');
    return node;
  }
  assert.equal(client.phase === 'active', subscribed !== undefined, 'the sides disagree');
  if (subscribed === undefined) return node;
  assert.equal(node.told, notifier.version, 'the last word was not told');
  assert.equal((running.expiry ?? 0) / 1000, subscribed.grantedS, 'the sides disagree on the time');
  return node;
}

function explore(scope: Scope): Walked<Node> {
  return walk<Node>({
    root: ROOT,
    identity,
    *next(node) {
      for (const [name, change] of events(node, scope)) {
        yield [
          name,
          () => {
            const next = copyOf(node);
            change(next);
            return check(next, scope);
          },
        ];
      }
    },
    ended: ({ gone, asked, notified, notifier }) =>
      gone && asked.length + notified.length === 0 && subscribedOf(notifier) === undefined,
  });
}

/** Of numbers only the order counts: whatever is sent later is higher. */
function identity({ client, notifier, asked, notified, running, told, ended, left, gone }: Node): string {
  const { phase, raised, askedS, challenges, leadS, refusal, dialog, seq, open, again } = client;
  const subscribed = subscribedOf(notifier);
  return JSON.stringify([
    [
      phase,
      raised,
      askedS,
      challenges,
      leadS,
      refusal !== null,
      dialog?.remoteTag === subscribed?.tag,
      dialog !== null,
    ],
    [seq > 0, Object.entries(running).sort(), ended, left, gone, told === notifier.version],
    [open, again],
    subscribed?.grantedS,
    asked.map(({ id, spec, response }) => [
      id === client.id,
      spec.headers.find(([name]) => name === 'Expires')?.[1],
      seqOf(spec) <= (subscribed?.seq ?? 0),
      spec.headers.some(([name, value]) => name === 'To' && value.endsWith(`tag=${subscribed?.tag}`)),
      response?.status,
      response?.headers.get('Expires'),
    ]),
    notified.map(request => [
      request.headers.get('Subscription-State'),
      (request.headers.cseq()?.seq ?? 0) <= (dialog?.remoteSeq ?? 0),
      tagOf(request) === dialog?.remoteTag,
      [versionOf(request) >= told, versionOf(request) === notifier.version],
    ]),
  ]);
}

type Change = readonly [name: string, change: (next: Node) => void];

function* events(node: Node, scope: Scope): Generator<Change> {
  const { fair } = scope;
  yield* wishes(node);
  yield* notifierMoves(node, scope);
  for (const [index, { spec, response }] of node.asked.entries()) {
    if (response !== null) yield [`answer to ${seqOf(spec)}`, next => answer(next, index)];
    else if (node.notified.length < scope.maxNotified) yield* served(node, index, scope);
  }
  for (const index of node.notified.keys()) {
    const request = node.notified[index] as SipRequest;
    yield [
      `NOTIFY ${request.headers.cseq()?.seq}`,
      next => {
        if (!notify(next, index)) forget(next, request);
      },
    ];
    if (fair) continue;
    yield [
      `NOTIFY ${request.headers.cseq()?.seq}, its answer lost`,
      next => {
        notify(next, index);
        forget(next, request);
      },
    ];
    yield [
      `NOTIFY ${request.headers.cseq()?.seq} lost`,
      next => {
        next.notified.splice(index, 1);
        forget(next, request);
      },
    ];
  }
  if (!fair) yield* losses(node);
}

function* wishes(node: Node): Generator<Change> {
  yield ['subscribe', next => input(next, { type: 'subscribe' })];
  if (node.client.seq > 0) {
    yield [
      'unsubscribe',
      next => {
        next.left = true;
        input(next, { type: 'unsubscribe' });
      },
    ];
  }
  if (node.running.refresh !== undefined) {
    yield ['refresh', next => input(next, { type: 'timer', name: 'refresh' })];
  }
}

function* served(node: Node, index: number, { moods }: Scope): Generator<Change> {
  const one = node.asked[index] as Asked;
  const tired = node.client.challenges > MAX_CHALLENGES;
  for (const mood of moods) {
    if (tired && mood === 'challenge') continue;
    yield [
      `${mood} ${seqOf(one.spec)}`,
      next => {
        const { response, notify } = serveSubscribe(next.notifier, requestOf(one.spec, ''), mood);
        (next.asked[index] as Asked).response = response;
        if (notify !== null) next.notified.push(notify);
      },
    ];
  }
}

function* notifierMoves(node: Node, { fair, maxNotified }: Scope): Generator<Change> {
  const subscribed = subscribedOf(node.notifier);
  if (subscribed === undefined || node.notified.length >= maxNotified) return;
  const { tag } = subscribed;
  yield [
    'a change',
    next => {
      next.notifier.version += 1;
      next.notified.push(notifyOf(next.notifier, next.notifier.dialogs[tag] as Subscribed));
    },
  ];
  for (const reason of fair ? ['deactivated'] : ['deactivated', 'timeout']) {
    yield [
      reason,
      next => {
        const last = endDialog(next.notifier, tag, reason);
        if (last !== null) next.notified.push(last);
      },
    ];
  }
}

function* losses(node: Node): Generator<Change> {
  for (const [index, { id, spec }] of node.asked.entries()) {
    for (const cause of ['timeout', 'transport'] as const) {
      yield [
        `${cause} of ${seqOf(spec)}`,
        next => {
          next.asked.splice(index, 1);
          if (!next.gone) input(next, { type: 'failure', id, cause });
        },
      ];
    }
  }
  for (const name of ['n', 'expiry'] as const) {
    if (node.running[name] !== undefined) yield [name, next => input(next, { type: 'timer', name })];
  }
}

test('EVT-02 a subscriber and a notifier agree on subscription, time and state whenever nothing is on its way', () => {
  const { nodes, steps } = explore(FAIR);
  assert.ok(nodes.length > 1000, `${nodes.length} nodes, ${steps} steps`);
});

test('EVT-02 whatever is lost, both sides end, once, and nothing of the past is told', () => {
  const { nodes, steps } = explore(FOUL);
  assert.ok(nodes.length > 1000, `${nodes.length} nodes, ${steps} steps`);
});
