/** How the camera is held, as a header extension says it (CVO): read from a packet and written into one. TS 26.114 7.4.5, RFC 8285 4.2, 4.3. */
const ONE_BYTE = 0xbede;
const TWO_BYTES = 0x1000;
/** What the extension adds to a packet. */
const ORIENTATION_BYTES = 8;

/** The octet of the extension with this id, or -1. `packet` has a header that fits into it. */
export function readOrientation(packet: Buffer, id: number): number {
  const first = packet[0] ?? 0;
  if ((first & 0x10) === 0) return -1;
  const profileAt = 12 + 4 * (first & 15);
  const profile = packet.readUInt16BE(profileAt);
  const long = (profile & 0xfff0) === TWO_BYTES;
  if (profile !== ONE_BYTE && !long) return -1;
  const end = profileAt + 4 + 4 * packet.readUInt16BE(profileAt + 2);
  for (let at = profileAt + 4; at < end; ) {
    const head = packet[at] ?? 0;
    if (head === 0) {
      at += 1;
      continue;
    }
    const here = long ? head : head >> 4;
    // The one-byte form counts from one, and its id 15 ends the list.
    const length = long ? (packet[at + 1] ?? 0) : (head & 15) + 1;
    const data = at + (long ? 2 : 1);
    if ((!long && here === 15) || data + length > end) return -1;
    if (here === id && length === 1) return packet[data] ?? 0;
    at = data + length;
  }
  return -1;
}

/** The one-byte form has ids up to this. */
const MAX_SHORT_ID = 14;

/** Puts the extension into a packet that has none and begins at `start` in its buffer; returns where it begins now, `ORIENTATION_BYTES` before. */
export function addOrientation(buffer: Buffer, start: number, id: number, value: number): number {
  const begin = start - ORIENTATION_BYTES;
  buffer.copyWithin(begin, start, start + 12);
  buffer[begin] = (buffer[begin] ?? 0) | 0x10;
  const short = id <= MAX_SHORT_ID;
  buffer.writeUInt32BE((short ? ONE_BYTE : TWO_BYTES) * 0x1_0000 + 1, begin + 12);
  // One element of one byte: id and length minus one in a byte, or a byte for each.
  buffer.writeUInt32BE(
    short ? id * 0x1000_0000 + value * 0x1_0000 : id * 0x100_0000 + 0x1_0000 + value * 0x100,
    begin + 16,
  );
  return begin;
}
