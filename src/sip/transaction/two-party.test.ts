/** A caller and a called party over two layers on a bad network: whatever happens, both end and nothing is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/property.ts';
import { SCALE } from '../../../test/support/scale.ts';
import {
  createFakeClock,
  createFakeNetwork,
  type FakeClock,
  seeded,
  type Weather,
} from '../../../test/support/sip-world.ts';
import { createRequest, createResponse } from '../message/build.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { createTransactionLayer, type DrivenTransactionLayer } from './layer.ts';
import type { Target, TransactionKey } from './types.ts';

const ALICE = '192.0.2.1';
const BOB = '192.0.2.2';
const GUARD_MS = 100_000;

type Result = 'answered' | 'refused' | 'none';

interface Plan {
  /** What Bob does, and when after the INVITE reached him, in ms. */
  bob: { answer: 200 | 486; afterMs: number; ringing: boolean };
  /** When Alice gives up, in ms; null: never. */
  cancelAfterMs: number | null;
  transport: 'udp' | 'tcp';
  weather: Weather;
  seed: number;
}

/** The calling user: one INVITE, ACKs of 2xx, a BYE when she had cancelled too late. */
function caller(layer: () => DrivenTransactionLayer, target: Target, now: () => number) {
  const invite = createRequest('INVITE', `sip:bob@${BOB}`, [
    ['Max-Forwards', '70'],
    ['From', `<sip:alice@${ALICE}>;tag=a`],
    ['To', `<sip:bob@${BOB}>`],
    ['Call-ID', 'one-call'],
    ['CSeq', '1 INVITE'],
  ]);
  const heard: number[] = [];
  let result: Result | null = null;
  let ends = 0;
  let endedAt = -1;
  let key: TransactionKey | null = null;

  function onResponse(response: SipResponse): void {
    heard.push(response.status);
    if (response.status < 200) return;
    if (response.status >= 300) {
      finish('refused');
      return;
    }
    layer().sendAck(within('ACK', 1, response), target);
    if (result === null) finish('answered');
    else assert.equal(result, 'answered', 'a 2xx behind another final word');
  }

  function finish(as: Result): void {
    ends += 1;
    endedAt = now();
    assert.equal(ends, 1, 'told twice how it ended');
    result = as;
  }

  function within(method: string, seq: number, response: SipResponse): SipRequest {
    return createRequest(method, `sip:bob@${BOB}`, [
      ['Max-Forwards', '70'],
      ['From', invite.headers.get('From') ?? ''],
      ['To', response.headers.get('To') ?? ''],
      ['Call-ID', 'one-call'],
      ['CSeq', `${seq} ${method}`],
    ]);
  }

  return {
    call() {
      key = layer().request(invite, target, { onResponse, onFailure: () => finish('none') });
    },
    cancel() {
      if (key !== null) layer().cancel(key, [['Reason', 'SIP;cause=200']]);
    },
    result: () => result,
    endedAt: () => endedAt,
    heard,
  };
}

/** The called user: answers as planned, repeats its 2xx until the ACK or 64*T1 (RFC 3261 13.3.1.4), says 487 to a CANCEL. */
function called(layer: () => DrivenTransactionLayer, clock: FakeClock, plan: Plan['bob']) {
  let result: Result | null = null;
  let acked = false;
  let invites = 0;
  let failures = 0;

  function answer(key: TransactionKey, request: SipRequest): void {
    if (!layer().isPending(key)) return;
    const response = createResponse(request, plan.answer, undefined, { toTag: 'b' });
    result = plan.answer === 200 ? 'answered' : 'refused';
    layer().respond(key, response);
    if (plan.answer === 200) clock.later(500, () => repeat(key, response, 500, clock.now()));
  }

  function repeat(key: TransactionKey, response: SipResponse, interval: number, since: number): void {
    if (acked || clock.now() - since > 32_000) return;
    layer().respond(key, response);
    const next = Math.min(2 * interval, 4000);
    clock.later(next, () => repeat(key, response, next, since));
  }

  return {
    user: {
      onRequest(request: SipRequest, key: TransactionKey): void {
        if (request.method !== 'INVITE') {
          layer().respond(key, createResponse(request, 200));
          return;
        }
        invites += 1;
        if (plan.ringing) layer().respond(key, createResponse(request, 180, undefined, { toTag: 'b' }));
        // Never inside this turn only: half of the plans answer at once.
        if (plan.afterMs === 0) answer(key, request);
        else clock.later(plan.afterMs, () => answer(key, request));
        pending.set(key, request);
      },
      onAck(): void {
        // The ACK of a refusal whose transaction has timed out comes here too: a stray.
        if (result === 'answered') acked = true;
      },
      onCancel(key: TransactionKey): void {
        const request = pending.get(key);
        assert.ok(request && layer().isPending(key), 'CANCEL told for what is not pending');
        result = 'refused';
        layer().respond(key, createResponse(request, 487, undefined, { toTag: 'b' }));
      },
      onServerFailure(): void {
        failures += 1;
      },
    },
    result: () => result,
    acked: () => acked,
    invites: () => invites,
    failures: () => failures,
  };
}

