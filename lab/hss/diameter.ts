/** Diameter messages and AVPs, as much as Cx needs of them. RFC 6733 3 and 4. */

export const VENDOR_3GPP = 10_415;

export interface Avp {
  code: number;
  /** 0: the base protocol's own. */
  vendor: number;
  data: Buffer;
}

export interface DiameterMessage {
  request: boolean;
  command: number;
  application: number;
  hopByHop: number;
  endToEnd: number;
  avps: Avp[];
}

/** Longest message taken, in bytes. */
const MAX_BYTES = 65_536;
const HEAD = 20;
const REQUEST = 0x80;
const PROXIABLE = 0x40;

/** One AVP of the base protocol (vendor 0) or of a vendor. A list is a grouped AVP, a number an Unsigned32. */
export function avp(code: number, value: Buffer | string | number | readonly Buffer[], vendor = 0): Buffer {
  const data = bytesOf(value);
  const head = vendor === 0 ? 8 : 12;
  const length = head + data.length;
  const out = Buffer.alloc((length + 3) & ~3);
  out.writeUInt32BE(code, 0);
  out.writeUInt8((vendor === 0 ? 0 : 0x80) | 0x40, 4);
  out.writeUIntBE(length, 5, 3);
  if (vendor !== 0) out.writeUInt32BE(vendor, 8);
  data.copy(out, head);
  return out;
}

/** One AVP of 3GPP. */
export function avp3gpp(code: number, value: Parameters<typeof avp>[1]): Buffer {
  return avp(code, value, VENDOR_3GPP);
}

function bytesOf(value: Buffer | string | number | readonly Buffer[]): Buffer {
  if (Buffer.isBuffer(value)) return value;
  if (typeof value === 'string') return Buffer.from(value, 'utf8');
  if (typeof value !== 'number') return Buffer.concat(value as Buffer[]);
  const out = Buffer.alloc(4);
  out.writeUInt32BE(value >>> 0);
  return out;
}

/** The AVPs one after the other; what is cut off is left out. */
export function readAvps(bytes: Buffer): Avp[] {
  const list: Avp[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const own = (bytes.readUInt8(at + 4) & 0x80) !== 0;
    const length = bytes.readUIntBE(at + 5, 3);
    const head = own ? 12 : 8;
    if (length < head || at + length > bytes.length) break;
    list.push({
      code: bytes.readUInt32BE(at),
      vendor: own ? bytes.readUInt32BE(at + 8) : 0,
      data: bytes.subarray(at + head, at + length),
    });
    at += (length + 3) & ~3;
  }
  return list;
}

export function find(avps: readonly Avp[], code: number, vendor = 0): Avp | undefined {
  return avps.find(one => one.code === code && one.vendor === vendor);
}

/** Value as text; empty when absent. */
export function textOf(avps: readonly Avp[], code: number, vendor = 0): string {
  return find(avps, code, vendor)?.data.toString('utf8') ?? '';
}

/** Value as Unsigned32, or null. */
export function numberOf(avps: readonly Avp[], code: number, vendor = 0): number | null {
  const data = find(avps, code, vendor)?.data;
  return data?.length === 4 ? data.readUInt32BE(0) : null;
}

export function writeMessage(message: Omit<DiameterMessage, 'avps'>, avps: readonly Buffer[]): Buffer {
  const body = Buffer.concat(avps as Buffer[]);
  const head = Buffer.alloc(HEAD);
  head.writeUInt8(1, 0);
  head.writeUIntBE(HEAD + body.length, 1, 3);
  const base = message.application === 0 ? 0 : PROXIABLE;
  head.writeUInt8((message.request ? REQUEST : 0) | base, 4);
  head.writeUIntBE(message.command, 5, 3);
  head.writeUInt32BE(message.application, 8);
  head.writeUInt32BE(message.hopByHop >>> 0, 12);
  head.writeUInt32BE(message.endToEnd >>> 0, 16);
  return Buffer.concat([head, body]);
}

function readMessage(bytes: Buffer): DiameterMessage {
  return {
    request: (bytes.readUInt8(4) & REQUEST) !== 0,
    command: bytes.readUIntBE(5, 3),
    application: bytes.readUInt32BE(8),
    hopByHop: bytes.readUInt32BE(12),
    endToEnd: bytes.readUInt32BE(16),
    avps: readAvps(bytes.subarray(HEAD)),
  };
}

/** Cuts a byte stream into messages; false: the stream makes no sense any more. */
export function createReader(onMessage: (message: DiameterMessage) => void): (chunk: Buffer) => boolean {
  let kept: Buffer = Buffer.alloc(0);
  return chunk => {
    kept = kept.length === 0 ? chunk : Buffer.concat([kept, chunk]);
    while (kept.length >= HEAD) {
      const length = kept.readUIntBE(1, 3);
      if (kept.readUInt8(0) !== 1 || length < HEAD || length > MAX_BYTES) return false;
      if (kept.length < length) break;
      onMessage(readMessage(kept.subarray(0, length)));
      kept = kept.subarray(length);
    }
    return true;
  };
}
