/** Who the peer is: its certificate against the fingerprints of its SDP, and its signatures against that certificate. RFC 5763 5, RFC 8122 5. */
import {
  constants,
  createHash,
  createPrivateKey,
  type KeyObject,
  sign,
  timingSafeEqual,
  verify,
  X509Certificate,
} from 'node:crypto';
import { SignatureScheme } from './code.ts';
import type { DtlsIdentity, Fingerprint } from './types.ts';

const MIN_RSA_BITS = 2048;
/** Above this one verification takes too long for a worker that relays media. */
const MAX_RSA_BITS = 4096;
/** The same for exponents: the usual one is 2^16 + 1, and one as long as the modulus costs a hundred times as much. */
const MAX_RSA_EXPONENT = 2n ** 32n;

/** Our certificate and key from PEM text. Throws when they do not belong together or are not ECDSA on P-256. */
export function readIdentity(certificatePem: string, keyPem: string): DtlsIdentity {
  const certificate = new X509Certificate(certificatePem);
  const key = createPrivateKey(keyPem);
  if (!certificate.checkPrivateKey(key)) throw new RangeError('certificate and private key do not belong together');
  if (certificate.publicKey.asymmetricKeyDetails?.namedCurve !== 'prime256v1') {
    throw new RangeError('the DTLS certificate must have an ECDSA key on P-256');
  }
  return { certificate: certificate.raw, key };
}

/** True when the certificate (DER) has one of the fingerprints; constant time in its bytes. */
export function matchesFingerprint(certificate: Uint8Array, fingerprints: readonly Fingerprint[]): boolean {
  let match = false;
  for (const { hash, value } of fingerprints) {
    const digest = createHash(hash.replace('-', '')).update(certificate).digest();
    const expected = Buffer.from(value.replaceAll(':', ''), 'hex');
    if (expected.length === digest.length && timingSafeEqual(expected, digest)) match = true;
  }
  return match;
}

/** The public key of a certificate, or undefined when it is none we accept: P-256, P-384, RSA of 2048 to 4096 bits. */
export function readPublicKey(certificate: Uint8Array): KeyObject | undefined {
  try {
    const key = new X509Certificate(certificate).publicKey;
    const details = key.asymmetricKeyDetails;
    if (key.asymmetricKeyType === 'ec') {
      return details?.namedCurve === 'prime256v1' || details?.namedCurve === 'secp384r1' ? key : undefined;
    }
    const bits = details?.modulusLength ?? 0;
    const cheap = bits <= MAX_RSA_BITS && (details?.publicExponent ?? MAX_RSA_EXPONENT) < MAX_RSA_EXPONENT;
    return key.asymmetricKeyType === 'rsa' && bits >= MIN_RSA_BITS && cheap ? key : undefined;
  } catch {
    return undefined;
  }
}

/** True when `signature` over `data` is right under a scheme that fits the key. RFC 5246 4.7, RFC 8446 4.2.3. */
export function verifySignature(key: KeyObject, scheme: number, data: Buffer, signature: Buffer): boolean {
  const ec = key.asymmetricKeyType === 'ec';
  try {
    switch (scheme) {
      case SignatureScheme.ecdsaSha256:
        return ec && verify('sha256', data, key, signature);
      case SignatureScheme.ecdsaSha384:
        return ec && verify('sha384', data, key, signature);
      case SignatureScheme.rsaPkcs1Sha256:
        return !ec && verify('sha256', data, { key, padding: constants.RSA_PKCS1_PADDING }, signature);
      case SignatureScheme.rsaPssSha256: {
        const padding = constants.RSA_PKCS1_PSS_PADDING;
        return !ec && verify('sha256', data, { key, padding, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }, signature);
      }
      default:
        return false;
    }
  } catch {
    return false;
  }
}

/** ecdsa_secp256r1_sha256 over `data` with our key. */
export function signWith(identity: DtlsIdentity, data: Buffer): Buffer {
  return sign('sha256', data, identity.key);
}
