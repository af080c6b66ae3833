/** RTP rewriting: continuity over source changes, payload types, header extensions, laws, malformed packets. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fc } from '../../../test/support/property.ts';
import { SCALE } from '../../../test/support/scale.ts';
import type { PtRule } from '../engine.ts';
import { PCMA, PCMU } from '../payload-format.ts';
import { lostTotal } from './receiver.ts';
import { countIn, payloadOffset, rewrite, type Stream, setRules, stream } from './stream.ts';

const SSRC = 0xabcdef01;
const EVENT = { name: 'telephone-event', clock: 8000, channels: 1, fmtp: '0-15' };
const RULES: PtRule[] = [
  { in: 8, out: 8, kind: 'speech', from: PCMA, to: PCMA },
  { in: 0, out: 8, kind: 'speech', from: PCMU, to: PCMA },
  { in: 126, out: 101, kind: 'event', from: EVENT, to: EVENT },
];

interface Packet {
  pt?: number;
  seq?: number;
  ts?: number;
  ssrc?: number;
  marker?: boolean;
  csrc?: number;
  extension?: number;
  padding?: number;
  payload?: number[];
}

function packet(p: Packet = {}): Buffer {
  const { pt = 8, seq = 1, ts = 0, ssrc = 1, csrc = 0, padding = 0, payload = [1, 2, 3, 4] } = p;
  const extension =
    p.extension === undefined
      ? []
      : [0xbe, 0xde, p.extension >> 8, p.extension & 255, ...Array(p.extension * 4).fill(7)];
  const header = Buffer.alloc(12 + csrc * 4);
  header[0] = 0x80 | (padding > 0 ? 0x20 : 0) | (p.extension === undefined ? 0 : 0x10) | csrc;
  header[1] = pt | (p.marker ? 0x80 : 0);
  header.writeUInt16BE(seq & 0xffff, 2);
  header.writeUInt32BE(ts >>> 0, 4);
  header.writeUInt32BE(ssrc, 8);
  const tail = padding > 0 ? [...Array(padding - 1).fill(0), padding] : [];
  return Buffer.concat([header, Buffer.from(extension), Buffer.from(payload), Buffer.from(tail)]);
}

function opened(seq = 1_000, ts = 50_000): Stream {
  const s = stream(SSRC, seq, ts);
  setRules(s, RULES, true);
  return s;
}

/** Passes a packet as the relay does; null when it was dropped. */
function pass(s: Stream, buffer: Buffer, now: number): Buffer | null {
  const offset = payloadOffset(s, buffer);
  if (offset < 0) return null;
  countIn(s, buffer, now);
  const start = rewrite(s, buffer, offset, now);
  return start < 0 ? null : buffer.subarray(start);
}

const seqOf = (b: Buffer | null) => b?.readUInt16BE(2);
const tsOf = (b: Buffer | null) => b?.readUInt32BE(4);

test('a plain packet keeps payload and marker and gets our SSRC, sequence and time', () => {
  const out = pass(opened(), packet({ marker: true, seq: 77, ts: 9 }), 0);
  assert.equal(out?.toString('hex'), '808803e90000c350abcdef0101020304');
});

test('RTP-03 header extension and CSRC are taken out, padding stays', () => {
  const out = pass(opened(), packet({ csrc: 2, extension: 3, padding: 4, payload: [9, 9] }), 0);
  assert.equal(out?.toString('hex'), 'a00803e90000c350abcdef01090900000004');
});

test('RTP-01 sequence and time go on with the source, over their wraps and out of order', () => {
  const s = opened(65_534, 0xffff_ff00);
  const seqs = [65_534, 65_535, 0, 2, 1, 3].map(seq => seqOf(pass(s, packet({ seq, ts: seq * 160 }), 0)));
  assert.deepEqual(seqs, [65_535, 0, 1, 3, 2, 4]);
});

test('a jump of one source and a new source continue behind the last packet', () => {
  const s = opened();
  assert.equal(seqOf(pass(s, packet({ seq: 30_001, ts: 100 }), 0)), 1_001);
  const back = pass(s, packet({ seq: 100, ts: 7_000_000 }), 40);
  assert.deepEqual([seqOf(back), tsOf(back)], [1_002, 50_000 + 320]);
  const other = pass(s, packet({ seq: 9_000, ts: 5, ssrc: 2 }), 45);
  assert.deepEqual([seqOf(other), tsOf(other)], [1_003, 50_320 + 160]);
  const next = pass(s, packet({ seq: 9_001, ts: 165, ssrc: 2 }), 65);
  assert.deepEqual([seqOf(next), tsOf(next)], [1_004, 50_480 + 160]);
});

test('a closed gate drops and counts; after it the stream goes on without a hole', () => {
  const s = opened();
  pass(s, packet({ seq: 1, ts: 0 }), 0);
  setRules(s, RULES, false);
  for (let seq = 2; seq < 500; seq += 1) assert.equal(pass(s, packet({ seq, ts: seq * 160 }), seq * 20), null);
  setRules(s, RULES, true);
  const out = pass(s, packet({ seq: 500, ts: 80_000 }), 10_000);
  assert.deepEqual([seqOf(out), tsOf(out), s.counts.gate], [1_002, 50_000 + 80_000, 498]);
  assert.equal(s.rx.packets, 500);
});

test('RTP-09 laws are converted in place, padding is left alone', () => {
  const out = pass(opened(), packet({ pt: 0, payload: [0xff, 0x7f], padding: 2 }), 0);
  // Both zeros of mu-law are the smallest step of A-law.
  assert.equal(out?.subarray(12).toString('hex'), 'd5d50002');
});

