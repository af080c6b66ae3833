/** REGISTER of a trusted node on real loopback sockets, field by field, and every answer to it. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import {
  BINDING,
  bench,
  fields,
  HOME,
  HOST,
  IDENTITY,
  NUMBER,
  register,
  registrar,
} from '../../test/support/mw-bench.ts';
import { checkSettings } from '../config/settings.ts';
import type { Ref } from '../ep-cscf/ids.ts';
import { createIds } from '../runtime/ids.ts';
import { silentLog } from '../runtime/log.ts';
import { createSystemTimers } from '../sip/index.ts';
import { createMw } from './ims.ts';

for (const transport of ['udp', 'tcp'] as const) {
  test(`REG-01 REG-03 REG-04 REG-05 REG-27 TRN-09 REGISTER of a trusted node by ${transport}, field by field`, async t => {
    const video = transport === 'tcp';
    const b = await bench(t, { transport }, {}, { media: { video } });
    registrar(b);
    register(b, 1);
    assert.deepEqual(await b.input('ims-registered'), {
      type: 'ims-registered',
      owner: BINDING,
      ref: 1,
      expiresS: 600,
      associated: [`tel:${NUMBER}`],
    });
    const text = b.peer.texts[0] ?? '';
    assert.equal(text.split('\r\n')[0], `REGISTER sip:${HOME} SIP/2.0`);
    const own = `${HOST}:${b.port}${transport === 'tcp' ? ';transport=tcp' : ''}`;
    const got = fields(text);
    const rport = transport === 'udp' ? ';rport' : '';
    assert.match(
      got.get('Via') ?? '',
      new RegExp(
        `^SIP/2.0/${transport.toUpperCase()} ${HOST}:${b.port};branch=z9hG4bK[0-9a-f]{16,}${rport};oc;oc-algo="loss"$`,
      ),
    );
    assert.equal(got.get('Max-Forwards'), '70');
    assert.match(got.get('From') ?? '', new RegExp(`^<${IDENTITY.impu.replace('+', '\\+')}>;tag=[0-9a-f]+$`));
    assert.equal(got.get('To'), `<${IDENTITY.impu}>`);
    assert.equal(got.get('CSeq'), '1 REGISTER');
    const contact = got.get('Contact') ?? '';
    assert.match(
      contact,
      /^<sip:[^>]+>;\+sip\.instance="<urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}>";\+g\.3gpp\.icsi-ref="urn%3Aurn-7%3A3gpp-service\.ims\.icsi\.mmtel";audio(;video)?;expires=3600$/,
    );
    assert.equal(contact.includes(';video;'), video);
    assert.ok(got.get('Contact')?.startsWith(`<sip:${BINDING}@${own}>`));
    assert.equal(got.get('Expires'), '3600');
    assert.equal(
      got.get('Authorization'),
      `Digest username="${IDENTITY.impi}", realm="${HOME}", uri="sip:${HOME}", nonce="", response="", integrity-protected="auth-done"`,
    );
    assert.equal(got.get('Path'), `<sip:${BINDING}@${own};lr>`);
    assert.equal(got.get('Require'), 'path');
    assert.equal(got.get('Supported'), 'path, gruu');
    assert.equal(got.get('P-Visited-Network-ID'), `"${HOME}"`);
    assert.match(
      got.get('P-Charging-Vector') ?? '',
      new RegExp(`^icid-value="[0-9a-f]{32}";icid-generated-at=${HOST};orig-ioi="Type 1${HOME}"$`),
    );
    assert.equal(got.get('Content-Length'), '0');
    assert.equal(got.has('Route'), false);
  });
}

test('REG-21 a de-registration that the network refuses is done, and not confirmed', async t => {
  const b = await bench(t);
  registrar(b);
  register(b, 1);
  await b.input('ims-registered');
  b.peer.onMessage = (message, reply) => {
    if (message.type === 'request') b.peer.respond(message, reply, 500);
  };
  b.mw.port.run({ type: 'ims.deregister', owner: BINDING, ref: 2 as Ref, correlator: '' });
  assert.equal((await b.input('ims-deregistered')).confirmed, false);
  assert.equal(b.mw.sizes().bindings, 0);
});

test('REG-02 REG-05 REG-07 REG-19 a refresh keeps Call-ID, instance and auth-done and counts CSeq on; the last REGISTER has expires 0', async t => {
  const b = await bench(t);
  registrar(b);
  register(b, 1);
  await b.input('ims-registered');
  register(b, 2, false);
  await b.input('ims-registered');
  b.mw.port.run({ type: 'ims.deregister', owner: BINDING, ref: 3 as Ref, correlator: '' });
  assert.deepEqual(await b.input('ims-deregistered'), {
    type: 'ims-deregistered',
    owner: BINDING,
    ref: 3,
    confirmed: true,
  });
  const sent = b.peer.texts.filter(text => text.startsWith('REGISTER')).map(fields);
  assert.deepEqual(
    sent.map(got => got.get('CSeq')),
    ['1 REGISTER', '2 REGISTER', '3 REGISTER'],
  );
  assert.equal(new Set(sent.map(got => got.get('Call-ID'))).size, 1);
  const instances = sent.map(got => /\+sip\.instance="<urn:uuid:[0-9a-f-]{36}>"/.exec(got.get('Contact') ?? '')?.[0]);
  assert.ok(instances[0] !== undefined && new Set(instances).size === 1);
  assert.equal(new Set(sent.map(got => got.get('P-Charging-Vector'))).size, 3);
  for (const got of sent) assert.match(got.get('Authorization') ?? '', /integrity-protected="auth-done"$/);
  assert.match(sent[2]?.get('Contact') ?? '', /;expires=0$/);
  assert.equal(sent[2]?.get('Expires'), '0');
  assert.equal(b.mw.sizes().bindings, 0);
});

test('REG-12 REG-13 REG-15 REG-26 REGISTER refused: 423 once, a challenge, 403, 503 with Retry-After, what no other try mends', async t => {
  const b = await bench(t);
  const answers: Array<[number, Array<[string, string]>]> = [
    [423, [['Min-Expires', '7200']]],
    [423, [['Min-Expires', '9000']]],
    [401, [['WWW-Authenticate', `Digest realm="${HOME}", nonce="n1", algorithm=MD5`]]],
    [403, []],
    [400, []],
    [421, [['Require', 'sec-agree']]],
    [494, []],
    [421, []],
    [503, [['Retry-After', '120']]],
  ];
  b.peer.onMessage = (message, reply) => {
    const [status, headers] = answers.shift() ?? [500, []];
    if (message.type === 'request') b.peer.respond(message, reply, status, headers);
  };
  const codes: number[] = [];
  for (let ref = 1; ref <= 8; ref += 1) {
    register(b, ref);
    const failed = await b.input('ims-register-failed');
    codes.push(failed.outcome.code);
    assert.equal(failed.ref, ref);
    assert.equal(failed.retryAfterS, failed.outcome.code === 503 ? 120 : null);
  }
  assert.deepEqual(codes, [423, 401, 403, 400, 421, 494, 421, 503]);
  assert.deepEqual(b.alarms, ['tna-refused', 'register-malformed', 'sec-agree-wanted', 'sec-agree-wanted']);
  assert.equal(fields(b.peer.texts[1] ?? '').get('Expires'), '7200');
});

test('a 200 that does not list our contact has not registered us', async t => {
  const b = await bench(t);
  b.peer.onMessage = (message, reply) => {
    if (message.type === 'request')
      b.peer.respond(message, reply, 200, [['Contact', '<sip:other@192.0.2.9>;expires=60']]);
  };
  register(b, 1);
  assert.equal((await b.input('ims-register-failed')).outcome.local, 'internal');
});

test('settings that cannot be used are refused at start with one sentence', async () => {
  for (const [area, wrong] of [
    ['sip', { trustedPeers: ['nonsense'] }],
    ['ims', { entry: 'host:port:more' }],
    ['ims', { targets: ['host;ttl=1'] }],
  ] as const) {
    const good = checkSettings({ sip: { port: 0 } });
    // Put in behind the check of the settings file, which refuses most of these by itself.
    const settings = { ...good, [area]: { ...good[area], ...wrong } };
    const ids = createIds(size => new Uint8Array(size));
    const timers = createSystemTimers();
    const start = async () =>
      createMw({
        settings,
        lagMs: () => 0,
        emit() {},
        ids,
        shardOfBinding: () => null,
        timers,
        clock: { now: () => 0 },
        log: silentLog,
        count() {},
      }).start();
    await assert.rejects(start(), /^Error: The .*\.$/);
  }
});

test('what has to be said twice is counted', async t => {
  const b = await bench(t, {}, { t1Ms: 20 });
  let heard = 0;
  const answer = b.peer.onMessage;
  registrar(b);
  const once = b.peer.onMessage;
  b.peer.onMessage = (message, reply) => {
    heard += 1;
    if (heard > 2) once(message, reply);
    else answer(message, reply);
  };
  register(b, 1);
  await b.input('ims-registered');
  const again = b.counted.filter(one => one === 'sip_retransmissions_total REGISTER').length;
  assert.ok(again >= 2);
});

test('an identity that is found after the end starts nothing', async t => {
  const held: ServerResponse[] = [];
  const service = createServer((_, response) => held.push(response)).listen(0, HOST);
  await once(service, 'listening');
  t.after(() => service.close());
  const { port } = service.address() as AddressInfo;
  const b = await bench(t, { identityUrl: `http://${HOST}:${port}/{digits}` });
  register(b, 1);
  await once(service, 'request');
  await b.mw.close();
  held[0]?.end('{}');
  // A second question is answered after the first: by then the first has done all it will.
  await (await fetch(`http://${HOST}:${port}/`, { signal: AbortSignal.timeout(50) }).catch(() => null))?.text();
  assert.equal(b.mw.sizes().bindings, 0);
  assert.deepEqual(b.inputs, []);
});

test('REG-23 the authorisation server is told when it is a third party’s, and only then', async t => {
  for (const authorizationEntity of ['', 'waf.asp.example.net']) {
    const b = await bench(t, { authorizationEntity });
    registrar(b);
    register(b, 1);
    await b.input('ims-registered');
    const [, told] =
      /authorization-entity="([^"]*)"/.exec(fields(b.peer.texts[0] ?? '').get('Authorization') ?? '') ?? [];
    assert.equal(told, authorizationEntity === '' ? undefined : authorizationEntity);
  }
});
