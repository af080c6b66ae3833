/** What receivers of a picture ask for, key frames and lost packets, and the reports of it. RFC 4585, RFC 5104. */
import { take } from './bucket.ts';
import { type Feedback, readFeedback, writeNack, writePli } from './feedback.ts';
import { acceptRtcp } from './latch.ts';
import { receiver } from './receiver.ts';
import { buildReport, takeRtcp } from './rtcp.ts';
import type { Video, Way, WebNow } from './video.ts';

/** A picture cannot be asked for more often: an encoder needs time, and the path too. */
const KEY_FRAME_MS = 500;
/** Nor by signalling, which has a way of its own and other work. */
const WISH_MS = 2_000;
/** So many packets missing at once are no hole to be filled but a picture to begin anew. */
const MAX_HOLE = 32;

/** What the browser's RTCP says of the video. It is well formed. */
export function videoRtcpFromWeb(v: Video, side: WebNow, packet: Buffer, now: number): void {
  const { toIms, toWeb } = v;
  takeRtcp(toIms.stream.rx, toWeb.stream, packet, now);
  const asked = readFeedback(packet, toWeb.stream.ssrc);
  if (asked === null) return;
  if (asked.keyFrame) askFarEnd(v, now);
  const missing = again(toWeb, asked, now, seq => side.web?.resend?.(seq) === true);
  if (missing.length > 0 && v.feedback && v.latch.target !== null) {
    sendFeedback(v, writeNack(toIms.stream.ssrc, toWeb.stream.rx.ssrc, missing), now);
  }
}

/** An RTCP packet from the IMS side; false when it is from somebody else or malformed. */
export function videoRtcpFromIms(
  v: Video,
  side: WebNow,
  packet: Buffer,
  address: string,
  port: number,
  now: number,
): boolean {
  const { toIms, toWeb } = v;
  if (!acceptRtcp(v.latch, address, port)) {
    toWeb.stream.counts.wrongSource += 1;
    return false;
  }
  if (!take(toWeb.bucket, packet.length, now)) {
    toWeb.stream.counts.rate += 1;
    return true;
  }
  if (!takeRtcp(toWeb.stream.rx, toIms.stream, packet, now)) {
    toWeb.stream.counts.malformed += 1;
    return false;
  }
  const asked = readFeedback(packet, toIms.stream.ssrc);
  if (asked === null) return true;
  if (asked.keyFrame) askBrowser(v, side, now);
  const missing = again(toIms, asked, now, seq => {
    const kept = v.sent.find(seq);
    if (kept !== null) v.ims.sendRtp(kept, 0, v.latch.port, v.latch.address);
    return kept !== null;
  });
  if (missing.length > 0) tellBrowser(side, writeNack(toWeb.stream.ssrc, toIms.stream.rx.ssrc, missing));
  return true;
}

/** Has the packets sent again that are asked for; returns those that are not kept, under the numbers of who sent them to us. */
function again(
  { stream, again: bucket }: Way,
  { lost }: Feedback,
  now: number,
  send: (seq: number) => boolean,
): number[] {
  const missing: number[] = [];
  for (const seq of lost) {
    if (!take(bucket, 0, now)) {
      stream.counts.rate += 1;
      break;
    }
    if (!send(seq) && stream.anchored) missing.push((seq - stream.seqOffset) & 0xffff);
  }
  return missing;
}

/** A far end without feedback cannot say what it misses: what was lost on the way from the browser we ask for ourselves. */
export function fillHole(v: Video, side: WebNow, packet: Buffer): void {
  const { rx } = v.toIms.stream;
  if (v.feedback || !rx.started || packet.readUInt32BE(8) !== rx.ssrc) return;
  const hole = ((packet.readUInt16BE(2) - rx.maxSeq) & 0xffff) - 1;
  if (hole <= 0 || hole > MAX_HOLE) return;
  const lost = Array.from({ length: hole }, (_, i) => (rx.maxSeq + 1 + i) & 0xffff);
  tellBrowser(side, writeNack(v.toWeb.stream.ssrc, rx.ssrc, lost));
}

/** Asks the browser for a picture that needs no other. */
export function askBrowser(v: Video, side: WebNow, now: number): void {
  const { toIms, toWeb } = v;
  if (!toIms.stream.rx.started || now - toIms.askedAt < KEY_FRAME_MS) return;
  toIms.askedAt = now;
  tellBrowser(side, writePli(toWeb.stream.ssrc, toIms.stream.rx.ssrc));
}

/** The same of the far end. To one that speaks plain AVP no feedback goes: it is told by signalling. RFC 3551 2, RFC 4585 4. */
export function askFarEnd(v: Video, now: number): void {
  const { toIms, toWeb } = v;
  const restMs = v.feedback ? KEY_FRAME_MS : WISH_MS;
  if (v.latch.target === null || !toWeb.stream.rx.started || now - toWeb.askedAt < restMs) return;
  toWeb.askedAt = now;
  if (!v.feedback) v.wish();
  else sendFeedback(v, writePli(toIms.stream.ssrc, toWeb.stream.rx.ssrc), now);
}

function tellBrowser({ web, webUp }: WebNow, packet: Buffer): void {
  if (webUp) web?.send(packet);
}

/** Feedback goes behind a report, however empty. RFC 4585 3.1. */
function sendFeedback(v: Video, feedback: Buffer, now: number): void {
  const report = buildReport({ ...v.toIms.stream, packets: 0 }, receiver(), v.cname, now, 0);
  v.ims.sendRtcp(Buffer.concat([report, feedback]), v.latch.rtcpPort, v.latch.rtcpAddress);
}

/** Reports: to the browser each time, since its encoder goes by them; to the far end every `everyMs`. `wallMs` since the epoch. */
export function reportVideo(
  v: Video,
  side: WebNow,
  webCname: string,
  now: number,
  wallMs: number,
  everyMs: number,
): void {
  const { toIms, toWeb } = v;
  tellBrowser(side, buildReport(toWeb.stream, toIms.stream.rx, webCname, now, wallMs));
  if (now < v.nextReport) return;
  v.nextReport = now + everyMs;
  if (v.latch.target === null) return;
  v.ims.sendRtcp(
    buildReport(toIms.stream, toWeb.stream.rx, v.cname, now, wallMs),
    v.latch.rtcpPort,
    v.latch.rtcpAddress,
  );
}
