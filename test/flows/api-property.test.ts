/** Any order of API calls and network events, over a store that takes its time and a sink that fails now and then: every answer is the table's, every session has one end, nothing is left. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CallId } from '../../src/ep-cscf/ids.ts';
import type { Store } from '../../src/ep-cscf/ports.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { browserOffer, imsSdp } from '../support/core-world.ts';
import { fc } from '../support/property.ts';
import { SCALE } from '../support/scale.ts';
import { deviceId, dial, put, register, subscribe } from '../support/steps.ts';
import { CALLS, REGISTRATION, type WholeGateway, wholeGateway } from '../support/whole-gateway.ts';

const NUMBER = '+15550100001';

/** One step: what to do, and two numbers it takes its choices from. */
type Step = [op: number, a: number, b: number];
type Phase = 'out' | 'in' | 'answered';

interface World {
  g: WholeGateway;
  registrations: string[];
  calls: CallId[];
  /** Sessions of calls out. */
  made: string[];
}

const BEFORE = ['Initial', 'InProgress', 'Ringing', 'Proceeding', 'Waiting'];
const FINAL = ['Terminated', 'SessionCancelled', 'Declined', 'Failed', 'NoAnswer', 'NotReachable', 'Busy'];
/** What a PUT without a new offer may be answered with. A repeat of the last one is always 200. CAMARA digest 6.4. */
const TABLE: Readonly<Record<string, Readonly<Record<Phase, readonly number[]>>>> = {
  InProgress: { out: [200, 409], in: [200], answered: [409] },
  Ringing: { out: [409], in: [200], answered: [409] },
  Connected: { out: [409], in: [200, 400], answered: [200, 409] },
  Hold: { out: [409], in: [409], answered: [200] },
  Resume: { out: [409], in: [409], answered: [200, 409] },
  Declined: { out: [409], in: [200], answered: [409] },
  Busy: { out: [409], in: [200], answered: [409] },
  Waiting: { out: [400], in: [400], answered: [400] },
  Terminated: { out: [400], in: [400], answered: [400] },
};
const WORDS = Object.keys(TABLE);

function pick<T>(list: readonly T[], n: number): T | undefined {
  return list[n % Math.max(1, list.length)];
}

/** Every commit is done one to three turns later, in order. */
function unhurriedStore(): Store {
  const memory = createMemoryStore();
  let last = Promise.resolve();
  let commits = 0;
  return {
    ...memory,
    commit(writes) {
      commits += 1;
      const turns = commits % 4;
      if (turns === 0) return memory.commit(writes);
      last = last.then(async () => {
        for (let i = 0; i < turns; i += 1) await new Promise(resolve => setImmediate(resolve));
        await memory.commit(writes);
      });
      return last;
    },
  };
}

/** Sessions that events or answers have told of. */
function sessionsOf({ g, made }: World): string[] {
  return [...new Set([...made, ...g.delivered.flatMap(({ event }) => event.data.mediaSessionId ?? [])])];
}

/** One of those that have not ended, as a rule. */
function sessionOf(w: World, n: number): string | undefined {
  const ended = new Set(
    w.g.delivered
      .filter(({ event }) => FINAL.includes(event.data.status))
      .map(({ event }) => event.data.mediaSessionId),
  );
  const all = sessionsOf(w);
  return pick(n % 8 === 0 ? all : all.filter(id => !ended.has(id)), n);
}

async function change(w: World, id: string, a: number, b: number): Promise<void> {
  const shown = await w.g.call('ada', 'GET', `${CALLS}/sessions/${id}`);
  const status = pick(WORDS, a) ?? '';
  const got = await put(w.g, 'ada', id, { status, ...(b % 2 === 0 ? {} : { answer: { sdp: browserOffer('b') } }) });
  if (shown.status === 404) {
    assert.equal(got.status, 404);
    return;
  }
  const incoming = w.g.delivered.some(
    ({ event }) => event.data.mediaSessionId === id && event.type.endsWith('.session-invitation'),
  );
  const phase = BEFORE.includes(shown.body.status) ? (incoming ? 'in' : 'out') : 'answered';
  // An answer that nobody asked for is refused like a status out of place.
  const also = b % 2 === 1 && phase !== 'in' ? [409] : [];
  const may = [...(TABLE[status]?.[phase] ?? []), ...also];
  assert.ok(may.includes(got.status), `PUT ${status} in ${shown.body.status} (${phase}): ${got.status}`);
}

