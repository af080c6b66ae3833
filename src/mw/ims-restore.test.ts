/** What a core says that makes a registration start over at once: no outbound, lost state. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createCorePeer, eventually } from '../../test/support/core-peer.ts';
import { type Bench, bench, fields, HOST, INVITE, register, registrar } from '../../test/support/mw-bench.ts';

/** Answers the first REGISTERs with these, and every later one with 200. */
function answers(b: Bench, refusals: Array<[number, Array<[string, string]>, string?]>): void {
  registrar(b);
  const accept = b.peer.onMessage;
  b.peer.onMessage = (message, reply) => {
    const refusal = message.type === 'request' && message.method === 'REGISTER' ? refusals.shift() : undefined;
    if (refusal === undefined || message.type !== 'request') accept(message, reply);
    else b.peer.respond(message, reply, ...refusal);
  };
}

const sent = (b: Bench) => b.peer.texts.filter(text => text.startsWith('REGISTER')).map(fields);

test('REG-16 a core without outbound is asked once more, without it', async t => {
  for (const refusal of [
    [439, []],
    [420, [['Unsupported', 'outbound']]],
  ] as Array<[number, Array<[string, string]>]>) {
    const b = await bench(t, { outbound: true, regEvent: false });
    answers(b, [refusal]);
    register(b, 1);
    assert.equal((await b.input('ims-registered')).ref, 1);
    const [first, second, ...more] = sent(b);
    assert.match(first?.get('Contact') ?? '', /;reg-id=1;/);
    assert.match(first?.get('Path') ?? '', /;lr;ob>$/);
    assert.equal(first?.get('Supported'), 'path, gruu, outbound');
    assert.doesNotMatch(second?.get('Contact') ?? '', /reg-id/);
    assert.match(second?.get('Path') ?? '', /;lr>$/);
    assert.equal(second?.get('Supported'), 'path, gruu');
    assert.deepEqual(more, []);
    assert.deepEqual(b.alarms, [], 'no phone is dropped by an identity of its own');
  }
});

test('REG-16 a second 439 ends it, and the identity of a SIM is never tried without outbound', async t => {
  const b = await bench(t, { outbound: true, regEvent: false });
  answers(b, [
    [439, []],
    [439, []],
  ]);
  register(b, 1);
  assert.equal((await b.input('ims-register-failed')).outcome.code, 439);
  assert.equal(sent(b).length, 2);
  const sim = await bench(t, { outbound: true, impi: '001010000000001@{home}', regEvent: false });
  answers(sim, [[439, []]]);
  register(sim, 1);
  assert.equal((await sim.input('ims-register-failed')).outcome.code, 439);
  assert.equal(sent(sim).length, 1);
});

test('REG-25 an option tag of ours that the core refuses is left out the next time; path, without which nothing comes back, ends it', async t => {
  const b = await bench(t, { outbound: true, regEvent: false });
  answers(b, [
    [420, [['Unsupported', 'GRUU']]],
    [420, [['Unsupported', 'x-unknown, outbound']]],
  ]);
  register(b, 1);
  assert.equal((await b.input('ims-registered')).ref, 1);
  assert.deepEqual(
    sent(b).map(got => got.get('Supported')),
    ['path, gruu, outbound', 'path, outbound', 'path'],
  );
  const contacts = sent(b).map(got => got.get('Contact')?.includes(';reg-id=1'));
  assert.deepEqual(contacts, [true, true, false]);
  register(b, 2, false);
  await b.input('ims-registered');
  assert.equal(sent(b).at(-1)?.get('Supported'), 'path');

  const lost = await bench(t, { regEvent: false });
  answers(lost, [[420, [['Unsupported', 'path']]]]);
  register(lost, 1);
  assert.equal((await lost.input('ims-register-failed')).outcome.code, 420);
  assert.equal(sent(lost).length, 1);
  assert.deepEqual(lost.alarms, ['path-refused']);
});

for (const status of [302, 305, 408, 500, 502, 403]) {
  test(`REG-24 the first of two entry points answers ${status}`, async t => {
    const broken = await createCorePeer(HOST);
    const whole = await createCorePeer(HOST);
    t.after(() => Promise.all([broken.close(), whole.close()]));
    const targets = [`${HOST}:${broken.port};priority=1`, `${HOST}:${whole.port};priority=2`];
    const b = await bench(t, { targets, regEvent: false });
    registrar(b);
    whole.onMessage = b.peer.onMessage;
    broken.onMessage = (message, reply) => {
      if (message.type === 'request')
        broken.respond(message, reply, status, [['Contact', '<sip:elsewhere@192.0.2.9>']]);
    };
    register(b, 1);
    if (status === 403) {
      // What a registrar has decided, no other entry point decides anew.
      assert.equal((await b.input('ims-register-failed')).outcome.code, 403);
      assert.deepEqual([broken.texts.length, whole.texts.length], [1, 0]);
      return;
    }
    assert.equal((await b.input('ims-registered')).ref, 1);
    register(b, 2, false);
    await b.input('ims-registered');
    const cseqs = [broken, whole].map(peer => peer.texts.map(text => fields(text).get('CSeq')));
    assert.deepEqual(cseqs, [['1 REGISTER'], ['2 REGISTER', '3 REGISTER']]);
  });
}

