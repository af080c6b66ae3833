/** The picture of one call packet by packet: its numbers, key frames and lost packets asked for, what a plain far end is spared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { PayloadFormat, PtRule, VideoRoute } from '../engine.ts';
import { PCMA } from '../payload-format.ts';
import { readFeedback, writeNack, writePli } from './feedback.ts';
import { addOrientation, readOrientation } from './orientation.ts';
import { applyRoute, fromWeb, relay, report, videoPacketFromIms } from './relay.ts';
import { sentPackets } from './sent-packets.ts';
import { goOn } from './stream.ts';
import { video } from './video.ts';

const SCALE = Number(process.env['LINESIDE_TEST_SCALE'] ?? 1);
const SOUND = { address: '192.0.2.9', port: 4000, rtcpAddress: '192.0.2.9', rtcpPort: 4001 };
const TARGET = { address: '192.0.2.9', port: 5000, rtcpAddress: '192.0.2.9', rtcpPort: 5001 };
const H264: PayloadFormat = { name: 'H264', clock: 90_000, channels: 1, fmtp: 'packetization-mode=1' };
const AUDIO: PtRule[] = [{ in: 8, out: 8, kind: 'speech', from: PCMA, to: PCMA }];
const VIDEO: VideoRoute = {
  target: TARGET,
  toIms: [{ in: 102, out: 99, kind: 'video', from: H264, to: H264 }],
  toWeb: [{ in: 99, out: 102, kind: 'video', from: H264, to: H264 }],
  toImsOpen: true,
  toWebOpen: true,
  feedback: true,
  orientation: null,
};
const BROWSER = 0x1111;
const FAR = 0x2222;
const OURS = 0x7777;

/** A call with sound and video; what left it, and what was sent again to the browser. */
function call(route: Partial<VideoRoute> = {}) {
  const r = relay(77, 'c', 0, () => 9, null, 5_000);
  const kept = sentPackets();
  const left = { web: [] as Buffer[], again: [] as Buffer[], rtp: [] as Buffer[], rtcp: [] as Buffer[], sound: 0 };
  const copy = (packet: Buffer) => Buffer.from(packet);
  r.ims = { port: 1, sendRtp: () => left.sound++, sendRtcp: () => undefined, close: () => undefined };
  r.web = {
    transport: { address: '', port: 0, ufrag: '', pwd: '', fingerprint: '', iceLite: true, answerSetup: 'passive' },
    connect: () => true,
    addCandidates: () => undefined,
    send(packet, keep) {
      if (keep === true) kept.keep(packet);
      return left.web.push(copy(packet)) > 0;
    },
    resend(seq) {
      const packet = kept.find(seq);
      return packet !== null && left.again.push(copy(packet)) > 0;
    },
    close: () => undefined,
  };
  r.webUp = true;
  const ims = {
    port: 3,
    sendRtp: (packet: Buffer, start: number) => void left.rtp.push(copy(packet.subarray(start))),
    sendRtcp: (packet: Buffer) => void left.rtcp.push(copy(packet)),
    close: () => undefined,
  };
  const v = video(ims, 'gw1', 0, () => 9, null);
  goOn(v.toWeb.stream, OURS, { outSeq: 500, outTs: 0, outAt: 0, sent: false, packets: 0, octets: 0 });
  r.video = v;
  const audio = { leg: 1, target: SOUND, toIms: AUDIO, toWeb: AUDIO, toImsOpen: true, toWebOpen: true };
  const aim = (more: Partial<VideoRoute>) =>
    applyRoute(r, { ...audio, supervise: true, video: { ...VIDEO, ...route, ...more } }, 0);
  aim({});
  return {
    r,
    v,
    left,
    aim,
    web: (packet: Buffer, now = 1) => fromWeb(r, packet, now),
    far: (packet: Buffer, now = 1, rtcp = false) =>
      videoPacketFromIms(r, rtcp, packet, TARGET.address, rtcp ? TARGET.rtcpPort : TARGET.port, now),
  };
}

function rtp(pt: number, ssrc: number, seq: number, ts = (3_000 * seq) >>> 0): Buffer {
  const packet = Buffer.alloc(1_000, seq);
  packet[0] = 0x80;
  packet[1] = 0x80 | pt;
  packet.writeUInt16BE(seq, 2);
  packet.writeUInt32BE(ts, 4);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}

const fromBrowser = (seq: number) => rtp(102, BROWSER, seq);
const fromFar = (seq: number) => rtp(99, FAR, seq);
const asks = (packets: readonly Buffer[], ssrc: number) =>
  packets.map(packet => readFeedback(packet, ssrc)).filter(asked => asked !== null);

