/** What protects packets under one set of session keys: in place, for one direction and one protocol. */

export interface PacketCipher {
  /** Bytes of the authentication tag. */
  readonly tagBytes: number;
  /**
   * Encrypts `packet` from `header` to `end` and writes the tag behind: over the roll-over counter too for RTP. The
   * buffer must have room for it. `index` is the packet's 48-bit index.
   */
  sealRtp(packet: Buffer, header: number, end: number, ssrc: number, index: number): void;
  /** Checks the tag at `end` and decrypts; false, with the packet unchanged, when the tag is wrong. */
  openRtp(packet: Buffer, header: number, end: number, ssrc: number, index: number): boolean;
  /** Encrypts an RTCP packet of `end` bytes and appends index and tag; returns the new length. */
  sealRtcp(packet: Buffer, end: number, index: number): number;
  /** Checks and decrypts an SRTCP packet of `length` bytes; returns the length in clear, or -1. */
  openRtcp(packet: Buffer, length: number): number;
  /** Forgets key stream made in advance. */
  idle(): void;
  close(): void;
}

/** Bytes of the word with the E flag and the 31-bit index. RFC 3711 3.4. */
export const INDEX_BYTES = 4;
/** RTCP in clear: first header word and SSRC. */
export const RTCP_CLEAR_BYTES = 8;
/** Bit of an encrypted SRTCP packet. */
export const E_FLAG = 0x8000_0000;
