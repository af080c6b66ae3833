/** Two layers over real sockets: a call each way, large requests over TCP, and back to UDP where TCP is refused. RFC 3261 18.1.1. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, test } from 'node:test';
import { mailbox, openDatagram } from '../../../test/support/sip-sockets.ts';
import { createRequest, createResponse } from '../message/build.ts';
import type { SipRequest, SipResponse } from '../message/message.ts';
import { createTransactionLayer, type DrivenTransactionLayer } from '../transaction/layer.ts';
import type { Target, TransactionKey } from '../transaction/types.ts';
import { createSipTransport } from './sip-transport.ts';
import { createSystemTimers } from './system-timers.ts';
import type { Listen } from './types.ts';

const closers: Array<() => unknown> = [];
after(() => Promise.all(closers.map(close => close())));

interface Request {
  request: SipRequest;
  key: TransactionKey;
  source: Target;
}

/** A layer on sockets of its own; its user only collects. */
async function element(host: string, transports: ReadonlyArray<Listen['transport']>) {
  const requests = mailbox<Request>();
  const acks = mailbox<SipRequest>();
  const timers = createSystemTimers();
  let layer: DrivenTransactionLayer | null = null;
  const transport = await createSipTransport({
    listen: transports.map(transport => ({ transport, host, port: 0 })),
    onMessage: (result, source) => layer?.receive(result, source),
    onBroken: (remote, connection) => layer?.broken(remote, connection),
    timers,
  });
  layer = createTransactionLayer({
    wire: transport,
    timers,
    now: () => performance.now(),
    random: () => randomBytes(10).toString('hex'),
    timerValues: { t1: 50, t2: 400, t4: 500 },
    user: {
      onRequest: (request, key, source) => requests.put({ request, key, source }),
      onAck: request => acks.put(request),
      onCancel() {},
      onServerFailure() {},
    },
  });
  closers.push(async () => {
    await transport.close();
    timers.close();
  });
  const udp: Target = { transport: 'udp', host, port: transport.listening[0]?.port ?? 0 };
  return { transport, layer, requests, acks, udp };
}

function invite(body: string): SipRequest {
  return createRequest(
    'INVITE',
    'sip:bob@example.com',
    [
      ['Max-Forwards', '70'],
      ['From', '<sip:alice@example.com>;tag=a'],
      ['To', '<sip:bob@example.com>'],
      ['Call-ID', randomBytes(8).toString('hex')],
      ['CSeq', '1 INVITE'],
    ],
    body,
  );
}

function listener() {
  const responses = mailbox<SipResponse | string>();
  return { responses, user: { onResponse: responses.put, onFailure: responses.put } };
}

/** The status of the next response that is not a 100. */
async function status(responses: { next(): Promise<SipResponse | string> }): Promise<number | string> {
  for (;;) {
    const next = await responses.next();
    if (typeof next === 'string') return next;
    if (next.status !== 100) return next.status;
  }
}

const LARGE = 'x'.repeat(2000);

test('TRN-01 a small INVITE travels by UDP, a large one by TCP, and both are answered and refused', async () => {
  const alice = await element('127.0.62.1', ['udp', 'tcp']);
  const bob = await element('127.0.62.2', ['udp', 'tcp']);
  for (const [body, expected] of [
    ['', 'udp'],
    [LARGE, 'tcp'],
  ] as const) {
    const { responses, user } = listener();
    alice.layer.request(invite(body), bob.udp, user);
    const { request, key, source } = await bob.requests.next();
    assert.equal(source.transport, expected);
    assert.equal(request.headers.via()?.transport, expected.toUpperCase());
    assert.equal(request.body.length, body.length);
    bob.layer.respond(key, createResponse(request, 180, undefined, { toTag: 'b' }));
    bob.layer.respond(key, createResponse(request, 486, undefined, { toTag: 'b' }));
    assert.equal(await status(responses), 180);
    assert.equal(await status(responses), 486);
  }
  assert.equal(bob.transport.connections, 1);
});

test('TRN-01 where TCP is refused a large INVITE goes by UDP; its ACK does so at once', async () => {
  const alice = await element('127.0.62.3', ['udp', 'tcp']);
  const bob = await element('127.0.62.4', ['udp']);
  const { responses, user } = listener();
  alice.layer.request(invite(LARGE), bob.udp, user);
  const { request, key, source } = await bob.requests.next();
  assert.equal(source.transport, 'udp');
  assert.equal(request.headers.via()?.transport, 'UDP');
  assert.equal(request.headers.all('Via').length, 1);
  bob.layer.respond(key, createResponse(request, 200, undefined, { toTag: 'b' }));
  assert.equal(await status(responses), 200);
  const ack = invite(LARGE);
  ack.headers.set('CSeq', '1 ACK');
  alice.layer.sendAck({ ...ack, method: 'ACK' }, bob.udp);
  assert.equal((await bob.acks.next()).body.length, LARGE.length);
});

test('18.4: a request to a UDP port where nobody listens fails long before timer B', async () => {
  const alice = await element('127.0.62.7', ['udp']);
  const bob = await element('127.0.62.8', ['udp']);
  await bob.transport.close();
  const { responses, user } = listener();
  const since = performance.now();
  alice.layer.request(invite(''), bob.udp, user);
  assert.equal(await status(responses), 'transport');
  assert.ok(performance.now() - since < 64 * 50, 'not by timer B');
  assert.equal(alice.layer.size, 0);
});

test('a UDP peer that is only slow is not given up', async () => {
  const alice = await element('127.0.62.9', ['udp']);
  const bob = await openDatagram('127.0.62.10');
  closers.push(bob.close);
  const { responses, user } = listener();
  const target: Target = { transport: 'udp', host: '127.0.62.10', port: bob.port };
  alice.layer.request(invite(''), target, user);
  // INVITEs until the keep-alive that asks has come.
  let seen = '';
  for (let next = await bob.heard.next(); next !== '\r\n\r\n'; next = await bob.heard.next()) seen = next;
  const via = /Via: ([^\r]*)/.exec(seen)?.[1] ?? '';
  const call = /Call-ID: ([^\r]*)/.exec(seen)?.[1] ?? '';
  bob.send(
    `SIP/2.0 404 Not Found\r\nVia: ${via}\r\nFrom: <sip:alice@example.com>;tag=a\r\nTo: <sip:bob@example.com>;tag=b\r\n` +
      `Call-ID: ${call}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n`,
    alice.udp,
  );
  assert.equal(await status(responses), 404);
});

test('a request to a TCP port where nobody listens fails at once', async () => {
  const alice = await element('127.0.62.5', ['udp', 'tcp']);
  const bob = await element('127.0.62.6', ['udp']);
  const { responses, user } = listener();
  alice.layer.request(invite(''), { ...bob.udp, transport: 'tcp' }, user);
  assert.equal(await status(responses), 'transport');
  assert.equal(alice.layer.size, 0);
});
