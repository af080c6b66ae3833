/** One call in a worker: a browser leg and an IMS leg joined packet by packet, RTCP made for each. Its video, if any, is in `video.ts`. */

import type { EngineLegStats, ImsTarget, Route, SilentSide } from '../engine.ts';
import { audioBucket, type Bucket, take } from './bucket.ts';
import type { FarReport } from './far-report.ts';
import type { ImsLeg } from './ims-leg.ts';
import type { ImsSrtp } from './ims-srtp.ts';
import { acceptRtcp, acceptRtp, aim, type Latch, latch } from './latch.ts';
import { lostTotal } from './receiver.ts';
import { buildReport, isRtcp, takeRtcp } from './rtcp.ts';
import { beginStream, countIn, firstNumbers, goOn, payloadOffset, rewrite, type Stream, setRules } from './stream.ts';
import { applyVideoRoute, isVideo, type Video } from './video.ts';
import { reportVideo, videoRtcpFromIms, videoRtcpFromWeb } from './video-feedback.ts';
import { videoFromIms, videoFromWeb } from './video-packet.ts';
import type { WebEnd } from './web-end.ts';

const MAX_FROM_WEB = 1_472;
const MAX_FROM_IMS = 1_400;
/** After this long without a packet from one side a connected call is one-way. */
const ONE_WAY_MS = 20_000;

export interface Relay {
  ims: ImsLeg | null;
  /** Null: plain RTP. */
  srtp: ImsSrtp | null;
  /** 32 bits. */
  random: () => number;
  web: WebEnd | null;
  webUp: boolean;
  toIms: Stream;
  toWeb: Stream;
  webBucket: Bucket;
  imsBucket: Bucket;
  latch: Latch;
  imsCname: string;
  webCname: string;
  supervise: boolean;
  supervisedAt: number;
  /** Last packet of the IMS side, or when silence began to count; ms. */
  imsHeardAt: number;
  silent: boolean;
  nextReport: number;
  oneWayTold: boolean;
  video: Video | null;
}

/** `random` gives 32 bits; `webSsrc` is the one written into the browser's SDP. `now` in ms. */
export function relay(
  webSsrc: number,
  webCname: string,
  now: number,
  random: () => number,
  mayMove: Latch['mayMove'],
  reportMs: number,
): Relay {
  return {
    ims: null,
    srtp: null,
    random,
    web: null,
    webUp: false,
    toIms: beginStream(random(), random),
    toWeb: beginStream(webSsrc, random),
    webBucket: audioBucket(now),
    imsBucket: audioBucket(now),
    latch: latch(mayMove),
    imsCname: `gw${random()}`,
    webCname,
    supervise: false,
    supervisedAt: now,
    imsHeardAt: now,
    silent: false,
    nextReport: now + (random() % reportMs),
    oneWayTold: false,
    video: null,
  };
}

export function applyRoute(r: Relay, route: Route, now: number): void {
  setRules(r.toIms, route.toIms, route.toImsOpen);
  setRules(r.toWeb, route.toWeb, route.toWebOpen);
  aim(r.latch, route.target);
  secure(r.srtp, route.target, r.toIms, r.random);
  if (route.supervise && !r.supervise) {
    r.imsHeardAt = now;
    r.supervisedAt = now;
    r.silent = false;
  }
  r.supervise = route.supervise;
  const { video } = r;
  if (video === null) return;
  applyVideoRoute(video, route.video);
  // What was sent under the SSRC of before is nothing to be sent again.
  if (secure(video.srtp, route.video?.target ?? null, video.toIms.stream, r.random)) video.sent.forget();
}

/** Who the far end is says how it is protected; while nobody knows, all stays. True when what we send goes on under another SSRC. */
function secure(srtp: ImsSrtp | null, target: ImsTarget | null, toIms: Stream, random: () => number): boolean {
  const anew = target !== null && srtp?.agree(target.sdes) === true;
  if (anew) goOn(toIms, random(), firstNumbers(random));
  return anew;
}

/** A packet in clear from the browser. */
export function fromWeb(r: Relay, packet: Buffer, now: number): void {
  const { toIms, video } = r;
  if (packet.length > MAX_FROM_WEB) {
    toIms.counts.oversize += 1;
    return;
  }
  if (video !== null && !isRtcp(packet) && isVideo(video, packet)) {
    videoFromWeb(video, r, packet, now);
    return;
  }
  if (!take(r.webBucket, packet.length, now)) {
    toIms.counts.rate += 1;
    return;
  }
  if (packet.length >= 8 && isRtcp(packet)) {
    if (!takeRtcp(toIms.rx, r.toWeb, packet, now)) toIms.counts.malformed += 1;
    else if (video !== null) videoRtcpFromWeb(video, r, packet, now);
    return;
  }
  const offset = payloadOffset(toIms, packet);
  if (offset < 0) return;
  countIn(toIms, packet, now);
  const { ims } = r;
  if (ims === null || r.latch.target === null) return;
  const start = rewrite(toIms, packet, offset, now);
  if (start >= 0) ims.sendRtp(packet, start, r.latch.port, r.latch.address);
}