test('RTP-01 video goes both ways under our SSRCs, numbers and payload types, and sound beside it', () => {
  const { web, far, left } = call();
  web(fromBrowser(10));
  web(fromBrowser(11));
  far(fromFar(60));
  web(rtp(8, 3, 1));
  const [first, second] = left.rtp;
  assert.deepEqual([first?.[1], second?.readUInt32BE(8) === BROWSER], [0x80 | 99, false]);
  assert.equal((second?.readUInt16BE(2) ?? 0) - (first?.readUInt16BE(2) ?? 0), 1);
  assert.equal((second?.readUInt32BE(4) ?? 0) - (first?.readUInt32BE(4) ?? 0), 3_000);
  const shown = left.web.find(packet => packet[1] === (0x80 | 102));
  assert.equal(shown?.readUInt32BE(8), OURS);
  assert.equal(left.sound, 1);
});

test('RTP-05 the browser is asked for a key frame when its picture begins and when a far end shows up, not again at once', () => {
  const { web, far, left, aim } = call();
  web(fromBrowser(10), 1);
  assert.deepEqual(asks(left.web, BROWSER), [{ keyFrame: true, lost: [] }]);
  far(fromFar(1), 100);
  assert.equal(asks(left.web, BROWSER).length, 1);
  aim({ target: { ...TARGET, port: 6_000 } });
  web(fromBrowser(11), 700);
  assert.equal(asks(left.web, BROWSER).length, 2);
});

test('RTP-05 key frames are asked for in both directions under the SSRCs each side knows', () => {
  const { r, v, web, far, left } = call();
  web(fromBrowser(10), 1);
  far(fromFar(1), 1);
  left.web.length = 0;
  left.rtcp.length = 0;
  web(writePli(BROWSER, OURS), 1_000);
  assert.deepEqual(asks(left.rtcp, FAR), [{ keyFrame: true, lost: [] }]);
  web(writePli(BROWSER, OURS), 1_200);
  assert.equal(left.rtcp.length, 1);
  far(Buffer.concat([Buffer.from('80c9000100002222', 'hex'), writePli(FAR, v.toIms.stream.ssrc)]), 2_000, true);
  assert.deepEqual(asks(left.web, BROWSER), [{ keyFrame: true, lost: [] }]);
  far(writePli(FAR, 0xabcdef), 3_000, true);
  assert.equal(asks(left.web, BROWSER).length, 1);
  assert.equal(r.video?.toWeb.stream.counts.malformed, 0);
});

test('a far end that shows before the browser is up is asked for a picture once it is', () => {
  const { r, far, left } = call();
  r.webUp = false;
  far(fromFar(1), 1);
  assert.equal(left.rtcp.length, 0);
  r.webUp = true;
  far(fromFar(2), 30);
  assert.deepEqual(asks(left.rtcp, FAR), [{ keyFrame: true, lost: [] }]);
});

test('RTP-10 nothing but reports goes to a far end of plain AVP, whatever the browser asks for', () => {
  const { r, web, far, left } = call({ feedback: false });
  web(fromBrowser(10), 1);
  far(fromFar(1), 1);
  web(writePli(BROWSER, OURS), 1_000);
  web(writeNack(BROWSER, OURS, [499, 500]), 1_000);
  report(r, 6_000, 1e12, 5_000);
  assert.deepEqual(
    left.rtcp.map(packet => packet[1]),
    [200],
  );
  assert.deepEqual(asks(left.rtcp, FAR), []);
});

test('RTP-11 a key frame of a plain far end is wished for by signalling, not again at once', () => {
  const { v, web, far } = call({ feedback: false });
  let wishes = 0;
  v.wish = () => wishes++;
  far(fromFar(1), 1);
  assert.equal(wishes, 1);
  web(writePli(BROWSER, OURS), 1_000);
  assert.equal(wishes, 1);
  web(writePli(BROWSER, OURS), 2_100);
  assert.equal(wishes, 2);
});

test('packets the browser misses come from those kept; others are asked of a far end with feedback, under its own numbers', () => {
  const { web, far, left } = call();
  for (let seq = 60; seq < 70; seq += 1) if (seq !== 64) far(fromFar(seq), 1);
  const sent = left.web.filter(packet => packet[1] === (0x80 | 102));
  const lost = [sent[2], sent[3]].map(packet => packet?.readUInt16BE(2) ?? 0);
  left.rtcp.length = 0;
  web(writeNack(BROWSER, OURS, [...lost, (lost[1] ?? 0) + 1]), 20);
  assert.deepEqual(left.again, [sent[2], sent[3]]);
  assert.deepEqual(asks(left.rtcp, FAR), [{ keyFrame: false, lost: [64] }]);
});

