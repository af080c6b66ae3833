/** The other two faces towards the core: a client that answers challenges behind a P-CSCF, and a trunk that registers nothing. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually } from '../../test/support/core-peer.ts';
import {
  BINDING,
  bench,
  fields,
  HOME,
  HOST,
  IDENTITY,
  INVITE,
  NUMBER,
  OFFER,
  register,
  registrar,
  SDP,
} from '../../test/support/mw-bench.ts';
import { checkSettings } from '../config/settings.ts';
import type { Ref } from '../ep-cscf/ids.ts';
import { createIds } from '../runtime/ids.ts';
import { silentLog } from '../runtime/log.ts';
import { answerChallenge, parseChallenge, type SipRequest } from '../sip/index.ts';
import { dryRun } from './dry-run.ts';

/** Checks the Authorization of a request against the password. */
function proves(request: SipRequest, field: string, challenge: string, username: string, password: string): boolean {
  const sent = request.headers.get(field) ?? '';
  const given = (name: string) => new RegExp(`[ ,]${name}="?([^",]+)`).exec(sent)?.[1] ?? '';
  const parsed = parseChallenge(challenge);
  assert.ok(parsed);
  const expected = answerChallenge({
    challenge: parsed,
    username,
    password,
    method: request.method,
    uri: request.uri,
    nc: Number.parseInt(given('nc'), 16),
    cnonce: given('cnonce'),
    body: request.body,
  });
  return expected === sent;
}

for (const algorithm of ['MD5', 'SHA-256']) {
  test(`ORG-03 a client names its private identity, answers a ${algorithm} challenge and calls by P-CSCF and Service-Route`, async t => {
    const challenge = `Digest realm="${HOME}", nonce="n1", algorithm=${algorithm}, qop="auth"`;
    const b = await bench(t, { mode: 'client', passwordTemplate: 'pw-{digits}', regEvent: false });
    const registers: SipRequest[] = [];
    const invites: SipRequest[] = [];
    b.peer.onMessage = (message, reply) => {
      if (message.type !== 'request') return;
      if (message.method === 'REGISTER') {
        registers.push(message);
        if (registers.length === 1) b.peer.respond(message, reply, 401, [['WWW-Authenticate', challenge]]);
        else
          b.peer.respond(message, reply, 200, [
            ['Contact', message.headers.get('Contact') ?? ''],
            ['Service-Route', '<sip:orig@scscf.example;lr>'],
          ]);
      } else if (message.method === 'INVITE') {
        invites.push(message);
        const refusal = `Digest realm="${HOME}", nonce="n2", algorithm=${algorithm}, qop="auth"`;
        if (invites.length === 1) b.peer.respond(message, reply, 407, [['Proxy-Authenticate', refusal]]);
        else b.peer.respond(message, reply, 200, [SDP, ['Contact', `<sip:far@${HOST}:${b.peer.port}>`]], OFFER);
      }
    };
    register(b, 1);
    await b.input('ims-registered');
    const [first, second] = registers;
    assert.ok(first && second);
    const bare = `Digest username="${IDENTITY.impi}", realm="${HOME}", uri="sip:${HOME}", nonce="", response=""`;
    assert.equal(first.headers.get('Authorization'), bare);
    for (const name of ['Path', 'Require', 'P-Visited-Network-ID', 'P-Charging-Vector'])
      assert.equal(first.headers.has(name), false, name);
    assert.ok(proves(second, 'Authorization', challenge, IDENTITY.impi, 'pw-99910020001'));
    b.mw.port.run(INVITE);
    await b.input('ims-answered');
    const invite = invites[1];
    assert.ok(invite);
    assert.deepEqual(invite.headers.all('Route'), [`<sip:${HOST}:${b.peer.port};lr>`, '<sip:orig@scscf.example;lr>']);
    assert.equal(invite.headers.get('P-Preferred-Identity'), `<sip:${NUMBER}@${HOME};user=phone>`);
    for (const name of ['P-Asserted-Identity', 'P-Charging-Vector'])
      assert.equal(invite.headers.has(name), false, name);
    assert.equal(invite.headers.get('P-Preferred-Service'), 'urn:urn-7:3gpp-service.ims.icsi.mmtel');
    assert.equal(invite.headers.has('Accept-Contact'), true);
    const asked = `Digest realm="${HOME}", nonce="n2", algorithm=${algorithm}, qop="auth"`;
    assert.ok(proves(invite, 'Proxy-Authorization', asked, IDENTITY.impi, 'pw-99910020001'));
  });
}

test('DIG-04 a client answers the challenge of its registration-state subscription', async t => {
  const challenge = `Digest realm="${HOME}", nonce="n1", algorithm=SHA-256, qop="auth"`;
  const b = await bench(t, { mode: 'client', passwordTemplate: 'pw-{digits}' });
  const subscribes: SipRequest[] = [];
  registrar(b, 600, (message, reply) => {
    if (message.type !== 'request' || message.method !== 'SUBSCRIBE') return;
    subscribes.push(message);
    if (subscribes.length === 1) b.peer.respond(message, reply, 407, [['Proxy-Authenticate', challenge]]);
    else b.peer.respond(message, reply, 200, [['Expires', '600']]);
  });
  register(b, 1);
  const second = await eventually('SUBSCRIBE', () => subscribes[1]);
  assert.ok(proves(second, 'Proxy-Authorization', challenge, IDENTITY.impi, 'pw-99910020001'));
});

