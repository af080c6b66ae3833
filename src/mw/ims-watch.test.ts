/** The registration-state subscription of a binding on loopback sockets: where it goes, what its documents do, when it ends. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { eventually } from '../../test/support/core-peer.ts';
import { type Bench, BINDING, bench, HOST, IDENTITY, register, registrar } from '../../test/support/mw-bench.ts';
import type { Ref } from '../ep-cscf/ids.ts';
import type { SipRequest } from '../sip/index.ts';

interface Watched {
  b: Bench;
  subscribes: SipRequest[];
  /** Answers to our NOTIFYs. */
  answers: number[];
  notify(body: string, state?: string): void;
}

async function watched(t: TestContext, status = 200, ims: Record<string, unknown> = {}): Promise<Watched> {
  const b = await bench(t, ims);
  const subscribes: SipRequest[] = [];
  const answers: number[] = [];
  registrar(b, 600, (message, reply) => {
    if (message.type === 'response') answers.push(message.status);
    else if (message.method === 'SUBSCRIBE') {
      subscribes.push(message);
      b.peer.respond(message, reply, status, [
        ['Expires', '600'],
        ['Contact', `<sip:scscf@${HOST}:${b.peer.port}>`],
      ]);
    }
  });
  let seq = 0;
  const notify = (body: string, state = 'active') => {
    seq += 1;
    const [first] = subscribes;
    assert.ok(first);
    b.peer.send(
      b.port,
      'NOTIFY',
      first.headers.contacts()[0]?.uri ?? '',
      [
        ['From', `${first.headers.get('To')};tag=core`],
        ['To', first.headers.get('From') ?? ''],
        ['Call-ID', first.headers.callId() ?? ''],
        ['CSeq', `${seq} NOTIFY`],
        ['Event', 'reg'],
        ['Subscription-State', state],
        ['Contact', `<sip:scscf@${HOST}:${b.peer.port}>`],
        ['Content-Type', 'application/reginfo+xml'],
      ],
      body,
    );
  };
  register(b, 1);
  await b.input('ims-registered');
  return { b, subscribes, answers, notify };
}

function reginfo(b: Bench, version: number, state: string, event: string, more = ''): string {
  const uri = `sip:${BINDING}@${HOST}:${b.port}`;
  return `<reginfo xmlns="urn:ietf:params:xml:ns:reginfo" version="${version}" state="full"><registration aor="${IDENTITY.impu}" id="a" state="active"><contact id="c" state="${state}" event="${event}" ${more}><uri>${uri}</uri></contact></registration></reginfo>`;
}

test('EVT-01 EVT-06 the SUBSCRIBE goes by the Service-Route as the user; a removal by the network becomes an input', async t => {
  const { b, subscribes, answers, notify } = await watched(t);
  const first = await eventually('SUBSCRIBE', () => subscribes[0]);
  assert.equal(first.uri, IDENTITY.impu);
  assert.equal(first.headers.get('Route'), `<sip:orig-5a@${HOST}:${b.peer.port};lr>`);
  assert.equal(first.headers.get('P-Asserted-Identity'), `<${IDENTITY.impu}>`);
  assert.equal(first.headers.get('Event'), 'reg');
  assert.equal(first.headers.get('Accept'), 'application/reginfo+xml');
  assert.equal(first.headers.contacts()[0]?.uri, `sip:${BINDING}@${HOST}:${b.port}`);
  notify(reginfo(b, 0, 'active', 'registered'));
  notify(reginfo(b, 1, 'terminated', 'probation', 'retry-after="20"'));
  assert.deepEqual(await b.input('ims-binding-lost'), {
    type: 'ims-binding-lost',
    owner: BINDING,
    event: 'probation',
    retryAfterS: 20,
  });
  await eventually('both answers', () => answers.length === 2);
  assert.deepEqual(answers, [200, 200]);
});