test('REG-24 what an entry point refuses is told with the silence of another, that of a REGISTER before it too', async t => {
  const silent = await createCorePeer(HOST);
  const whole = await createCorePeer(HOST);
  t.after(() => Promise.all([silent.close(), whole.close()]));
  const targets = [`${HOST}:${silent.port};priority=1`, `${HOST}:${whole.port};priority=2`];
  const b = await bench(t, { targets, outbound: true, regEvent: false }, { targetPatienceMs: 100 });
  const statuses = [439, 403, 403];
  whole.onMessage = (message, reply) => {
    if (message.type === 'request') whole.respond(message, reply, statuses.shift() ?? 500);
  };
  register(b, 1);
  const first = await b.input('ims-register-failed');
  assert.deepEqual([first.outcome.code, first.unanswered], [403, true]);
  // The silent one comes last now, and is not asked.
  register(b, 2, false);
  const second = await b.input('ims-register-failed');
  assert.deepEqual([second.ref, second.outcome.code, second.unanswered], [2, 403, false]);
  // Of what is given up no more copies are sent: there is no CANCEL of a REGISTER.
  assert.ok(!b.counted.includes('sip_requests_total CANCEL out'));
});

/** A node whose number is registered; `accept` answers what comes. */
async function registeredBench(t: TestContext) {
  const b = await bench(t, { regEvent: false });
  answers(b, []);
  register(b, 1);
  await b.input('ims-registered');
  return { b, accept: b.peer.onMessage };
}

test('REG-07 an initial registration waits for the answer to the REGISTER before it, of which nothing is told', async t => {
  const { b, accept } = await registeredBench(t);
  for (const status of [200, 503]) {
    const before = sent(b).length;
    let answer = () => {};
    b.peer.onMessage = (message, reply) => {
      if (message.type !== 'request' || message.method !== 'REGISTER') return;
      answer = () => (status === 200 ? accept(message, reply) : b.peer.respond(message, reply, status));
    };
    register(b, 2, false);
    await eventually('a refresh', () => sent(b).length > before);
    register(b, 3, true, 2);
    // What is sent behind it comes behind it.
    const calls = b.peer.texts.filter(text => text.startsWith('INVITE')).length;
    b.mw.port.run({ ...INVITE, owner: `c${String(status).repeat(26)}`.slice(0, 27) as typeof INVITE.owner });
    await eventually('an INVITE', () => b.peer.texts.filter(text => text.startsWith('INVITE')).length > calls);
    assert.equal(
      new Set(
        sent(b)
          .slice(before)
          .map(got => got.get('Call-ID')),
      ).size,
      1,
    );
    b.peer.onMessage = accept;
    answer();
    assert.equal((await b.input('ims-registered')).ref, 3);
    assert.equal(
      new Set(
        sent(b)
          .slice(before)
          .map(got => got.get('Call-ID')),
      ).size,
      2,
    );
    assert.deepEqual(
      b.inputs.filter(({ type }) => type.startsWith('ims-regist')),
      [],
    );
  }
});

const RESTORATION: [number, Array<[string, string]>, string] = [
  504,
  [['Content-Type', 'application/3gpp-ims+xml']],
  '<ims-3gpp version="1"><alternative-service><type>restoration</type></alternative-service></ims-3gpp>',
];

test('REG-07 an initial registration waits for no REGISTER that has timed out, and hears nothing of it any more', async t => {
  const { b, accept } = await registeredBench(t);
  const refusals: Array<() => void> = [];
  b.peer.onMessage = (message, reply) => {
    if (message.type === 'request') refusals.push(() => b.peer.respond(message, reply, 403));
    // Its copies have no answer either.
    if (message.headers.get('Call-ID') !== sent(b)[0]?.get('Call-ID')) accept(message, reply);
  };
  register(b, 2, false);
  const refuse = await eventually('a refresh', () => refusals[0]);
  register(b, 3, true);
  assert.equal((await b.input('ims-registered')).ref, 3);
  refuse();
  register(b, 4, false);
  assert.equal((await b.input('ims-registered')).ref, 4);
  assert.ok(!b.inputs.some(({ type }) => type === 'ims-register-failed'));
});

