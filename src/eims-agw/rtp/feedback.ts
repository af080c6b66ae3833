/** Feedback of video receivers: key frames and packets asked for, read and written. RFC 4585 6.2, 6.3; RFC 5104 4.3.1. */
const RTP_FEEDBACK = 205;
const PAYLOAD_FEEDBACK = 206;
const NACK = 1;
const PLI = 1;
const FIR = 4;
const HEAD_BYTES = 12;
/** Packets one compound may ask for; who misses more needs a key frame. */
const MAX_LOST = 128;

/** What a receiver of one SSRC asks for. */
export interface Feedback {
  keyFrame: boolean;
  /** Sequence numbers. */
  lost: number[];
}

/** Reads a compound packet that `takeRtcp` found well formed; null when it asks nothing of `ssrc`. Other feedback, such as REMB, is passed over. */
export function readFeedback(packet: Buffer, ssrc: number): Feedback | null {
  let found: Feedback | null = null;
  for (let at = 0; at + 8 <= packet.length; ) {
    const end = at + 4 * (packet.readUInt16BE(at + 2) + 1);
    const type = packet[at + 1];
    if ((type === RTP_FEEDBACK || type === PAYLOAD_FEEDBACK) && end >= at + HEAD_BYTES && end <= packet.length) {
      found ??= { keyFrame: false, lost: [] };
      readOne(found, packet, at, end, ssrc);
    }
    at = end;
  }
  return found !== null && (found.keyFrame || found.lost.length > 0) ? found : null;
}

function readOne(into: Feedback, packet: Buffer, at: number, end: number, ssrc: number): void {
  const format = (packet[at] ?? 0) & 31;
  const payload = packet[at + 1] === PAYLOAD_FEEDBACK;
  if (payload && format === FIR) {
    // Its sources are in its entries; the one in the head is not used.
    for (let i = at + HEAD_BYTES; i + 8 <= end; i += 8) into.keyFrame ||= packet.readUInt32BE(i) === ssrc;
  } else if (packet.readUInt32BE(at + 8) === ssrc) {
    if (payload) into.keyFrame ||= format === PLI;
    else if (format === NACK) for (let i = at + HEAD_BYTES; i + 4 <= end; i += 4) readNack(into.lost, packet, i);
  }
}

/** A packet, and a bit for each of the 16 behind it. */
function readNack(lost: number[], packet: Buffer, at: number): void {
  const first = packet.readUInt16BE(at);
  const mask = packet.readUInt16BE(at + 2);
  if (lost.length < MAX_LOST) lost.push(first);
  for (let bit = 0; bit < 16 && lost.length < MAX_LOST; bit += 1) {
    if ((mask & (1 << bit)) !== 0) lost.push((first + 1 + bit) & 0xffff);
  }
}

/** Asks the sender of `media` for a key frame; `from` is an SSRC of ours. */
export function writePli(from: number, media: number): Buffer {
  return head(PAYLOAD_FEEDBACK, PLI, from, media, 0);
}

/** Asks the sender of `media` for these packets again; `lost` in ascending order. */
export function writeNack(from: number, media: number, lost: readonly number[]): Buffer {
  const pairs: Array<[first: number, mask: number]> = [];
  for (const seq of lost) {
    const last = pairs.at(-1);
    const behind = last === undefined ? 0 : (seq - last[0]) & 0xffff;
    if (last === undefined || behind === 0 || behind > 16) pairs.push([seq, 0]);
    else last[1] |= 1 << (behind - 1);
  }
  const packet = head(RTP_FEEDBACK, NACK, from, media, 4 * pairs.length);
  pairs.forEach(([first, mask], i) => {
    packet.writeUInt16BE(first, HEAD_BYTES + 4 * i);
    packet.writeUInt16BE(mask, HEAD_BYTES + 4 * i + 2);
  });
  return packet;
}

function head(type: number, format: number, from: number, media: number, more: number): Buffer {
  const packet = Buffer.alloc(HEAD_BYTES + more);
  packet[0] = 0x80 | format;
  packet[1] = type;
  packet.writeUInt16BE(packet.length / 4 - 1, 2);
  packet.writeUInt32BE(from, 4);
  packet.writeUInt32BE(media, 8);
  return packet;
}
