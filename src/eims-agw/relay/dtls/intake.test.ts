/** Records and fragments that come again, late, in clear, changed or without end. RFC 6347 4.1.2, 4.2.3. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { failureOf, makePair, perfect } from '../../../../test/support/dtls-pair.ts';
import { Alert, ContentType, MessageType } from './code.ts';
import { makeRecord } from './flight.ts';
import { fragmentHeader, readFragments, wholeMessage } from './inbox.ts';
import { readRecords, recordHeader } from './record.ts';
import type { DtlsEffect } from './types.ts';

test('records that come again, in clear, changed, or of another epoch move nothing after the handshake', () => {
  const pair = makePair();
  pair.run(1000);
  const before = pair.server.sent.length;
  const replayed = pair.client.sent.at(-1) ?? Buffer.alloc(0);
  pair.inject(replayed, 'client');
  pair.inject(replayed, 'client');
  const alert = Buffer.from([1, Alert.closeNotify]);
  pair.inject(Buffer.concat([recordHeader(ContentType.alert, 0, 50, 2), alert]), 'client');
  pair.inject(Buffer.concat([recordHeader(ContentType.alert, 1, 50, 2), alert]), 'client');
  pair.inject(Buffer.concat([recordHeader(ContentType.alert, 2, 50, 2), alert]), 'client');
  pair.inject(Buffer.concat([recordHeader(99, 1, 51, 2), alert]), 'client');
  pair.inject(pair.client.sent[0] ?? Buffer.alloc(0), 'client');
  pair.run(2000);
  assert.equal(pair.server.dtls.state, 'connected');
  assert.equal(pair.server.sent.length, before);
  assert.ok(pair.server.dtls.counters.droppedRecords >= 7);
});

test('a protected record counts once, however often and in whatever order it comes', () => {
  const pair = makePair();
  pair.run(1000);
  const warning = Buffer.from([1, Alert.noRenegotiation]);
  const records = Array.from({ length: 100 }, () => makeRecord(pair.client.data.writer, ContentType.alert, 1, warning));
  // One too old for the window, then two copies of the newest 64.
  for (const record of [records[99], records[10], ...records.slice(36), ...records.slice(36)]) {
    pair.inject(record ?? Buffer.alloc(0), 'client');
  }
  const taken = pair.server.data.window.seen.filter(n => n >= 0);
  assert.ok(taken.length > 0);
  pair.run(2000);
  assert.equal(pair.server.data.window.highest, 100);
  assert.equal(pair.server.dtls.counters.badRecords, 0);
  assert.equal(pair.server.data.window.seen.filter(n => n > 36).length, 64);
});

test('an attempt to renegotiate is refused once, and the keys stay', () => {
  const pair = makePair();
  pair.run(1000);
  const before = pair.server.sent.length;
  const hello = wholeMessage(MessageType.clientHello, 0, Buffer.alloc(60));
  for (let i = 0; i < 3; i += 1) {
    pair.inject(makeRecord(pair.client.data.writer, ContentType.handshake, 1, hello), 'client');
  }
  const request = wholeMessage(MessageType.helloRequest, 0, Buffer.alloc(0));
  pair.inject(makeRecord(pair.server.data.writer, ContentType.handshake, 1, request), 'server');
  const asked = pair.client.sent.length;
  pair.run(2000);
  assert.equal(pair.server.sent.length, before + 1);
  assert.equal(pair.client.sent.length, asked + 1);
  assert.equal(pair.server.dtls.state, 'connected');
  assert.equal(pair.client.dtls.state, 'connected');
  assert.equal(pair.server.events.length, 1);
});

test('fragments that are too long, too far ahead or contradict each other change nothing that is kept', () => {
  const pair = makePair({ fate: () => [] });
  const hello = readFragments(
    readRecords(pair.client.sent[0] ?? Buffer.alloc(0)).records[0]?.payload ?? Buffer.alloc(0),
  );
  const body = hello?.[0]?.body ?? Buffer.alloc(0);
  let sequence = 0;
  const send = (type: number, length: number, seq: number, offset: number, part: Buffer): void => {
    const payload = Buffer.concat([fragmentHeader(type, length, seq, offset, part.length), part]);
    pair.inject(Buffer.concat([recordHeader(ContentType.handshake, 0, sequence, payload.length), payload]), 'client');
    sequence += 1;
  };
  const junk = Buffer.alloc(40, 0xee);
  send(MessageType.clientHello, 5000, 0, 0, junk);
  send(MessageType.certificate, 16_000_000, 0, 0, junk);
  send(MessageType.clientHello, body.length, 1, 0, body);
  send(MessageType.clientHello, body.length, 0, 0, body.subarray(0, 50));
  // Over what is there, another length, another type, an empty part, one past the end.
  send(MessageType.clientHello, body.length, 0, 10, junk);
  send(MessageType.clientHello, body.length + 1, 0, 50, body.subarray(50));
  send(MessageType.certificate, body.length, 0, 50, body.subarray(50));
  send(MessageType.clientHello, body.length, 0, 50, Buffer.alloc(0));
  send(MessageType.clientHello, body.length, 0, body.length - 10, junk);
  pair.run(10);
  assert.equal(pair.server.data.phase, 'client-hello');
  assert.equal(pair.server.data.inbox.heldBytes, body.length);
  assert.equal(pair.server.dtls.counters.droppedRecords, 7);
  send(MessageType.clientHello, body.length, 0, 45, body.subarray(45));
  pair.run(20);
  assert.equal(pair.server.data.phase, 'client-certificate');
  assert.deepEqual(pair.server.data.transcript[0], wholeMessage(MessageType.clientHello, 0, body));
});

test('an endless stream of fragments ahead is bounded, and the handshake still gets its room', () => {
  const pair = makePair({ fate: (datagram, from, index) => (index === 0 ? perfect(datagram, from, index) : []) });
  pair.run(5);
  for (let i = 0; i < 500; i += 1) {
    const payload = Buffer.concat([fragmentHeader(11, 16_384, 2 + (i % 12), i, 1), Buffer.from([i & 255])]);
    pair.inject(Buffer.concat([recordHeader(ContentType.handshake, 0, 10 + i, payload.length), payload]), 'client');
  }
  pair.run(10);
  assert.ok(pair.server.data.inbox.heldBytes <= 32_768);
  assert.ok(pair.server.data.inbox.slots.size <= 2);
  const payload = Buffer.concat([fragmentHeader(11, 16_384, 1, 0, 1), Buffer.from([0])]);
  pair.inject(Buffer.concat([recordHeader(ContentType.handshake, 0, 900, payload.length), payload]), 'client');
  pair.run(15);
  assert.ok(pair.server.data.inbox.slots.has(1));
  assert.ok(pair.server.data.inbox.heldBytes <= 32_768);
});

test('forged records under the keys, however many, end nothing: the peer is still heard', () => {
  const pair = makePair();
  pair.run(1000);
  const out: DtlsEffect[] = [];
  const junk = Buffer.concat([recordHeader(ContentType.alert, 1, 5, 26), Buffer.alloc(26)]);
  const datagram = Buffer.concat(Array.from({ length: 50 }, () => junk));
  for (let i = 0; i < 1400; i += 1) pair.server.dtls.receive(datagram, 1000, out);
  assert.deepEqual(out, []);
  assert.equal(pair.server.dtls.counters.badRecords, 70_000);
  const goodbye = Buffer.from([1, Alert.closeNotify]);
  pair.inject(makeRecord(pair.client.data.writer, ContentType.alert, 1, goodbye), 'client');
  pair.run(2000);
  assert.equal(pair.server.dtls.state, 'closed');
});

test('a record of one epoch is nothing in the other, and one of a later epoch is nothing at all', () => {
  const pair = makePair();
  pair.run(1000);
  const protectedRecord = makeRecord(pair.client.data.writer, ContentType.alert, 1, Buffer.from([2, 40]));
  const clear = readRecords(pair.client.sent[0] ?? Buffer.alloc(0)).records[0];
  assert.ok(clear !== undefined);
  const before = [pair.server.sent.length, pair.server.events.length];
  for (const epoch of [0, 2, 0xffff]) {
    const moved = Buffer.from(protectedRecord);
    moved.writeUInt16BE(epoch, 3);
    pair.inject(moved, 'client');
  }
  for (const epoch of [1, 2]) {
    const header = recordHeader(clear.type, epoch, 77, clear.payload.length);
    pair.inject(Buffer.concat([header, clear.payload]), 'client');
  }
  pair.run(2000);
  assert.deepEqual([pair.server.sent.length, pair.server.events.length], before);
  assert.equal(pair.server.dtls.state, 'connected');
});

test('the peer dying of an alert under the keys is told, one in clear is only a hint', () => {
  const pair = makePair();
  pair.run(1000);
  const fatal = Buffer.from([2, Alert.handshakeFailure]);
  pair.inject(makeRecord(pair.client.data.writer, ContentType.alert, 1, fatal), 'client');
  pair.run(2000);
  assert.equal(failureOf(pair.server), 'alert');
  const lonely = makePair({ fate: () => [] });
  lonely.inject(Buffer.concat([recordHeader(ContentType.alert, 0, 0, 2), fatal]), 'server');
  lonely.run(40_000);
  const event = lonely.client.events[0];
  assert.ok(event?.type === 'failed' && event.reason === 'timeout' && event.detail.includes('alert 40'));
});