test('REG-17 a 504 with the restoration document starts an initial registration at once, and a new subscription', async t => {
  const b = await bench(t);
  answers(b, []);
  register(b, 1);
  await b.input('ims-registered');
  answers(b, [RESTORATION]);
  register(b, 2, false);
  assert.equal((await b.input('ims-registered')).ref, 2);
  const ids = sent(b).map(got => got.get('Call-ID'));
  assert.equal(ids[0], ids[1]);
  assert.notEqual(ids[1], ids[2]);
  assert.equal(ids.length, 3);
  const subscriptions = () => b.peer.texts.filter(text => text.startsWith('SUBSCRIBE')).map(fields);
  while (new Set(subscriptions().map(got => got.get('Call-ID'))).size < 2) await new Promise(r => setTimeout(r, 5));
});

test('REG-17 a core that has lost its state over and over is asked for it once, then the 504 is told', async t => {
  const b = await bench(t, { regEvent: false });
  answers(b, []);
  register(b, 1);
  await b.input('ims-registered');
  answers(b, [RESTORATION, RESTORATION]);
  register(b, 2, false);
  assert.equal((await b.input('ims-register-failed')).outcome.code, 504);
  assert.equal(sent(b).length, 3);
});

test('REG-17 a plain 504 is told to the core, which waits', async t => {
  const b = await bench(t, { regEvent: false });
  answers(b, []);
  register(b, 1);
  await b.input('ims-registered');
  answers(b, [[504, []]]);
  register(b, 2, false);
  assert.equal((await b.input('ims-register-failed')).outcome.code, 504);
});

test('REG-06 the identity of a SIM card goes to no core without reg-id', async t => {
  const b = await bench(t, { impi: '001010000000001@{home}', regEvent: false });
  register(b, 1);
  assert.equal((await b.input('ims-register-failed')).outcome.code, 404);
  assert.deepEqual(b.peer.texts, []);
});

test('REG-06 a core that took the identity of a SIM card and keeps no flows has dropped the phone: an alarm', async t => {
  for (const said of [null, 'Require', 'Supported']) {
    const b = await bench(t, { impi: '001010000000001@{home}', outbound: true, regEvent: false });
    b.peer.onMessage = (message, reply) => {
      if (message.type !== 'request') return;
      const kept: Array<[string, string]> = said === null ? [] : [[said, 'outbound']];
      b.peer.respond(message, reply, 200, [['Contact', message.headers.get('Contact') ?? ''], ...kept]);
    };
    register(b, 1);
    await b.input('ims-registered');
    assert.deepEqual(b.alarms, said === null ? ['outbound-unused'] : []);
  }
});

test('REG-08 the Service-Route of each 200 takes the place of the one before', async t => {
  const b = await bench(t, { regEvent: false });
  const routes = ['<sip:first.example;lr>, <sip:second.example;lr>', `<sip:third@127.0.0.1:${b.peer.port};lr>`];
  b.peer.onMessage = (message, reply) => {
    if (message.type !== 'request' || message.method !== 'REGISTER') return;
    const route = routes.shift() ?? '';
    b.peer.respond(message, reply, 200, [
      ['Contact', message.headers.get('Contact') ?? ''],
      ['Service-Route', route],
    ]);
  };
  register(b, 1);
  await b.input('ims-registered');
  register(b, 2, false);
  await b.input('ims-registered');
  b.mw.port.run({ ...INVITE });
  const route = await eventually('INVITE', () => b.peer.texts.find(text => text.startsWith('INVITE')));
  assert.equal(fields(route).get('Route'), `<sip:third@127.0.0.1:${b.peer.port};lr>`);
});

test('TRN-10 a client whose flow to the P-CSCF is dead registers for a new one; without outbound, and as a trusted node, it need not', async t => {
  const soon = { baseMs: 1, maxMs: 1, jitter: 0 };
  for (const [ims, wanted] of [
    [{ mode: 'client', outbound: true }, true],
    [{ mode: 'client', outbound: false }, false],
    [{ mode: 'trusted', outbound: true }, false],
  ] as const) {
    const change = { ...ims, transport: 'tcp', passwordTemplate: 'pw', regEvent: false };
    const b = await bench(t, change, {}, {}, { backOff: soon });
    registrar(b);
    register(b, 1);
    await b.input('ims-registered');
    const accept = b.peer.onMessage;
    b.peer.onMessage = (message, reply) => {
      accept(message, reply);
      // What cannot be framed ends the connection.
      if (message.type === 'request') reply(Buffer.from('INVITE sip:a@b SIP/2.0\r\n\r\n'));
    };
    register(b, 2, false);
    await b.input('ims-registered');
    await eventually('the end of the connection', () => (b.mw.sizes().connections === 0 ? true : null));
    if (wanted) await b.input('ims-register-wanted');
    else {
      b.peer.onMessage = accept;
      register(b, 3, false);
      await b.input('ims-registered');
    }
    assert.deepEqual(b.inputs, [], JSON.stringify(ims));
  }
});
