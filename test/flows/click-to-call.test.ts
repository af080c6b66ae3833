/** Visitors of a web page call its business, over the whole gateway: from the entry point to the number that rests. CAMARA digest 11b, IMS digest 2.14. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Write } from '../../src/ep-cscf/effect.ts';
import { createMemoryStore } from '../../src/store/memory.ts';
import { zeroBits } from '../../src/waf/proof-of-work.ts';
import { browserOffer } from '../support/core-world.ts';
import { CHANNELS, CLICK_TO_CALL, REGISTRATION, type WholeGateway, wholeGateway } from '../support/whole-gateway.ts';

const ORIGIN = 'https://shop.example';
const ELSEWHERE = 'https://elsewhere.example';
const NUMBERS = ['+15550108000', '+15550108001'];
const DESTINATION = 'tel:+15550109000';
const pool = { id: 'shop-pool', clients: ['shop'], numbers: ['+15550108000-+15550108001'] };
const clickToCall = { pools: [pool], workBits: 4 };

const draft = { destination: DESTINATION, poolId: 'shop-pool', allowedOrigins: [ORIGIN], displayName: 'Shop' };

async function shop(more: Record<string, Record<string, unknown>> = {}): Promise<WholeGateway> {
  return wholeGateway({ settings: { clickToCall, ...more } });
}

async function entryPoint(g: WholeGateway, change: object = {}): Promise<string> {
  const { status, body } = await g.call('shop', 'POST', `${CLICK_TO_CALL}/entry-points`, { ...draft, ...change });
  assert.equal(status, 201, JSON.stringify(body));
  return body.entryPointId;
}

const publicPath = (id: string) => `${CLICK_TO_CALL}/public/entry-points/${id}`;
const from = (origin: string) => ({ origin });

function solve(challenge: string, difficulty: number): string {
  for (let n = 0; ; n += 1) {
    if (zeroBits(createHash('sha256').update(`${challenge}${n}`).digest()) >= difficulty) return String(n);
  }
}

/** A page pays for a token. */
async function pay(g: WholeGateway, id: string, origin = ORIGIN) {
  const { proof } = (await g.call(null, 'GET', publicPath(id), undefined, from(origin))).body;
  const { challenge, difficulty } = proof;
  return { proof: { challenge, solution: solve(challenge, difficulty) } };
}

async function pageToken(g: WholeGateway, id: string): Promise<string> {
  const { status, body } = await g.call(
    null,
    'POST',
    `${publicPath(id)}/visitor-tokens`,
    await pay(g, id),
    from(ORIGIN),
  );
  assert.equal(status, 201, JSON.stringify(body));
  return body.visitorToken;
}

async function businessToken(g: WholeGateway, id: string, visitorRef?: string): Promise<string> {
  const asked = { entryPointId: id, ...(visitorRef === undefined ? {} : { visitorRef }) };
  return (await g.call('shop', 'POST', `${CLICK_TO_CALL}/visitor-tokens`, asked)).body.visitorToken;
}

const offer = { offer: { sdp: browserOffer() } };

function dial(g: WholeGateway, token: string, body: object = offer, origin = ORIGIN) {
  return g.call(token, 'POST', `${CLICK_TO_CALL}/calls`, body, from(origin));
}

const callPath = (id: string, rest = '') => `${CLICK_TO_CALL}/calls/${id}${rest}`;
const sent = (g: WholeGateway, type: string) => g.network.effects.filter(effect => effect.type === type);
const numbersOf = (g: WholeGateway) =>
  sent(g, 'ims.register').map(effect => (effect.type === 'ims.register' ? effect.number : ''));
const records = (g: WholeGateway) => g.store.load('record').map(({ value }) => value as Record<string, unknown>);

const referenceOf = (record: Record<string, unknown> | undefined) =>
  (record?.['visit'] as { reference: string } | undefined)?.reference;

async function talking(g: WholeGateway, token: string): Promise<string> {
  const { status, body } = await dial(g, token);
  assert.equal(status, 201, JSON.stringify(body));
  const id: string = body.mediaSessionId;
  g.network.answered(g.network.lastCall());
  await g.settle();
  const call = g.network.lastCall();
  g.network.give({ type: 'media-connected', owner: call, leg: id as never });
  await g.settle();
  return id;
}

