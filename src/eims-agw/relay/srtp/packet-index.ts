/** Where the payload of an RTP packet begins, and which packet of its stream it is. RFC 3550 5.1, RFC 3711 3.3.1. */

/** Bytes of an RTP header with CSRC list and extension, or -1 when they do not fit into `end`. RFC 3550 5.1. */
export function headerBytes(packet: Buffer, end: number): number {
  const first = packet[0] ?? 0;
  let header = 12 + 4 * (first & 15);
  if (end < header || first >> 6 !== 2) return -1;
  if ((first & 0x10) !== 0) {
    if (end < header + 4) return -1;
    header += 4 + 4 * packet.readUInt16BE(header + 2);
    if (end < header) return -1;
  }
  return header;
}

/** The index nearest to the highest one so far; negative before the start of the stream. RFC 3711 3.3.1. */
export function nearestIndex(top: number, seq: number): number {
  if (top < 0) return seq;
  const low = top % 65_536;
  const base = top - low;
  if (low < 32_768) return seq - low > 32_768 ? base - 65_536 + seq : base + seq;
  return low - 32_768 > seq ? base + 65_536 + seq : base + seq;
}
