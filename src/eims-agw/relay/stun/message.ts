/** STUN messages as an ICE-lite agent reads and writes them: Binding requests in, their answers out. RFC 8489 5, 14; RFC 8445 7.1. */
import { createHmac, type KeyObject, timingSafeEqual } from 'node:crypto';
import { isIPv6 } from 'node:net';
import { crc32 } from 'node:zlib';

const HEADER_BYTES = 20;
const COOKIE = 0x2112_a442;
const FINGERPRINT_XOR = 0x5354_554e;
const BINDING_REQUEST = 0x0001;
const BINDING_SUCCESS = 0x0101;
const BINDING_ERROR = 0x0111;

const USERNAME = 0x0006;
const MESSAGE_INTEGRITY = 0x0008;
const ERROR_CODE = 0x0009;
const UNKNOWN_ATTRIBUTES = 0x000a;
const XOR_MAPPED_ADDRESS = 0x0020;
const PRIORITY = 0x0024;
const USE_CANDIDATE = 0x0025;
const FINGERPRINT = 0x8028;
const ICE_CONTROLLED = 0x8029;
const ICE_CONTROLLING = 0x802a;

const INTEGRITY_BYTES = 20;
const FINGERPRINT_BYTES = 4;
/** USERNAME has at most 508 bytes; RFC 8489 14.3. */
const MAX_USERNAME = 513;
const MAX_UNKNOWN = 8;

/** A Binding request whose form is right; whether its sender knows the password is asked by `integrityFits`. */
export interface BindingRequest {
  /** The whole datagram, not kept beyond its handling. */
  bytes: Buffer;
  /** Our fragment of the user name, before the colon. */
  ufrag: string;
  /** What follows the colon: the peer's. */
  peerUfrag: string;
  /** Where MESSAGE-INTEGRITY begins. */
  integrityAt: number;
  priority: number;
  useCandidate: boolean;
  /** The sender says it is the controlled one. */
  controlled: boolean;
  /** Attributes we would have to understand. */
  unknown: number[];
}

/** Reads a datagram; null when it is no well-formed Binding request with user name and integrity. Never throws. */
export function parseBindingRequest(bytes: Buffer): BindingRequest | null {
  const { length } = bytes;
  if (length < HEADER_BYTES || length % 4 !== 0 || bytes.readUInt16BE(0) !== BINDING_REQUEST) return null;
  if (bytes.readUInt16BE(2) !== length - HEADER_BYTES || bytes.readUInt32BE(4) !== COOKIE) return null;
  const request: BindingRequest = {
    bytes,
    ufrag: '',
    peerUfrag: '',
    integrityAt: 0,
    priority: 0,
    useCandidate: false,
    controlled: false,
    unknown: [],
  };
  let at = HEADER_BYTES;
  while (at < length) {
    const type = bytes.readUInt16BE(at);
    const size = bytes.readUInt16BE(at + 2);
    const next = at + 4 + Math.ceil(size / 4) * 4;
    if (next > length) return null;
    if (type === FINGERPRINT) {
      if (size !== FINGERPRINT_BYTES || next !== length || !fingerprintFits(bytes, at)) return null;
      // Behind the integrity everything but the fingerprint is ignored. RFC 8489 14.5.
    } else if (request.integrityAt === 0 && !takeAttribute(request, type, at, size)) return null;
    at = next;
  }
  return request.ufrag !== '' && request.integrityAt > 0 ? request : null;
}

/** Whether the sender knows the password. RFC 8489 9.1.3. `key` is made from it once. */
export function integrityFits(request: BindingRequest, key: KeyObject): boolean {
  const { bytes, integrityAt } = request;
  const length = bytes.readUInt16BE(2);
  // Signed is the length as it was when this attribute was the last one. RFC 8489 14.5.
  bytes.writeUInt16BE(integrityAt + 4 + INTEGRITY_BYTES - HEADER_BYTES, 2);
  const mac = createHmac('sha1', key).update(bytes.subarray(0, integrityAt)).digest();
  bytes.writeUInt16BE(length, 2);
  return timingSafeEqual(mac, bytes.subarray(integrityAt + 4, integrityAt + 4 + INTEGRITY_BYTES));
}

/** The answer to a request from `address` and `port`, signed with the same key. RFC 8489 7.3.1.1. */
export function bindingSuccess(request: BindingRequest, address: string, port: number, key: KeyObject): Buffer {
  const ip = ipBytes(address);
  const message = begin(request, BINDING_SUCCESS, 8 + ip.length);
  const at = header(message, HEADER_BYTES, XOR_MAPPED_ADDRESS, 4 + ip.length);
  message[at] = 0;
  message[at + 1] = ip.length === 4 ? 1 : 2;
  message.writeUInt16BE(port ^ (COOKIE >>> 16), at + 2);
  // The mask is the cookie and the transaction id, as they stand in the header.
  for (let i = 0; i < ip.length; i += 1) message[at + 4 + i] = (ip[i] ?? 0) ^ (message[4 + i] ?? 0);
  return finish(message, key);
}

