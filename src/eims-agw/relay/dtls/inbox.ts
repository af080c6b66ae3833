/** Puts handshake messages together from fragments in any order, with bounded memory. RFC 6347 4.2.2, 4.2.3. */
import { MessageType } from './code.ts';

/** Bytes before a fragment: type, length, message_seq, offset, fragment length. */
export const MESSAGE_HEADER_BYTES = 12;
const MAX_MESSAGE_BYTES = 16_384;
/** Enough for post-quantum key shares; a complete one costs public-key work. */
const MAX_CLIENT_HELLO_BYTES = 4096;
const MAX_AHEAD = 8;
/** All unfinished messages of one association together. */
const MAX_HELD_BYTES = 32_768;

export interface Fragment {
  type: number;
  /** Of the whole message. */
  length: number;
  seq: number;
  offset: number;
  body: Buffer;
}

export interface HandshakeMessage {
  type: number;
  seq: number;
  epoch: 0 | 1;
  body: Buffer;
}

interface Slot {
  type: number;
  epoch: 0 | 1;
  body: Buffer;
  /** One byte per byte of `body`: 1 when it came. */
  have: Uint8Array;
  missing: number;
}

export interface Inbox {
  /** message_seq of the next message to hand on. */
  expected: number;
  slots: Map<number, Slot>;
  heldBytes: number;
}

export function makeInbox(): Inbox {
  return { expected: 0, slots: new Map(), heldBytes: 0 };
}

/** The fragments of one record's payload, as views; undefined when any part of it cannot be read. */
export function readFragments(payload: Buffer): Fragment[] | undefined {
  const fragments: Fragment[] = [];
  let at = 0;
  while (at < payload.length) {
    if (payload.length - at < MESSAGE_HEADER_BYTES) return undefined;
    const length = payload.readUIntBE(at + 1, 3);
    const offset = payload.readUIntBE(at + 6, 3);
    const size = payload.readUIntBE(at + 9, 3);
    const start = at + MESSAGE_HEADER_BYTES;
    if (offset + size > length || start + size > payload.length) return undefined;
    // An empty part of a message that is not empty brings nothing and could be sent for ever.
    if (size === 0 && length > 0) return undefined;
    fragments.push({
      type: payload.readUInt8(at),
      length,
      seq: payload.readUInt16BE(at + 4),
      offset,
      body: payload.subarray(start, start + size),
    });
    at = start + size;
  }
  return fragments;
}

/** A message with the header of its unfragmented form, as the transcript has it. RFC 6347 4.2.6. */
export function wholeMessage(type: number, seq: number, body: Buffer): Buffer {
  return Buffer.concat([fragmentHeader(type, body.length, seq, 0, body.length), body]);
}

export function fragmentHeader(type: number, length: number, seq: number, offset: number, size: number): Buffer {
  const header = Buffer.alloc(MESSAGE_HEADER_BYTES);
  header.writeUInt8(type, 0);
  header.writeUIntBE(length, 1, 3);
  header.writeUInt16BE(seq, 4);
  header.writeUIntBE(offset, 6, 3);
  header.writeUIntBE(size, 9, 3);
  return header;
}

/** Keeps a fragment. False: it is old, too far ahead, too long, or does not fit what is already there. */
export function putFragment(inbox: Inbox, fragment: Fragment, epoch: 0 | 1): boolean {
  const { seq, type, length } = fragment;
  if (seq < inbox.expected || seq >= inbox.expected + MAX_AHEAD) return false;
  let slot = inbox.slots.get(seq);
  // What is authenticated takes the place of what anyone could have sent.
  if (slot !== undefined && slot.epoch < epoch) {
    removeSlot(inbox, seq, slot);
    slot = undefined;
  }
  if (slot === undefined) {
    const limit = type === MessageType.clientHello ? MAX_CLIENT_HELLO_BYTES : MAX_MESSAGE_BYTES;
    if (length > limit || !makeRoom(inbox, seq, length)) return false;
    slot = { type, epoch, body: Buffer.alloc(length), have: new Uint8Array(length), missing: length };
    inbox.slots.set(seq, slot);
    inbox.heldBytes += length;
  }
  if (slot.type !== type || slot.epoch !== epoch || slot.body.length !== length) return false;
  fillSlot(slot, fragment);
  return true;
}

/** Takes the expected message when all of it is there. */
export function takeMessage(inbox: Inbox): HandshakeMessage | undefined {
  const slot = inbox.slots.get(inbox.expected);
  if (slot === undefined || slot.missing > 0) return undefined;
  const seq = inbox.expected;
  removeSlot(inbox, seq, slot);
  inbox.expected += 1;
  return { type: slot.type, seq, epoch: slot.epoch, body: slot.body };
}

/** The message that is waited for drives out later ones, so that junk cannot take its room. */
function makeRoom(inbox: Inbox, seq: number, length: number): boolean {
  for (const [later, slot] of inbox.slots) {
    if (inbox.heldBytes + length <= MAX_HELD_BYTES || seq !== inbox.expected) break;
    removeSlot(inbox, later, slot);
  }
  return inbox.heldBytes + length <= MAX_HELD_BYTES;
}

/** Bytes that are already there stay as they are. */
function fillSlot(slot: Slot, { offset, body }: Fragment): void {
  for (let i = 0; i < body.length; i += 1) {
    if (slot.have[offset + i] === 1) continue;
    slot.have[offset + i] = 1;
    slot.body[offset + i] = body[i] ?? 0;
    slot.missing -= 1;
  }
}

function removeSlot(inbox: Inbox, seq: number, slot: Slot): void {
  inbox.slots.delete(seq);
  inbox.heldBytes -= slot.body.length;
}
