/** RTCP of our own for each leg: sender or receiver report with one block, and SDES with our CNAME; and the little we read of theirs. RFC 3550 6.4, 6.5. */
import { takeBlocks } from './far-report.ts';
import { type Receiver, type ReportBlock, report } from './receiver.ts';
import type { Stream } from './stream.ts';

/** Seconds from 1900 to 1970. */
const NTP_EPOCH_S = 2_208_988_800;
const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;

/** RTCP by its second byte when RTP and RTCP share a port. RFC 5761 4. */
export function isRtcp(packet: Buffer): boolean {
  const type = packet[1] ?? 0;
  return type >= 192 && type <= 223;
}

/**
 * A compound packet for one leg: `out` is the stream we send there (a sender report when it sent anything), `rx` what
 * we hear from there. `now` in ms of the streams' clock, `wallMs` since the epoch.
 */
export function buildReport(out: Stream, rx: Receiver, cname: string, now: number, wallMs: number): Buffer {
  const block = report(rx, now);
  const sender = out.packets > 0;
  const reportBytes = 8 + (sender ? 20 : 0) + (block === null ? 0 : 24);
  const name = Buffer.from(cname, 'latin1');
  // Chunk: SSRC, CNAME item, at least one zero byte, to a multiple of four.
  const chunkBytes = Math.ceil((4 + 2 + name.length + 1) / 4) * 4;
  const packet = Buffer.alloc(reportBytes + 4 + chunkBytes);
  packet[0] = 0x80 | (block === null ? 0 : 1);
  packet[1] = sender ? SENDER_REPORT : RECEIVER_REPORT;
  packet.writeUInt16BE(reportBytes / 4 - 1, 2);
  packet.writeUInt32BE(out.ssrc, 4);
  if (sender) writeSender(packet, out, now, wallMs);
  if (block !== null) writeBlock(packet, sender ? 28 : 8, block);
  packet[reportBytes] = 0x81;
  packet[reportBytes + 1] = 202;
  packet.writeUInt16BE(chunkBytes / 4, reportBytes + 2);
  packet.writeUInt32BE(out.ssrc, reportBytes + 4);
  packet[reportBytes + 8] = 1;
  packet[reportBytes + 9] = name.length;
  name.copy(packet, reportBytes + 10);
  return packet;
}

/** Takes a compound packet from the other end: the time of its sender report, and what it says of `out`. False when it is malformed. `now` in ms. */
export function takeRtcp(rx: Receiver, out: Stream, packet: Buffer, now: number): boolean {
  let offset = 0;
  while (offset < packet.length) {
    if (offset + 8 > packet.length || (packet[offset] ?? 0) >> 6 !== 2) return false;
    const bytes = 4 * (packet.readUInt16BE(offset + 2) + 1);
    if (bytes < 8 || offset + bytes > packet.length) return false;
    const type = packet[offset + 1] ?? 0;
    const count = (packet[offset] ?? 0) & 31;
    if (type === SENDER_REPORT && bytes >= 28) {
      if (packet.readUInt32BE(offset + 4) === rx.ssrc) {
        rx.lastSr = packet.readUInt32BE(offset + 10);
        rx.lastSrAt = now;
      }
      takeBlocks(out.far, out.ssrc, packet, offset + 28, offset + bytes, count, now);
    } else if (type === RECEIVER_REPORT) {
      takeBlocks(out.far, out.ssrc, packet, offset + 8, offset + bytes, count, now);
    }
    offset += bytes;
  }
  return offset > 0;
}

function writeSender(packet: Buffer, out: Stream, now: number, wallMs: number): void {
  const seconds = Math.floor(wallMs / 1000);
  packet.writeUInt32BE((seconds + NTP_EPOCH_S) % 0x1_0000_0000, 8);
  packet.writeUInt32BE(Math.floor(((wallMs - seconds * 1000) / 1000) * 0x1_0000_0000), 12);
  packet.writeUInt32BE((out.outTs + Math.round((now - out.outAt) * out.unitsPerMs)) >>> 0, 16);
  packet.writeUInt32BE(out.packets >>> 0, 20);
  packet.writeUInt32BE(out.octets >>> 0, 24);
  out.far.sentNtp = packet.readUInt32BE(10);
  out.far.sentAt = now;
}

function writeBlock(packet: Buffer, at: number, block: ReportBlock): void {
  packet.writeUInt32BE(block.ssrc, at);
  packet.writeUInt32BE(((block.fraction << 24) | (block.lost & 0xff_ffff)) >>> 0, at + 4);
  packet.writeUInt32BE(block.highestSeq, at + 8);
  packet.writeUInt32BE(block.jitter >>> 0, at + 12);
  packet.writeUInt32BE(block.lastSr, at + 16);
  packet.writeUInt32BE(block.sinceLastSr, at + 20);
}
