/** Numbers leased to visitors: one call each, a rest after it that the network's word begins, and never a number of somebody else. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { principal, register } from '../../test/support/core-story.ts';
import { type Ask, browserOffer, createWorld, imsSdp, type World } from '../../test/support/core-world.ts';
import { fc } from '../../test/support/property.ts';
import { SCALE } from '../../test/support/scale.ts';
import type { E164 } from './ids.ts';
import type { Pool } from './settings.ts';
import type { Principal } from './words.ts';

const QUARANTINE_MS = 60_000;
const NOTHING = { bindings: 0, registrations: 0, calls: 0, legs: 0 };
const [ONE, TWO, THREE] = ['+15550108000', '+15550108001', '+15550108002'] as [E164, E164, E164];

function pool(numbers: E164[], change: Partial<Pool> = {}): Pool {
  return { id: 'shop-pool', clients: ['shop'], numbers, mainNumber: null, ...change };
}

function poolWorld(numbers: E164[], change: Partial<Pool> = {}, perSource = 3): World {
  return createWorld({ pool: { pools: [pool(numbers, change)], quarantineMs: QUARANTINE_MS, perSource } });
}

let visits = 0;

function visitor(clientId = 'shop'): Principal {
  visits += 1;
  return { clientId, subject: `20000000-0000-4000-8000-${String(visits).padStart(12, '0')}`, number: null, legs: 2 };
}

function visit(w: World, change: Partial<Extract<Ask, { type: 'visit' }>> = {}, lastsMs = 600_000) {
  const who = change.who ?? visitor();
  return w.ask({
    type: 'visit',
    who,
    correlator: 'corr-visit',
    deviceId: who.subject as never,
    receiver: 'tel:+15550109000',
    originatorName: 'Shop',
    offer: browserOffer(),
    visit: {
      pool: 'shop-pool',
      entryPoint: 'ep-1',
      reference: 'order-7',
      address: '203.0.113.9',
      endsAt: w.now() + lastsMs,
    },
    source: `${who.subject}`,
    maxConcurrent: null,
    ...change,
  });
}

const inviteOf = (w: World) => w.take('ims.invite').at(-1);

function hangUp(w: World): void {
  const invite = w.effects.findLast(effect => effect.type === 'ims.invite');
  assert.ok(invite !== undefined);
  w.give({
    type: 'ims-ended',
    owner: invite.owner,
    outcome: { code: 0, phrase: '', q850: 16, local: null, reason: null },
  });
}

function answer(w: World): void {
  const invite = w.effects.findLast(effect => effect.type === 'ims.invite');
  assert.ok(invite !== undefined);
  w.give({ type: 'ims-answered', owner: invite.owner, fork: 'f', sdp: imsSdp(), calleeName: null });
  const offer = w.effects.findLast(effect => effect.type === 'media.offer');
  assert.ok(offer?.from === 'web');
  w.give({ type: 'media-connected', owner: invite.owner, leg: offer.leg });
}

const registers = (w: World) => w.take('ims.register').map(effect => effect.number);
const errorOf = (reply: ReturnType<typeof visit>) => (reply !== null && !reply.ok ? reply.error : reply);

test('a visitor calls from a leased number, which is registered before and de-registered after', () => {
  const w = poolWorld([ONE]);
  const reply = visit(w);
  assert.ok(reply?.ok && 'session' in reply);
  assert.deepEqual(registers(w), [ONE]);
  const invite = inviteOf(w);
  assert.deepEqual(
    [invite?.from, invite?.to, invite?.displayName, invite?.anonymous],
    [ONE, 'tel:+15550109000', 'Shop', false],
  );
  answer(w);
  assert.deepEqual(w.take('ims.deregister'), []);
  hangUp(w);
  assert.equal(w.take('ims.deregister').length, 1);
  assert.deepEqual(w.core.sizes(), NOTHING);
  assert.deepEqual(w.timers(), []);
  const record = [...w.store].find(([key]) => key.startsWith('record '))?.[1] as Record<string, unknown>;
  assert.deepEqual(record['visit'], {
    pool: 'shop-pool',
    entryPoint: 'ep-1',
    reference: 'order-7',
    address: '203.0.113.9',
    endsAt: (record['startedAt'] as number) + 600_000,
  });
  assert.equal(JSON.stringify(w.take('log')).includes('203.0.113.9'), false);
});

test('REG-21 a number rests after the network has let go of it, and the one that has rested longest is next', () => {
  const w = poolWorld([ONE, TWO]);
  const call = () => {
    const reply = visit(w);
    if (reply?.ok) {
      answer(w);
      hangUp(w);
    }
    return errorOf(reply);
  };
  call();
  w.advance(1000);
  call();
  assert.deepEqual(registers(w), [ONE, TWO]);
  const refused = visit(w);
  assert.deepEqual(refused, { ok: false, error: 'pool-empty', retryAfterS: 59 });
  w.advance(QUARANTINE_MS - 1001);
  assert.equal(call(), 'pool-empty');
  w.advance(1);
  call();
  w.advance(1000);
  call();
  assert.deepEqual(registers(w), [ONE, TWO]);
  assert.deepEqual(w.core.leases(w.now()), [
    { pool: 'shop-pool', state: 'free', count: 0 },
    { pool: 'shop-pool', state: 'held', count: 0 },
    { pool: 'shop-pool', state: 'cooling', count: 2 },
  ]);
});

test('REG-21 a de-registration that nobody confirmed leaves the number to the expiry of the binding', () => {
  const w = poolWorld([ONE]);
  w.behaviour.grantedS = 900;
  w.behaviour.deregister = 'silent';
  visit(w);
  answer(w);
  hangUp(w);
  w.advance(900_000 + QUARANTINE_MS - 1);
  assert.equal(errorOf(visit(w)), 'pool-empty');
  w.advance(1);
  assert.ok(visit(w)?.ok);
});

test('REG-21 a REGISTER without an answer may have bound the number; one that was refused has not', () => {
  const w = poolWorld([ONE, TWO]);
  w.behaviour.register = 403;
  assert.equal(errorOf(visit(w)), 'registration-refused');
  w.behaviour.register = 'silent';
  w.behaviour.deregister = 'silent';
  assert.equal(visit(w), null);
  const ref = w.lastRef();
  w.advance(w.settings.ims.registerGuardMs);
  assert.equal(errorOf(w.owed(ref)), 'network-timeout');
  w.advance(QUARANTINE_MS + 10_000);
  w.behaviour.register = 'ok';
  visit(w);
  assert.deepEqual(registers(w), [ONE, TWO, ONE], 'only the refused one is free again');
  assert.equal(errorOf(visit(w)), 'pool-empty');
  w.advance(w.settings.ims.expiresS * 1000 + QUARANTINE_MS);
  assert.equal(w.core.leases(w.now())[0]?.count, 2);
});

test('REG-21 a REGISTER that one entry point refused and another left without an answer may have bound the number: it is taken back', () => {
  const w = poolWorld([ONE]);
  Object.assign(w.behaviour, { register: 503, unanswered: true, deregister: 'silent' });
  assert.equal(errorOf(visit(w)), 'network-unavailable');
  assert.equal(w.take('ims.deregister').length, 1);
  w.advance(w.settings.ims.expiresS * 1000 + QUARANTINE_MS - 1);
  assert.equal(errorOf(visit(w)), 'pool-empty');
  w.advance(1);
  Object.assign(w.behaviour, { deregister: 'ok' });
  assert.equal(errorOf(visit(w)), 'network-unavailable');
  w.advance(QUARANTINE_MS);
  assert.equal(errorOf(visit(w)), 'network-unavailable', 'the network has let go of it');
});

test('REG-21 a refusal takes nothing back of what a REGISTER before it, which nobody answered, may have bound', () => {
  const w = poolWorld([ONE]);
  const { expiresS, refreshGuardMs } = w.settings.ims;
  w.behaviour.grantedS = 600;
  visit(w, {}, 3_600_000);
  answer(w);
  const binding = w.effects.find(effect => effect.type === 'ims.register')?.owner;
  assert.ok(binding !== undefined);
  w.behaviour.register = 'silent';
  w.give({ type: 'ims-register-wanted', owner: binding });
  const boundUntil = w.now() + expiresS * 1000;
  w.advance(refreshGuardMs);
  w.behaviour.register = 403;
  w.advance(600_000);
  hangUp(w);
  assert.deepEqual(w.core.sizes(), NOTHING);
  w.advance(boundUntil + QUARANTINE_MS - 1 - w.now());
  assert.equal(errorOf(visit(w)), 'pool-empty');
  w.advance(1);
  assert.equal(errorOf(visit(w)), 'registration-refused');
});

test('REG-21 what was bound before a restart stays so when the REGISTER after it is refused', () => {
  const w = poolWorld([ONE]);
  w.behaviour.grantedS = 900;
  visit(w);
  answer(w);
  const boundUntil = w.now() + 900_000;
  w.restart();
  w.behaviour.register = 403;
  w.advance(1000);
  assert.deepEqual(w.core.sizes(), NOTHING);
  w.advance(boundUntil + QUARANTINE_MS - 1 - w.now());
  assert.equal(errorOf(visit(w)), 'pool-empty');
  w.advance(1);
  assert.equal(errorOf(visit(w)), 'registration-refused');
});

test('REG-21 a REGISTER on its way may bind anew what the network removes meanwhile', () => {
  const w = poolWorld([ONE]);
  visit(w);
  answer(w);
  const binding = w.effects.find(effect => effect.type === 'ims.register')?.owner;
  assert.ok(binding !== undefined);
  w.behaviour.register = 'silent';
  w.give({ type: 'ims-register-wanted', owner: binding });
  w.give({ type: 'ims-binding-lost', owner: binding, event: 'rejected', retryAfterS: null });
  hangUp(w);
  const boundUntil = w.now() + w.settings.ims.expiresS * 1000;
  w.advance(boundUntil + QUARANTINE_MS - 1 - w.now());
  assert.equal(errorOf(visit(w)), 'pool-empty');
  w.advance(1);
  assert.equal(visit(w), null);
});

test('REG-21 a call that is long in ending takes nothing from the next visitor of its number', () => {
  const w = createWorld({ pool: { pools: [pool([ONE])], quarantineMs: 1000 } });
  w.behaviour.cancel = 'silent';
  const [first, second] = [visitor(), visitor()];
  const reply = visit(w, { who: first });
  assert.ok(reply?.ok && 'session' in reply);
  assert.ok(
    w.ask({ type: 'end-session', who: first, correlator: 'c', mediaSessionId: reply.session.mediaSessionId })?.ok,
  );
  w.advance(1000);
  assert.ok(visit(w, { who: second })?.ok);
  w.advance(w.settings.call.cancelGuardMs);
  assert.equal(w.core.sizes().registrations, 1);
  hangUp(w);
  assert.deepEqual(w.core.sizes(), NOTHING);
});

test('REG-21 a subscriber’s number that becomes one of a pool is not leased before the subscriber has gone', () => {
  const pools: Pool[] = [];
  const w = createWorld({ pool: { pools, quarantineMs: QUARANTINE_MS } });
  register(w, ONE, 1);
  pools.push(pool([ONE, TWO]));
  w.restart();
  w.advance(1000);
  visit(w);
  assert.equal(inviteOf(w)?.from, TWO);
});

test('REG-21 a binding that the network removed does not free the number of a call that goes on', () => {
  const w = poolWorld([ONE]);
  visit(w);
  answer(w);
  const binding = w.effects.find(effect => effect.type === 'ims.register')?.owner;
  assert.ok(binding !== undefined);
  w.give({ type: 'ims-binding-lost', owner: binding, event: 'unregistered', retryAfterS: null });
  w.advance(QUARANTINE_MS * 2);
  assert.equal(errorOf(visit(w)), 'pool-empty');
  hangUp(w);
  w.advance(QUARANTINE_MS - 1);
  assert.equal(errorOf(visit(w)), 'pool-empty');
  w.advance(1);
  assert.ok(visit(w)?.ok);
});

test('REG-21 a number rests after a call that outlived its lease on paper, and that a restart ended', () => {
  const w = poolWorld([ONE]);
  const paperMs = w.settings.ims.registerGuardMs + w.settings.ims.expiresS * 1000 + QUARANTINE_MS;
  visit(w, {}, paperMs * 2);
  answer(w);
  const binding = w.effects.find(effect => effect.type === 'ims.register')?.owner;
  assert.ok(binding !== undefined);
  w.give({ type: 'ims-binding-lost', owner: binding, event: 'unregistered', retryAfterS: null });
  w.advance(paperMs);
  w.restart();
  assert.equal(errorOf(visit(w)), 'pool-empty');
  w.advance(QUARANTINE_MS);
  assert.ok(visit(w)?.ok);
});

test('REG-21 leases survive a restart: what was bound is registered once more to leave, and rests then', () => {
  const w = poolWorld([ONE, TWO]);
  visit(w);
  answer(w);
  w.behaviour.register = 'silent';
  visit(w);
  registers(w);
  w.restart();
  w.behaviour.register = 'ok';
  assert.equal(errorOf(visit(w)), 'pool-empty');
  w.advance(1000);
  assert.deepEqual(registers(w), [ONE]);
  assert.equal(w.take('ims.deregister').length, 1);
  assert.deepEqual(w.core.sizes(), NOTHING);
  w.advance(QUARANTINE_MS);
  visit(w);
  assert.deepEqual(registers(w), [ONE]);
  assert.equal(errorOf(visit(w)), 'pool-empty', 'nobody knows what became of the other REGISTER');
  w.restart();
  assert.equal(errorOf(visit(w)), 'pool-empty');
  w.advance(w.settings.ims.expiresS * 1000 + 2 * QUARANTINE_MS);
  assert.equal(w.core.leases(w.now())[0]?.count, 2);
});

test('REG-21 the rest goes on over a restart', () => {
  const w = poolWorld([ONE]);
  visit(w);
  answer(w);
  hangUp(w);
  w.advance(10_000);
  w.restart();
  assert.deepEqual(visit(w), { ok: false, error: 'pool-empty', retryAfterS: 50 });
  w.advance(50_000);
  assert.ok(visit(w)?.ok);
});

test('REG-22 another client’s pool and a number of a pool are refused before anything is sent', () => {
  const w = poolWorld([ONE]);
  const foreign = visitor('other');
  assert.equal(errorOf(visit(w, { who: foreign })), 'pool-foreign');
  const unknown = { pool: 'no-pool', entryPoint: 'e', reference: null, address: '', endsAt: w.now() + 60_000 };
  assert.equal(errorOf(visit(w, { visit: unknown })), 'pool-foreign');
  const asked = { type: 'register', correlator: 'c', number: ONE, deviceId: foreign.subject as never } as const;
  for (const who of [principal(ONE), { ...visitor(), subject: null }])
    assert.equal(errorOf(w.ask({ ...asked, who, expiresAt: null })), 'registration-refused');
  assert.deepEqual(
    w.effects.map(effect => effect.type).filter(type => type !== 'reply'),
    [],
  );
});

test('what cannot become a call leases nothing', () => {
  const w = poolWorld([ONE]);
  assert.equal(errorOf(visit(w, { receiver: 'urn:service:sos' })), 'emergency-refused');
  assert.equal(errorOf(visit(w, { receiver: 'tel:112;phone-context=+1' })), 'emergency-refused');
  assert.equal(errorOf(visit(w, { offer: 'no sdp' })), 'sdp-unusable');
  assert.equal(w.core.leases(w.now())[0]?.count, 1);
  assert.deepEqual(w.take('ims.register'), []);
});

test('an entry point has no more calls than it may, and no more than its own', () => {
  const w = poolWorld([ONE, TWO, THREE]);
  assert.ok(visit(w, { maxConcurrent: 1 })?.ok);
  assert.equal(errorOf(visit(w, { maxConcurrent: 1 })), 'entry-point-busy');
  const other = { pool: 'shop-pool', entryPoint: 'ep-2', reference: null, address: '', endsAt: w.now() + 60_000 };
  assert.ok(visit(w, { maxConcurrent: 1, visit: other })?.ok);
});

test('CTC-17 one source has no more numbers of a pool than it may, those that rest after its calls included', () => {
  const w = poolWorld([ONE, TWO, THREE], {}, 2);
  const knock = (source: string) => visit(w, { source });
  for (let n = 0; n < 2; n += 1) {
    assert.ok(knock('a')?.ok);
    answer(w);
    hangUp(w);
    w.advance(1000);
  }
  assert.deepEqual(knock('a'), { ok: false, error: 'source-busy', retryAfterS: 58 });
  assert.deepEqual([w.take('ims.register').length, knock('b')?.ok], [2, true]);
  assert.deepEqual(knock('b'), { ok: false, error: 'pool-empty', retryAfterS: 58 });
  w.advance(QUARANTINE_MS - 2000);
  assert.ok(knock('a')?.ok);
  assert.equal(errorOf(knock('a')), 'source-busy');
});

test('a call ends when its time is over, also while it rings, and says why', () => {
  for (const answered of [true, false]) {
    const w = poolWorld([ONE]);
    const reply = visit(w, {}, 60_000);
    assert.ok(reply?.ok && 'session' in reply);
    const id = reply.session.mediaSessionId;
    w.advance(20_000);
    if (answered) answer(w);
    w.advance(39_999);
    assert.equal(w.sessionEvents(id).at(-1)?.final ?? false, false);
    w.advance(1);
    const last = w.sessionEvents(id).at(-1);
    assert.deepEqual([last?.final, last?.reason], [true, 'GW;cause=7;text="maximum duration"']);
    assert.equal(w.take('ims.deregister').length, 1);
  }
});

test('a visitor sees its own call, the business all of them', () => {
  const w = poolWorld([ONE, TWO]);
  const [first, second] = [visitor(), visitor()];
  const reply = visit(w, { who: first });
  visit(w, { who: second });
  assert.ok(reply?.ok && 'session' in reply);
  const { mediaSessionId } = reply.session;
  const sees = (who: Principal) => w.ask({ type: 'get-session', who, mediaSessionId })?.ok;
  assert.deepEqual(
    [sees(first), sees(second), sees({ ...first, subject: null }), sees({ ...first, clientId: 'other' })],
    [true, false, true, false],
  );
});

test('CTC-13 who calls a leased number back gets 480, or is sent to the business', () => {
  for (const [mainNumber, code] of [
    [null, 480],
    ['tel:+15550107000', 302],
  ] as const) {
    const w = poolWorld([ONE], { mainNumber });
    visit(w);
    const binding = w.effects.find(effect => effect.type === 'ims.register')?.owner;
    assert.ok(binding !== undefined);
    w.give({
      type: 'ims-invited',
      owner: 'cin1' as never,
      binding: binding as never,
      correlator: 'c',
      caller: 'tel:+15550100001',
      callerName: null,
      called: null,
      identity: null,
      sdp: imsSdp(),
      location: null,
      diverted: null,
      emergency: false,
      callerReady: true,
    });
    const end = w.take('ims.end').at(-1);
    assert.deepEqual([end?.code, end?.contact ?? null], [code, mainNumber]);
  }
});

test('an emergency that the network finds out is none a visitor can make', () => {
  const w = createWorld({ pool: { pools: [pool([ONE])] }, emergency: { enabled: true } });
  const reply = visit(w);
  assert.ok(reply?.ok && 'session' in reply);
  w.give({ type: 'ims-is-emergency', owner: inviteOf(w)?.owner as never });
  assert.equal(w.take('ims.invite').length, 0);
  assert.equal(w.sessionEvents(reply.session.mediaSessionId).at(-1)?.status, 'Failed');
});

/** What of a world's effects a number's life is made of: when it was taken, and when it may be again. */
function watchLeases(w: World): () => void {
  const busy = new Map<string, { owner: string; until: number }>();
  let seen = 0;
  let looked = w.now();
  return () => {
    for (const effect of w.effects.slice(seen)) {
      if (effect.type === 'ims.register' && effect.initial) {
        const before = busy.get(effect.number);
        // The same binding may register afresh.
        const free = before === undefined || before.owner === effect.owner || before.until <= w.now();
        assert.ok(free, `${effect.number} was leased within its rest, or twice`);
        busy.set(effect.number, { owner: effect.owner, until: Number.POSITIVE_INFINITY });
      }
      if (effect.type === 'store' && effect.write.kind === 'lease' && effect.write.op === 'put') {
        const { state, freeAt } = effect.write.value as { state: string; freeAt: number };
        if (state === 'held') continue;
        assert.ok(freeAt >= looked + QUARANTINE_MS, 'the rest is too short');
        busy.set(effect.write.key, { owner: '', until: freeAt });
      }
    }
    seen = w.effects.length;
    looked = w.now();
  };
}