test('other codecs pass as they are, on their own clock; what would have to be transcoded is dropped and counted', () => {
  const opus = { name: 'opus', clock: 48_000, channels: 2, fmtp: 'useinbandfec=1' };
  const s = opened();
  pass(s, packet({ seq: 1, ts: 0 }), 0);
  const speech = { kind: 'speech', to: { ...opus, name: 'OPUS', fmtp: null } } as const;
  setRules(
    s,
    [
      { in: 111, out: 96, from: opus, ...speech },
      { in: 8, out: 96, from: PCMA, ...speech },
    ],
    true,
  );
  const outs = [2, 3].map(seq => pass(s, packet({ pt: 111, seq, ts: seq * 960, payload: [5] }), (seq - 1) * 20));
  assert.deepEqual(
    outs.map(o => [o?.[1], o?.[12], tsOf(o)]),
    [
      [96, 5, 50_000 + 960],
      [96, 5, 50_000 + 1_920],
    ],
  );
  assert.equal(pass(s, packet({ pt: 8, seq: 4 }), 60), null);
  assert.deepEqual([s.counts.unsupported, s.counts.unknownPt], [1, 0]);
  // Half a second later another source: it goes on at 48 kHz.
  assert.equal(tsOf(pass(s, packet({ pt: 111, seq: 9, ssrc: 2 }), 540)), 50_000 + 1_920 + 500 * 48);
});

test('the jitter of a call is one, whatever the clocks of its codecs', () => {
  const opus = { name: 'opus', clock: 48_000, channels: 2, fmtp: null };
  const jitterMs = (s: Stream) => s.rx.jitter / s.unitsPerMs;
  const s = opened();
  for (let i = 0; i < 50; i += 1) pass(s, packet({ seq: i, ts: i * 160 }), i * 20 + (i % 2) * 10);
  const before = jitterMs(s);
  setRules(s, [{ in: 111, out: 111, kind: 'speech', from: opus, to: opus }], true);
  assert.ok(before > 5 && Math.abs(jitterMs(s) - before) < 1e-9);
  for (let i = 50; i < 150; i += 1) pass(s, packet({ pt: 111, seq: i, ts: i * 960 }), i * 20);
  assert.ok(jitterMs(s) < 0.1, String(jitterMs(s)));
});

test('telephone events keep their time over a burst and are counted once', () => {
  const s = opened();
  pass(s, packet({ seq: 1, ts: 160 }), 0);
  const times = [2, 3, 4].map(seq => tsOf(pass(s, packet({ pt: 126, seq, ts: 320, marker: seq === 2 }), seq * 20)));
  assert.deepEqual(new Set(times).size, 1);
  pass(s, packet({ pt: 126, seq: 5, ts: 1_000 }), 200);
  assert.equal(s.counts.events, 2);
  assert.equal(s.rx.jitter < 10, true);
});

test('RTP-02 unknown payload types and malformed packets are dropped and counted', () => {
  const s = opened();
  assert.equal(pass(s, packet({ pt: 111 }), 0), null);
  assert.equal(s.counts.unknownPt, 1);
  const bad = [
    Buffer.alloc(0),
    Buffer.from('80', 'hex'),
    packet().subarray(0, 11),
    Buffer.from(`00${packet().toString('hex').slice(2)}`, 'hex'),
    packet({ csrc: 5 }).subarray(0, 20),
    packet({ extension: 2 }).subarray(0, 14),
    Buffer.concat([Buffer.from([0x90, 8]), Buffer.alloc(10), Buffer.from([0, 0, 0xff, 0xff])]),
    Buffer.concat([Buffer.from([0xa0, 8]), Buffer.alloc(10), Buffer.from([200])]),
    Buffer.concat([Buffer.from([0xa0, 8]), Buffer.alloc(10), Buffer.from([0])]),
  ];
  for (const b of bad) assert.equal(pass(s, b, 0), null, b.toString('hex'));
  assert.equal(s.counts.malformed, bad.length);
});

test('loss is counted over the life of the call, per source', () => {
  const s = opened();
  for (const seq of [10, 11, 14, 15]) pass(s, packet({ seq }), 0);
  for (const seq of [500, 502]) pass(s, packet({ seq, ssrc: 9 }), 0);
  assert.deepEqual([lostTotal(s.rx), s.rx.packets], [3, 6]);
});

test('whatever comes: no throw, and what goes out is ours, continuous and mapped', () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          raw: fc.option(fc.uint8Array({ maxLength: 60 }), { freq: 3 }),
          pt: fc.constantFrom(0, 8, 126, 5),
          seq: fc.integer({ min: 0, max: 65_535 }),
          ts: fc.integer({ min: 0, max: 0xffff_ffff }),
          ssrc: fc.constantFrom(1, 2),
          gate: fc.boolean(),
        }),
        { maxLength: 40 },
      ),
      steps => {
        const s = opened();
        let now = 0;
        let highest: number | null = null;
        for (const step of steps) {
          now += 20;
          setRules(s, RULES, step.gate);
          const out = pass(s, step.raw === null ? packet(step) : Buffer.from(step.raw), now);
          if (out === null) continue;
          assert.equal(out.readUInt32BE(8), SSRC);
          assert.ok([8, 101].includes((out[1] ?? 0) & 0x7f));
          assert.equal((out[0] ?? 0) & 0x1f, 0);
          const seq = out.readUInt16BE(2);
          // Never further from the highest sent than a source may jump.
          if (highest !== null) assert.ok(Math.abs(((seq - highest) << 16) >> 16) <= 3_000);
          if (highest === null || ((seq - highest) << 16) >> 16 > 0) highest = seq;
        }
      },
    ),
    { numRuns: 500 * SCALE },
  );
});
