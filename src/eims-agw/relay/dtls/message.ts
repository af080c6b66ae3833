/** The handshake messages between the hellos and Finished: read with limits, and written. RFC 5246 7.4, RFC 8422 5. */
import { cursor, isComplete, number, numbers16, prefixed, uint, uints16, vector } from './bytes.ts';
import { ClientCertificateType, SignatureScheme } from './code.ts';

/** ECCurveType named_curve. RFC 8422 5.4. */
const NAMED_CURVE = 3;

/** What we take for CertificateVerify. */
export const CLIENT_SCHEMES: readonly number[] = [
  SignatureScheme.ecdsaSha256,
  SignatureScheme.ecdsaSha384,
  SignatureScheme.rsaPssSha256,
  SignatureScheme.rsaPkcs1Sha256,
];

/** The first certificate of the chain (DER): the only one that counts here. Empty for an empty list. RFC 5246 7.4.2. */
export function readCertificate(body: Buffer): Buffer | undefined {
  const outer = cursor(body);
  const list = cursor(vector(outer, 3));
  if (!isComplete(outer)) return undefined;
  if (list.bytes.length === 0) return list.bytes;
  const first = vector(list, 3);
  return list.failed || first.length === 0 ? undefined : first;
}

export function writeCertificate(certificate: Buffer): Buffer {
  return prefixed(3, prefixed(3, certificate));
}

export interface ServerKeyExchange {
  group: number;
  publicValue: Buffer;
  /** The bytes that are signed, after both randoms. */
  params: Buffer;
  scheme: number;
  signature: Buffer;
}

/** RFC 8422 5.4; undefined for anything but a named group. */
export function readServerKeyExchange(body: Buffer): ServerKeyExchange | undefined {
  const c = cursor(body);
  const curveType = number(c, 1);
  const group = number(c, 2);
  const publicValue = vector(c, 1);
  const params = body.subarray(0, c.at);
  const scheme = number(c, 2);
  const signature = vector(c, 2);
  return isComplete(c) && curveType === NAMED_CURVE ? { group, publicValue, params, scheme, signature } : undefined;
}

/** The part that is signed. RFC 8422 5.4. */
export function writeKeyParams(group: number, publicValue: Buffer): Buffer {
  return Buffer.concat([uint(NAMED_CURVE, 1), uint(group, 2), prefixed(1, publicValue)]);
}

/** Scheme and signature: the end of ServerKeyExchange and all of CertificateVerify. RFC 5246 4.7. */
export function writeSignature(scheme: number, signature: Buffer): Buffer {
  return Buffer.concat([uint(scheme, 2), prefixed(2, signature)]);
}

/** RFC 5246 7.4.8. */
export function readCertificateVerify(body: Buffer): { scheme: number; signature: Buffer } | undefined {
  const c = cursor(body);
  const scheme = number(c, 2);
  const signature = vector(c, 2);
  return isComplete(c) ? { scheme, signature } : undefined;
}

/** Asks for ECDSA or RSA, of any issuer. RFC 5246 7.4.4. */
export function writeCertificateRequest(): Buffer {
  const types = Buffer.from([ClientCertificateType.ecdsaSign, ClientCertificateType.rsaSign]);
  return Buffer.concat([prefixed(1, types), prefixed(2, uints16(CLIENT_SCHEMES)), prefixed(2)]);
}

export function readCertificateRequest(body: Buffer): { types: Buffer; schemes: number[] } | undefined {
  const c = cursor(body);
  const types = vector(c, 1);
  const schemes = numbers16(c, 2);
  vector(c, 2);
  return isComplete(c) ? { types, schemes } : undefined;
}

/** The client's public value. RFC 8422 5.7. */
export function readClientKeyExchange(body: Buffer): Buffer | undefined {
  const c = cursor(body);
  const publicValue = vector(c, 1);
  return isComplete(c) ? publicValue : undefined;
}

export function writeClientKeyExchange(publicValue: Buffer): Buffer {
  return prefixed(1, publicValue);
}