async function network(w: World, a: number, b: number): Promise<void> {
  // As a rule the newest: the others have ended.
  const call = b % 4 === 0 ? pick(w.calls, b) : w.calls.at(-1);
  if (call === undefined) return;
  const { network: core } = w.g;
  switch (a % 6) {
    case 0:
      return core.progress(call, pick([180, 181, 182, 183], b) ?? 180, b % 3 === 0 ? imsSdp() : null);
    case 1:
      return core.answered(call);
    case 2:
      return core.rejected(call, pick([404, 486, 503, 603], b) ?? 500, 'Refused');
    case 3:
      return core.ended(call);
    case 4: {
      const leg = sessionOf(w, b);
      return leg === undefined ? undefined : core.give({ type: 'media-connected', owner: call, leg: leg as never });
    }
    default:
      return core.give({
        type: 'ims-cancelled',
        owner: call,
        outcome: { code: 0, phrase: '', q850: null, local: null, reason: null },
      });
  }
}

async function step(w: World, [op, a, b]: Step): Promise<void> {
  const { g } = w;
  const session = sessionOf(w, b);
  const registration = pick(w.registrations, a);
  switch (op) {
    case 0:
      w.calls.push(g.network.invite(NUMBER));
      break;
    case 1: {
      if (registration === undefined) break;
      const { status, body } = await dial(g, 'ada', registration);
      assert.ok([201, 403, 429].includes(status), String(status));
      await g.settle();
      if (status !== 201) break;
      w.made.push(body.mediaSessionId);
      w.calls.push(g.network.lastCall());
      break;
    }
    case 2:
    case 3:
    case 4:
      if (session !== undefined) await change(w, session, a, b);
      break;
    case 5:
      if (session !== undefined) {
        const all = await Promise.all([a, a + 1, b].map(n => put(g, 'ada', session, { status: pick(WORDS, n) })));
        for (const { status } of all) assert.ok([200, 400, 404, 409].includes(status), String(status));
      }
      break;
    case 6:
      if (session !== undefined) await g.call('ada', 'DELETE', `${CALLS}/sessions/${session}`);
      break;
    case 7:
      await g.advance(1 + a * 300);
      break;
    default:
      await network(w, a, b);
  }
  await g.settle();
}

async function finish(w: World): Promise<void> {
  const { g, registrations } = w;
  for (const id of registrations) await g.call('ada', 'DELETE', `${REGISTRATION}/sessions/${id}`);
  await g.advance(120_000);
  for (const id of sessionsOf(w)) {
    assert.equal((await g.call('ada', 'GET', `${CALLS}/sessions/${id}`)).status, 404);
    const told = new Map(
      g.delivered.filter(({ event }) => event.data.mediaSessionId === id).map(({ event }) => [event.id, event.data]),
    );
    const numbers = [...told.values()].map(data => data.sequenceNumber);
    assert.deepEqual(
      numbers,
      numbers.map((_, i) => i + 1),
    );
    assert.deepEqual(
      [...told.values()].map(data => FINAL.includes(data.status)),
      numbers.map(n => n === numbers.length),
    );
  }
  const { subscriptions, ...sizes } = g.sizes();
  assert.equal(subscriptions, 2);
  assert.deepEqual(
    Object.values(sizes),
    Object.values(sizes).map(() => 0),
    JSON.stringify(sizes),
  );
}

test('6 any order of calls to the API and of what the network does', async () => {
  const steps = fc.array(fc.tuple(fc.nat(11), fc.nat(60), fc.nat(60)), { minLength: 25, maxLength: 60 });
  await fc.assert(
    fc.asyncProperty(steps, async chosen => {
      const g = await wholeGateway({ store: unhurriedStore() });
      let attempts = 0;
      g.answer = () => {
        attempts += 1;
        return { type: 'answered', status: attempts % 5 === 0 ? 503 : 204, retryAfterMs: null };
      };
      const w: World = { g, registrations: [], calls: [], made: [] };
      for (const n of [1, 2]) {
        await subscribe(g, 'ada', n, `https://app.example.com/${deviceId(n)}`);
        w.registrations.push(await register(g, 'ada', n));
      }
      for (const one of [[0, 0, 0], [1, 0, 0], ...chosen] satisfies Step[]) await step(w, one);
      await finish(w);
    }),
    { numRuns: 40 * SCALE, endOnFailure: true },
  );
});
