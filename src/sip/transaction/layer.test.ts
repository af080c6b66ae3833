/** The layer and its user: who is called when, and what a broken promise costs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bench, ours, PEER, theirs, US } from '../../../test/support/sip-bench.ts';
import { createFakeClock } from '../../../test/support/sip-world.ts';
import { createResponse } from '../message/build.ts';
import { createTransactionLayer } from './layer.ts';
import type { TransactionLayerOptions } from './port.ts';

test('after close nothing is heard, told or kept', () => {
  const b = bench();
  b.layer.request(ours('OPTIONS'), PEER, b.user);
  b.receive(theirs('INVITE', 'z9hG4bK1'));
  b.layer.close();
  b.packets[0]?.sent?.(new Error('late'));
  b.receive(theirs('INVITE', 'z9hG4bK2'));
  assert.deepEqual(b.told, ['request INVITE']);
  assert.equal(b.layer.size, 0);
  assert.equal(b.clock.running, 0);
});

test('a user is never told from inside its own call', () => {
  const failing: TransactionLayerOptions['wire'] = {
    send: (_bytes, _target, sent) => sent?.(new Error('at once')),
    sentBy: target => (target.transport === 'tls' ? null : US),
  };
  const b = bench({ wire: failing });
  b.layer.request(ours('OPTIONS'), PEER, b.user);
  b.layer.request(ours('OPTIONS'), { ...PEER, transport: 'tls' }, b.user);
  assert.deepEqual(b.told, []);
  b.clock.advance(0);
  assert.deepEqual(b.told, ['failure transport', 'failure transport']);
  assert.equal(b.layer.size, 0);
  assert.equal(b.clock.running, 0);
});

test('a user may call the layer from inside what it is told', () => {
  const clock = createFakeClock();
  const sent: string[] = [];
  const layer = createTransactionLayer({
    wire: {
      send: bytes => void sent.push(Buffer.from(bytes).toString().split('\r\n', 1)[0] ?? ''),
      sentBy: () => US,
    },
    timers: clock.timers,
    now: clock.now,
    random: () => `r${sent.length}`,
    user: {
      onRequest(request, key) {
        layer.respond(key, createResponse(request, 200, undefined, { toTag: 't' }));
        layer.request(ours('INFO'), PEER, { onResponse() {}, onFailure() {} });
      },
      onAck() {},
      onCancel() {},
      onServerFailure() {},
    },
  });
  layer.receive({ ok: true, message: theirs('OPTIONS', 'z9hG4bK1') }, PEER);
  assert.deepEqual(sent, ['SIP/2.0 200 OK', 'INFO sip:bob@192.0.2.9 SIP/2.0']);
  layer.close();
  assert.equal(clock.running, 0);
  assert.equal(layer.size, 0);
});

test('a user that throws answers 500 and loses no more than that', () => {
  const logged: string[] = [];
  const b = bench({
    log: (level, message) => void logged.push(`${level} ${message}`),
    user: {
      onRequest() {
        throw new TypeError('a promise broken');
      },
      onAck() {},
      onCancel() {},
      onServerFailure() {},
    },
  });
  b.receive(theirs('OPTIONS', 'z9hG4bK1'));
  assert.deepEqual(logged, ['error handling a SIP message failed']);
  b.receive(theirs('INVITE', 'z9hG4bK2'));
  assert.deepEqual(b.lines(), ['500', '100', '500']);
  b.receive(theirs('ACK', 'z9hG4bK2'));
  assert.ok(b.clock.drain(100_000));
  assert.equal(b.layer.size, 0);
});