test('SEC-02 whoever asks for packets without end gets so many in a second, and the other side is asked for no more', () => {
  const { web, far, left } = call();
  for (let seq = 1; seq < 120; seq += 1) {
    far(fromFar(seq));
    web(fromBrowser(seq));
  }
  const [shown, seen] = [left.web.filter(p => (p[1] ?? 0) === (0x80 | 102)).at(-1), left.rtp.at(-1)];
  left.rtp.length = 0;
  left.rtcp.length = 0;
  const all = (last: Buffer | undefined) =>
    Array.from({ length: 128 }, (_, i) => ((last?.readUInt16BE(2) ?? 0) + 5 - i) & 0xffff);
  for (let i = 0; i < 150; i += 1) {
    web(writeNack(BROWSER, OURS, all(shown)), 2);
    far(writeNack(FAR, 9, all(seen)), 2, true);
  }
  assert.ok(left.again.length > 100 && left.again.length <= 200, `${left.again.length}`);
  assert.ok(left.rtp.length > 100 && left.rtp.length <= 200, `${left.rtp.length}`);
  assert.ok(left.rtcp.length <= 2, `${left.rtcp.length}`);
});

test('a far end in place of another gets nothing of what that one was sent', () => {
  const { web, far, left, aim } = call();
  for (let seq = 1; seq < 20; seq += 1) web(fromBrowser(seq));
  const seqs = left.rtp.map(packet => packet.readUInt16BE(2));
  left.rtp.length = 0;
  aim({ target: { ...TARGET, port: TARGET.port + 2 } });
  far(writeNack(FAR, 9, seqs), 2, true);
  assert.equal(left.rtp.length, 0);
});

test('video that is no part of the route any more is not carried, and its payload types are free for sound', () => {
  const { r, web, far, left, aim } = call();
  web(fromBrowser(1));
  far(fromFar(1));
  const { length } = left.web;
  applyRoute(
    r,
    {
      leg: 1,
      target: SOUND,
      toIms: [{ in: 102, out: 8, kind: 'speech', from: PCMA, to: PCMA }],
      toWeb: AUDIO,
      toImsOpen: true,
      toWebOpen: true,
      supervise: true,
      video: null,
    },
    3,
  );
  web(rtp(102, 0x3333, 5), 4);
  far(fromFar(2), 4);
  assert.deepEqual([left.rtp.length, left.sound, left.web.length], [1, 1, length]);
  aim({});
  far(fromFar(3), 5);
  assert.equal(left.web.length > length, true);
});

test('what is lost between the browser and us is asked for by us when the far end cannot', () => {
  const plain = call({ feedback: false });
  for (const seq of [65_534, 65_535, 2, 3]) plain.web(fromBrowser(seq));
  assert.deepEqual(asks(plain.left.web, BROWSER).at(-1), { keyFrame: false, lost: [0, 1] });
  plain.web(fromBrowser(900));
  assert.equal(asks(plain.left.web, BROWSER).length, 2);
  const able = call();
  for (const seq of [1, 4]) able.web(fromBrowser(seq));
  assert.deepEqual(asks(able.left.web, BROWSER), [{ keyFrame: true, lost: [] }]);
  const missing = able.v.toIms.stream.seqOffset + 2;
  able.far(
    writeNack(
      FAR,
      able.v.toIms.stream.ssrc,
      [missing - 1, missing].map(seq => seq & 0xffff),
    ),
    9,
    true,
  );
  assert.equal(able.left.rtp.length, 3);
  assert.deepEqual(asks(able.left.web, BROWSER).at(-1), { keyFrame: false, lost: [2] });
});

test('a closed gate and a stranger let nothing through', () => {
  const { r, web, far, left, aim } = call();
  aim({ toImsOpen: false, toWebOpen: false });
  web(fromBrowser(1));
  far(fromFar(1));
  videoPacketFromIms(r, false, fromFar(2), '203.0.113.9', 9, 1);
  assert.deepEqual([left.rtp.length, left.web.filter(packet => packet[1] === (0x80 | 102)).length], [0, 0]);
  assert.equal(r.video?.toWeb.stream.counts.wrongSource, 1);
});