test('REG-21 in any order of events no number has two visitors at once, or one within its rest', () => {
  const step = fc.tuple(fc.nat(9), fc.nat(1000));
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), steps => {
      const w = poolWorld([ONE, TWO, THREE]);
      const look = watchLeases(w);
      for (const [kind, n] of steps) {
        act(w, kind, n);
        look();
      }
      const held = new Set(w.effects.flatMap(effect => (effect.type === 'ims.register' ? [effect.number] : [])));
      assert.ok([...held].every(number => [ONE, TWO, THREE].includes(number)));
      w.advance(w.settings.ims.expiresS * 2000 + 3_600_000);
      assert.equal(w.core.leases(w.now())[0]?.count, 3, 'a number is never given back');
      assert.deepEqual(w.core.sizes(), NOTHING);
    }),
    { numRuns: 200 * SCALE },
  );
});

function act(w: World, kind: number, n: number): void {
  const invites = w.effects.filter(effect => effect.type === 'ims.invite');
  const owner = invites[n % Math.max(1, invites.length)]?.owner;
  const outcome = { code: 486, phrase: 'Busy Here', q850: null, local: null, reason: null };
  switch (kind) {
    case 0:
    case 1:
    case 2:
      w.behaviour.register = (['ok', 'ok', 'silent', 403, 500] as const)[n % 5] ?? 'ok';
      w.behaviour.deregister = n % 3 === 0 ? 'silent' : 'ok';
      visit(w, {}, 30_000 + n * 100);
      return;
    case 3:
      if (owner !== undefined) w.give({ type: 'ims-answered', owner, fork: 'f', sdp: imsSdp(), calleeName: null });
      return;
    case 4:
      if (owner !== undefined) w.give({ type: 'ims-rejected', owner, outcome });
      return;
    case 5:
      if (owner !== undefined) w.give({ type: 'ims-ended', owner, outcome });
      return;
    case 6: {
      const bindings = w.effects.filter(effect => effect.type === 'ims.register');
      const binding = bindings[n % Math.max(1, bindings.length)]?.owner;
      const event = (['unregistered', 'rejected', 'deactivated', 'expired'] as const)[n % 4] ?? 'expired';
      if (binding !== undefined) w.give({ type: 'ims-binding-lost', owner: binding, event, retryAfterS: null });
      return;
    }
    case 7:
      w.restart();
      return;
    default:
      w.advance(n * 200);
  }
}

test('a subscriber’s own registration is as before', () => {
  const w = poolWorld([ONE]);
  assert.ok(register(w, '+15550100001' as E164, 1));
});
