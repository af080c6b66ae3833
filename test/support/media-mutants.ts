/** Mutated STUN, DTLS, SRTP, RTCP, video and SDP against what reads them: one seeded round of each, with everything that must hold. */
import assert from 'node:assert/strict';
import type { PtRule } from '../../src/eims-agw/engine.ts';
import { PCMA } from '../../src/eims-agw/payload-format.ts';
import { parseBindingRequest } from '../../src/eims-agw/relay/stun/message.ts';
import { readFeedback, writeNack, writePli } from '../../src/eims-agw/rtp/feedback.ts';
import type { ImsLeg } from '../../src/eims-agw/rtp/ims-leg.ts';
import { applyRoute, fromIms, fromWeb, type Relay, relay, report, rtcpFromIms } from '../../src/eims-agw/rtp/relay.ts';
import { buildReport } from '../../src/eims-agw/rtp/rtcp.ts';
import type { WebEnd } from '../../src/eims-agw/rtp/web-end.ts';
import { parseSdp } from '../../src/sdp/index.ts';
import { dtls } from './dtls-mutants.ts';
import { ADDRESS, connected, PORT, rtp } from './leg-world.ts';
import { nextRef } from './media-inbox.ts';
import { bindingRequest } from './media-light.ts';
import { A, LEG, mediaRig } from './media-rig.ts';
import { browserAnswer, chromiumOffer, firefoxOffer, phoneSdp } from './media-sdp.ts';
import { EDGES, mutants, type Round } from './mutants.ts';
import { seeded } from './sip-world.ts';
import { video } from './video-mutants.ts';

/** Where readers of lines go wrong. */
const WORDS = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  '=',
  ':',
  '/',
  '-1',
  '99999999999999999999',
  'IN IP6 ::',
  '0.0.0.0',
  'm=audio 9 RTP/AVP 0\r\n',
  'm=video 0 RTP/AVP 96\r\n',
  'a=group:BUNDLE 0 0\r\n',
  'a=rtcp:0\r\n',
  'a=fmtp:96 ',
  'a=candidate:',
  'a='.repeat(200),
  'm=audio 9 RTP/AVP 0\r\n'.repeat(40),
  ';'.repeat(300),
];
const FINGERPRINT_BYTES = 8;
/** The address of a leg lasts so long without a good check. */
const CHECK_EVERY = 200;

/** Checks at a browser's connection that stands. */
const stun: Round = (seed, count) => {
  const { w, end, ear, from } = connected();
  const { ufrag, pwd } = end.transport;
  const good = [{}, { controlled: true }, { unknown: 0x7001 }].map(more => bindingRequest(`${ufrag}:peer`, pwd, more));
  let i = 0;
  for (const bytes of mutants(seeded(seed), good, count, EDGES)) {
    if (i % CHECK_EVERY === 0) {
      w.pass(1);
      assert.equal(w.check(end), 0x0101);
    }
    i += 1;
    w.sent.length = 0;
    const request = parseBindingRequest(bytes);
    if (request !== null) w.ears.get(request.ufrag)?.check(request, ADDRESS, PORT + (i % 7));
    assert.ok(w.sent.length <= 1 && w.sources.size <= 5 && w.timers.size <= 1);
    assert.ok((w.sent[0]?.bytes.length ?? 0) <= 200, 'an answer is no amplifier');
    assert.ok(w.sent.length === 0 || good.some(request => signed(request, bytes)), 'what was changed is not answered');
  }
  stillTalks(w, ear, from);
};

/** Whether all that is signed of a request, its transaction and attributes, is the same in `bytes`. */
function signed(request: Buffer, bytes: Buffer): boolean {
  const end = request.length - FINGERPRINT_BYTES;
  return bytes.subarray(4, end).equals(request.subarray(4, end));
}

/** SRTP and SRTCP at the same. */
const srtp: Round = (seed, count) => {
  for (const profile of ['SRTP_AES128_CM_HMAC_SHA1_80', 'SRTP_AEAD_AES_128_GCM'] as const) {
    const { w, end, ear, from, srtp: peer } = connected([profile]);
    let seq = 1;
    const good = () => {
      seq += 1;
      const rtcp = Buffer.alloc(100);
      Buffer.from('80c90001000000050000', 'hex').copy(rtcp);
      return [from(seq), from(seq, 9), rtcp.subarray(0, peer.protectRtcp(rtcp, 28))];
    };
    for (let done = 0; done < count / 2; done += CHECK_EVERY) {
      w.pass(1);
      assert.equal(w.check(end), 0x0101);
      const seeds = good();
      w.heard.packets.length = 0;
      for (const bytes of mutants(seeded(seed + done), seeds, CHECK_EVERY, EDGES)) {
        const same = seeds.some(packet => packet.equals(bytes));
        ear.media(Buffer.from(bytes));
        assert.ok(w.heard.packets.length === 0 || same, 'what was changed is not taken');
        if (same) w.heard.packets.length = 0;
      }
    }
    seq += 1;
    w.pass(1);
    stillTalks(w, ear, from, seq);
  }
};

