/** Stories of user agents that speak SIP over WebSocket, through the whole gateway in memory. RFC 7118, RFC 8898, IMS digest 8. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../support/core-peer.ts';
import { browserOffer, imsSdp } from '../support/core-world.ts';
import { put, ready, story } from '../support/steps.ts';
import { HOME } from '../support/w2-client.ts';
import { ADA, dialled, FAR, imsEffect, scene, talking } from '../support/w2-scene.ts';
import { REGISTRATION } from '../support/whole-gateway.ts';

test('WSS-01 the subprotocol sip is mandatory and echoed; a foreign page is not let in', async () => {
  const s = await scene({}, { api: { clients: { demo: { origins: ['https://app.example.com'], numbers: [] } } } });
  await assert.rejects(s.client({ protocols: [] }), /400/);
  await assert.rejects(s.client({ protocols: ['chat'] }), /400/);
  await assert.rejects(s.client({ socket: { origin: 'https://evil.example.com' } }), /403/);
  const page = await s.client({ socket: { origin: 'https://app.example.com' } });
  assert.equal(page.socket.protocol, 'sip');
  assert.equal((await page.register()).status, 200);
});

test('WSS-01 an origin of another client is known by the token, and sent away', async () => {
  const s = await scene({}, { api: { clients: { other: { origins: ['https://app.example.com'], numbers: [] } } } });
  const page = await s.client({ socket: { origin: 'https://app.example.com' } });
  assert.equal((await page.register()).status, 403);
  assert.equal(await page.closed(), 4403);
  assert.equal(s.g.network.effects.length, 0);
});

test('WSS-01 one message per frame, as text or as bytes, with or without Content-Length; CRLF keeps alive', async () => {
  const s = await scene();
  for (const binary of [false, true]) {
    const phone = await s.phone({ binary, device: binary ? 2 : 1 });
    phone.socket.send('\r\n\r\n');
    await eventually('the pong', () => phone.texts.includes('\r\n'));
    phone.socket.send('\r\n');
    const bare = [
      `OPTIONS sip:${HOME} SIP/2.0`,
      `Via: SIP/2.0/WSS x.invalid;branch=z9hG4bKbare${binary}`,
      `From: <sip:${ADA}@${HOME}>;tag=1`,
      `To: <sip:${HOME}>`,
      'Call-ID: bare',
      'CSeq: 77 OPTIONS',
      'Max-Forwards: 70',
      '\r\n',
    ].join('\r\n');
    phone.socket.send(binary ? Buffer.from(bare) : bare);
    assert.equal((await phone.response(200)).headers.get('CSeq'), '77 OPTIONS');
  }
});

test('WSS-01 what is no SIP is thrown away, what is too much ends the connection', async () => {
  const s = await scene({ messagesPerS: 5, maxMessageBytes: 4096 });
  const phone = await s.phone();
  phone.socket.send('hello');
  phone.socket.send('INVITE nobody SIP/2.0\r\nVia: SIP/2.0/WSS x.invalid;branch=z9hG4bKbad\r\n\r\n');
  assert.equal((await phone.ask('OPTIONS', `sip:${HOME}`)).status, 200);
  for (let i = 0; i < 10; i += 1) phone.socket.send('\r\n');
  assert.equal(await phone.closed(), 1008);
  const wordy = await s.phone({ device: 2 });
  wordy.socket.send('x'.repeat(5000));
  assert.equal(await wordy.closed(), 1009);
});

test('REGISTER by token: the number of it, the instance as the device, seen by the API like any other', async () => {
  const s = await scene();
  const phone = await s.client();
  const ok = await phone.register();
  assert.equal(ok.status, 200);
  const [contact] = ok.headers.contacts();
  assert.equal(contact?.params.get('expires'), '600');
  assert.equal(contact?.params.get('reg-id'), '1');
  assert.match(contact?.params.get('+sip.instance') ?? '', /urn:uuid:00000000-0000-4000-8000-000000000001/);
  assert.equal(ok.headers.get('P-Associated-URI'), `<sip:${ADA}@${HOME}>`);
  assert.equal(ok.headers.has('Service-Route'), false);
  const listed = await s.g.call('ada', 'GET', `${REGISTRATION}/sessions?deviceId=00000000-0000-4000-8000-000000000001`);
  assert.equal(listed.body.length, 1);
  assert.equal(listed.body[0].regInfo.phoneNumber, ADA);
  // A refresh gives it a new end, a short life is refused, expires=0 ends it.
  assert.equal((await phone.register([], 3600)).headers.contacts()[0]?.params.get('expires'), '3600');
  const short = await phone.register([], 5);
  assert.equal(short.status, 423);
  assert.equal(short.headers.get('Min-Expires'), '60');
  assert.equal((await phone.register([], 0)).status, 200);
  assert.equal(s.g.sizes()['registrations'], 0);
  assert.ok(s.g.network.effects.some(effect => effect.type === 'ims.deregister'));
  assert.equal(s.g.w2Sip?.sizes().devices, 0);
});

test('REGISTER for another number, without an instance, or for a number that is not allotted is refused', async () => {
  const s = await scene();
  const phone = await s.client();
  assert.equal((await phone.register([['To', `<sip:+15550100002@${HOME}>`]])).status, 403);
  assert.equal((await phone.register([['To', `<sip:${ADA}@elsewhere.example.com>`]])).status, 403);
  assert.equal((await phone.register([['Contact', '<sip:u@x.invalid;transport=ws>']])).status, 400);
  assert.equal((await phone.ask('INVITE', FAR, [], browserOffer())).status, 403);
  assert.equal(s.g.network.effects.length, 0);
  const shop = await s.client({ token: 'shop', number: '+15550100003' });
  assert.equal((await shop.register()).status, 200);
  const thief = await s.client({ token: 'shop', number: ADA, device: 2 });
  assert.equal((await thief.register()).status, 403);
});

test('WSS-03 no token and a bad token: 401 with a Bearer challenge that names an https authorization server', async () => {
  const s = await scene();
  const phone = await s.client({ token: null });
  const asked = await phone.register();
  assert.equal(asked.status, 401);
  const challenge = asked.headers.get('WWW-Authenticate') ?? '';
  assert.match(challenge, /^Bearer realm="ims\.example\.com", scope="webrtc-registration:sessions:create [^"]+"/);
  assert.match(challenge, /authz_server="https:\/\/idp\.example\.com"/);
  assert.doesNotMatch(challenge, /error=/);
  const refused = await phone.register([['Authorization', 'Bearer expired']]);
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get('WWW-Authenticate') ?? '', /error="invalid_token"/);
  assert.equal(await phone.closed(), 4401);
  assert.equal(s.g.network.effects.length, 0);
});

test('WSS-03 an expired token in a call: 401 to what begins or changes, never to what ends', async () => {
  const s = await scene();
  const phone = await s.phone();
  const expired = ['Authorization', 'Bearer expired'] as const;
  const refused = await phone.ask('INVITE', FAR, [expired], browserOffer());
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get('WWW-Authenticate') ?? '', /error="invalid_token"/);
  const { to } = await talking(s, phone);
  assert.equal((await phone.ask('INVITE', FAR, [to, expired], browserOffer('h'))).status, 401);
  assert.equal((await phone.ask('BYE', FAR, [to, expired])).status, 200);
  await imsEffect(s.g, 'ims.end');
  // Another's token does not speak for this device.
  assert.equal((await phone.ask('INVITE', FAR, [['Authorization', 'Bearer bela']], browserOffer())).status, 403);
});

test('WSS-04 the token goes nowhere: not into the core, not into an event, not into the store', async () => {
  const s = await scene();
  const phone = await s.phone();
  const { to } = await talking(s, phone);
  assert.equal((await phone.ask('BYE', FAR, [to])).status, 200);
  await imsEffect(s.g, 'ims.end');
  const kept = ['binding', 'call', 'record', 'outbox'].flatMap(kind => s.g.store.load(kind as 'call'));
  assert.ok(s.g.network.effects.length > 1);
  assert.doesNotMatch(JSON.stringify([s.g.network.effects, kept, s.g.delivered]), /bearer|authorization/i);
  assert.doesNotMatch(phone.texts.join(), /Authorization: /);
});

test('WSS-05 a token in the quoted form of TS 24.371 is taken', async () => {
  const s = await scene();
  const phone = await s.client({ token: null });
  assert.equal((await phone.register([['Authorization', 'Bearer access_token="ada"']])).status, 200);
});

test('a call out: 183 with the answer, 180, 200; BYE ends it at the core', async () => {
  const s = await scene();
  const phone = await s.phone();
  const call = await dialled(s, phone);
  const invite = await imsEffect(s.g, 'ims.invite');
  assert.equal('to' in invite && invite.to, 'tel:+15550109000');
  s.g.network.progress(call, 183, imsSdp());
  const progress = await phone.response(183);
  s.g.network.progress(call, 180);
  await phone.response(180);
  s.g.network.answered(call);
  const ok = await phone.response(200);
  assert.equal(Buffer.from(ok.body).toString(), Buffer.from(progress.body).toString());
  assert.match(Buffer.from(ok.body).toString(), /ice-ufrag/);
  const to = ['To', ok.headers.get('To') ?? ''] as const;
  phone.request('ACK', FAR, [to]);
  assert.equal((await phone.ask('BYE', FAR, [to])).status, 200);
  const ended = await imsEffect(s.g, 'ims.end');
  assert.equal('owner' in ended && ended.owner, call);
  await eventually('nothing left', () => s.g.sizes()['calls'] === 0 && s.g.w2Sip?.sizes().calls === 0);
  assert.equal(s.g.counted.get('w2_sip_requests_total {"method":"INVITE","class":"2xx"}'), 1);
});

test('a call out ends as the network says, and by CANCEL', async () => {
  const s = await scene();
  const phone = await s.phone();
  for (const [code, phrase] of [
    [486, 'Busy Here'],
    [603, 'Decline'],
    [404, 'Not Found'],
  ] as const) {
    const call = await dialled(s, phone);
    s.g.network.rejected(call, code, phrase);
    assert.match((await phone.response(code)).headers.get('Reason') ?? '', new RegExp(`^SIP;cause=${code}`));
    phone.request('ACK', FAR);
  }
  await dialled(s, phone);
  phone.request('CANCEL', FAR);
  await phone.response(487);
  phone.request('ACK', FAR);
  await eventually('nothing left', () => s.g.sizes()['calls'] === 0);
});

test('a call out that may not be: another caller, an unknown form, no offer, SDP that is none', async () => {
  const s = await scene();
  const phone = await s.phone();
  const from = ['From', `<sip:+15550100002@${HOME}>;tag=2`] as const;
  assert.equal((await phone.ask('INVITE', FAR, [from], browserOffer())).status, 403);
  assert.equal((await phone.ask('INVITE', 'tel:123', [], browserOffer())).status, 404);
  assert.equal((await phone.ask('INVITE', 'urn:service:sos', [], browserOffer())).status, 380);
  assert.equal((await phone.ask('INVITE', FAR)).status, 488);
  assert.equal((await phone.ask('INVITE', FAR, [], 'nonsense')).status, 488);
  phone.request('INVITE', FAR, [['Privacy', 'id']], browserOffer());
  const invite = await imsEffect(s.g, 'ims.invite');
  assert.equal('anonymous' in invite && invite.anonymous, true);
});

test('WSS-02 a call in goes down the socket of the registration, to a Contact that no DNS knows', async () => {
  const s = await scene();
  const phone = await s.phone();
  const call = s.g.network.invite(ADA);
  const invite = await phone.expect('INVITE');
  assert.match(invite.uri, /^sip:u@c\d+\.invalid;transport=ws$/);
  assert.match(invite.headers.get('Via') ?? '', /^SIP\/2\.0\/WSS? /);
  assert.match(invite.headers.get('From') ?? '', /<sip:\+15550109999@ims\.example\.com;user=phone>/);
  phone.respond(invite, 180);
  const ringing = await imsEffect(s.g, 'ims.provisional');
  assert.equal('code' in ringing && ringing.code, 180);
  phone.respond(invite, 200, browserOffer('b'));
  assert.equal((await phone.expect('ACK')).uri, invite.uri);
  const answered = await imsEffect(s.g, 'ims.answer');
  assert.equal('owner' in answered && answered.owner, call);
  s.g.network.give({ type: 'ims-acked', owner: call, sdp: null });
  s.g.network.ended(call);
  const bye = await phone.expect('BYE');
  assert.equal(bye.uri, invite.uri);
  phone.respond(bye, 200);
  await eventually('nothing left', () => s.g.w2Sip?.sizes().calls === 0 && s.g.sizes()['calls'] === 0);
});

test('WSS-02 two user agents with one Contact: each call goes to whom it is for', async () => {
  const s = await scene();
  const ada = await s.phone();
  const bela = await s.client({ token: 'bela', number: '+15550100002', device: 2 });
  const contact = '<sip:u@same.invalid;transport=ws>;+sip.instance="<urn:uuid:00000000-0000-4000-8000-00000000000';
  assert.equal((await ada.register([['Contact', `${contact}1>"`]])).status, 200);
  assert.equal((await bela.register([['Contact', `${contact}2>"`]])).status, 200);
  s.g.network.invite(ADA);
  assert.match((await ada.expect('INVITE')).headers.get('To') ?? '', /15550100001/);
  assert.equal(bela.texts.filter(text => text.startsWith('INVITE')).length, 0);
});

test('a call in is declined: busy, or not wanted; the caller hears it', async () => {
  const s = await scene();
  const phone = await s.phone();
  for (const status of [486, 603, 480]) {
    const call = s.g.network.invite(ADA);
    phone.respond(await phone.expect('INVITE'), status);
    await phone.expect('ACK');
    const ended = await eventually('the refusal', () =>
      s.g.network.effects.find(effect => effect.type === 'ims.end' && effect.owner === call),
    );
    assert.equal('code' in ended && ended.code, 486);
  }
});

test('the caller gives up: CANCEL goes down the socket', async () => {
  const s = await scene();
  const phone = await s.phone();
  const call = s.g.network.invite(ADA);
  const invite = await phone.expect('INVITE');
  phone.respond(invite, 180);
  await imsEffect(s.g, 'ims.provisional');
  const outcome = { code: 0, phrase: '', q850: null, local: null, reason: null };
  s.g.network.give({ type: 'ims-cancelled', owner: call, outcome });
  phone.respond(await phone.expect('CANCEL'), 200);
  phone.respond(invite, 487);
  await phone.expect('ACK');
});

test('one number, two devices: an application by the API and a user agent by SIP ring together, the first has it', async () => {
  const s = await scene();
  const phone = await s.phone({ device: 1 });
  await ready(s.g, 'ada', 2);
  for (const winner of ['sip', 'api'] as const) {
    const told = s.g.delivered.length;
    const call = s.g.network.invite(ADA);
    const invite = await phone.expect('INVITE');
    const event = await eventually('the invitation', () =>
      s.g.delivered.slice(told).find(({ event }) => event.type.endsWith('session-invitation')),
    );
    const id = event.event.data.mediaSessionId;
    phone.respond(invite, 180);
    if (winner === 'sip') {
      phone.respond(invite, 200, browserOffer('b'));
      await phone.expect('ACK');
      await eventually('the news', () => story(s.g, id).at(-1)?.endsWith('SessionCancelled'));
      assert.match(s.g.delivered.at(-1)?.event.data.reason, /elsewhere/);
      s.g.network.give({ type: 'ims-acked', owner: call, sdp: null });
      s.g.network.ended(call);
      phone.respond(await phone.expect('BYE'), 200);
    } else {
      assert.equal(
        (await put(s.g, 'ada', id, { status: 'Connected', answer: { sdp: browserOffer('b') } })).status,
        200,
      );
      const cancel = await phone.expect('CANCEL');
      assert.match(cancel.headers.get('Reason') ?? '', /^SIP;cause=200;text="Call completed elsewhere"/);
      phone.respond(cancel, 200);
      phone.respond(invite, 487);
    }
  }
});

test('hold and resume by re-INVITE reach the network; a new path is answered here', async () => {
  const s = await scene();
  const phone = await s.phone();
  const { to } = await talking(s, phone);
  for (const [sdp, hold] of [
    [browserOffer().replace('sendrecv', 'sendonly'), true],
    [browserOffer(), false],
    [browserOffer('r'), null],
  ] as const) {
    const before = s.g.network.effects.length;
    const ok = await phone.ask('INVITE', FAR, [to], sdp);
    assert.equal(ok.status, 200);
    assert.match(Buffer.from(ok.body).toString(), /ice-ufrag/);
    phone.request('ACK', FAR, [to]);
    await s.g.settle();
    const updates = s.g.network.effects.slice(before).filter(effect => effect.type === 'ims.update');
    assert.equal(updates.length, hold === null ? 0 : 1, String(hold));
  }
  assert.equal((await phone.ask('INVITE', FAR, [to])).status, 488);
  assert.equal((await phone.ask('BYE', FAR, [to])).status, 200);
});

test('a lost connection: the call goes on by the next one, and a call in waits for it', async () => {
  const s = await scene();
  const phone = await s.phone();
  const { to } = await talking(s, phone);
  phone.socket.terminate();
  await eventually('the loss', () => s.g.w2Sip?.sizes().connections === 0);
  s.g.network.invite(ADA);
  await s.g.settle();
  const back = await s.phone();
  const invite = await back.expect('INVITE');
  back.respond(invite, 486);
  await back.expect('ACK');
  // The dialog of before: its Call-ID and tags.
  const [, callId = ''] =
    /^Call-ID: (.*)$/m.exec(phone.texts.find(text => text.includes('CSeq: 2 INVITE')) ?? '') ?? [];
  const from = `<sip:${ADA}@${HOME}>;tag=${callId.replace(/-1\s*$/, '')}`;
  const bye = await back.ask('BYE', FAR, [to, ['From', from], ['Call-ID', callId.trim()], ['CSeq', '90 BYE']]);
  assert.equal(bye.status, 200);
  await imsEffect(s.g, 'ims.end');
});

test('a lost connection that does not come back: 480, and its calls end', async () => {
  const s = await scene({ graceMs: 4000 });
  const phone = await s.phone();
  const { call } = await talking(s, phone);
  phone.socket.terminate();
  await eventually('the loss', () => s.g.w2Sip?.sizes().connections === 0);
  const next = s.g.network.invite(ADA);
  await s.g.settle();
  const endOf = (owner: string) =>
    s.g.network.effects.find(effect => effect.type === 'ims.end' && effect.owner === owner);
  assert.equal(endOf(next), undefined);
  await s.g.advance(5000);
  const refused = endOf(next);
  assert.equal(refused?.type === 'ims.end' && refused.code, 480);
  assert.ok(endOf(call) !== undefined);
  assert.deepEqual(s.g.w2Sip?.sizes(), { connections: 0, devices: 0, calls: 0, transactions: 0 });
  // The registration is there until it expires, as any: calls in find nobody to ring.
  assert.equal(s.g.sizes()['registrations'], 1);
  const late = s.g.network.invite(ADA);
  await s.g.settle();
  const lost = endOf(late);
  assert.equal(lost?.type === 'ims.end' && lost.code, 480);
  // It takes its registration up again.
  const back = await s.phone();
  s.g.network.invite(ADA);
  await back.expect('INVITE');
  assert.equal(s.g.sizes()['registrations'], 1);
});

test('a call that was being set up ends with its connection', async () => {
  const s = await scene();
  const phone = await s.phone();
  await dialled(s, phone);
  phone.socket.terminate();
  await imsEffect(s.g, 'ims.end');
});

test('the newest connection of an instance has it; nobody takes the device of another', async () => {
  const s = await scene();
  const phone = await s.phone();
  const again = await s.phone();
  assert.equal(await phone.closed(), 4409);
  const other = await s.client({ token: 'ada-other' });
  assert.equal((await other.register()).status, 403);
  s.g.network.invite(ADA);
  await again.expect('INVITE');
  assert.equal(
    (
      await again.register([
        ['Contact', '<sip:u@x.invalid>;+sip.instance="<urn:uuid:00000000-0000-4000-8000-0000000000ff>"'],
      ])
    ).status,
    403,
  );
});

test('a registration that ends takes its connection and its calls with it', async () => {
  const s = await scene();
  const phone = await s.phone();
  const { call } = await talking(s, phone);
  await s.g.advance(601_000);
  assert.equal(await phone.closed(), 4410);
  assert.ok(s.g.network.effects.some(effect => effect.type === 'ims.end' && effect.owner === call));
  assert.equal(s.g.w2Sip?.sizes().devices, 0);
});

test('who does not register in time is sent away; who ends the gateway says so', async () => {
  const s = await scene();
  const idle = await s.client();
  await s.g.advance(16_000);
  assert.equal(await idle.closed(), 4408);
  const phone = await s.phone();
  s.door.close();
  assert.equal(await phone.closed(), 1012);
});

test('methods that are not there are refused, requests outside a dialog too', async () => {
  const s = await scene();
  const phone = await s.phone();
  assert.equal((await phone.ask('SUBSCRIBE', FAR)).status, 405);
  assert.equal((await phone.ask('MESSAGE', FAR)).status, 405);
  assert.equal((await phone.ask('BYE', FAR, [['To', `<${FAR}>;tag=none`]])).status, 481);
});
