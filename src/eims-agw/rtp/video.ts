/** The video of one call, packet by packet, beside its sound: key frames and lost packets asked for both ways. RFC 4585, RFC 5104. */
import type { VideoRoute } from '../engine.ts';
import { againBucket, type Bucket, take, videoBucket } from './bucket.ts';
import { type Feedback, readFeedback, writeNack, writePli } from './feedback.ts';
import type { ImsLeg } from './ims-leg.ts';
import type { ImsSrtp } from './ims-srtp.ts';
import { acceptRtcp, acceptRtp, aim, type Latch, latch } from './latch.ts';
import { addOrientation, readOrientation } from './orientation.ts';
import { receiver } from './receiver.ts';
import { buildReport, takeRtcp } from './rtcp.ts';
import { type SentPackets, sentPackets } from './sent-packets.ts';
import { beginStream, countIn, payloadOffset, rewrite, type Stream, setRules } from './stream.ts';
import type { WebEnd } from './web-end.ts';

/** A picture cannot be asked for more often: an encoder needs time, and the path too. */
const KEY_FRAME_MS = 500;
/** Nor by signalling, which has a way of its own and other work. */
const WISH_MS = 2_000;
/** So many packets missing at once are no hole to be filled but a picture to begin anew. */
const MAX_HOLE = 32;

/** One way of the picture. */
interface Way {
  stream: Stream;
  bucket: Bucket;
  /** What its receiver may have again: a request is shorter than what it asks for. */
  again: Bucket;
  /** The receiver has a picture to build on: nothing was kept from it since it was last asked for one. */
  flows: boolean;
  /** When its sender was last asked for a key frame, ms. */
  askedAt: number;
}

export interface Video {
  ims: ImsLeg;
  /** Null: plain RTP. */
  srtp: ImsSrtp | null;
  toIms: Way;
  toWeb: Way;
  /** Towards the far end; the browser's leg keeps its own. */
  sent: SentPackets;
  latch: Latch;
  /** The far end takes feedback packets. */
  feedback: boolean;
  /** Says that a key frame is lacking, where the far end takes none. */
  wish: () => void;
  orientation: VideoRoute['orientation'];
  /** It has been heard since it was last aimed at. */
  heard: boolean;
  cname: string;
  nextReport: number;
}

/** The browser's leg as it stands. */
export interface WebNow {
  web: WebEnd | null;
  webUp: boolean;
}

/** `random` gives 32 bits, `now` ms; `cname` is the one of the sound towards the IMS side. What the browser gets begins when a leg is joined. */
export function video(ims: ImsLeg, cname: string, now: number, random: () => number, mayMove: Latch['mayMove']): Video {
  return {
    ims,
    srtp: null,
    toIms: way(random(), now, random),
    toWeb: way(0, now, random),
    sent: sentPackets(),
    latch: latch(mayMove),
    feedback: false,
    wish: () => undefined,
    orientation: null,
    heard: false,
    cname,
    nextReport: now,
  };
}

function way(ssrc: number, now: number, random: () => number): Way {
  return {
    stream: beginStream(ssrc, random),
    bucket: videoBucket(now),
    again: againBucket(now),
    flows: false,
    askedAt: Number.NEGATIVE_INFINITY,
  };
}

/** Null: nothing is relayed, and no payload type is of the video. */
export function applyVideoRoute(v: Video, route: VideoRoute | null): void {
  if (route === null) {
    setRules(v.toIms.stream, [], false);
    setRules(v.toWeb.stream, [], false);
    return;
  }
  const before = v.latch.target;
  aim(v.latch, route.target);
  if (before?.address !== route.target?.address || before?.port !== route.target?.port) {
    v.toIms.flows = false;
    v.heard = false;
    // It was meant for another.
    v.sent.forget();
  }
  setRules(v.toIms.stream, route.toIms, route.toImsOpen);
  setRules(v.toWeb.stream, route.toWeb, route.toWebOpen);
  v.feedback = route.feedback;
  v.orientation = route.orientation;
}

/** Whether a packet of the browser is of the video: on one transport the payload type tells. RFC 9143 9.2. */
export function isVideo(v: Video, packet: Buffer): boolean {
  return (v.toIms.stream.out[(packet[1] ?? 0) & 0x7f] ?? -1) >= 0;
}

/** A video packet in clear from the browser. */
export function videoFromWeb(v: Video, side: WebNow, packet: Buffer, now: number): void {
  const { stream, bucket } = v.toIms;
  if (!take(bucket, packet.length, now)) {
    stream.counts.rate += 1;
    return;
  }
  const offset = payloadOffset(stream, packet);
  if (offset < 0) return;
  const turn = v.orientation === null ? -1 : readOrientation(packet, v.orientation.web);
  fillHole(v, side, packet);
  countIn(stream, packet, now);
  if (v.latch.target === null) return;
  let start = rewrite(stream, packet, offset, now);
  if (start < 0) {
    v.toIms.flows = false;
    return;
  }
  if (turn >= 0 && v.orientation !== null) start = addOrientation(packet, start, v.orientation.ims, turn);
  if (v.feedback) v.sent.keep(packet.subarray(start));
  v.ims.sendRtp(packet, start, v.latch.port, v.latch.address);
  if (v.toIms.flows) return;
  v.toIms.flows = true;
  askBrowser(v, side, now);
}

/** A video packet from the IMS side. */
export function videoFromIms(
  v: Video,
  side: WebNow,
  packet: Buffer,
  address: string,
  port: number,
  now: number,
): boolean {
  const { stream, bucket } = v.toWeb;
  const offset = payloadOffset(stream, packet);
  if (offset < 0) return false;
  if (!acceptRtp(v.latch, address, port, packet.readUInt32BE(8), packet.readUInt16BE(2), now)) {
    stream.counts.wrongSource += 1;
    return false;
  }
  if (!take(bucket, packet.length, now)) {
    stream.counts.rate += 1;
    return true;
  }
  const turn = v.orientation === null ? -1 : readOrientation(packet, v.orientation.ims);
  countIn(stream, packet, now);
  if (!v.heard) {
    // Who speaks can hear: what was sent before may have gone into the void.
    v.heard = true;
    askBrowser(v, side, now);
  }
  let start = side.web === null || !side.webUp ? -1 : rewrite(stream, packet, offset, now);
  if (start < 0 || side.web === null) {
    v.toWeb.flows = false;
    return true;
  }
  if (turn >= 0 && v.orientation !== null) start = addOrientation(packet, start, v.orientation.web, turn);
  if (!side.web.send(packet.subarray(start), true)) {
    stream.counts.send += 1;
    stream.anchored = false;
  }
  if (!v.toWeb.flows) {
    v.toWeb.flows = true;
    askFarEnd(v, now);
  }
  return true;
}

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
function fillHole(v: Video, side: WebNow, packet: Buffer): void {
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
function askFarEnd(v: Video, now: number): void {
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