async function hangUp(g: WholeGateway, token: string, id: string): Promise<void> {
  assert.equal((await g.call(token, 'DELETE', callPath(id), undefined, from(ORIGIN))).status, 204);
  await g.settle();
}

test('CTC-01 a visitor calls: token for work, REGISTER, INVITE from the leased number, answer, hold, BYE, de-REGISTER, and the next number', async () => {
  const g = await shop();
  const id = await entryPoint(g, { maxDurationS: 600 });
  const token = await pageToken(g, id);
  const made = await dial(g, token);
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const { mediaSessionId, channel, endsAt, iceServers, status } = made.body;
  assert.deepEqual([status, iceServers, Date.parse(endsAt) - g.now()], ['Initial', [], 600_000]);
  assert.match(channel.websocketUrl, /^wss:\/\/gateway\.example\.com\/webrtc-notification-channels\/v0\.1\/channels\//);
  assert.deepEqual(numbersOf(g), [NUMBERS[0]]);
  const invite = g.network.effects.findLast(effect => effect.type === 'ims.invite');
  assert.deepEqual([invite?.from, invite?.to, invite?.displayName], [NUMBERS[0], DESTINATION, 'Shop']);

  g.network.answered(g.network.lastCall());
  await g.settle();
  const seen = await g.call(token, 'GET', callPath(mediaSessionId), undefined, from(ORIGIN));
  assert.deepEqual([seen.status, seen.body.status, typeof seen.body.answer.sdp], [200, 'Connected', 'string']);
  const owed = g.store.load('outbox').map(({ value }) => JSON.parse((value as { body: string }).body));
  assert.deepEqual(
    owed.map(event => [event.data.status, event.data.mediaSessionId === mediaSessionId, typeof event.data.answer]),
    [['Connected', true, 'object']],
  );
  const held = await g.call(token, 'PUT', callPath(mediaSessionId, '/status'), { status: 'Hold' }, from(ORIGIN));
  assert.deepEqual([held.status, held.body.status], [200, 'Hold']);

  await hangUp(g, token, mediaSessionId);
  assert.deepEqual([sent(g, 'ims.end').length, sent(g, 'ims.deregister').length], [1, 1]);
  assert.equal((await g.call(token, 'GET', callPath(mediaSessionId), undefined, from(ORIGIN))).status, 404);
  assert.equal(g.sizes()['registrations'], 0);
  await talking(g, await pageToken(g, id));
  assert.deepEqual(numbersOf(g), NUMBERS);
  await g.advance(60_000);
  assert.equal(g.sizes()['channels'], 1, 'the channel of the call that ended is gone');
});

test('CTC-01 a number that has rested is leased again', async () => {
  const g = await shop({ clickToCall: { ...clickToCall, pools: [{ ...pool, numbers: [NUMBERS[0]] }] } });
  const id = await entryPoint(g);
  const token = await businessToken(g, id);
  await hangUp(g, token, await talking(g, token));
  const next = await businessToken(g, id);
  assert.equal((await dial(g, next)).status, 429);
  await g.advance(60_000);
  assert.equal((await dial(g, next)).status, 201);
});

test('CTC-02 the pool is empty: 429 with the time to wait, and the token is good for another try', async () => {
  const g = await shop();
  const id = await entryPoint(g);
  const first = await businessToken(g, id);
  const call = await talking(g, first);
  await talking(g, await businessToken(g, id));
  const third = await businessToken(g, id);
  const refused = await dial(g, third);
  assert.deepEqual([refused.status, refused.body.code, refused.headers['retry-after']], [429, 'QUOTA_EXCEEDED', '30']);
  assert.equal(g.sizes()['channels'], 2);
  await hangUp(g, first, call);
  assert.equal((await dial(g, third)).headers['retry-after'], '60');
  await g.advance(60_000);
  assert.equal((await dial(g, third)).status, 201);
});

test('CTC-02 an entry point has no more calls than it may', async () => {
  const g = await shop();
  const id = await entryPoint(g, { maxConcurrent: 1 });
  await talking(g, await businessToken(g, id));
  const refused = await dial(g, await businessToken(g, id));
  assert.deepEqual([refused.status, refused.body.code], [429, 'QUOTA_EXCEEDED']);
});

test('CTC-17 an address that has its share of the numbers is told so, and when it may call again: that is not lines that are busy', async () => {
  const g = await shop({ clickToCall: { ...clickToCall, numbersPerAddress: 1 } });
  const id = await entryPoint(g);
  await talking(g, await businessToken(g, id));
  const { status, body, headers } = await dial(g, await businessToken(g, id));
  assert.deepEqual([status, body.code], [429, 'SOURCE_QUOTA_EXCEEDED']);
  assert.ok(Number(headers['retry-after']) > 0);
});

test('REG-22 the pool of another business is refused, at the entry point and at the call, before anything is sent', async () => {
  const g = await shop();
  for (const poolId of ['shop-pool', 'no-pool']) {
    const { status, body } = await g.call('rival', 'POST', `${CLICK_TO_CALL}/entry-points`, { ...draft, poolId });
    assert.deepEqual([status, body.code], [403, 'PERMISSION_DENIED']);
  }
  const registering = { deviceId: '30000000-0000-4000-8000-000000000001', phoneNumber: NUMBERS[0] };
  assert.equal((await g.call('shop', 'POST', `${REGISTRATION}/sessions`, registering)).status, 403);
  assert.deepEqual(g.network.effects, []);
});

test('REG-22 an entry point whose pool was taken from the business calls no more', async () => {
  const g = await shop();
  const id = await entryPoint(g);
  g.kill();
  const pools = [{ ...pool, clients: ['rival'] }];
  const after = await wholeGateway({ store: g.store, settings: { clickToCall: { ...clickToCall, pools } } });
  const { status, body } = await dial(after, await businessToken(after, id));
  assert.deepEqual([status, body.code], [403, 'PERMISSION_DENIED']);
  assert.deepEqual(after.network.effects, []);
});

test('CTC-03 a token has one call, for one origin, and a short time to start it', async () => {
  const g = await shop();
  const id = await entryPoint(g, { allowedOrigins: [ORIGIN, ELSEWHERE] });
  const token = await pageToken(g, id);
  const wrong = await dial(g, token, offer, ELSEWHERE);
  assert.deepEqual([wrong.status, wrong.body.code], [403, 'ORIGIN_NOT_ALLOWED']);
  const call = await talking(g, token);
  const again = await dial(g, token);
  assert.deepEqual([again.status, again.body.code], [403, 'VISITOR_TOKEN_USED']);
  const [one, other] = await Promise.all([dial(g, await businessToken(g, id)), businessToken(g, id)]);
  assert.equal(one.status, 201);
  const foreign = await g.call(other, 'GET', callPath(call), undefined, from(ORIGIN));
  assert.equal(foreign.status, 404, 'another visitor does not see the call');
  const stolen = await g.call(token, 'GET', callPath(call), undefined, from(ELSEWHERE));
  assert.equal(stolen.body.code, 'ORIGIN_NOT_ALLOWED');
  await g.advance(120_000);
  assert.equal((await dial(g, other)).status, 401, 'the time to start is over');
  assert.equal((await g.call(token, 'GET', callPath(call), undefined, from(ORIGIN))).status, 200, 'a call goes on');
});

test('CTC-03 two calls at one time by one token are one call', async () => {
  const g = await shop();
  const token = await businessToken(g, await entryPoint(g));
  const both = await Promise.all([dial(g, token), dial(g, token)]);
  assert.deepEqual(both.map(({ status }) => status).sort(), [201, 403]);
});

test('CTC-03 a visitor token opens nothing but its call, and an access token no visitor’s call', async () => {
  const g = await shop();
  const id = await entryPoint(g);
  const token = await pageToken(g, id);
  for (const [method, path] of [
    ['GET', `${CLICK_TO_CALL}/entry-points`],
    ['POST', `${CLICK_TO_CALL}/visitor-tokens`],
    ['GET', `${REGISTRATION}/sessions?deviceId=30000000-0000-4000-8000-000000000001`],
    ['POST', `${CHANNELS}/channels`],
  ] as const)
    assert.equal((await g.call(token, method, path)).status, 401, path);
  assert.equal((await dial(g, 'shop')).status, 401);
  assert.equal((await dial(g, `${token.slice(0, -2)}xx`)).status, 401);
});

test('CTC-03 a visitor that asks without end is held back itself, not the business and its other visitors', async () => {
  const g = await shop({ api: { ratePerUser: 2, ratePerClient: 4 } });
  const id = await entryPoint(g);
  const tokens = [await businessToken(g, id), await businessToken(g, id)];
  await g.advance(1000);
  const look = (token = '') => g.call(token, 'GET', callPath('m'), undefined, from(ORIGIN));
  const statuses: number[] = [];
  for (let n = 0; n < 6; n += 1) statuses.push((await look(tokens[0])).status);
  assert.deepEqual(statuses, [404, 404, 404, 404, 429, 429]);
  assert.equal((await look(tokens[1])).status, 404);
  assert.equal((await g.call('shop', 'GET', `${CLICK_TO_CALL}/entry-points/${id}`)).status, 200);
});

test('CTC-03 a token lasts as long as its call, also when the entry point lets calls last longer than when it was given', async () => {
  const g = await shop();
  const id = await entryPoint(g, { maxDurationS: 30 });
  const token = await businessToken(g, id);
  await g.call('shop', 'PUT', `${CLICK_TO_CALL}/entry-points/${id}`, { ...draft, maxDurationS: 3600 });
  const call = await talking(g, token);
  await g.advance(3_599_000);
  await hangUp(g, token, call);
});

test('CTC-04 any address, number or device in the body is refused', async () => {
  const g = await shop();
  const token = await businessToken(g, await entryPoint(g));
  for (const more of [
    { receiverAddress: 'tel:+15550100001' },
    { originatorAddress: `tel:${NUMBERS[0]}` },
    { phoneNumber: NUMBERS[0] },
    { deviceId: '30000000-0000-4000-8000-000000000001' },
    { callType: 'EMERGENCY' },
  ])
    assert.equal((await dial(g, token, { ...offer, ...more })).status, 400);
  assert.deepEqual(g.network.effects, []);
  assert.equal((await dial(g, token)).status, 201);
});

test('CTC-04 nobody can call an emergency service', async () => {
  const g = await shop({ emergency: { route: 'ecscf', cscfs: ['127.0.0.1:5070'] } });
  for (const destination of ['urn:service:sos', 'urn:service:sos.police', 'tel:112;phone-context=+1']) {
    const { status, body } = await g.call('shop', 'POST', `${CLICK_TO_CALL}/entry-points`, { ...draft, destination });
    assert.deepEqual([status, body.code], [403, 'EMERGENCY_NOT_ALLOWED'], destination);
  }
  const id = await entryPoint(g, { destination: 'tel:118;phone-context=+1' });
  const path = `${CLICK_TO_CALL}/entry-points/${id}`;
  const change = await g.call('shop', 'PUT', path, { ...draft, destination: 'tel:911;phone-context=+1' });
  assert.equal(change.body.code, 'EMERGENCY_NOT_ALLOWED');
});

test('CTC-05 a page pays with work: signed, for its origin and entry point, once, in time, and more when it asks often', async () => {
  const g = await shop();
  const id = await entryPoint(g);
  const other = await entryPoint(g);
  const ask = (body: object, origin = ORIGIN, at = id) =>
    g.call(null, 'POST', `${publicPath(at)}/visitor-tokens`, body, from(origin));
  const codeOf = async (answer: ReturnType<typeof ask>) => (await answer).body.code ?? 'given';
  const good = await pay(g, id);
  assert.equal(await codeOf(ask({})), 'INVALID_PROOF');
  assert.equal(await codeOf(ask({ proof: { ...good.proof, challenge: `${good.proof.challenge}x` } })), 'INVALID_PROOF');
  assert.equal(await codeOf(ask(good, ORIGIN, other)), 'INVALID_PROOF');
  assert.equal(await codeOf(ask(good, ELSEWHERE)), 'ORIGIN_NOT_ALLOWED');
  assert.equal(await codeOf(ask(good)), 'given');
  assert.equal(await codeOf(ask(good)), 'INVALID_PROOF', 'once');
  const late = await pay(g, id);
  await g.advance(120_000);
  assert.equal(await codeOf(ask(late)), 'INVALID_PROOF');
  let difficulty = 0;
  for (let n = 0; n < 20; n += 1) {
    difficulty = (await g.call(null, 'GET', publicPath(id), undefined, from(ORIGIN))).body.proof.difficulty;
  }
  assert.ok(difficulty > clickToCall.workBits, `${difficulty}`);
});

test('CTC-05 one address gets so many tokens a minute, and a business may keep tokens to itself', async () => {
  const g = await shop({ clickToCall: { ...clickToCall, tokensPerAddress: 2 } });
  const id = await entryPoint(g, { proof: 'none' });
  const ask = (at: string) => g.call(null, 'POST', `${publicPath(at)}/visitor-tokens`, {}, from(ORIGIN));
  assert.deepEqual([(await ask(id)).status, (await ask(id)).status], [201, 201]);
  const refused = await ask(id);
  assert.deepEqual([refused.body.code, refused.headers['retry-after']], ['TOO_MANY_REQUESTS', '30']);
  const closed = await entryPoint(g, { publicTokens: false });
  assert.deepEqual([(await ask(closed)).status, (await ask(closed)).body.code], [403, 'PERMISSION_DENIED']);
  const shown = await g.call(null, 'GET', publicPath(id), undefined, from(ORIGIN));
  assert.deepEqual(shown.body, { displayName: 'Shop', open: true, proof: { type: 'none' } });
});

test('CTC-06 outside its hours an entry point gives no tokens, and says when it opens', async () => {
  const g = await shop();
  const days = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
  const yesterday = days[(new Date(g.now()).getUTCDay() + 6) % 7];
  const hours = { timeZone: 'UTC', open: [{ days: [yesterday], from: '08:00', to: '24:00' }] };
  const id = await entryPoint(g, { hours });
  const shown = (await g.call(null, 'GET', publicPath(id), undefined, from(ORIGIN))).body;
  const next = new Date(g.now() + 6 * 86_400_000).toISOString().slice(0, 10);
  assert.deepEqual([shown.open, shown.opensAt], [false, `${next}T08:00:00.000Z`]);
  for (const answer of [
    await g.call('shop', 'POST', `${CLICK_TO_CALL}/visitor-tokens`, { entryPointId: id }),
    await g.call(null, 'POST', `${publicPath(id)}/visitor-tokens`, await pay(g, id), from(ORIGIN)),
  ])
    assert.deepEqual([answer.status, answer.body.code], [409, 'ENTRY_POINT_CLOSED']);
  for (const wrong of [
    { timeZone: 'Mars/Olympus', open: hours.open },
    { timeZone: 'UTC', open: [{ days: ['mon'], from: '18:00', to: '08:00' }] },
  ])
    assert.equal(
      (await g.call('shop', 'POST', `${CLICK_TO_CALL}/entry-points`, { ...draft, hours: wrong })).status,
      400,
    );
});

test('CTC-07 a call ends when its time is over, with a reason', async () => {
  const g = await shop();
  const token = await businessToken(g, await entryPoint(g, { maxDurationS: 60 }), 'order-7');
  const id = await talking(g, token);
  await g.advance(59_000);
  assert.equal((await g.call(token, 'GET', callPath(id), undefined, from(ORIGIN))).status, 200);
  await g.advance(1000);
  const [record] = records(g);
  assert.deepEqual(
    [record?.['status'], record?.['reason'], referenceOf(record)],
    ['Terminated', 'GW;cause=7;text="maximum duration"', 'order-7'],
  );
  assert.equal(sent(g, 'ims.deregister').length, 1);
});

test('CTC-08 a visitor who vanishes leaves nothing behind', async () => {
  const g = await shop();
  await talking(g, await businessToken(g, await entryPoint(g)));
  g.network.give({ type: 'media-lost', owner: g.network.lastCall(), cause: 'web' });
  await g.advance(60_000);
  const { calls, legs, registrations, bindings, channels, subscriptions } = g.sizes();
  assert.deepEqual([calls, legs, registrations, bindings, channels, subscriptions], [0, 0, 0, 0, 0, 0]);
});

test('REG-21 a restart in the middle of a call ends it with a record; the number leaves the network and rests', async () => {
  const g = await shop({ clickToCall: { ...clickToCall, pools: [{ ...pool, numbers: [NUMBERS[0]] }] } });
  const id = await entryPoint(g);
  const token = await businessToken(g, id, 'order-8');
  const call = await talking(g, token);
  g.kill();
  const pools = [{ ...pool, numbers: [NUMBERS[0]] }];
  const after = await wholeGateway({ store: g.store, settings: { clickToCall: { ...clickToCall, pools } } });
  assert.equal((await after.call(token, 'GET', callPath(call), undefined, from(ORIGIN))).status, 401);
  const [record] = records(after);
  assert.deepEqual([record?.['reason'], referenceOf(record)], ['GW;cause=6;text="gateway restarted"', 'order-8']);
  await after.advance(1000);
  assert.deepEqual([numbersOf(after), sent(after, 'ims.deregister').length], [[NUMBERS[0]], 1]);
  const next = await businessToken(after, id);
  assert.equal((await dial(after, next)).status, 429);
  await after.advance(60_000);
  assert.equal((await dial(after, next)).status, 201);
});

test('CTC-09 entry points belong to their client; one that is taken away gives no calls, and those that are up go on', async () => {
  const g = await shop();
  const id = await entryPoint(g);
  const path = `${CLICK_TO_CALL}/entry-points/${id}`;
  const { status, body } = await g.call('shop', 'GET', path);
  assert.deepEqual([status, { ...body, createdAt: 0 }], [200, { ...draft, entryPointId: id, createdAt: 0 }]);
  for (const method of ['GET', 'DELETE'] as const) assert.equal((await g.call('rival', method, path)).status, 404);
  assert.equal((await g.call('rival', 'PUT', path, draft)).status, 404);
  assert.deepEqual((await g.call('rival', 'GET', `${CLICK_TO_CALL}/entry-points`)).body, []);
  assert.equal((await g.call('ada', 'GET', `${CLICK_TO_CALL}/entry-points`)).status, 403);
  const changed = await g.call('shop', 'PUT', path, { ...draft, displayName: 'Shop 2' });
  assert.deepEqual([changed.status, changed.body.displayName], [200, 'Shop 2']);
  const [token, unused] = [await businessToken(g, id), await businessToken(g, id)];
  const call = await talking(g, token);
  assert.equal((await g.call('shop', 'DELETE', path)).status, 204);
  assert.equal((await dial(g, unused)).status, 404);
  assert.equal((await g.call(null, 'GET', publicPath(id), undefined, from(ORIGIN))).status, 404);
  assert.equal((await g.call(token, 'GET', callPath(call), undefined, from(ORIGIN))).status, 200);
  const asks = { origin: ORIGIN, 'access-control-request-method': 'DELETE' };
  const preflight = await g.call(null, 'OPTIONS', callPath(call), undefined, asks);
  assert.equal(preflight.headers['access-control-allow-origin'], ORIGIN, 'its page can still hang up');
  await hangUp(g, token, call);
  assert.deepEqual(g.store.load('entry-point'), []);
  await g.advance(3_600_000);
  const later = await g.call(null, 'OPTIONS', callPath(call), undefined, asks);
  assert.equal(later.headers['access-control-allow-origin'], undefined);
});

test('CTC-09 an entry point that is changed and taken away at one time is gone, with its origins', async () => {
  const written = createMemoryStore();
  const slow = async (writes: readonly Write[]) => {
    written.commit(writes);
    await setTimeout(5);
  };
  for (const order of [
    ['PUT', 'DELETE'],
    ['DELETE', 'PUT'],
  ] as const) {
    const g = await wholeGateway({ store: { ...written, commit: slow }, settings: { clickToCall } });
    const id = await entryPoint(g);
    const path = `${CLICK_TO_CALL}/entry-points/${id}`;
    const changed = { ...draft, allowedOrigins: [ELSEWHERE] };
    await Promise.all(order.map(method => g.call('shop', method, path, method === 'PUT' ? changed : undefined)));
    assert.deepEqual(written.load('entry-point'), []);
    assert.equal((await g.call('shop', 'GET', path)).status, 404);
    await entryPoint(g);
    await g.advance(3_600_000);
    const asks = { 'access-control-request-method': 'GET' };
    const allowed = async (origin: string) =>
      (await g.call(null, 'OPTIONS', callPath('m'), undefined, { origin, ...asks })).headers[
        'access-control-allow-origin'
      ];
    assert.deepEqual([await allowed(ORIGIN), await allowed(ELSEWHERE)], [ORIGIN, undefined]);
    const [last] = written.load('entry-point');
    assert.ok(last !== undefined);
    written.commit([{ op: 'delete', kind: 'entry-point', key: last.key }]);
  }
});

test('CTC-09 nobody is called at a number that visitors call from', async () => {
  const g = await shop();
  for (const destination of ['tel:+15550108001', 'sip:+15550108000@ims.example.com']) {
    const { status, body } = await g.call('shop', 'POST', `${CLICK_TO_CALL}/entry-points`, { ...draft, destination });
    assert.deepEqual([status, body.message], [400, '"destination" must be no number that visitors call from.']);
  }
});

test('CTC-09 entry points survive a restart', async () => {
  const g = await shop();
  const id = await entryPoint(g);
  g.kill();
  const after = await wholeGateway({ store: g.store, settings: { clickToCall } });
  assert.equal((await after.call('shop', 'GET', `${CLICK_TO_CALL}/entry-points`)).body[0].entryPointId, id);
  assert.equal((await after.call(null, 'GET', publicPath(id), undefined, from(ORIGIN))).status, 200);
});

test('CTC-10 only pages of the entry point’s origins read answers, preflights included', async () => {
  const g = await shop();
  const id = await entryPoint(g);
  await entryPoint(g, { allowedOrigins: [ELSEWHERE] });
  const allowed = async (method: string, path: string, origin: string, more: Record<string, string> = {}) =>
    (await g.call(null, method, path, undefined, { origin, ...more })).headers['access-control-allow-origin'] ?? null;
  const preflight = { 'access-control-request-method': 'GET' };
  assert.equal(await allowed('GET', publicPath(id), ORIGIN), ORIGIN);
  assert.equal(await allowed('GET', publicPath(id), ELSEWHERE), null);
  assert.equal(await allowed('OPTIONS', publicPath(id), ORIGIN, preflight), ORIGIN);
  assert.equal(await allowed('OPTIONS', publicPath(id), ELSEWHERE, preflight), null);
  const token = await pageToken(g, id);
  const made = await dial(g, token);
  assert.equal(made.headers['access-control-allow-origin'], ORIGIN);
  const path = callPath(made.body.mediaSessionId);
  assert.equal(
    (await g.call(token, 'GET', path, undefined, from(ELSEWHERE))).headers['access-control-allow-origin'],
    undefined,
  );
  assert.equal(await allowed('OPTIONS', path, 'https://nobody.example', preflight), null);
  const own = await entryPoint(g, { allowedOrigins: ['https://gateway.example.com'] });
  const sameOrigin = await g.call(null, 'GET', publicPath(own), undefined, { 'sec-fetch-site': 'same-origin' });
  assert.equal(sameOrigin.status, 200);
  const noOrigin = await g.call(null, 'GET', publicPath(id));
  assert.deepEqual([noOrigin.status, noOrigin.body.code], [403, 'ORIGIN_NOT_ALLOWED']);
});

test('CTC-11 the page reads events by its channel, and gets new tickets as long as the call lives', async () => {
  const g = await shop();
  const token = await businessToken(g, await entryPoint(g));
  const id = await talking(g, token);
  const ticket = await g.call(token, 'POST', callPath(id, '/tickets'), undefined, from(ORIGIN));
  assert.deepEqual([ticket.status, Object.keys(ticket.body).sort()], [201, ['ticket', 'ticketExpiresAt']]);
  await hangUp(g, token, id);
  assert.equal((await g.call(token, 'POST', callPath(id, '/tickets'), undefined, from(ORIGIN))).status, 404);
});

test('CTC-12 the network refuses: the visitor hears it, nothing is left, and the token may try again', async () => {
  const g = await shop();
  const token = await businessToken(g, await entryPoint(g));
  g.network.register = 503;
  assert.equal((await dial(g, token)).status, 503);
  const { registrations, bindings, channels, subscriptions } = g.sizes();
  assert.deepEqual([registrations, bindings, channels, subscriptions], [0, 0, 0, 0]);
  g.network.register = 'ok';
  assert.equal((await dial(g, token)).status, 201);
});
