/** A call with sound and video in memory, packet by packet: H.264 between a browser and a far end. */
import type { PayloadFormat, PtRule, VideoRoute } from '../../src/eims-agw/engine.ts';
import { PCMA } from '../../src/eims-agw/payload-format.ts';
import { applyRoute, fromWeb, relay, videoPacketFromIms } from '../../src/eims-agw/rtp/relay.ts';
import { sentPackets } from '../../src/eims-agw/rtp/sent-packets.ts';
import { goOn } from '../../src/eims-agw/rtp/stream.ts';
import { video } from '../../src/eims-agw/rtp/video.ts';

export const SOUND = { address: '192.0.2.9', port: 4000, rtcpAddress: '192.0.2.9', rtcpPort: 4001 };
export const TARGET = { address: '192.0.2.9', port: 5000, rtcpAddress: '192.0.2.9', rtcpPort: 5001 };
const H264: PayloadFormat = { name: 'H264', clock: 90_000, channels: 1, fmtp: 'packetization-mode=1' };
export const AUDIO: PtRule[] = [{ in: 8, out: 8, kind: 'speech', from: PCMA, to: PCMA }];
const VIDEO: VideoRoute = {
  target: TARGET,
  toIms: [{ in: 102, out: 99, kind: 'video', from: H264, to: H264 }],
  toWeb: [{ in: 99, out: 102, kind: 'video', from: H264, to: H264 }],
  toImsOpen: true,
  toWebOpen: true,
  feedback: true,
  orientation: null,
};
export const BROWSER = 0x1111;
export const FAR = 0x2222;
export const OURS = 0x7777;

/** A call with sound and video; what left it, and what was sent again to the browser. */
export function videoCall(route: Partial<VideoRoute> = {}) {
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
    /** How many packets left, of any kind. */
    count: () => left.web.length + left.again.length + left.rtp.length + left.rtcp.length + left.sound,
    clear() {
      for (const packets of [left.web, left.again, left.rtp, left.rtcp]) packets.length = 0;
      left.sound = 0;
    },
    aim,
    web: (packet: Buffer, now = 1) => fromWeb(r, packet, now),
    far: (packet: Buffer, now = 1, rtcp = false) =>
      videoPacketFromIms(r, rtcp, packet, TARGET.address, rtcp ? TARGET.rtcpPort : TARGET.port, now),
  };
}

/** A video packet of 1,000 bytes that ends a picture. */
export function picture(pt: number, ssrc: number, seq: number, ts = (3_000 * seq) >>> 0): Buffer {
  const packet = Buffer.alloc(1_000, seq);
  packet[0] = 0x80;
  packet[1] = 0x80 | pt;
  packet.writeUInt16BE(seq, 2);
  packet.writeUInt32BE(ts, 4);
  packet.writeUInt32BE(ssrc, 8);
  return packet;
}
