/** RTP, RTCP and G.711 of the service numbers against their formats. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/property.ts';
import { SCALE } from '../../../test/support/scale.ts';
import { encodeAlaw, encodeUlaw, toneFrames } from './g711.ts';
import { countReceived, parseRtp, senderReportTime, startReception, writeReport, writeRtp } from './rtp.ts';

const RUNS = 300 * SCALE;

const packet = fc.record({
  marker: fc.boolean(),
  payloadType: fc.nat(127),
  sequence: fc.nat(0xffff),
  timestamp: fc.nat(0x7fffffff),
  ssrc: fc.nat(0x7fffffff),
  payload: fc.uint8Array({ maxLength: 200 }).map(bytes => Buffer.from(bytes)),
});

test('a packet written is read the same; any bytes are read or refused', () => {
  fc.assert(
    fc.property(packet, fc.uint8Array({ maxLength: 60 }), (given, noise) => {
      assert.deepEqual(parseRtp(writeRtp(given)), { ...given });
      parseRtp(Buffer.from(noise));
      senderReportTime(Buffer.from(noise));
    }),
    { numRuns: RUNS },
  );
});

test('CSRCs, extension and padding are no payload', () => {
  const bytes = Buffer.from(
    'b1080001000000a000000007' + '0000000b' + 'bede0001' + '10ff0000' + 'aabb' + '000003',
    'hex',
  );
  assert.equal(parseRtp(bytes)?.payload.toString(), Buffer.from('aabb', 'hex').toString());
  assert.equal(parseRtp(Buffer.from('a0080001000000a000000007aabbccff', 'hex')), null);
});

test('a sender report tells what was sent and received, and says goodbye at last', () => {
  const first = { marker: false, payloadType: 8, sequence: 65_534, timestamp: 0, ssrc: 9, payload: Buffer.alloc(160) };
  const reception = startReception(first);
  // 65534, 65535, 1 (0 is lost), each in time.
  [65_534, 65_535, 1].forEach((sequence, i) => {
    countReceived(reception, { ...first, sequence, timestamp: [0, 160, 480][i] ?? 0 }, [0, 20, 60][i] ?? 0);
  });
  const facts = {
    ssrc: 0xfffffff0,
    cname: 'service@host',
    packets: 2,
    octets: 320,
    timestamp: 1234,
    wallMs: 1_700_000_000_500,
    reception,
    peerReport: { middle: 0xabcdef01, agoMs: 1000 },
  };
  const bytes = writeReport(facts, true);
  assert.equal(bytes.readUInt8(0), 0x81);
  assert.equal(bytes.readUInt8(1), 200);
  assert.equal(bytes.readUInt32BE(4), 0xfffffff0);
  assert.equal(bytes.readUInt32BE(8), 1_700_000_000 + 2_208_988_800);
  assert.equal(bytes.readUInt32BE(12), 2 ** 31);
  assert.deepEqual([bytes.readUInt32BE(20), bytes.readUInt32BE(24)], [2, 320]);
  assert.equal(bytes.readUInt32BE(28), 9);
  assert.equal(bytes.readUInt8(32), 64);
  assert.equal(bytes.readIntBE(33, 3), 1);
  assert.equal(bytes.readUInt32BE(36), 65_537);
  assert.equal(bytes.readUInt32BE(40), 0);
  assert.deepEqual([bytes.readUInt32BE(44), bytes.readUInt32BE(48)], [0xabcdef01, 65_536]);
  assert.equal(senderReportTime(bytes), bytes.readUInt32BE(10));
  const types: number[] = [];
  for (let at = 0; at < bytes.length; at += (bytes.readUInt16BE(at + 2) + 1) * 4) types.push(bytes.readUInt8(at + 1));
  assert.deepEqual(types, [200, 202, 203]);
});

test('G.711 at its corners', () => {
  assert.deepEqual([0, -1, 32_767, -32_768].map(encodeAlaw), [0xd5, 0x55, 0xaa, 0x2a]);
  assert.deepEqual([0, 32_767, -32_768].map(encodeUlaw), [0xff, 0x80, 0x00]);
  assert.equal(toneFrames('PCMA').length, 5);
});

/** Linear value of an A-law octet, by the tables of ITU-T G.711. */
function decodeAlaw(octet: number): number {
  const value = octet ^ 0x55;
  const exponent = (value >> 4) & 7;
  const mantissa = ((value & 15) << 4) + 8;
  const level = exponent === 0 ? mantissa : (mantissa + 0x100) << (exponent - 1);
  return (value & 0x80) !== 0 ? level : -level;
}

test('A-law stays within its step of every sample', () => {
  for (let sample = -32_768; sample <= 32_767; sample += 7) {
    const back = decodeAlaw(encodeAlaw(sample));
    assert.ok(Math.abs(back - sample) <= Math.max(16, Math.abs(sample) / 16), `${sample} became ${back}`);
  }
});
