/** What a hostile or clumsy user agent may try at the SIP front door, and what it comes to. RFC 7118 8, RFC 8898 5. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/core-peer.ts';
import { browserOffer } from '../support/core-world.ts';
import { slowStore } from '../support/slow-store.ts';
import { HOME } from '../support/w2-client.ts';
import { ADA, dialled, FAR, imsEffect, scene, talking } from '../support/w2-scene.ts';
import { REGISTRATION } from '../support/whole-gateway.ts';

test('a token of the same user for another number does not speak for this one', async () => {
  const s = await scene();
  const phone = await s.phone();
  const second = ['Authorization', 'Bearer ada-second'] as const;
  assert.equal((await phone.ask('INVITE', FAR, [second], browserOffer())).status, 403);
  assert.equal((await phone.register([second])).status, 403);
});

test('a request that shows no token counts as shown by the last good one, which need not be that of REGISTER', async () => {
  const s = await scene();
  const phone = await s.client({ token: null });
  assert.equal((await phone.register([['Authorization', 'Bearer ada-brief']])).status, 200);
  await s.g.advance(31_000);
  assert.equal((await phone.ask('INVITE', FAR, [], browserOffer())).status, 401);
  assert.equal((await phone.ask('OPTIONS', `sip:${HOME}`, [['Authorization', 'Bearer ada']])).status, 200);
  phone.request('INVITE', FAR, [], browserOffer());
  await imsEffect(s.g, 'ims.invite');
});

test('pings count as messages, and are answered', async () => {
  const s = await scene({ messagesPerS: 5 });
  const phone = await s.phone();
  for (let i = 0; i < 20; i += 1) phone.socket.ping('x');
  assert.equal(await phone.closed(), 1008);
  const polite = await s.phone({ device: 2 });
  polite.socket.ping('mine');
  assert.equal(await new Promise(resolve => polite.socket.once('pong', data => resolve(String(data)))), 'mine');
});

test('who has left has as long to register again as who has just come', async () => {
  const s = await scene();
  const phone = await s.phone();
  await s.g.advance(20_000);
  assert.equal((await phone.register([], 0)).status, 200);
  await s.g.advance(10_000);
  assert.equal((await phone.register()).status, 200);
  assert.equal((await phone.register([], 0)).status, 200);
  await s.g.advance(16_000);
  assert.equal(await phone.closed(), 4408);
});

test('a REGISTER beside one of the same instance that waits for the network may come again, one of somebody else may not', async () => {
  const s = await scene();
  s.g.network.register = 'silent';
  const first = await s.client();
  const waiting = first.register();
  await imsEffect(s.g, 'ims.register');
  const again = await (await s.client()).register();
  assert.equal(again.status, 503);
  assert.ok(Number(again.headers.get('Retry-After')) > 0);
  await s.g.advance(10_000);
  assert.equal((await waiting).status, 504);
  s.g.network.register = 'ok';
  const body = { deviceId: '00000000-0000-4000-8000-000000000001' };
  assert.equal((await s.g.call('ada-other', 'POST', `${REGISTRATION}/sessions`, body)).status, 201);
  assert.equal((await (await s.client()).register()).status, 403);
});

test('a registration that an application ended is gone for the user agent too', async () => {
  const s = await scene();
  const phone = await s.phone();
  const listed = await s.g.call('ada', 'GET', `${REGISTRATION}/sessions?deviceId=00000000-0000-4000-8000-000000000001`);
  const id = listed.body[0].registrationId;
  assert.equal((await s.g.call('ada', 'DELETE', `${REGISTRATION}/sessions/${id}`)).status, 204);
  assert.equal((await phone.ask('INVITE', FAR, [], browserOffer())).status, 403);
  assert.equal(await phone.closed(), 4410);
  assert.equal(s.g.w2Sip?.sizes().devices, 0);
});

test('an extension that a REGISTER requires and we lack: 420', async () => {
  const s = await scene();
  const phone = await s.client();
  const refused = await phone.register([['Require', 'gruu, x-unknown']]);
  assert.equal(refused.status, 420);
  assert.deepEqual(refused.headers.all('Unsupported'), ['gruu', 'x-unknown']);
  assert.equal(s.g.network.effects.length, 0);
});

test('what a message names as a way is no way: all goes down the connection it came by', async () => {
  const s = await scene();
  const phone = await s.phone();
  const evil = 'sip:192.0.2.66:5060;transport=udp;maddr=192.0.2.67;lr';
  phone.request(
    'INVITE',
    FAR,
    [
      ['Contact', `<${evil}>`],
      ['Record-Route', `<${evil}>`],
      ['Route', `<${evil}>`],
    ],
    browserOffer(),
  );
  await imsEffect(s.g, 'ims.invite');
  const call = s.g.network.lastCall();
  assert.doesNotMatch(JSON.stringify(s.g.network.effects), /192\.0\.2\.6/);
  s.g.network.answered(call);
  const ok = await phone.response(200);
  phone.request('ACK', FAR, [['To', ok.headers.get('To') ?? '']]);
  s.g.network.ended(call);
  const bye = await phone.expect('BYE');
  assert.match(bye.uri, /192\.0\.2\.66/);
  phone.respond(bye, 200);
});

test('addresses with smuggled parts are no addresses', async () => {
  const s = await scene();
  const phone = await s.phone();
  for (const uri of [
    `sip:bob%0d%0aX-Evil%3a1@${HOME}`,
    `sip:bob%40evil.example.com@${HOME}`,
    `sip:bob%3Bmaddr=192.0.2.1@${HOME}`,
    `sip:911%3Bphone-context=evil%0d%0a.com@${HOME}`,
    'sip:bob@[::1]',
    'sip:bob@localhost',
  ])
    assert.equal((await phone.ask('INVITE', uri, [], browserOffer())).status, 404, uri);
  assert.equal(s.g.sizes()['calls'], 0);
});

test('methods inside a dialog that are not there are refused, and the call goes on', async () => {
  const s = await scene();
  const phone = await s.phone();
  const { call, to } = await talking(s, phone);
  for (const method of ['REFER', 'SUBSCRIBE', 'MESSAGE', 'PUBLISH'])
    assert.equal((await phone.ask(method, FAR, [to, ['Refer-To', '<sip:x@192.0.2.1>']])).status, 405, method);
  assert.equal((await phone.ask('OPTIONS', FAR, [to])).status, 200);
  assert.equal(s.g.sizes()['calls'], 1);
  s.g.network.ended(call);
  phone.respond(await phone.expect('BYE'), 200);
});

test('a name to be shown loses its control characters, however they were written', async () => {
  const s = await scene();
  const phone = await s.phone();
  const from = ['From', `"A\\\u0000d\\\u0007a\t\u0085" <sip:${ADA}@${HOME}>;tag=n`] as const;
  phone.request('INVITE', FAR, [from], browserOffer());
  const invite = await imsEffect(s.g, 'ims.invite');
  assert.equal('displayName' in invite && invite.displayName, 'Ada');
});

test('a 200 without an answer declines the call: the caller does not go on waiting', async () => {
  const s = await scene();
  const phone = await s.phone();
  const call = s.g.network.invite(ADA);
  phone.respond(await phone.expect('INVITE'), 200);
  await phone.expect('ACK');
  phone.respond(await phone.expect('BYE'), 200);
  await eventually('the end for the caller', () =>
    s.g.network.effects.some(effect => effect.type === 'ims.end' && effect.owner === call),
  );
});

test('CANCEL at once, before the core has said a word: no call is left', async () => {
  const s = await scene();
  const phone = await s.phone();
  phone.request('INVITE', FAR, [], browserOffer());
  phone.request('CANCEL', FAR);
  await phone.response(487);
  phone.request('ACK', FAR);
  await eventually('nothing left', () => s.g.sizes()['calls'] === 0 && s.g.w2Sip?.sizes().calls === 0);
});

test('many devices of a user share its rate with its applications; an emergency call does not wait', async () => {
  const s = await scene({}, { api: { ratePerUser: 2 }, emergency: { numbers: ['112'] } });
  const phone = await s.phone();
  for (let i = 0; i < 3; i += 1) await s.g.call('ada', 'GET', `${REGISTRATION}/sessions`);
  const refused = await phone.register();
  assert.equal(refused.status, 503);
  assert.equal(refused.headers.get('Retry-After'), '1');
  assert.equal((await phone.ask('INVITE', FAR, [], browserOffer())).status, 503);
  assert.equal((await phone.ask('INVITE', `sip:112@${HOME};user=phone`, [], browserOffer())).status, 380);
  await s.g.advance(1000);
  await dialled(s, phone);
});

test('who has not registered is held back by its address', async () => {
  const s = await scene({}, { api: { ratePerAddress: 3 } });
  // The gateway has been asked for its documents.
  await s.g.advance(1000);
  const idle = await s.client({ token: null });
  for (let i = 0; i < 3; i += 1) assert.equal((await idle.register()).status, 401);
  assert.equal((await idle.register()).status, 503);
});

test('behind a proxy that is trusted each client has a rate of its own', async () => {
  const s = await scene({}, { api: { ratePerAddress: 3, trustProxy: ['127.0.0.0/8'] } });
  const client = (forwarded: string) =>
    s.client({ token: null, socket: { headers: { 'X-Forwarded-For': `198.51.100.1, ${forwarded}` } } });
  const greedy = await client('192.0.2.1');
  for (let i = 0; i < 3; i += 1) assert.equal((await greedy.register()).status, 401);
  assert.equal((await greedy.register()).status, 503);
  assert.equal((await (await client('192.0.2.2')).register()).status, 401);
  assert.equal((await (await client('192.0.2.1')).register()).status, 503);
});

test('what a client says of its address counts for nothing without a proxy', async () => {
  const s = await scene({}, { api: { ratePerAddress: 3 } });
  await s.g.advance(1000);
  for (let i = 0; i < 4; i += 1) {
    const one = await s.client({ token: null, socket: { headers: { 'X-Forwarded-For': `192.0.2.${i}` } } });
    assert.equal((await one.register()).status, i < 3 ? 401 : 503);
  }
});

test('who has not registered leaves nothing behind: a refused INVITE waits for no ACK', async () => {
  const s = await scene();
  const stranger = await s.client({ token: null });
  for (let i = 0; i < 20; i += 1) assert.equal((await stranger.ask('INVITE', FAR, [], browserOffer())).status, 401);
  const early = await s.client();
  const refused = await early.ask('INVITE', FAR, [], browserOffer());
  assert.equal(refused.status, 403);
  assert.deepEqual(s.g.w2Sip?.sizes(), { connections: 2, devices: 0, calls: 0, transactions: 0 });
  early.request('ACK', FAR, [['To', refused.headers.get('To') ?? '']]);
  early.request('CANCEL', FAR);
  assert.equal((await early.ask('BYE', FAR)).status, 481);
  assert.equal((await early.register()).status, 200);
  assert.equal(early.texts.length, 3, 'no answer to ACK and CANCEL');
  await s.g.settle();
  assert.equal(s.g.w2Sip?.sizes().transactions, 0);
});

test('a call out that was begun while its connection closed does not ring without it', async () => {
  for (const comesBack of [false, true]) {
    const slow = slowStore(writes => writes.some(write => write.op === 'put' && write.kind === 'call'));
    const s = await scene({ graceMs: 4000 }, {}, slow.store);
    const phone = await s.phone();
    phone.request('INVITE', FAR, [], browserOffer());
    await eventually('the call in the hands of the store', () => slow.waiting() === 1);
    phone.socket.terminate();
    await eventually('the loss', () => s.g.w2Sip?.sizes().connections === 0);
    // Back in time with no memory of its call, or gone for good.
    const next = comesBack ? s.phone() : s.g.advance(5000);
    while (slow.waiting() > 0) {
      slow.release();
      await s.g.settle();
    }
    await next;
    await eventually('the end of the call', () => s.g.sizes()['calls'] === 0);
    assert.equal(s.g.w2Sip?.sizes().calls, 0);
  }
});
