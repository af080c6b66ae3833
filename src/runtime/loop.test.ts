import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turns } from 'node:timers/promises';
import type { Effect, Write } from '../ep-cscf/effect.ts';
import type { CallId, Ref } from '../ep-cscf/ids.ts';
import type { ImsInput, Input } from '../ep-cscf/input.ts';
import type { Store } from '../ep-cscf/ports.ts';
import { createLoop } from './loop.ts';
import { createMetrics } from './metrics.ts';
import { createTimerWheel } from './timer-wheel.ts';

const OWNER = 'caaaaaaaaaaaaaaaaaaaaaaaaaa' as CallId;
const word = (phrase: string): Input =>
  ({ type: 'ims-ended', owner: OWNER, phrase }) as unknown as Extract<ImsInput, { type: 'ims-ended' }>;
const kept = (key: string): Effect => ({ type: 'store', write: { op: 'put', kind: 'call', key, value: {} } });
const said = (phrase: string): Effect => ({ type: 'ims.reject', owner: OWNER, ref: 1 as Ref, code: 486, phrase });

/** A loop whose core does what the test says for the phrase of each input, and everything that happened, in order. */
function bench(script: Record<string, Effect[]>, commit: Store['commit'] = () => undefined) {
  const story: string[] = [];
  let planned = 0;
  const wheel = createTimerWheel(() => 0, null);
  const refuse = () => assert.fail('not asked for');
  const log = { debug() {}, info() {}, warn() {}, error: (_: object, text: string) => story.push(text) };
  const loop = createLoop({
    core: {
      handle(input, _now, out) {
        const phrase = input.type === 'timer' ? `timer ${input.name}` : (input as unknown as { phrase: string }).phrase;
        story.push(`handle ${phrase}`);
        if (phrase === 'broken') throw new Error('broken');
        out.push(...(script[phrase] ?? []));
      },
      sizes: () => ({ bindings: 0, registrations: 0, calls: 0, legs: 0 }),
      leases: () => [],
    },
    clock: { now: () => 0 } as never,
    wheel,
    store: {
      load: refuse,
      close: refuse,
      commit(writes: readonly Write[]) {
        story.push(`commit ${writes.map(write => write.key).join(' ')}`);
        return commit(writes);
      },
    },
    ims: {
      run(effect) {
        story.push(`ims ${(effect as { phrase: string }).phrase}`);
        const next = script[`after ${(effect as { phrase: string }).phrase}`];
        if (next !== undefined) loop.emit(word('next'));
      },
    },
    media: { run: refuse },
    events: {
      plan() {
        planned += 1;
        return [];
      },
      planned: () => planned,
      dispatch: upTo => void story.push(`dispatch ${upTo}`),
    },
    log: log as never,
    metrics: createMetrics(),
  });
  return { loop, story, wheel };
}

test('inputs that wait together are handled in their order and share one commit; the world hears after it', async () => {
  const { loop, story } = bench({ a: [kept('1'), said('one')], b: [said('two'), kept('2')], c: [said('three')] });
  for (const phrase of ['a', 'b', 'c']) loop.emit(word(phrase));
  assert.deepEqual(story, [], 'nothing runs inside emit');
  await turns();
  assert.deepEqual(story, ['handle a', 'handle b', 'handle c', 'commit 1 2', 'ims one', 'ims two', 'ims three']);
});

test('what a port answers at once is handled in the same turn, after all effects', async () => {
  const { loop, story } = bench({ a: [said('one'), said('two')], 'after one': [] });
  loop.emit(word('a'));
  await turns();
  assert.deepEqual(story, ['handle a', 'ims one', 'ims two', 'handle next']);
});

test('while the store works on a commit others are handled, and the world hears of each after its own, in their order', async () => {
  const held = [0, 1].map(() => Promise.withResolvers<void>());
  let commits = 0;
  const script = { a: [kept('1'), said('one')], b: [kept('2'), said('two')], c: [said('three')] };
  const { loop, story } = bench(script, () => held[commits++]?.promise);
  for (const phrase of ['a', 'b', 'c']) {
    loop.emit(word(phrase));
    await turns();
  }
  assert.deepEqual(story.splice(0), ['handle a', 'commit 1', 'handle b', 'commit 2', 'handle c']);
  held[1]?.resolve();
  await turns();
  assert.deepEqual(story, [], 'told before what came first was kept');
  held[0]?.resolve();
  await turns();
  assert.deepEqual(story, ['ims one', 'ims two', 'ims three']);
});

