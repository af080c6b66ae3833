/** A flight of ours: cut into fragments and packed into datagrams, each time under new sequence numbers. RFC 6347 4.2.3, 4.2.4. */
import { ContentType } from './code.ts';
import { fragmentHeader, MESSAGE_HEADER_BYTES } from './inbox.ts';
import { RECORD_HEADER_BYTES, recordHeader } from './record.ts';
import { overheadBytes, type Protection, seal } from './suite.ts';

/** Below this it is better to begin another datagram than to send a sliver of a message. */
const MIN_FRAGMENT_BYTES = 32;

export type FlightItem =
  | { type: 'message'; epoch: 0 | 1; messageType: number; seq: number; body: Buffer }
  | { type: 'change-cipher-spec' };

/** What records are made with. */
export interface Writer {
  /** Next record number of each epoch. */
  sequences: [number, number];
  /** Set with the keys; needed for epoch 1. */
  protection: Protection | undefined;
  /** A datagram is not longer than this. */
  datagramBytes: number;
}

/** The datagrams of a flight, in order. */
export function packFlight(flight: readonly FlightItem[], writer: Writer): Buffer[] {
  const datagrams: Buffer[] = [];
  let records: Buffer[] = [];
  let room = writer.datagramBytes;
  const finish = (): void => {
    if (records.length > 0) datagrams.push(Buffer.concat(records));
    records = [];
    room = writer.datagramBytes;
  };
  const put = (record: Buffer): void => {
    if (record.length > room) finish();
    records.push(record);
    room -= record.length;
  };
  for (const item of flight) {
    if (item.type === 'change-cipher-spec') {
      put(makeRecord(writer, ContentType.changeCipherSpec, 0, Buffer.from([1])));
      continue;
    }
    const { epoch, messageType, seq, body } = item;
    const overhead = RECORD_HEADER_BYTES + MESSAGE_HEADER_BYTES + protectionBytes(writer, epoch);
    let at = 0;
    do {
      if (room < overhead + Math.min(MIN_FRAGMENT_BYTES, body.length - at)) finish();
      const size = Math.min(room - overhead, body.length - at);
      const header = fragmentHeader(messageType, body.length, seq, at, size);
      put(makeRecord(writer, ContentType.handshake, epoch, Buffer.concat([header, body.subarray(at, at + size)])));
      at += size;
    } while (at < body.length);
  }
  finish();
  return datagrams;
}

/** One record under the next number of its epoch. */
export function makeRecord(writer: Writer, type: number, epoch: 0 | 1, payload: Buffer): Buffer {
  const sequence = writer.sequences[epoch];
  writer.sequences[epoch] = sequence + 1;
  if (epoch === 0) return Buffer.concat([recordHeader(type, 0, sequence, payload.length), payload]);
  if (writer.protection === undefined) throw new Error('a protected record before there are keys');
  return seal(writer.protection, type, sequence, payload);
}

function protectionBytes(writer: Writer, epoch: 0 | 1): number {
  return epoch === 1 && writer.protection !== undefined ? overheadBytes(writer.protection.suite) : 0;
}