function stillTalks(
  w: ReturnType<typeof connected>['w'],
  ear: ReturnType<typeof connected>['ear'],
  from: (seq: number) => Buffer,
  seq = 1,
): void {
  assert.deepEqual([w.heard.down, w.faults], [[], []]);
  w.heard.packets.length = 0;
  ear.media(from(seq));
  assert.deepEqual(w.heard.packets, [rtp(seq)]);
}

const RULES: PtRule[] = [{ in: 8, out: 8, kind: 'speech', from: PCMA, to: PCMA }];
const TARGET = { address: ADDRESS, port: PORT, rtcpAddress: ADDRESS, rtcpPort: PORT + 1 };

/** RTCP, and RTP in clear, from both sides of a call. */
const rtcp: Round = (seed, count) => {
  const random = seeded(seed);
  const left: Buffer[] = [];
  const r = joined(left);
  const blocks = buildReport(r.toWeb, r.toIms.rx, 'c', 0, 0);
  const seeds = [
    blocks,
    Buffer.concat([blocks, writePli(1, 77), writeNack(1, 77, [1, 2, 40])]),
    Buffer.from(
      '81c8000c000000050000000000000000000000000000000000000000000000070000000000000000000000000000000000000000',
      'hex',
    ),
    rtp(1),
    rtp(2, 77),
  ];
  let now = 0;
  for (const bytes of mutants(random, seeds, count, EDGES)) {
    now += 5;
    const before = left.length;
    const read = bytes.length >= 8 ? readFeedback(bytes, 77) : null;
    assert.ok((read?.lost.length ?? 0) <= 128);
    const way = Math.floor(random() * 3);
    if (way === 0) fromWeb(r, Buffer.from(bytes), now);
    else if (way === 1) rtcpFromIms(r, Buffer.from(bytes), ADDRESS, PORT + 1, now);
    else fromIms(r, Buffer.from(bytes), ADDRESS, PORT, now);
    assert.ok(left.length <= before + 1, 'one in, one out');
    if (random() < 0.01) report(r, now, now, 1);
  }
  for (const packet of left) assert.ok(packet.length >= 8 && (packet[0] ?? 0) >> 6 === 2 && packet.length <= 1_500);
};

function joined(left: Buffer[]): Relay {
  const r = relay(77, 'c', 0, () => 1, null, 5_000);
  const ims: ImsLeg = {
    port: 21_000,
    sendRtp: (packet, start) => left.push(packet.subarray(start)),
    sendRtcp: packet => left.push(packet),
    close: () => undefined,
  };
  const web: Pick<WebEnd, 'send'> = { send: packet => left.push(packet) > 0 };
  Object.assign(r, { ims, web, webUp: true });
  const open = { toImsOpen: true, toWebOpen: true, supervise: true, video: null };
  applyRoute(r, { leg: 1, target: TARGET, toIms: RULES, toWeb: RULES, ...open }, 0);
  return r;
}

/** SDP: read alone, and each tenth in the exchanges of a call. */
const sdp: Round = (seed, count) => {
  const random = seeded(seed);
  const seeds = [chromiumOffer({ more: true }), firefoxOffer(), browserAnswer(), phoneSdp()];
  let n = 0;
  for (const bytes of mutants(
    random,
    seeds.map(text => Buffer.from(text)),
    count,
    WORDS,
  )) {
    const text = bytes.toString('utf8');
    parseSdp(text);
    n += 1;
    if (n % 10 === 0) inCall(text);
  }
};

function inCall(sdp: string): void {
  const r = mediaRig({ videoKbps: 690 });
  const ref = nextRef;
  r.run({ type: 'media.offer', from: 'web', owner: A, ref: ref(), leg: LEG, sdp });
  r.run({ type: 'media.release', owner: A });
  r.run({ type: 'media.offer', from: 'web', owner: A, ref: ref(), leg: LEG, sdp: chromiumOffer({ more: true }) });
  r.run({ type: 'media.answer', from: 'ims', owner: A, ref: ref(), fork: 'f', sdp });
  r.run({ type: 'media.reoffer', from: 'ims', owner: A, ref: ref(), sdp });
  r.run({ type: 'media.reoffer', from: 'web', owner: A, ref: ref(), leg: LEG, sdp });
  r.run({ type: 'media.agree', owner: A, ref: ref(), sdp });
  r.run({ type: 'media.release', owner: A });
  for (const event of r.box.all) if ('sdp' in event && event.sdp) assert.ok(parseSdp(event.sdp).ok, event.sdp);
  assert.deepEqual(r.sizes(), { sessions: 0, waiting: 0 });
}

export const MEDIA_ROUNDS = { stun, dtls, srtp, rtcp, video, sdp } as const satisfies Readonly<Record<string, Round>>;
