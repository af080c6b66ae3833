/** Order, retry, expiry and restart of what is owed to https sinks. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  alice,
  createRig,
  DEVICE,
  DOWN,
  type Got,
  OK,
  registrationEnds,
  session,
  short,
  status,
} from '../../test/support/event-rig.ts';
import { settled } from '../../test/support/manual-clock.ts';
import { fc } from '../../test/support/property.ts';
import { SCALE } from '../../test/support/scale.ts';
import { silentLog } from '../runtime/log.ts';
import { createMemoryStore } from '../store/memory.ts';

describe('8.5 the outbox', () => {
  it('delivers to every matching subscription and to no other', async () => {
    const rig = createRig();
    const bob = { ...alice, subject: 'bob', number: '+15550100002' } as typeof alice;
    const server = { ...alice, subject: null, number: null, legs: 2 } as typeof alice;
    const mine = await rig.subscribe();
    const second = await rig.subscribe({ types: ['session-status'] });
    await rig.subscribe({}, bob);
    await rig.subscribe({}, { ...alice, clientId: 'other' });
    await rig.subscribe({ deviceId: DEVICE.replace('1', '2') });
    await rig.subscribe({ types: ['registration-ends'] });
    // The same user and device with another number: its events are not theirs.
    await rig.subscribe({}, { ...alice, number: '+15550100003' } as typeof alice);
    const backend = await rig.subscribe({}, server);
    rig.publish(session('m1', 2));
    await settled();
    assert.deepEqual(rig.got.map(got => got.event.data['subscriptionId']).sort(), [mine, second].sort());
    rig.publish(session('m2', 2), { legs: 2, subject: null });
    await settled();
    assert.deepEqual(
      rig.got.slice(2).map(got => got.event.data['subscriptionId']),
      [backend],
    );
    assert.equal(rig.events.sizes().backlog, 0);
  });

  it('stores an event before it sends it and forgets it once delivered', async () => {
    const rig = createRig();
    await rig.subscribe();
    rig.answer = () => DOWN;
    rig.publish(session('m1', 1));
    assert.equal(rig.store.load('outbox').length, 1);
    rig.answer = () => OK;
    await rig.clock.advance(1000);
    assert.equal(rig.store.load('outbox').length, 0);
  });

  it('says accepted once, for the first sink that takes an invitation', async () => {
    const rig = createRig();
    await rig.subscribe();
    await rig.subscribe({ sink: 'https://app.example.com/2' });
    rig.answer = request => (request.url.endsWith('2') ? status(404) : OK);
    rig.publish(session('m1', 1));
    assert.deepEqual(rig.told, []);
    await settled();
    assert.deepEqual(rig.told, [{ type: 'invitation-accepted', owner: 'c1', leg: 'm1' }]);
    assert.equal(rig.events.sizes().invitations, 0);
  });

  it('says undeliverable at once when nobody subscribed, but not before it returned', async () => {
    const rig = createRig();
    await rig.subscribe({ types: ['session-status'] });
    rig.publish(session('m1', 1));
    assert.deepEqual(rig.told, []);
    await settled();
    assert.deepEqual(rig.told, [{ type: 'invitation-undeliverable', owner: 'c1', leg: 'm1' }]);
  });

  it('says undeliverable when every sink failed for good', async () => {
    const rig = createRig();
    await rig.subscribe();
    await rig.subscribe({ sink: 'https://app.example.com/2' });
    rig.answer = request => (request.url.endsWith('2') ? status(404) : DOWN);
    rig.publish(session('m1', 1));
    await rig.clock.advance(29_000);
    assert.deepEqual(rig.told, []);
    await rig.clock.advance(2000);
    assert.deepEqual(rig.told, [{ type: 'invitation-undeliverable', owner: 'c1', leg: 'm1' }]);
  });

  it('tries again after 0.5, 1, 2, 4, 8 s and the last time when it gives up', async () => {
    const rig = createRig();
    await rig.subscribe();
    rig.answer = () => status(408);
    const start = rig.clock.now();
    rig.publish(session('m1', 2));
    await rig.clock.advance(60_000);
    assert.deepEqual(
      rig.tried.map(got => got.at - start),
      [0, 500, 1500, 3500, 7500, 15_500, 30_000],
    );
    assert.equal(new Set(rig.tried.map(got => got.event.id)).size, 1);
    assert.equal(rig.events.sizes().backlog, 0);
    assert.equal(rig.clock.waiting(), 1);
  });

  it('starts over with short pauses for the next event', async () => {
    const rig = createRig();
    await rig.subscribe();
    rig.answer = () => status(408);
    rig.publish(session('m1', 2));
    rig.publish(session('m1', 3));
    await rig.clock.advance(2000);
    rig.answer = request => (request.body.includes('"sequenceNumber":2') ? OK : status(408));
    await rig.clock.advance(2000);
    const start = rig.got[0]?.at ?? 0;
    assert.deepEqual(
      rig.tried.slice(4).map(got => got.at - start),
      [0, 500],
    );
  });

  it('tries an end event once, however late the ones before it left', async () => {
    const rig = createRig();
    const id = await rig.subscribe();
    // Each answer takes three seconds to fail.
    rig.answer = () => new Promise(resolve => rig.clock.setTimer(3000, () => resolve(status(408))));
    rig.publish(registrationEnds('r1'));
    await rig.events.subscriptions.remove(alice, id, 'c');
    await rig.clock.advance(620_000);
    const ends = rig.tried.filter(got => short(got) === 'subscription-ended');
    assert.equal(ends.length, 1);
    assert.equal(rig.events.sizes().backlog, 0);
  });

  it('makes room behind the event that is under way, not in its place', async () => {
    const rig = createRig({ sink: { queueLength: 8 } });
    await rig.subscribe();
    let release: (answer: typeof DOWN) => void = () => {};
    rig.answer = () => new Promise(resolve => (release = resolve));
    for (let n = 2; n <= 10; n += 1) rig.publish(session('m1', n));
    rig.answer = () => OK;
    release(DOWN);
    await rig.clock.advance(500);
    assert.deepEqual(rig.got.map(short), ['m1:2', 'm1:4', 'm1:5', 'm1:6', 'm1:7', 'm1:8', 'm1:9', 'm1:10']);
  });

  it('holds an event back for the earlier one of its call only', async () => {
    const rig = createRig();
    await rig.subscribe();
    let release: (answer: typeof OK) => void = () => {};
    rig.answer = request => (request.body.includes('"m1"') ? new Promise(resolve => (release = resolve)) : OK);
    rig.publish(session('m1', 1));
    rig.publish(session('m1', 2));
    rig.publish(session('m2', 1));
    rig.publish(session('m2', 2));
    await settled();
    assert.deepEqual(rig.tried.map(short), ['m1:1', 'm2:1', 'm2:2']);
    release(status(500));
    await settled();
    assert.equal(rig.tried.length, 3);
    rig.answer = () => OK;
    await rig.clock.advance(500);
    assert.deepEqual(rig.tried.slice(3).map(short), ['m1:1', 'm1:2']);
  });

  it('drops an event that is refused and goes on with the next', async () => {
    const rig = createRig();
    await rig.subscribe();
    for (const refusal of [status(400), status(302), status(413), { type: 'blocked', reason: 'private' } as const]) {
      rig.answer = () => refusal;
      rig.publish(session('m1', 2));
      await settled();
      assert.equal(rig.events.sizes().backlog, 0);
    }
    assert.equal(rig.tried.length, 4);
  });

  it('tells the operator once in ten seconds that events are lost, never what they held', async () => {
    const lines: object[] = [];
    const log = { ...silentLog, warn: (fields: object, message: string) => void lines.push({ ...fields, message }) };
    const rig = createRig({ log });
    await rig.subscribe();
    rig.answer = () => status(400);
    const publish = async () => {
      rig.publish(session('m1', 2, { offer: 'v=0' }));
      await settled();
    };
    for (let n = 0; n < 5; n += 1) await publish();
    await rig.clock.advance(10_000);
    await publish();
    const message = 'Events did not reach their sinks.';
    const trouble = { sink: 'app.example.com', reason: 'status 400', message: 'A sink did not take an event.' };
    assert.deepEqual(lines, [
      { ...trouble, attempts: 1 },
      { outcome: 'refused', events: 1, message },
      { ...trouble, attempts: 5 },
      { outcome: 'refused', events: 5, message },
    ]);
  });

  it('tells the operator at once which sink cannot be reached, and why', async () => {
    const lines: object[] = [];
    const log = { ...silentLog, warn: (fields: object, message: string) => void lines.push({ ...fields, message }) };
    const rig = createRig({ log });
    await rig.subscribe();
    rig.answer = () => ({ type: 'failed', reason: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    rig.publish(session('m1', 2));
    await rig.clock.advance(2000);
    assert.ok(rig.tried.length > 1);
    assert.deepEqual(lines, [
      {
        sink: 'app.example.com',
        reason: 'DEPTH_ZERO_SELF_SIGNED_CERT',
        attempts: 1,
        message: 'A sink did not take an event.',
      },
    ]);
  });

  it('honours Retry-After, and gives up at once when it is too long', async () => {
    const rig = createRig();
    await rig.subscribe();
    rig.answer = () => status(429, 7000);
    rig.publish(session('m1', 2));
    await rig.clock.advance(6999);
    assert.equal(rig.tried.length, 1);
    rig.answer = () => status(429, 60_000);
    await rig.clock.advance(1);
    assert.equal(rig.tried.length, 2);
    assert.equal(rig.events.sizes().backlog, 0);
  });

  it('ends the subscription on 410 and drops what it is owed', async () => {
    const rig = createRig();
    const id = await rig.subscribe();
    rig.answer = () => status(410);
    rig.publish(session('m1', 1));
    rig.publish(session('m1', 2));
    rig.publish(session('m2', 2));
    await rig.clock.advance(1000);
    assert.equal(rig.events.subscriptions.get(alice, id), null);
    assert.equal(rig.tried.length, 2);
    assert.deepEqual(rig.store.load('outbox'), []);
    assert.deepEqual(rig.store.load('subscription'), []);
    assert.deepEqual(rig.told, [{ type: 'invitation-undeliverable', owner: 'c1', leg: 'm1' }]);
    assert.equal(rig.clock.waiting(), 0);
  });

  it('keeps the last word of an ended subscription from hanging on a 410', async () => {
    const rig = createRig();
    const id = await rig.subscribe();
    rig.answer = () => status(410);
    await rig.events.subscriptions.remove(alice, id, 'c');
    await rig.clock.advance(1000);
    assert.deepEqual(rig.store.load('subscription'), []);
    assert.equal(rig.events.sizes().backlog, 0);
  });

  it('repeats after 401 once in a second, then ends when the time of the token has passed', async () => {
    const rig = createRig();
    const start = rig.clock.now();
    const credential = (ms: number) => ({
      credentialType: 'ACCESSTOKEN' as const,
      accessToken: 'secret',
      accessTokenExpires: start + ms,
      accessTokenType: 'bearer' as const,
    });
    await rig.subscribe({ credential: credential(600_000) });
    rig.answer = () => status(401);
    rig.publish(session('m1', 2));
    await rig.clock.advance(1000);
    assert.deepEqual(
      rig.tried.map(got => got.at - start),
      [0, 1000],
    );
    rig.answer = () => OK;
    await rig.clock.advance(10_000);
    assert.deepEqual(rig.got.map(short), ['m1:2']);
    assert.equal(rig.got[0]?.accessToken, 'secret');
  });

  it('never tries a host that is down more often than the breaker lets it, and comes back', async () => {
    const rig = createRig();
    await rig.subscribe();
    rig.answer = () => DOWN;
    for (let call = 0; call < 100; call += 1) rig.publish(session(`m${call}`, 2));
    await rig.clock.advance(20_000);
    assert.ok(rig.tried.length < 100 + 12, `${rig.tried.length} attempts`);
    rig.answer = () => OK;
    await rig.clock.advance(9000);
    assert.equal(rig.got.length, 100);
    await rig.subscribe({ sink: 'https://app.example.com:8443/other' });
  });

  it('drops the oldest status when a queue is full, never an end', async () => {
    const rig = createRig({ sink: { queueLength: 8 } });
    await rig.subscribe();
    rig.answer = () => DOWN;
    rig.publish(registrationEnds('r1'));
    for (let n = 1; n <= 9; n += 1) rig.publish(session('m1', n, n === 9 ? { final: true, status: 'Terminated' } : {}));
    rig.publish(registrationEnds('r2'));
    rig.answer = () => OK;
    await rig.clock.advance(20_000);
    assert.deepEqual(rig.got.map(short).sort(), [
      'm1:1',
      'm1:5',
      'm1:6',
      'm1:7',
      'm1:8',
      'm1:9',
      'registration-ends',
      'registration-ends',
    ]);
  });

  it('goes on after a restart, in order, without what is too old', async () => {
    const store = createMemoryStore();
    const first = createRig({ store });
    await first.subscribe();
    first.answer = () => DOWN;
    first.publish(session('old', 1));
    await first.clock.advance(25_000);
    for (let n = 1; n <= 12; n += 1) first.publish(session('m1', n));
    first.publish(session('m2', 1));
    await first.events.close(0);
    await first.clock.advance(10_000);
    const second = createRig({ store, clock: first.clock });
    await second.clock.advance(1000);
    assert.deepEqual(
      second.got.map(short).filter(each => each.startsWith('m1')),
      Array.from({ length: 12 }, (_, n) => `m1:${n + 1}`),
    );
    assert.equal(second.got.length, 13);
    assert.deepEqual(store.load('outbox'), []);
    // What is owed anew gets a place of its own beside what was owed before.
    second.answer = () => DOWN;
    second.publish(session('m1', 13));
    await settled();
    await second.events.close(0);
    const third = createRig({ store, clock: first.clock });
    third.answer = () => DOWN;
    third.publish(session('m1', 14));
    assert.equal(store.load('outbox').length, 2);
    third.answer = () => OK;
    await third.clock.advance(20_000);
    assert.deepEqual(third.got.map(short), ['m1:13', 'm1:14']);
  });

  it('keeps order and loses nothing it did not give up, whatever the sinks do', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ call: fc.nat(3), wait: fc.constantFrom(0, 0, 100, 2000) }), {
          minLength: 1,
          maxLength: 40,
        }),
        fc.array(fc.constantFrom(204, 204, 500, 408, 0, 429), { minLength: 1, maxLength: 60 }),
        fc.nat(39),
        async (steps, answers, restartAt) => {
          const store = createMemoryStore();
          let rig = createRig({ store });
          const id = await rig.subscribe();
          let turn = 0;
          const answer = () => {
            const code = turn < answers.length ? (answers[turn] ?? 204) : 204;
            turn += 1;
            return code === 0 ? DOWN : status(code, code === 429 ? 300 : null);
          };
          rig.answer = answer;
          const sent = new Map<string, number>();
          const got: Got[] = [];
          let gaveUpBefore = 0;
          for (const [index, { call, wait }] of steps.entries()) {
            if (index === restartAt) {
              got.push(...rig.got);
              const before = rig;
              before.answer = () => new Promise(() => {});
              await before.events.close(0);
              gaveUpBefore += givenUp(before);
              rig = createRig({ store, clock: before.clock });
              rig.answer = answer;
            }
            const number = (sent.get(`m${call}`) ?? 0) + 1;
            sent.set(`m${call}`, number);
            rig.publish(session(`m${call}`, number));
            await rig.clock.advance(wait);
          }
          await rig.events.subscriptions.remove(alice, id, 'c');
          await rig.clock.advance(700_000);
          got.push(...rig.got);
          // A repeat is allowed, going back is not: first sights of each call are in order.
          const seen = new Map<string, number>();
          const ids = new Set<string>();
          for (const each of got) {
            const { mediaSessionId, sequenceNumber } = each.event.data;
            if (ids.has(each.event.id)) continue;
            ids.add(each.event.id);
            if (mediaSessionId === undefined) continue;
            const last = seen.get(String(mediaSessionId)) ?? 0;
            assert.ok(Number(sequenceNumber) > last, `${mediaSessionId}: ${sequenceNumber} after ${last}`);
            seen.set(String(mediaSessionId), Number(sequenceNumber));
          }
          const lost = [...sent.values()].reduce((sum, each) => sum + each, 0) + 1 - ids.size;
          const gaveUp = givenUp(rig) + gaveUpBefore;
          assert.ok(lost <= gaveUp, `${lost} lost, ${gaveUp} given up`);
          assert.equal(short(got.at(-1) as Got), 'subscription-ended');
          assert.equal(rig.events.sizes().backlog, 0);
          await rig.clock.advance(200);
          assert.deepEqual(store.load('outbox'), []);
          assert.deepEqual(store.load('subscription'), []);
        },
      ),
      { numRuns: 60 * SCALE },
    );
  });
});

function givenUp(rig: { counted: Map<string, number> }): number {
  let sum = 0;
  for (const [key, value] of rig.counted) {
    if (key.startsWith('events_total') && key.endsWith(',given-up}')) sum += value;
  }
  return sum;
}