test('a wrong password ends after one try', async t => {
  const b = await bench(t, { mode: 'client', passwords: { [IDENTITY.impi]: 'wrong' } });
  let nonce = 0;
  b.peer.onMessage = (message, reply) => {
    if (message.type !== 'request') return;
    nonce += 1;
    const challenge = `Digest realm="${HOME}", nonce="n${nonce}", algorithm=MD5, qop="auth"`;
    b.peer.respond(message, reply, 401, [['WWW-Authenticate', challenge]]);
  };
  register(b, 1);
  assert.equal((await b.input('ims-register-failed')).outcome.code, 401);
  assert.equal(nonce, 2);
});

test('TRM-20 a trunk says nothing of registrations; calls go to the peer and come by their number', async t => {
  const b = await bench(t, { mode: 'trunk', trunkUser: 'lineside', trunkPassword: 'secret' });
  register(b, 1);
  assert.deepEqual(await b.input('ims-registered'), {
    type: 'ims-registered',
    owner: BINDING,
    ref: 1,
    expiresS: 3600,
    associated: [],
  });
  assert.deepEqual(b.peer.texts, []);
  b.mw.port.run(INVITE);
  const out = await b.request('INVITE');
  assert.equal(out.headers.has('Route'), false);
  assert.equal(out.uri, `sip:+99910020002@${HOME};user=phone`);
  assert.equal(out.headers.get('P-Asserted-Identity'), `<sip:${NUMBER}@${HOME};user=phone>`);
  assert.equal(out.headers.has('Accept-Contact'), false);
  const charging = out.headers.get('P-Charging-Vector') ?? '';
  assert.ok(charging.endsWith(`;icid-generated-at=${HOST};orig-ioi=${HOME}`), 'between networks the name stands alone');

  const call = (uri: string, id: string) =>
    b.peer.send(
      b.port,
      'INVITE',
      uri,
      [
        ['From', `<sip:+99910020009@${HOME}>;tag=p${id}`],
        ['To', `<${uri}>`],
        ['Call-ID', id],
        ['CSeq', '1 INVITE'],
        ['Contact', `<sip:peer@${HOST}:${b.peer.port}>`],
        ['P-Asserted-Identity', '<tel:+99910020009>'],
        SDP,
      ],
      OFFER,
    );
  call(`sip:${NUMBER}@${HOST}:${b.port};user=phone`, 'in1');
  const invited = await b.input('ims-invited');
  assert.equal(invited.binding, BINDING);
  assert.equal(invited.caller, 'tel:+99910020009');
  b.mw.port.run({ type: 'ims.provisional', owner: invited.owner, code: 180, sdp: null });
  const ringing = fields(await eventually('180', () => b.peer.texts.find(text => text.startsWith('SIP/2.0 180'))));
  assert.equal(ringing.get('P-Asserted-Identity'), `<sip:${NUMBER}@${HOME};user=phone>, <tel:${NUMBER}>`);
  assert.equal(ringing.has('P-Charging-Vector'), false);
  call(`sip:+99910020077@${HOST}:${b.port}`, 'in2');
  const refused = await new Promise<number>(resolve => {
    b.peer.onMessage = message => {
      if (message.type === 'response' && message.headers.callId() === 'in2' && message.status >= 200)
        resolve(message.status);
    };
  });
  assert.equal(refused, 404);
  b.mw.port.run({ type: 'ims.deregister', owner: BINDING, ref: 2 as Ref, correlator: '' });
  assert.equal((await b.input('ims-deregistered')).confirmed, true);
  assert.equal(b.mw.sizes().bindings, 0);
});

test('a dry run makes what the wire would carry, and sends nothing', async () => {
  for (const [mode, lines] of [
    ['trusted', ['REGISTER', 'SUBSCRIBE', 'INVITE', 'INVITE', 'CANCEL']],
    ['client', ['REGISTER', 'REGISTER', 'SUBSCRIBE', 'INVITE', 'INVITE', 'CANCEL']],
    ['trunk', ['INVITE', 'INVITE', 'CANCEL']],
  ] as const) {
    const { messages } = await dryRun({
      settings: checkSettings({
        ims: { mode, entry: '192.0.2.20:5070', home: HOME, transport: 'udp', passwordTemplate: 'pw-{digits}' },
      }),
      ids: createIds(size => new Uint8Array(size).fill(7)),
      log: silentLog,
      number: NUMBER,
      to: NUMBER,
    });
    assert.deepEqual(
      messages.map(({ text }) => text.split(' ')[0]),
      lines,
    );
    assert.deepEqual(messages[0]?.target.host, '192.0.2.20');
    const authorization = fields(messages[0]?.text ?? '').get('Authorization') ?? '';
    assert.equal(authorization.includes('integrity-protected'), mode === 'trusted');
    for (const { text } of messages) assert.doesNotMatch(text, /response="\w/, 'nobody can try passwords on it');
  }
});
