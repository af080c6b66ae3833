/** The last video packets sent one way, to be sent again when they are asked for. RFC 4585 6.2.1. */

/** About a second and a half of a 690 kbit/s picture; a later copy would be too late to be shown. */
const KEPT = 128;
const SLOT_BYTES = 1_472;

export interface SentPackets {
  /** Keeps a copy of an RTP packet, its header in clear. */
  keep(packet: Buffer): void;
  /** The packet with this sequence number, good until the next `keep`; null when it was never sent or is gone. */
  find(seq: number): Buffer | null;
  forget(): void;
}

/** Takes its memory (188 KB) with the first packet kept. */
export function sentPackets(): SentPackets {
  let bytes: Buffer | null = null;
  const seqs = new Int32Array(KEPT).fill(-1);
  const lengths = new Uint16Array(KEPT);
  return {
    keep(packet) {
      if (packet.length > SLOT_BYTES) return;
      bytes ??= Buffer.allocUnsafeSlow(KEPT * SLOT_BYTES);
      const seq = packet.readUInt16BE(2);
      const slot = seq % KEPT;
      packet.copy(bytes, slot * SLOT_BYTES);
      seqs[slot] = seq;
      lengths[slot] = packet.length;
    },
    find(seq) {
      const slot = seq % KEPT;
      if (bytes === null || seqs[slot] !== seq) return null;
      return bytes.subarray(slot * SLOT_BYTES, slot * SLOT_BYTES + (lengths[slot] ?? 0));
    },
    forget: () => void seqs.fill(-1),
  };
}
