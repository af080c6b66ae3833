/** Mutated pictures, header extensions, reports and feedback from both sides of a call with video. */
import assert from 'node:assert/strict';
import { writeNack, writePli } from '../../src/eims-agw/rtp/feedback.ts';
import { report } from '../../src/eims-agw/rtp/relay.ts';
import { buildReport } from '../../src/eims-agw/rtp/rtcp.ts';
import { EDGES, mutants, type Round } from './mutants.ts';
import { seeded } from './sip-world.ts';
import { BROWSER, FAR, picture, TARGET, videoCall } from './video-world.ts';

const STEP_MS = 1;
/** Packets each way. */
const SHOWN = Array.from({ length: 16 }, (_, i) => i + 1);
/** What a NACK may have sent again, and a picture and a report beside it. */
const MOST = 128 + 2;
const AGAIN_PER_S = 200;

export const video: Round = (seed, count) => {
  const random = seeded(seed);
  const c = videoCall({ orientation: { web: 4, ims: 200 }, feedback: seed % 2 === 0 });
  const { web, far, left, v, r } = c;
  const shown = SHOWN.flatMap(seq => [picture(102, BROWSER, seq), picture(99, FAR, seq)]);
  const turned = [
    extended(picture(102, BROWSER, 1), 0xbede, [0x40, 3, 0x32, 1, 2, 3, 0, 0]),
    extended(picture(99, FAR, 1), 0x1000, [200, 1, 2, 0]),
  ];
  const seeds = [...shown, ...turned];
  const known = seeds.length;
  let now = 0;
  let again = 0;
  for (const bytes of mutants(random, seeds, count, EDGES)) {
    now += STEP_MS;
    // What was sent last is asked for again, by mutants and as it is meant.
    const asking = [compound(c, v.toWeb), compound(c, v.toIms)];
    seeds.splice(known, asking.length, ...asking);
    if (random() < 0.1) web(Buffer.from(asking[0] ?? ''), now);
    const packet = Buffer.from(bytes);
    const rtcp = random() < 0.3;
    if (random() < 0.5) web(packet, now);
    else far(packet, now, rtcp);
    assert.ok(c.count() <= MOST, `${c.count()} packets of one`);
    again += left.again.length;
    for (const sent of [...left.web, ...left.again, ...left.rtp, ...left.rtcp]) {
      assert.ok(sent.length >= 8 && sent.length <= 1_500 && (sent[0] ?? 0) >> 6 === 2);
    }
    if (random() < 0.01) report(r, now, now, 1);
    c.clear();
  }
  assert.ok(again <= AGAIN_PER_S * (now / 1000 + 1), `${again} sent again`);
  assert.equal(v.latch.address, TARGET.address);
  for (let seq = 1; seq < 4; seq += 1) far(picture(99, 0xabcd, seq), now + 1_000 + seq);
  assert.equal(left.web.filter(packet => packet[1] === (0x80 | 102)).length, 3, 'the picture goes on');
};

function extended(packet: Buffer, profile: number, elements: number[]): Buffer {
  const head = Buffer.concat([packet.subarray(0, 12), Buffer.alloc(4), Buffer.from(elements)]);
  head[0] = 0x90;
  head.writeUInt16BE(profile, 12);
  head.writeUInt16BE(elements.length / 4, 14);
  return Buffer.concat([head, packet.subarray(12)]);
}

/** A report with all that a receiver of a stream of ours may ask for: a key frame in two ways, and the last packets. */
function compound({ v }: ReturnType<typeof videoCall>, { stream }: ReturnType<typeof videoCall>['v']['toWeb']): Buffer {
  const fir = Buffer.from('84ce000400001111000000000000777701000000', 'hex');
  fir.writeUInt32BE(stream.ssrc, 12);
  const lost = SHOWN.map(n => (stream.outSeq - n) & 0xffff).reverse();
  const blocks = buildReport(v.toIms.stream, v.toWeb.stream.rx, 'c', 0, 0);
  return Buffer.concat([blocks, writePli(1, stream.ssrc), writeNack(1, stream.ssrc, lost), fir]);
}
