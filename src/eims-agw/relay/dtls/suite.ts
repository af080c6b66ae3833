/** The two cipher suites: their key sizes, and protection of records with them. RFC 5288, RFC 7905. */
import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { type DtlsRecord, recordHeader } from './record.ts';

const TAG_BYTES = 16;
const EXPLICIT_NONCE_BYTES = 8;

export interface Suite {
  id: number;
  cipher: 'aes-128-gcm' | 'chacha20-poly1305';
  keyBytes: number;
  ivBytes: number;
}

/** ECDHE_ECDSA with AES_128_GCM_SHA256 and CHACHA20_POLY1305_SHA256, the preferred first. */
export const SUITES: readonly Suite[] = [
  { id: 0xc02b, cipher: 'aes-128-gcm', keyBytes: 16, ivBytes: 4 },
  { id: 0xcca9, cipher: 'chacha20-poly1305', keyBytes: 32, ivBytes: 12 },
];

/** Key and fixed part of the nonce, for one direction. */
export interface Protection {
  suite: Suite;
  key: KeyObject;
  iv: Buffer;
}

/** Cuts a key block into both directions and wipes its keys. RFC 5246 6.3. */
export function cutKeyBlock(suite: Suite, block: Buffer): { client: Protection; server: Protection } {
  const { keyBytes, ivBytes } = suite;
  const part = (keyAt: number, ivAt: number): Protection => ({
    suite,
    key: createSecretKey(block.subarray(keyAt, keyAt + keyBytes)),
    iv: Buffer.from(block.subarray(ivAt, ivAt + ivBytes)),
  });
  const cut = { client: part(0, 2 * keyBytes), server: part(keyBytes, 2 * keyBytes + ivBytes) };
  block.fill(0);
  return cut;
}

export function keyBlockBytes(suite: Suite): number {
  return 2 * (suite.keyBytes + suite.ivBytes);
}

/** Bytes that protection adds to a payload. */
export function overheadBytes(suite: Suite): number {
  return TAG_BYTES + (suite.cipher === 'aes-128-gcm' ? EXPLICIT_NONCE_BYTES : 0);
}

/** A whole protected record, header included. */
export function seal(p: Protection, type: number, sequence: number, plain: Buffer): Buffer {
  const header = recordHeader(type, 1, sequence, plain.length + overheadBytes(p.suite));
  const explicit = p.suite.cipher === 'aes-128-gcm' ? header.subarray(3, 11) : undefined;
  const options = { authTagLength: TAG_BYTES };
  const nonce = makeNonce(p, sequence, explicit);
  const aad = additionalData(header, plain.length);
  if (p.suite.cipher === 'aes-128-gcm') {
    const cipher = createCipheriv('aes-128-gcm', p.key, nonce, options).setAAD(aad);
    const body = Buffer.concat([cipher.update(plain), cipher.final()]);
    return Buffer.concat([header, header.subarray(3, 11), body, cipher.getAuthTag()]);
  }
  const cipher = createCipheriv('chacha20-poly1305', p.key, nonce, options).setAAD(aad, {
    plaintextLength: plain.length,
  });
  const body = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([header, body, cipher.getAuthTag()]);
}

/** The plain payload of a protected record, or undefined when it is not authentic. */
export function open(p: Protection, record: DtlsRecord): Buffer | undefined {
  const gcm = p.suite.cipher === 'aes-128-gcm';
  const start = gcm ? EXPLICIT_NONCE_BYTES : 0;
  const length = record.payload.length - start - TAG_BYTES;
  if (length < 0) return undefined;
  const aad = additionalData(recordHeader(record.type, 1, record.sequence, 0), length);
  const nonce = makeNonce(p, record.sequence, gcm ? record.payload.subarray(0, start) : undefined);
  const options = { authTagLength: TAG_BYTES };
  const decipher = gcm
    ? createDecipheriv('aes-128-gcm', p.key, nonce, options).setAAD(aad)
    : createDecipheriv('chacha20-poly1305', p.key, nonce, options).setAAD(aad, { plaintextLength: length });
  decipher.setAuthTag(record.payload.subarray(start + length));
  const plain = decipher.update(record.payload.subarray(start, start + length));
  try {
    decipher.final();
  } catch {
    return undefined;
  }
  return plain;
}

/** GCM: salt and explicit part (RFC 5288 3). ChaCha20: IV XOR the padded epoch and sequence (RFC 7905 2). */
function makeNonce(p: Protection, sequence: number, explicit: Buffer | undefined): Buffer {
  if (explicit !== undefined) return Buffer.concat([p.iv, explicit]);
  const nonce = Buffer.alloc(12);
  nonce.writeUInt16BE(1, 4);
  nonce.writeUIntBE(sequence, 6, 6);
  for (let i = 0; i < 12; i += 1) nonce[i] = (nonce[i] ?? 0) ^ (p.iv[i] ?? 0);
  return nonce;
}

/** epoch, sequence, type, version, plain length. RFC 5246 6.2.3.3. */
function additionalData(header: Buffer, plainLength: number): Buffer {
  const aad = Buffer.alloc(13);
  header.copy(aad, 0, 3, 11);
  header.copy(aad, 8, 0, 3);
  aad.writeUInt16BE(plainLength, 11);
  return aad;
}
