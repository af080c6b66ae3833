/** What receivers of video ask for, the packets kept for them, and how the camera is held. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/property.ts';
import { readFeedback, writeNack, writePli } from './feedback.ts';
import { addOrientation, readOrientation } from './orientation.ts';
import { sentPackets } from './sent-packets.ts';

const REPORT = Buffer.from('80c9000100000001', 'hex');

test('RTP-05 PLI and FIR are read for the SSRC they are about, behind a report or alone', () => {
  const pli = writePli(1, 77);
  assert.equal(pli.toString('hex'), '81ce0002000000010000004d');
  assert.deepEqual(readFeedback(Buffer.concat([REPORT, pli]), 77), { keyFrame: true, lost: [] });
  assert.equal(readFeedback(pli, 78), null);
  const fir = Buffer.from('84ce000600000001000000000000004e010000000000004d02000000', 'hex');
  assert.deepEqual(readFeedback(fir, 77), { keyFrame: true, lost: [] });
  assert.equal(readFeedback(fir, 79), null);
});

test('RTP-06 REMB and transport-wide feedback ask for nothing', () => {
  const remb = Buffer.from('8fce000500000001000000004d52454d42010203040000004d', 'hex');
  const twcc = Buffer.from('8fcd00050000000100000004d00010001000000002000000000000000', 'hex').subarray(0, 24);
  for (const packet of [remb.subarray(0, 24), twcc]) assert.equal(readFeedback(packet, 77), null);
});

test('a NACK that is written is read the same, in order and over the wrap', () => {
  fc.assert(
    fc.property(fc.nat(0xffff), fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 40 }), (first, gaps) => {
      const lost = [first];
      for (const gap of gaps) lost.push(((lost.at(-1) ?? 0) + gap) & 0xffff);
      assert.deepEqual(readFeedback(writeNack(1, 77, lost), 77), { keyFrame: false, lost });
    }),
    { numRuns: 200 },
  );
});

test('any bytes are read as feedback, or as none, in bounded time', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 8, maxLength: 600 }), bytes => {
      const packet = Buffer.from(bytes);
      const found = readFeedback(packet, packet.readUInt32BE(4));
      assert.ok((found?.lost.length ?? 0) <= 128);
    }),
    { numRuns: 500 },
  );
});

test('the last packets sent are kept, byte for byte, and no others', () => {
  const sent = sentPackets();
  assert.equal(sent.find(0), null);
  for (let seq = 65_500; seq < 65_700; seq += 1) {
    const packet = Buffer.alloc(100 + (seq % 50), seq);
    packet.writeUInt16BE(seq & 0xffff, 2);
    sent.keep(packet);
  }
  for (let seq = 65_572; seq < 65_700; seq += 1) {
    const kept = sent.find(seq & 0xffff);
    assert.ok(kept !== null && kept.length === 100 + (seq % 50) && kept[50] === (seq & 255), `${seq}`);
  }
  assert.equal(sent.find(65_571 & 0xffff), null);
  sent.keep(Buffer.alloc(1_473));
  assert.equal(sent.find(128)?.length, 100 + (65_664 % 50));
});

/** A packet with a header extension of this profile. */
function extended(profile: number, elements: string): Buffer {
  const data = Buffer.from(elements.padEnd(Math.ceil(elements.length / 8) * 8, '0'), 'hex');
  const head = Buffer.alloc(16);
  head[0] = 0x90;
  head.writeUInt16BE(profile, 12);
  head.writeUInt16BE(data.length / 4, 14);
  return Buffer.concat([head, data, Buffer.from('abcd', 'hex')]);
}

test('orientation is found among other extensions in both forms, and nowhere else', () => {
  assert.equal(readOrientation(extended(0xbede, '32aabbcc005009'), 4), -1);
  assert.equal(readOrientation(extended(0xbede, '32aabbcc004009'), 4), 9);
  assert.equal(readOrientation(extended(0x1000, '0302aabb00040109'), 4), 9);
  assert.equal(readOrientation(extended(0xbede, 'f04009'), 4), -1);
  assert.equal(readOrientation(extended(0x1234, '4009'), 4), -1);
  assert.equal(readOrientation(Buffer.alloc(12, 0x80), 4), -1);
});

test('an id above 14 is written in the form that can hold it', () => {
  for (const id of [1, 14, 16, 255]) {
    const buffer = Buffer.alloc(60);
    buffer[20] = 0x80;
    const packet = buffer.subarray(addOrientation(buffer, 20, id, 3));
    assert.equal(readOrientation(packet, id), 3, `${id}`);
    assert.equal(readOrientation(packet, id & 15), id < 15 ? 3 : -1);
  }
});

test('orientation written is read again under its new id, and nothing else of the packet changes', () => {
  const buffer = Buffer.alloc(60, 7);
  buffer[20] = 0x80;
  const plain = Buffer.from(buffer.subarray(20));
  const start = addOrientation(buffer, 20, 9, 3);
  const packet = buffer.subarray(start);
  assert.equal(readOrientation(packet, 9), 3);
  assert.equal(packet.length, plain.length + 8);
  assert.deepEqual(packet.subarray(20), plain.subarray(12));
  assert.deepEqual(packet.subarray(1, 12), plain.subarray(1, 12));
});