/** An RTP packet from the IMS side. */
export function fromIms(r: Relay, packet: Buffer, address: string, port: number, now: number): void {
  const { toWeb, web } = r;
  if (packet.length > MAX_FROM_IMS) {
    toWeb.counts.oversize += 1;
    return;
  }
  const offset = payloadOffset(toWeb, packet);
  if (offset < 0) return;
  if (!acceptRtp(r.latch, address, port, packet.readUInt32BE(8), packet.readUInt16BE(2), now)) {
    toWeb.counts.wrongSource += 1;
    return;
  }
  // Only the far end spends its rate: a flood of strangers must not silence it.
  if (!take(r.imsBucket, packet.length, now)) {
    toWeb.counts.rate += 1;
    return;
  }
  r.imsHeardAt = now;
  countIn(toWeb, packet, now);
  if (web === null || !r.webUp) return;
  const start = rewrite(toWeb, packet, offset, now);
  if (start < 0) return;
  if (web.send(start === 0 ? packet : packet.subarray(start))) return;
  // The library refuses a number it has passed: begin anew behind the last one.
  toWeb.counts.send += 1;
  toWeb.anchored = false;
}

/** An RTCP packet from the IMS side. */
export function rtcpFromIms(r: Relay, packet: Buffer, address: string, port: number, now: number): void {
  if (packet.length > MAX_FROM_IMS) r.toWeb.counts.oversize += 1;
  else if (!acceptRtcp(r.latch, address, port)) r.toWeb.counts.wrongSource += 1;
  else if (!take(r.imsBucket, packet.length, now)) r.toWeb.counts.rate += 1;
  else if (takeRtcp(r.toWeb.rx, r.toIms, packet, now)) r.imsHeardAt = now;
  else r.toWeb.counts.malformed += 1;
}

/** A packet of the IMS side for the video port, or the one behind it. */
export function videoPacketFromIms(
  r: Relay,
  rtcp: boolean,
  packet: Buffer,
  address: string,
  port: number,
  now: number,
): void {
  const { video } = r;
  if (video === null) return;
  if (packet.length > MAX_FROM_IMS) {
    video.toWeb.stream.counts.oversize += 1;
    return;
  }
  // A far end that shows itself is not silent, whatever it shows.
  const take = rtcp ? videoRtcpFromIms : videoFromIms;
  if (take(video, r, packet, address, port, now)) r.imsHeardAt = now;
}

/** Reports that are due, each to its own side. `wallMs` since the epoch. */
export function report(r: Relay, now: number, wallMs: number, everyMs: number): void {
  if (r.video !== null) reportVideo(r.video, r, r.webCname, now, wallMs, everyMs);
  if (now < r.nextReport) return;
  r.nextReport = now + everyMs;
  if (r.ims !== null && r.latch.target !== null) {
    r.ims.sendRtcp(buildReport(r.toIms, r.toWeb.rx, r.imsCname, now, wallMs), r.latch.rtcpPort, r.latch.rtcpAddress);
  }
  if (r.web !== null && r.webUp) r.web.send(buildReport(r.toWeb, r.toIms.rx, r.webCname, now, wallMs));
}

/** True once when the IMS side has been silent for `limitMs` while that counts. */
export function fellSilent(r: Relay, now: number, limitMs: number): boolean {
  if (!r.supervise || r.silent || now - r.imsHeardAt < limitMs) return false;
  r.silent = true;
  return true;
}

/** The side of an answered, connected call that should speak and has sent no packet in its first `afterMs`; null when all is well. */
export function silentSide(r: Relay, now: number, afterMs: number): SilentSide | null {
  if (!r.supervise || !r.webUp || now - r.supervisedAt < afterMs) return null;
  const ims = r.toWeb.rx.packets === 0;
  // A browser that only listens is silent because it wants to be.
  const web = r.toIms.open && r.toIms.rx.packets === 0;
  return ims ? (web ? 'both' : 'ims') : web ? 'web' : null;
}

/** The silent side, once, when an answered, connected call has had 20 s. */
export function foundOneWay(r: Relay, now: number): SilentSide | null {
  const side = r.oneWayTold ? null : silentSide(r, now, ONE_WAY_MS);
  r.oneWayTold ||= side !== null;
  return side;
}

/** Totals of what one side sent us, and what it says of what we sent it. */
export function legStats({ rx: from, unitsPerMs }: Stream, far: FarReport): EngineLegStats {
  const known = from.packets > 0;
  const jitter = from.jitterCount > 0 ? from.jitterSum / from.jitterCount : from.jitter;
  return {
    packets: from.packets,
    bytes: from.bytes,
    lost: known ? lostTotal(from) : null,
    jitterMs: known ? tenths(jitter / unitsPerMs) : null,
    farLost: far.lost === null ? null : Math.max(0, far.lost),
    roundTripMs: far.roundTrips === 0 ? null : tenths(far.roundTripSumMs / far.roundTrips),
  };
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10;
}
