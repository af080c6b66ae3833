/** Reads and writes the presentation language of TLS: big-endian numbers and length-prefixed vectors. RFC 5246 4. */

/** A place in bytes of the peer. After the first read past the end `failed` stays true and every read gives nothing. */
export interface Cursor {
  bytes: Buffer;
  at: number;
  failed: boolean;
}

const NOTHING = Buffer.alloc(0);

export function cursor(bytes: Buffer): Cursor {
  return { bytes, at: 0, failed: false };
}

/** True when all was read and nothing was missing. */
export function isComplete(c: Cursor): boolean {
  return !c.failed && c.at === c.bytes.length;
}

/** The next `size` bytes, as a view. */
export function take(c: Cursor, size: number): Buffer {
  if (c.failed || c.bytes.length - c.at < size) {
    c.failed = true;
    return NOTHING;
  }
  c.at += size;
  return c.bytes.subarray(c.at - size, c.at);
}

/** A number of 1 to 6 bytes; 0 when it is missing. */
export function number(c: Cursor, size: number): number {
  const bytes = take(c, size);
  return bytes.length === size ? bytes.readUIntBE(0, size) : 0;
}

/** A vector whose length stands before it in `lengthSize` bytes. */
export function vector(c: Cursor, lengthSize: number): Buffer {
  return take(c, number(c, lengthSize));
}

/** The 16-bit numbers of a vector; marks the cursor as failed when its length is odd. */
export function numbers16(c: Cursor, lengthSize: number): number[] {
  const bytes = vector(c, lengthSize);
  if (bytes.length % 2 !== 0) c.failed = true;
  const list: number[] = [];
  for (let at = 0; at + 1 < bytes.length; at += 2) list.push(bytes.readUInt16BE(at));
  return list;
}

/** `value` in `size` bytes. */
export function uint(value: number, size: number): Buffer {
  const bytes = Buffer.alloc(size);
  bytes.writeUIntBE(value, 0, size);
  return bytes;
}

/** The parts behind their common length of `lengthSize` bytes. */
export function prefixed(lengthSize: number, ...parts: readonly Uint8Array[]): Buffer {
  let length = 0;
  for (const part of parts) length += part.length;
  return Buffer.concat([uint(length, lengthSize), ...parts]);
}

/** 16-bit numbers one after the other, without a length. */
export function uints16(values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2);
  values.forEach((value, i) => {
    bytes.writeUInt16BE(value, i * 2);
  });
  return bytes;
}
