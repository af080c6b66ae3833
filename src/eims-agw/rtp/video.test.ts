/** The picture of one call packet by packet: its numbers, key frames and lost packets asked for, what a plain far end is spared. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AUDIO, BROWSER, FAR, OURS, picture, SOUND, TARGET, videoCall } from '../../../test/support/video-world.ts';
import { PCMA } from '../payload-format.ts';
import { readFeedback, writeNack, writePli } from './feedback.ts';
import { addOrientation, readOrientation } from './orientation.ts';
import { applyRoute, report, videoPacketFromIms } from './relay.ts';

const fromBrowser = (seq: number) => picture(102, BROWSER, seq);
const fromFar = (seq: number) => picture(99, FAR, seq);
const asks = (packets: readonly Buffer[], ssrc: number) =>
  packets.map(packet => readFeedback(packet, ssrc)).filter(asked => asked !== null);

test('RTP-01 video goes both ways under our SSRCs, numbers and payload types, and sound beside it', () => {
  const { web, far, left } = videoCall();
  web(fromBrowser(10));
  web(fromBrowser(11));
  far(fromFar(60));
  web(picture(8, 3, 1));
  const [first, second] = left.rtp;
  assert.deepEqual([first?.[1], second?.readUInt32BE(8) === BROWSER], [0x80 | 99, false]);
  assert.equal((second?.readUInt16BE(2) ?? 0) - (first?.readUInt16BE(2) ?? 0), 1);
  assert.equal((second?.readUInt32BE(4) ?? 0) - (first?.readUInt32BE(4) ?? 0), 3_000);
  const shown = left.web.find(packet => packet[1] === (0x80 | 102));
  assert.equal(shown?.readUInt32BE(8), OURS);
  assert.equal(left.sound, 1);
});

test('RTP-05 the browser is asked for a key frame when its picture begins and when a far end shows up, not again at once', () => {
  const { web, far, left, aim } = videoCall();
  web(fromBrowser(10), 1);
  assert.deepEqual(asks(left.web, BROWSER), [{ keyFrame: true, lost: [] }]);
  far(fromFar(1), 100);
  assert.equal(asks(left.web, BROWSER).length, 1);
  aim({ target: { ...TARGET, port: 6_000 } });
  web(fromBrowser(11), 700);
  assert.equal(asks(left.web, BROWSER).length, 2);
});

test('RTP-05 key frames are asked for in both directions under the SSRCs each side knows', () => {
  const { r, v, web, far, left } = videoCall();
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
  const { r, far, left } = videoCall();
  r.webUp = false;
  far(fromFar(1), 1);
  assert.equal(left.rtcp.length, 0);
  r.webUp = true;
  far(fromFar(2), 30);
  assert.deepEqual(asks(left.rtcp, FAR), [{ keyFrame: true, lost: [] }]);
});

test('RTP-10 nothing but reports goes to a far end of plain AVP, whatever the browser asks for', () => {
  const { r, web, far, left } = videoCall({ feedback: false });
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
  const { v, web, far } = videoCall({ feedback: false });
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
  const { web, far, left } = videoCall();
  for (let seq = 60; seq < 70; seq += 1) if (seq !== 64) far(fromFar(seq), 1);
  const sent = left.web.filter(packet => packet[1] === (0x80 | 102));
  const lost = [sent[2], sent[3]].map(packet => packet?.readUInt16BE(2) ?? 0);
  left.rtcp.length = 0;
  web(writeNack(BROWSER, OURS, [...lost, (lost[1] ?? 0) + 1]), 20);
  assert.deepEqual(left.again, [sent[2], sent[3]]);
  assert.deepEqual(asks(left.rtcp, FAR), [{ keyFrame: false, lost: [64] }]);
});

test('SEC-02 whoever asks for packets without end gets so many in a second, and the other side is asked for no more', () => {
  const { web, far, left } = videoCall();
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
  const { web, far, left, aim } = videoCall();
  for (let seq = 1; seq < 20; seq += 1) web(fromBrowser(seq));
  const seqs = left.rtp.map(packet => packet.readUInt16BE(2));
  left.rtp.length = 0;
  aim({ target: { ...TARGET, port: TARGET.port + 2 } });
  far(writeNack(FAR, 9, seqs), 2, true);
  assert.equal(left.rtp.length, 0);
});

test('video that is no part of the route any more is not carried, and its payload types are free for sound', () => {
  const { r, web, far, left, aim } = videoCall();
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
  web(picture(102, 0x3333, 5), 4);
  far(fromFar(2), 4);
  assert.deepEqual([left.rtp.length, left.sound, left.web.length], [1, 1, length]);
  aim({});
  far(fromFar(3), 5);
  assert.equal(left.web.length > length, true);
});

test('what is lost between the browser and us is asked for by us when the far end cannot', () => {
  const plain = videoCall({ feedback: false });
  for (const seq of [65_534, 65_535, 2, 3]) plain.web(fromBrowser(seq));
  assert.deepEqual(asks(plain.left.web, BROWSER).at(-1), { keyFrame: false, lost: [0, 1] });
  plain.web(fromBrowser(900));
  assert.equal(asks(plain.left.web, BROWSER).length, 2);
  const able = videoCall();
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
  const { r, web, far, left, aim } = videoCall();
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
  const agreed = videoCall({ orientation: { web: 4, ims: 9 } });
  agreed.web(turned(4, fromBrowser(1)));
  agreed.far(turned(9, fromFar(1)));
  const [toFar] = agreed.left.rtp;
  const toWeb = agreed.left.web.find(packet => packet[1] === (0x80 | 102));
  assert.ok(toFar && toWeb);
  assert.deepEqual([readOrientation(toFar, 9), readOrientation(toWeb, 4)], [3, 3]);
  assert.deepEqual([toFar.length, toWeb.length], [1_008, 1_008]);
  const not = videoCall();
  not.web(turned(4, fromBrowser(1)));
  assert.deepEqual([not.left.rtp[0]?.length, not.left.rtp[0]?.[0]], [1_000, 0x80]);
});

test('the browser hears of its picture each time, the far end as often as of the sound', () => {
  const { r, web, left } = videoCall();
  web(fromBrowser(1));
  left.web.length = 0;
  for (const now of [10_000, 11_000, 12_000]) report(r, now, 1e12, 5_000);
  assert.equal(left.web.filter(packet => packet.readUInt32BE(4) === OURS).length, 3);
  assert.equal(left.rtcp.length, 1);
});
