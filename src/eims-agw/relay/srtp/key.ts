/** Session keys from the master key of a DTLS handshake. RFC 3711 4.3, RFC 7714 11. */
import { createCipheriv } from 'node:crypto';

const LABELS = { rtp: [0, 1, 2], rtcp: [3, 4, 5] } as const;

/** Keys of one direction and one protocol; `auth` is empty where the cipher authenticates by itself. */
export interface SessionKeys {
  key: Buffer;
  auth: Buffer;
  salt: Buffer;
}

/** Bytes of pseudo-random stream for a label: AES in counter mode from the salt XOR the label. RFC 3711 4.3.3. */
export function derive(key: Uint8Array, salt: Uint8Array, label: number, bytes: number): Buffer {
  const iv = Buffer.alloc(16);
  // A salt of 12 bytes counts as one of 14 that ends in zeros. RFC 7714 11.
  iv.set(salt);
  iv[7] = (iv[7] ?? 0) ^ label;
  return createCipheriv('aes-128-ctr', key, iv).update(Buffer.alloc(bytes));
}

/** All three keys for one protocol; `authBytes` 20 for HMAC-SHA1, 0 for GCM; the salt keeps its length. */
export function sessionKeys(
  master: { key: Uint8Array; salt: Uint8Array },
  protocol: 'rtp' | 'rtcp',
  authBytes: number,
): SessionKeys {
  const [cipher, auth, salt] = LABELS[protocol];
  return {
    key: derive(master.key, master.salt, cipher, 16),
    auth: authBytes === 0 ? Buffer.alloc(0) : derive(master.key, master.salt, auth, authBytes),
    salt: derive(master.key, master.salt, salt, master.salt.length),
  };
}
