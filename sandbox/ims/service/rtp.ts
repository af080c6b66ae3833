/** RTP packets in and out, and the SR, RR, SDES and BYE of RTCP. RFC 3550 5.1, 6.4 to 6.6. */

export interface RtpPacket {
  marker: boolean;
  payloadType: number;
  sequence: number;
  timestamp: number;
  ssrc: number;
  payload: Uint8Array;
}

/** Reads a packet; null when it is none. CSRCs, extension and padding are left out of the payload. RFC 3550 5.1, A.1. */
export function parseRtp(bytes: Buffer): RtpPacket | null {
  if (bytes.length < 12) return null;
  const first = bytes.readUInt8(0);
  if (first >> 6 !== 2) return null;
  let start = 12 + (first & 15) * 4;
  if ((first & 0x10) !== 0) {
    if (bytes.length < start + 4) return null;
    start += 4 + bytes.readUInt16BE(start + 2) * 4;
  }
  const padding = (first & 0x20) === 0 ? 0 : bytes.readUInt8(bytes.length - 1);
  const end = bytes.length - padding;
  if (start > end || ((first & 0x20) !== 0 && padding === 0)) return null;
  const second = bytes.readUInt8(1);
  return {
    marker: (second & 0x80) !== 0,
    payloadType: second & 0x7f,
    sequence: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    ssrc: bytes.readUInt32BE(8),
    payload: bytes.subarray(start, end),
  };
}

/** Writes a packet without CSRC, extension or padding. */
export function writeRtp(packet: RtpPacket): Buffer {
  const bytes = Buffer.allocUnsafe(12 + packet.payload.length);
  bytes.writeUInt8(0x80, 0);
  bytes.writeUInt8((packet.marker ? 0x80 : 0) | packet.payloadType, 1);
  bytes.writeUInt16BE(packet.sequence & 0xffff, 2);
  bytes.writeUInt32BE(packet.timestamp >>> 0, 4);
  bytes.writeUInt32BE(packet.ssrc >>> 0, 8);
  bytes.set(packet.payload, 12);
  return bytes;
}

/** What was received of one source, for the report block. RFC 3550 6.4.1, A.3, A.8. */
export interface Reception {
  ssrc: number;
  baseSequence: number;
  /** Highest sequence number with its cycles. */
  highest: number;
  received: number;
  expectedBefore: number;
  receivedBefore: number;
  /** Timestamp units. */
  jitter: number;
  lastTransit: number;
}

/** State for a source whose first packet this is. */
export function startReception(packet: RtpPacket): Reception {
  return {
    ssrc: packet.ssrc,
    baseSequence: packet.sequence,
    highest: packet.sequence,
    received: 0,
    expectedBefore: 0,
    receivedBefore: 0,
    jitter: 0,
    lastTransit: Number.NaN,
  };
}

/** Counts one packet that came at `nowMs`. */
export function countReceived(state: Reception, packet: RtpPacket, nowMs: number): void {
  state.received++;
  const ahead = (packet.sequence - state.highest) & 0xffff;
  if (ahead < 0x8000) state.highest += ahead;
  const transit = nowMs * 8 - packet.timestamp;
  if (!Number.isNaN(state.lastTransit)) state.jitter += (Math.abs(transit - state.lastTransit) - state.jitter) / 16;
  state.lastTransit = transit;
}

export interface SenderFacts {
  ssrc: number;
  cname: string;
  packets: number;
  octets: number;
  /** RTP timestamp of this moment. */
  timestamp: number;
  /** Wall clock, ms since 1970. */
  wallMs: number;
  reception: Reception | null;
  /** Middle 32 bits of the peer's last SR and how long ago it came, ms; null before one. */
  peerReport: { middle: number; agoMs: number } | null;
}

