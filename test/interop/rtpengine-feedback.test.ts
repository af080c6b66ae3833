/** What two ends ask of each other's picture by RTCP, over rtpengine. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { writeNack, writePli } from '../../src/eims-agw/rtp/feedback.ts';
import { type Picture, picturePeer } from '../support/media-browser.ts';
import { type Phone, phone } from '../support/media-phone.ts';
import { type RtpengineMedia, rtpengineDaemon, rtpengineMedia, type TestDaemon } from '../support/rtpengine.ts';
import { callOut, type RtpengineCall, until } from '../support/rtpengine-call.ts';

const HOST = '127.0.72.21';
const PHONE = '127.0.72.29';
/** SSRCs of the two pictures; the daemon leaves them as they are. */
const [BROWSER, FAR] = [4343, 7878];
const VP8 = Uint8Array.from([0x10, 0x9d, 0x01, 0x2a]);

let daemon: TestDaemon;
let media: RtpengineMedia;

before(async () => {
  // Nothing may be overtaken on its way to werift's peer.
  daemon = await rtpengineDaemon(HOST, 26_400, 1);
  media = await rtpengineMedia([daemon], { videoKbps: 690 });
});
after(async () => {
  await media.close();
  await daemon.close();
});

interface Seen {
  browser: Picture;
  far: Phone;
  call: RtpengineCall;
}

/** A call with a picture that goes both ways; `line` and `more` are the far end's profile and what its line says beside its codec. */
async function withPicture(profile: string, more: readonly string[], look: (seen: Seen) => Promise<void>) {
  const peer = picturePeer();
  const [sound, far] = await Promise.all([phone(PHONE), phone(PHONE)]);
  const line = [`m=video ${far.port} ${profile} 96`, 'a=rtpmap:96 VP8/90000', ...more, ''].join('\r\n');
  const call = await callOut(media, peer, sound, offer => {
    far.learn(offer, 'video');
    return sound.sdp({ laws: [8] }) + line;
  });
  const { picture: browser } = peer;
  try {
    await until(
      () => far.rtp.length > 0 && browser.rtp.length > 0,
      async i => {
        await browser.send({ pt: 96, seq: i, ts: i * 6_000, payload: VP8, ssrc: BROWSER });
        far.send({ pt: 96, seq: i, ts: i * 6_000, payload: VP8, ssrc: FAR });
      },
    );
    await look({ browser, far, call });
  } finally {
    await call.release();
    await peer.close();
    for (const end of [sound, far]) end.close();
  }
}

/** Feedback goes behind a report, here one of nothing. RFC 4585 3.1. */
function asking(from: number, ...feedback: Buffer[]): Buffer {
  const report = Buffer.from([0x80, 201, 0, 1, 0, 0, 0, 0]);
  report.writeUInt32BE(from, 4);
  return Buffer.concat([report, ...feedback]);
}

/** Full Intra Request. RFC 5104 4.3.1. */
function writeFir(from: number, media: number): Buffer {
  const packet = Buffer.from([0x84, 206, 0, 4, ...Array<number>(16).fill(0)]);
  packet.writeUInt32BE(from, 4);
  packet.writeUInt32BE(media, 12);
  return packet;
}

const FROM_BROWSER = asking(BROWSER, writePli(BROWSER, FAR), writeNack(BROWSER, FAR, [7]));
const FROM_FAR = [writePli(FAR, BROWSER), writeFir(FAR, BROWSER), writeNack(FAR, BROWSER, [9])];

/** What the browser heard of feedback: its packet type and format. RFC 4585 6.1. */
const asked = ({ rtcp }: Picture) => new Set(rtcp.map(packet => `${packet.type} ${formatOf(packet)}`));

function formatOf(packet: Picture['rtcp'][number]): number {
  return 'feedback' in packet ? packet.feedback.count : 0;
}

/** Asked again until all is there: the daemon hears RTCP of a far end only once it has sent there. */
async function farEndAsks({ browser, far }: Seen): Promise<void> {
  await until(
    () => ['206 1', '206 4', '205 1'].every(wish => asked(browser).has(wish)),
    () => {
      for (const feedback of FROM_FAR) far.sendRtcp(asking(FAR, feedback));
    },
  );
}

test('RTP-05 key frames and lost packets of a picture are asked for both ways over rtpengine where the far end has AVPF; each end is told the bandwidth', async () => {
  const taken = ['b=AS:300', 'a=acfg:1 t=1', 'a=rtcp-fb:* nack', 'a=rtcp-fb:* nack pli', 'a=rtcp-fb:* ccm fir'];
  await withPicture('RTP/AVPF', taken, async seen => {
    const { browser, far, call } = seen;
    assert.match(call.offer, /^m=video .*\r\nb=AS:690\r\n/m);
    assert.match(call.answer, /^m=video .*\r\nc=.*\r\nb=AS:300\r\n/m);
    await until(
      () => far.rtcp.some(packet => packet.equals(FROM_BROWSER)),
      () => browser.sendRtcp(FROM_BROWSER),
    );
    await farEndAsks(seen);
  });
});

test('RTP-10 a far end of plain AVP gets the reports of a picture alone over rtpengine; what it asks for by RTCP all the same, the browser hears', async () => {
  await withPicture('RTP/AVP', [], async seen => {
    const { browser, far } = seen;
    await until(
      () => far.rtcp.some(packet => packet.equals(asking(BROWSER))),
      () => browser.sendRtcp(FROM_BROWSER),
    );
    assert.ok(far.rtcp.every(packet => packet.equals(asking(BROWSER))));
    await farEndAsks(seen);
  });
});
