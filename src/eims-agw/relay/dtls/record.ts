/** The record layer: reading records out of a datagram, the replay window, and writing plain records. RFC 6347 4.1. */
import { ContentType, DTLS_1_0, DTLS_1_2 } from './code.ts';

/** Bytes before the payload of a record. */
export const RECORD_HEADER_BYTES = 13;
/** The longest payload a protected record may have here. RFC 5246 6.2.3 allows 2048 more, AEAD suites need 24. */
const MAX_PAYLOAD_BYTES = 2 ** 14 + 256;
const WINDOW = 64;

export interface DtlsRecord {
  type: number;
  epoch: 0 | 1;
  /** 48 bits: exact as a number. */
  sequence: number;
  payload: Buffer;
}

/**
 * The records of a datagram, as views; `dropped` counts those that are not ours to read. A length that leaves the
 * datagram ends the reading. Only one epoch follows the first, since there is no renegotiation. RFC 6347 4.1.
 */
export function readRecords(datagram: Buffer): { records: DtlsRecord[]; dropped: number } {
  const records: DtlsRecord[] = [];
  let dropped = 0;
  let at = 0;
  while (at < datagram.length) {
    if (datagram.length - at < RECORD_HEADER_BYTES) return { records, dropped: dropped + 1 };
    const length = datagram.readUInt16BE(at + 11);
    const end = at + RECORD_HEADER_BYTES + length;
    if (length > MAX_PAYLOAD_BYTES || end > datagram.length) return { records, dropped: dropped + 1 };
    const type = datagram.readUInt8(at);
    const version = datagram.readUInt16BE(at + 1);
    const epoch = datagram.readUInt16BE(at + 3);
    const knownType = type >= ContentType.changeCipherSpec && type <= ContentType.applicationData;
    if (
      knownType &&
      ((epoch === 0 && (version === DTLS_1_2 || version === DTLS_1_0)) || (epoch === 1 && version === DTLS_1_2))
    ) {
      const payload = datagram.subarray(at + RECORD_HEADER_BYTES, end);
      records.push({ type, epoch: epoch === 0 ? 0 : 1, sequence: datagram.readUIntBE(at + 5, 6), payload });
    } else dropped += 1;
    at = end;
  }
  return { records, dropped };
}

/** The 13 bytes before a payload of `length` bytes. */
export function recordHeader(
  type: number,
  epoch: number,
  sequence: number,
  length: number,
  version = DTLS_1_2,
): Buffer {
  const header = Buffer.alloc(RECORD_HEADER_BYTES);
  header.writeUInt8(type, 0);
  header.writeUInt16BE(version, 1);
  header.writeUInt16BE(epoch, 3);
  header.writeUIntBE(sequence, 5, 6);
  header.writeUInt16BE(length, 11);
  return header;
}

/** The last 64 sequence numbers of an epoch: slot `n % 64` holds the newest number seen of that residue. RFC 6347 4.1.2.6. */
export interface ReplayWindow {
  highest: number;
  seen: number[];
}

export function makeWindow(): ReplayWindow {
  return { highest: -1, seen: new Array<number>(WINDOW).fill(-1) };
}

/** True for a number seen before, or too old to know. */
export function isReplay(window: ReplayWindow, sequence: number): boolean {
  return sequence <= window.highest - WINDOW || window.seen[sequence % WINDOW] === sequence;
}

/** To be called only after the record was authenticated. */
export function markSeen(window: ReplayWindow, sequence: number): void {
  window.seen[sequence % WINDOW] = sequence;
  if (sequence > window.highest) window.highest = sequence;
}
