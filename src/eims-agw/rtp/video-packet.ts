/** The packets of a picture, rewritten for the other side; who begins to see it has a key frame asked for. */
import { take } from './bucket.ts';
import { acceptRtp } from './latch.ts';
import { addOrientation, readOrientation } from './orientation.ts';
import { countIn, payloadOffset, rewrite } from './stream.ts';
import type { Video, WebNow } from './video.ts';
import { askBrowser, askFarEnd, fillHole } from './video-feedback.ts';

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