test('a store that takes no end of time is given no more than so many commits; inputs then wait and share one', async () => {
  const held: Array<() => void> = [];
  const script = Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`${i}`, [kept(`${i}`)]]));
  const { loop, story } = bench(script, () => new Promise(resolve => held.push(resolve)));
  for (const phrase of Object.keys(script)) {
    loop.emit(word(phrase));
    await turns();
  }
  assert.equal(held.length, 32);
  assert.equal(loop.sizes().queued, 8);
  story.length = 0;
  held[0]?.();
  await turns();
  await turns();
  assert.equal(story.at(-1), 'commit 32 33 34 35 36 37 38 39');
  assert.equal(loop.sizes().queued, 0);
});

test('no event is dispatched while its commit is under way, though the one before it goes', async () => {
  const held = Promise.withResolvers<void>();
  const publish = { type: 'event.publish', owner: OWNER } as unknown as Effect;
  const { loop, story } = bench(
    { a: [publish, said('one')], 'after one': [], next: [publish, kept('2')] },
    () => held.promise,
  );
  loop.emit(word('a'));
  await turns();
  await turns();
  assert.deepEqual(story, ['handle a', 'ims one', 'handle next', 'commit 2', 'dispatch 1']);
  held.resolve();
  await turns();
  await turns();
  assert.deepEqual(story.slice(5), ['dispatch 2']);
});

test('an input the core fails on is lost alone', async () => {
  const { loop, story } = bench({ a: [said('one')], b: [said('two')] });
  for (const phrase of ['a', 'broken', 'b']) loop.emit(word(phrase));
  await turns();
  assert.deepEqual(story.slice(-2), ['ims one', 'ims two']);
  assert.ok(story.includes('the core failed on an input'));
});

test('a timer that has fired is dropped when an input before it in the same turn stops it or starts it anew', async () => {
  const start: Effect = { type: 'timer.start', owner: OWNER, name: 'ring' as never, ms: 10 };
  const stop: Effect = { type: 'timer.stop', owner: OWNER, name: 'ring' as never };
  for (const [second, running] of [
    [stop, 0],
    [start, 1],
  ] as const) {
    const { loop, story, wheel } = bench({ a: [start], b: [second] });
    loop.emit(word('a'));
    await turns();
    loop.emit(word('b'));
    wheel.advance(1000);
    await turns();
    assert.deepEqual(story, ['handle a', 'handle b']);
    assert.deepEqual([loop.sizes(), wheel.size], [{ queued: 0, asked: 0 }, running]);
    wheel.advance(2000);
    await turns();
    assert.deepEqual(story.slice(2), running === 0 ? [] : ['handle timer ring']);
  }
});

test('after its end nothing is handled and nothing is told, and whoever asks gets an answer', async () => {
  const held = Promise.withResolvers<void>();
  const start: Effect = { type: 'timer.start', owner: OWNER, name: 'ring' as never, ms: 10 };
  const { loop, story, wheel } = bench({ a: [start, kept('1'), said('one')] }, () => held.promise);
  loop.emit(word('a'));
  await turns();
  const asked = loop.ask({ type: 'snapshot', ref: 7 as Ref } as never);
  loop.close();
  assert.equal((await asked).ok, false);
  assert.equal((await loop.ask({ type: 'snapshot', ref: 8 as Ref } as never)).ok, false);
  held.resolve();
  wheel.advance(1000);
  loop.emit(word('a'));
  await turns();
  assert.deepEqual(story, ['handle a', 'commit 1']);
  assert.equal(loop.sizes().queued, 0);
});

test('events leave at once when asked to, and once', async () => {
  const publish = { type: 'event.publish', owner: OWNER } as unknown as Effect;
  const { loop, story } = bench({ a: [publish, said('one')] });
  loop.flush();
  loop.emit(word('a'));
  await new Promise<void>(resolve => {
    setImmediate(() => {
      loop.flush();
      resolve();
    });
  });
  assert.deepEqual(story, ['handle a', 'ims one', 'dispatch 1']);
  await turns();
  await turns();
  assert.deepEqual(story, ['handle a', 'ims one', 'dispatch 1']);
});
