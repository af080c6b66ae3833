/** RTCP made and read: reports as RFC 3550 lays them out, and compound packets that are not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/property.ts';
import { receive, receiver } from './receiver.ts';
import { buildReport, isRtcp, takeRtcp } from './rtcp.ts';
import { stream } from './stream.ts';

test('before anything was sent or heard: an empty receiver report and our name', () => {
  const packet = buildReport(stream(0x01020304, 0, 0), receiver(), 'gw77', 0, 0);
  assert.equal(packet.toString('hex'), '80c9000101020304' + '81ca0003' + '01020304' + '0104' + '67773737' + '0000');
});

test('a sender report tells time, counts and one block', () => {
  const out = stream(5, 0, 1_000);
  out.packets = 3;
  out.octets = 480;
  out.outTs = 1_000;
  out.outAt = 100;
  const rx = receiver();
  for (const [i, seq] of [10, 11, 13, 14].entries()) receive(rx, 9, seq, i * 160, 172, i * 160);
  // A sender report of theirs, half a second before ours.
  const theirs = Buffer.alloc(28);
  theirs.set([0x80, 200, 0, 6]);
  theirs.writeUInt32BE(9, 4);
  theirs.writeUInt32BE(0x11112222, 8);
  theirs.writeUInt32BE(0x33334444, 12);
  assert.equal(takeRtcp(rx, out, theirs, 600), true);
  const packet = buildReport(out, rx, 'x', 1_100, 1_500);
  assert.deepEqual([packet[0], packet[1], packet.readUInt16BE(2)], [0x81, 200, 12]);
  assert.deepEqual([packet.readUInt32BE(8), packet.readUInt32BE(12)], [2_208_988_801, 0x8000_0000]);
  assert.deepEqual([packet.readUInt32BE(16), packet.readUInt32BE(20), packet.readUInt32BE(24)], [9_000, 3, 480]);
  assert.deepEqual([packet.readUInt32BE(28), packet[32], packet.readUIntBE(33, 3)], [9, 51, 1]);
  assert.deepEqual(
    [packet.readUInt32BE(36), packet.readUInt32BE(44), packet.readUInt32BE(48)],
    [14, 0x22223333, 32_768],
  );
  assert.equal(packet.length % 4, 0);
  assert.equal(takeRtcp(receiver(), out, packet, 0), true);
  // Nothing new was lost since: the next fraction is zero, the total stays.
  const next = buildReport(out, rx, 'x', 1_200, 1_600);
  assert.deepEqual([next[32], next.readUIntBE(33, 3)], [0, 1]);
});

test('RTP-04 what the far end reports of our packets gives its losses and the round trip, whatever else it reports', () => {
  const ours = stream(77, 0, 0);
  ours.packets = 100;
  const theirs = stream(88, 0, 0);
  theirs.packets = 100;
  // We send a report at 1,000; it arrives 30 ms later, they answer 500 ms after that, and it is here at 1,560.
  const sent = buildReport(ours, receiver(), 'a', 1_000, 1_700_000_000_123);
  const there = receiver();
  for (const seq of [1, 2, 3, 6]) receive(there, 77, seq, 0, 172, 0);
  takeRtcp(there, theirs, sent, 50_030);
  const reply = buildReport(theirs, there, 'b', 50_530, 1_700_000_000_653);
  const here = receiver();
  assert.equal(takeRtcp(here, ours, reply, 1_560), true);
  assert.equal(ours.far.lost, 2);
  assert.ok(Math.abs(ours.far.roundTripSumMs / ours.far.roundTrips - 60) < 0.1, String(ours.far.roundTripSumMs));
  // The same in a receiver report, about our other stream, or of a report we never sent: nothing is learned.
  const quiet = stream(99, 0, 0);
  takeRtcp(here, ours, buildReport(quiet, there, 'c', 50_530, 0), 1_560);
  assert.equal(ours.far.roundTrips, 2);
  const other = stream(78, 0, 0);
  takeRtcp(here, other, reply, 1_560);
  assert.deepEqual([other.far.lost, other.far.roundTrips], [null, 0]);
  ours.far.sentNtp += 1;
  takeRtcp(here, ours, reply, 1_560);
  assert.equal(ours.far.roundTrips, 2);
});

test('jitter follows the arrival times', () => {
  const steady = receiver();
  const shaky = receiver();
  for (let i = 0; i < 100; i += 1) {
    receive(steady, 1, i, i * 160, 172, i * 160 + 5_000);
    receive(shaky, 1, i, i * 160, 172, i * 160 + (i % 2) * 80);
  }
  assert.equal(steady.jitter, 0);
  assert.ok(shaky.jitter > 60 && shaky.jitter <= 80, String(shaky.jitter));
});

test('RTCP is told from RTP by its second byte', () => {
  const types = [0, 8, 0x88, 0x80 | 126, 191, 192, 200, 207, 223, 224].map(type => isRtcp(Buffer.from([0x80, type])));
  assert.deepEqual(types, [false, false, false, false, false, true, true, true, true, false]);
});

test('no bytes make the reader throw, and lengths that lie are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), bytes => {
      takeRtcp(receiver(), stream(1, 0, 0), Buffer.from(bytes), 0);
    }),
    { numRuns: 1_000 },
  );
  for (const hex of ['', '80c9', '80c9000201020304', '00c9000101020304', '80c80000']) {
    assert.equal(takeRtcp(receiver(), stream(1, 0, 0), Buffer.from(hex, 'hex'), 0), false, hex);
  }
});