const pending = new Map<TransactionKey, SipRequest>();

/** Plays one call to its end and gives what both sides think of it. */
function play(plan: Plan) {
  pending.clear();
  const clock = createFakeClock();
  const random = seeded(plan.seed);
  const network = createFakeNetwork(clock, random, plan.weather);
  const [a, b] = [network.node(ALICE), network.node(BOB)];
  const token = () => Math.floor(random() * 2 ** 52).toString(36);
  const common = { timers: clock.timers, now: clock.now, random: token };
  const alice = caller(() => aliceLayer, { transport: plan.transport, host: BOB, port: 5060 }, clock.now);
  const bob = called(() => bobLayer, clock, plan.bob);
  const nobody = { onRequest() {}, onAck() {}, onCancel() {}, onServerFailure() {} };
  const aliceLayer = createTransactionLayer({ ...common, wire: a.wire, user: nobody, singleVia: true, log: fail });
  const bobLayer = createTransactionLayer({ ...common, wire: b.wire, user: bob.user, log: fail });
  a.receive = aliceLayer.receive;
  b.receive = bobLayer.receive;
  alice.call();
  if (plan.cancelAfterMs !== null) clock.later(plan.cancelAfterMs, alice.cancel);
  // Every caller needs patience of its own: once a 1xx came no timer of the machine bounds the wait for a final response.
  clock.later(GUARD_MS, alice.cancel);
  const quiet = clock.drain(300_000);
  return { clock, quiet, endedAt: alice.endedAt(), alice, bob, aliceLayer, bobLayer, a, b };
}

/** The layer logs only what should not happen: a throw of its user, here a failed assertion. */
function fail(_level: string, message: string, fields: Readonly<Record<string, unknown>>): void {
  assert.fail(`${message}: ${fields['error']}`);
}

function everythingEnded(plan: Plan, game: ReturnType<typeof play>): void {
  const { alice, bob } = game;
  assert.ok(game.quiet, 'something goes on for ever');
  assert.equal(game.aliceLayer.size, 0, 'the caller keeps transactions');
  assert.equal(game.bobLayer.size, 0, 'the called party keeps transactions');
  assert.equal(game.clock.running, 0, 'timers run on');
  assert.ok(bob.invites() <= 1, 'a copy of the INVITE was told as a new one');
  assert.notEqual(alice.result(), null, 'the caller never heard the end');
  if (bob.invites() === 1) assert.notEqual(bob.result(), null, 'the called party never ended');
  if (alice.result() !== 'none') assert.equal(alice.result(), bob.result(), 'the parties disagree');
  if (bob.acked()) assert.equal(alice.result(), 'answered');
  if (plan.cancelAfterMs === null && alice.heard.includes(487)) assert.fail('487 without a CANCEL');
}

const weather = fc.record({
  loss: fc.constantFrom(0, 0.1, 0.3, 0.6),
  copies: fc.constantFrom(0, 0.3),
  delayMs: fc.constantFrom(1, 50, 400),
  jitterMs: fc.constantFrom(0, 20, 1500),
});

const plans: fc.Arbitrary<Plan> = fc.record({
  bob: fc.record({
    answer: fc.constantFrom(200 as const, 486 as const),
    afterMs: fc.constantFrom(0, 1, 700, 5000, 40_000),
    ringing: fc.boolean(),
  }),
  cancelAfterMs: fc.option(fc.constantFrom(0, 1, 60, 500, 701, 4999, 33_000)),
  transport: fc.constantFrom('udp' as const, 'tcp' as const),
  weather,
  seed: fc.nat(),
});

test('an INVITE answered, refused or cancelled in any interleaving ends on both sides and leaves nothing', () => {
  fc.assert(
    fc.property(plans, plan => everythingEnded(plan, play(plan))),
    { numRuns: 400 * SCALE },
  );
});

test('on a network that loses less than it carries the parties always agree', () => {
  const fair = plans.map(plan => ({ ...plan, weather: { ...plan.weather, loss: Math.min(plan.weather.loss, 0.1) } }));
  fc.assert(
    fc.property(fair, plan => {
      const game = play(plan);
      everythingEnded(plan, game);
      assert.equal(game.alice.result(), game.bob.result());
      assert.equal(game.bob.failures(), 0);
      if (game.bob.result() === 'answered') assert.ok(game.bob.acked(), 'the ACK never came');
    }),
    { numRuns: 200 * SCALE },
  );
});

test('with nothing carried the caller times out after 64*T1 and seven INVITEs', () => {
  const plan: Plan = {
    bob: { answer: 200, afterMs: 0, ringing: false },
    cancelAfterMs: 100,
    transport: 'udp',
    weather: { loss: 1, copies: 0, delayMs: 1, jitterMs: 0 },
    seed: 1,
  };
  const game = play(plan);
  everythingEnded(plan, game);
  assert.equal(game.alice.result(), 'none');
  assert.equal(game.endedAt, 32_000);
  assert.deepEqual(game.a.sent, Array(7).fill(`INVITE sip:bob@${BOB} SIP/2.0`));
});