/** An error answer: 420 with the attributes we do not know, or 487. RFC 8489 14.8, RFC 8445 7.3.1.1. */
export function bindingError(request: BindingRequest, code: 420 | 487, key: KeyObject): Buffer {
  const reason = Buffer.from(code === 420 ? 'Unknown Attribute' : 'Role Conflict', 'latin1');
  const padded = Math.ceil(reason.length / 4) * 4;
  const unknown = code === 420 ? request.unknown : [];
  const unknownBytes = unknown.length === 0 ? 0 : 4 + Math.ceil(unknown.length / 2) * 4;
  const message = begin(request, BINDING_ERROR, 8 + padded + unknownBytes);
  let at = header(message, HEADER_BYTES, ERROR_CODE, 4 + reason.length);
  message[at + 2] = Math.floor(code / 100);
  message[at + 3] = code % 100;
  reason.copy(message, at + 4);
  if (unknown.length > 0) {
    at = header(message, at + 4 + padded, UNKNOWN_ATTRIBUTES, unknown.length * 2);
    for (const [i, type] of unknown.entries()) message.writeUInt16BE(type, at + 2 * i);
  }
  return finish(message, key);
}

/** False when the attribute is malformed. */
function takeAttribute(request: BindingRequest, type: number, at: number, size: number): boolean {
  const { bytes } = request;
  switch (type) {
    case USERNAME: {
      const colon = bytes.indexOf(0x3a, at + 4);
      if (size > MAX_USERNAME || request.ufrag !== '' || colon < 0 || colon >= at + 4 + size) return false;
      request.ufrag = bytes.toString('latin1', at + 4, colon);
      request.peerUfrag = bytes.toString('latin1', colon + 1, at + 4 + size);
      return true;
    }
    case MESSAGE_INTEGRITY:
      request.integrityAt = at;
      return size === INTEGRITY_BYTES;
    case PRIORITY:
      if (size !== 4) return false;
      request.priority = bytes.readUInt32BE(at + 4);
      return true;
    case USE_CANDIDATE:
      request.useCandidate = true;
      return size === 0;
    case ICE_CONTROLLED:
      request.controlled = true;
      return size === 8;
    case ICE_CONTROLLING:
      return size === 8;
    default:
      if (type < 0x8000 && request.unknown.length < MAX_UNKNOWN) request.unknown.push(type);
      return true;
  }
}

/** RFC 8489 14.7. */
function fingerprintFits(bytes: Buffer, at: number): boolean {
  return (crc32(bytes.subarray(0, at)) ^ FINGERPRINT_XOR) >>> 0 === bytes.readUInt32BE(at + 4);
}

function begin(request: BindingRequest, type: number, attributeBytes: number): Buffer {
  const message = Buffer.alloc(HEADER_BYTES + attributeBytes + 4 + INTEGRITY_BYTES + 4 + FINGERPRINT_BYTES);
  message.writeUInt16BE(type, 0);
  request.bytes.copy(message, 4, 4, HEADER_BYTES);
  return message;
}

/** Returns where the value begins. */
function header(message: Buffer, at: number, type: number, size: number): number {
  message.writeUInt16BE(type, at);
  message.writeUInt16BE(size, at + 2);
  return at + 4;
}

function finish(message: Buffer, key: KeyObject): Buffer {
  const fingerprintAt = message.length - 4 - FINGERPRINT_BYTES;
  const integrityAt = fingerprintAt - 4 - INTEGRITY_BYTES;
  message.writeUInt16BE(fingerprintAt - HEADER_BYTES, 2);
  createHmac('sha1', key)
    .update(message.subarray(0, integrityAt))
    .digest()
    .copy(message, header(message, integrityAt, MESSAGE_INTEGRITY, INTEGRITY_BYTES));
  message.writeUInt16BE(message.length - HEADER_BYTES, 2);
  header(message, fingerprintAt, FINGERPRINT, FINGERPRINT_BYTES);
  message.writeUInt32BE((crc32(message.subarray(0, fingerprintAt)) ^ FINGERPRINT_XOR) >>> 0, fingerprintAt + 4);
  return message;
}

/** 4 or 16 bytes of a numeric address as the system writes it. */
function ipBytes(address: string): Uint8Array {
  if (!isIPv6(address)) return Uint8Array.from(address.split('.'), Number);
  const bytes = new Uint8Array(16);
  const [plain = ''] = address.split('%');
  const [head = '', tail] = plain.split('::');
  const groups = (text: string) => (text === '' ? [] : text.split(':').flatMap(groupBytes));
  const first = groups(head);
  bytes.set(first);
  if (tail !== undefined) {
    const last = groups(tail);
    bytes.set(last, 16 - last.length);
  }
  return bytes;
}

/** A group of hex digits, or the dotted end of a mapped address. RFC 4291 2.2. */
function groupBytes(group: string): number[] {
  if (group.includes('.')) return group.split('.').map(Number);
  const value = Number.parseInt(group, 16);
  return [value >> 8, value & 255];
}