/** SR (RR when nothing was sent) with SDES, and BYE when it is the last. RFC 3550 6.4, 6.5, 6.6. */
export function writeReport(facts: SenderFacts, last: boolean): Buffer {
  const parts = [facts.packets > 0 ? senderReport(facts) : receiverReport(facts), sdes(facts)];
  if (last) {
    const bye = header(203, 1, 8);
    bye.writeUInt32BE(facts.ssrc >>> 0, 4);
    parts.push(bye);
  }
  return Buffer.concat(parts);
}

function header(type: number, count: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  bytes.writeUInt8(0x80 | count, 0);
  bytes.writeUInt8(type, 1);
  bytes.writeUInt16BE(length / 4 - 1, 2);
  return bytes;
}

/** Seconds between 1900 and 1970. */
const NTP_EPOCH = 2_208_988_800;

function senderReport(facts: SenderFacts): Buffer {
  const block = facts.reception === null ? 0 : 24;
  const bytes = header(200, block / 24, 28 + block);
  bytes.writeUInt32BE(facts.ssrc >>> 0, 4);
  bytes.writeUInt32BE((Math.floor(facts.wallMs / 1000) + NTP_EPOCH) >>> 0, 8);
  bytes.writeUInt32BE(Math.floor(((facts.wallMs % 1000) / 1000) * 2 ** 32) >>> 0, 12);
  bytes.writeUInt32BE(facts.timestamp >>> 0, 16);
  bytes.writeUInt32BE(facts.packets >>> 0, 20);
  bytes.writeUInt32BE(facts.octets >>> 0, 24);
  writeBlock(bytes, 28, facts);
  return bytes;
}

function receiverReport(facts: SenderFacts): Buffer {
  const block = facts.reception === null ? 0 : 24;
  const bytes = header(201, block / 24, 8 + block);
  bytes.writeUInt32BE(facts.ssrc >>> 0, 4);
  writeBlock(bytes, 8, facts);
  return bytes;
}

function writeBlock(bytes: Buffer, at: number, { reception, peerReport }: SenderFacts): void {
  if (reception === null) return;
  const expected = reception.highest - reception.baseSequence + 1;
  const expectedNow = expected - reception.expectedBefore;
  const lostNow = expectedNow - (reception.received - reception.receivedBefore);
  reception.expectedBefore = expected;
  reception.receivedBefore = reception.received;
  const fraction = expectedNow <= 0 || lostNow <= 0 ? 0 : Math.min(255, Math.floor((lostNow * 256) / expectedNow));
  const lost = Math.max(-0x800000, Math.min(0x7fffff, expected - reception.received));
  bytes.writeUInt32BE(reception.ssrc, at);
  bytes.writeUInt8(fraction, at + 4);
  bytes.writeIntBE(lost, at + 5, 3);
  bytes.writeUInt32BE(reception.highest >>> 0, at + 8);
  bytes.writeUInt32BE(Math.floor(reception.jitter) >>> 0, at + 12);
  bytes.writeUInt32BE(peerReport?.middle ?? 0, at + 16);
  bytes.writeUInt32BE(peerReport === null ? 0 : Math.floor(peerReport.agoMs * 65.536) >>> 0, at + 20);
}

function sdes({ ssrc, cname }: SenderFacts): Buffer {
  const text = Buffer.from(cname, 'utf8');
  const bytes = header(202, 1, 8 + Math.ceil((2 + text.length + 1) / 4) * 4);
  bytes.writeUInt32BE(ssrc >>> 0, 4);
  bytes.writeUInt8(1, 8);
  bytes.writeUInt8(text.length, 9);
  bytes.set(text, 10);
  return bytes;
}

/** Middle 32 bits of the NTP time of a sender report, or null when the bytes are none. */
export function senderReportTime(bytes: Buffer): number | null {
  if (bytes.length < 28 || bytes.readUInt8(0) >> 6 !== 2 || bytes.readUInt8(1) !== 200) return null;
  return ((bytes.readUInt16BE(10) << 16) | bytes.readUInt16BE(12)) >>> 0;
}