test('the orientation of the camera keeps its value and changes its id; without agreement it is stripped', () => {
  const turned = (id: number, packet: Buffer) => {
    const buffer = Buffer.concat([Buffer.alloc(8), packet]);
    return buffer.subarray(addOrientation(buffer, 8, id, 3));
  };
  const agreed = call({ orientation: { web: 4, ims: 9 } });
  agreed.web(turned(4, fromBrowser(1)));
  agreed.far(turned(9, fromFar(1)));
  const [toFar] = agreed.left.rtp;
  const toWeb = agreed.left.web.find(packet => packet[1] === (0x80 | 102));
  assert.ok(toFar && toWeb);
  assert.deepEqual([readOrientation(toFar, 9), readOrientation(toWeb, 4)], [3, 3]);
  assert.deepEqual([toFar.length, toWeb.length], [1_008, 1_008]);
  const not = call();
  not.web(turned(4, fromBrowser(1)));
  assert.deepEqual([not.left.rtp[0]?.length, not.left.rtp[0]?.[0]], [1_000, 0x80]);
});

test('the browser hears of its picture each time, the far end as often as of the sound', () => {
  const { r, web, left } = call();
  web(fromBrowser(1));
  left.web.length = 0;
  for (const now of [10_000, 11_000, 12_000]) report(r, now, 1e12, 5_000);
  assert.equal(left.web.filter(packet => packet.readUInt32BE(4) === OURS).length, 3);
  assert.equal(left.rtcp.length, 1);
});

test('mutants of pictures, header extensions and feedback from both sides: no throw, no flood, and the picture goes on', () => {
  const c = call({ orientation: { web: 4, ims: 200 } });
  const { web, far, left, v } = c;
  const extended = (packet: Buffer, profile: number, elements: number[]): Buffer => {
    const head = Buffer.from([
      ...packet.subarray(0, 12),
      profile >> 8,
      profile & 255,
      0,
      elements.length / 4,
      ...elements,
    ]);
    head[0] = 0x90;
    return Buffer.concat([head, packet.subarray(12)]);
  };
  const fir = Buffer.from([0x84, 206, 0, 4, 0, 0, 0x11, 0x11, 0, 0, 0, 0, 0, 0, 0x77, 0x77, 1, 0, 0, 0]);
  const compound = (ours: number) => Buffer.concat([writePli(1, ours), writeNack(1, ours, [500, 501, 530]), fir]);
  const fromWeb = (i: number) => [
    extended(rtp(102, BROWSER, i & 0xffff), 0xbede, [0x40, 3, 0x32, 1, 2, 3, 0, 0]),
    compound(OURS),
    rtp(102, BROWSER + i, (i * 40) & 0xffff),
  ];
  const fromIms = (i: number) => [
    extended(rtp(99, FAR, i & 0xffff), 0x1000, [200, 1, 2, 0]),
    compound(9),
    rtp(99, FAR + i, (7 * i) & 0xffff),
  ];
  const edits = fc.tuple(fc.nat(5), fc.oneof(fc.nat(40), fc.nat(1_050)), fc.nat(255), fc.nat(1_050));
  let [i, now] = [0, 1];
  for (const [kind, at, value, cut] of fc.sample(edits, { seed: 4585, numRuns: 4_000 * SCALE })) {
    const bytes = Buffer.from((kind < 3 ? fromWeb(i) : fromIms(i))[kind % 3] ?? []);
    bytes[at % bytes.length] = value;
    // Every other is cut short as well; the buffer may begin anywhere in another.
    const packet = Buffer.concat([Buffer.alloc(32), i % 2 === 0 ? bytes : bytes.subarray(0, cut)]).subarray(32);
    const before = left.web.length + left.again.length + left.rtp.length + left.rtcp.length + left.sound;
    if (kind < 3) web(packet, now);
    else far(packet, now, kind === 4);
    const after = left.web.length + left.again.length + left.rtp.length + left.rtcp.length + left.sound;
    assert.ok(after - before <= 128 + 2, `${after - before} packets of one`);
    i += 1;
    now += 5;
    if (i % 200 === 0) report(c.r, now, now, 5_000);
  }
  // Twenty seconds of it: what was sent again stays below its cap.
  assert.ok(left.again.length <= 200 * (now / 1000 + 1), `${left.again.length}`);
  const shown = left.web.length;
  for (let seq = 1; seq < 4; seq += 1) far(rtp(99, 0xabcd, seq), now + 1_000 + seq);
  assert.ok(left.web.length >= shown + 3);
  assert.equal(v.latch.address, TARGET.address);
});
