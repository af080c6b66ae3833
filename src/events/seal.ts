/** Seals the secrets of subscriptions before the store sees them. AES-256-GCM, NIST SP 800-38D. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

export interface Seal {
  /** `context` names what the text belongs to: it opens only there. */
  seal(text: string, context: string): string;
  /** Null when it was sealed with another key, for another context, or was changed. */
  open(sealed: string, context: string): string | null;
}

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** `key` has 32 bytes. The sealed form is base64url of nonce, tag and cipher text. Throws RangeError for another length. */
export function createSeal(key: Uint8Array): Seal {
  if (key.length !== 32) throw new RangeError('A key of 32 bytes is needed.');
  return {
    seal(text, context) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(context));
      const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url');
    },
    open(sealed, context) {
      const bytes = Buffer.from(sealed, 'base64url');
      if (bytes.length < NONCE_BYTES + TAG_BYTES) return null;
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), {
        authTagLength: TAG_BYTES,
      });
      decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      try {
        const body = bytes.subarray(NONCE_BYTES + TAG_BYTES);
        return Buffer.concat([decipher.update(body), decipher.final()]).toString('utf8');
      } catch {
        return null;
      }
    },
  };
}