test('EVT-07 shortened becomes an input, an unreadable document nothing', async t => {
  const { b, subscribes, answers, notify } = await watched(t);
  await eventually('SUBSCRIBE', () => subscribes[0]);
  notify('<reginfo');
  notify(reginfo(b, 3, 'active', 'shortened', 'expires="60"'));
  assert.deepEqual(await b.input('ims-register-wanted'), { type: 'ims-register-wanted', owner: BINDING });
  await eventually('both answers', () => answers.length === 2);
  assert.deepEqual(answers, [200, 200]);
});

test('a refresh of the registration subscribes no second time, an initial one does, in a new dialog', async t => {
  const { b, subscribes, notify } = await watched(t);
  await eventually('SUBSCRIBE', () => subscribes[0]);
  notify(reginfo(b, 0, 'active', 'registered'));
  register(b, 2, false);
  await b.input('ims-registered');
  register(b, 3, true);
  await b.input('ims-registered');
  const dialogs = () => new Set(subscribes.map(request => request.headers.callId()));
  await eventually('a new dialog', () => dialogs().size === 2);
  // The old one is ended.
  await eventually('un-SUBSCRIBE', () => subscribes.some(request => request.headers.get('Expires') === '0'));
});

test('after a refresh that failed the subscription is made anew: the core may have lost it', async t => {
  const { b, subscribes, notify } = await watched(t);
  await eventually('SUBSCRIBE', () => subscribes[0]);
  notify(reginfo(b, 0, 'active', 'registered'));
  const accept = b.peer.onMessage;
  b.peer.onMessage = (message, reply) => {
    if (message.type !== 'request' || message.method !== 'REGISTER') accept(message, reply);
    else b.peer.respond(message, reply, 503);
  };
  register(b, 2, false);
  await b.input('ims-register-failed');
  b.peer.onMessage = accept;
  register(b, 3, false);
  await b.input('ims-registered');
  await eventually('a new dialog', () => new Set(subscribes.map(({ headers }) => headers.callId())).size === 2);
});

test('EVT-08 de-registration ends the subscription first; a core that refuses it is left alone', async t => {
  const { b, subscribes, notify } = await watched(t);
  await eventually('SUBSCRIBE', () => subscribes[0]);
  notify(reginfo(b, 0, 'active', 'registered'));
  await eventually('the NOTIFY to be taken', () => b.peer.texts.some(text => text.startsWith('SIP/2.0 200')));
  b.mw.port.run({ type: 'ims.deregister', owner: BINDING, ref: 9 as Ref, correlator: '' });
  await b.input('ims-deregistered');
  assert.equal(subscribes.at(-1)?.headers.get('Expires'), '0');
  assert.equal(b.mw.sizes().bindings, 0);
  notify('', 'terminated;reason=noresource');
  await eventually('nothing left', () => b.mw.sizes().subscriptions === 0);

  const refused = await watched(t, 489);
  await eventually('SUBSCRIBE', () => refused.subscribes[0]);
  await eventually('nothing left', () => refused.b.mw.sizes().subscriptions === 0);
  assert.equal(refused.b.mw.sizes().bindings, 1);
});

test('switched off, nobody is asked', async t => {
  const { b } = await watched(t, 200, { regEvent: false });
  register(b, 2, false);
  await b.input('ims-registered');
  assert.ok(b.peer.texts.every(text => text.startsWith('REGISTER')));
});

test('a forgotten binding is gone with its subscription, and its late answers are dropped', async t => {
  const b = await bench(t);
  const held: Array<() => void> = [];
  b.peer.onMessage = (message, reply) => {
    if (message.type === 'request' && message.method === 'REGISTER') {
      held.push(() => b.peer.respond(message, reply, 403));
    }
  };
  register(b, 1);
  await eventually('REGISTER', () => held[0]);
  assert.equal(b.mw.sizes().bindings, 1);
  b.mw.port.run({ type: 'ims.forget', owner: BINDING });
  assert.equal(b.mw.sizes().bindings, 0);
  held[0]?.();
  await eventually('the answer', () => b.counted.some(one => one.startsWith('sip_responses_total REGISTER')));
  assert.deepEqual(b.inputs, []);
  // Always safe.
  b.mw.port.run({ type: 'ims.forget', owner: BINDING });
});
