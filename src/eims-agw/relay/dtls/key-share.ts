/** Fresh key pairs and shared secrets on X25519 and P-256. RFC 8422 5.10, RFC 7748 6.1. */
import {
  createECDH,
  createPublicKey,
  diffieHellman,
  type ECDH,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { Group } from './code.ts';

/** SubjectPublicKeyInfo of an X25519 key up to its 32 bytes. RFC 8410 4. */
const X25519_SPKI = Buffer.from('302a300506032b656e032100', 'hex');
const X25519_BYTES = 32;
const P256_POINT_BYTES = 65;

/** Our half of a key exchange: used for one handshake only. */
export type KeyShare =
  | { group: typeof Group.x25519; publicValue: Buffer; privateKey: KeyObject }
  | { group: typeof Group.p256; publicValue: Buffer; ecdh: ECDH };

/** Makes a key pair on `group`, one of `GROUPS`. */
export function makeKeyShare(group: number): KeyShare {
  if (group === Group.p256) {
    const ecdh = createECDH('prime256v1');
    return { group, publicValue: ecdh.generateKeys(), ecdh };
  }
  if (group !== Group.x25519) throw new RangeError(`no key share on group ${group}`);
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  return { group, publicValue: spki.subarray(spki.length - X25519_BYTES), privateKey };
}

/** The pre-master secret, or undefined for a value of wrong length, off the curve or of low order. RFC 8422 5.11. */
export function sharedSecret(share: KeyShare, peerValue: Buffer): Buffer | undefined {
  try {
    if (share.group === Group.p256) {
      if (peerValue.length !== P256_POINT_BYTES || peerValue[0] !== 4) return undefined;
      return share.ecdh.computeSecret(peerValue);
    }
    if (peerValue.length !== X25519_BYTES) return undefined;
    const publicKey = createPublicKey({
      key: Buffer.concat([X25519_SPKI, peerValue]),
      format: 'der',
      type: 'spki',
    });
    const secret = diffieHellman({ privateKey: share.privateKey, publicKey });
    return secret.every(byte => byte === 0) ? undefined : secret;
  } catch {
    // OpenSSL refuses points that are not on the curve, and all-zero results.
    return undefined;
  }
}
