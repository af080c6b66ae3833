/** ClientHello, HelloVerifyRequest and ServerHello: read with limits, and the hellos written. RFC 5246 7.4.1, RFC 6347 4.2.1, RFC 5764 4.1. */
import { type Cursor, cursor, isComplete, number, numbers16, prefixed, take, uint, uints16, vector } from './bytes.ts';
import { DTLS_1_2, Extension, GROUPS, RENEGOTIATION_SCSV, SignatureScheme } from './code.ts';
import { SUITES } from './suite.ts';
import type { SrtpProfile } from './types.ts';

const RANDOM_BYTES = 32;
const MAX_SESSION_ID_BYTES = 32;

/** RFC 5764 4.1.2, RFC 7714 14.2. */
export const PROFILE_IDS: Readonly<Record<SrtpProfile, number>> = {
  SRTP_AES128_CM_HMAC_SHA1_80: 0x0001,
  SRTP_AEAD_AES_128_GCM: 0x0007,
};

/** What both hellos have in common. */
interface Hello {
  version: number;
  random: Buffer;
  /** extension_data by type. */
  extensions: Map<number, Buffer>;
}

export interface ClientHello extends Hello {
  suites: number[];
  compressions: Buffer;
}

export interface ServerHello extends Hello {
  suite: number;
  compression: number;
}

/** Undefined when the message cannot be read or names an extension twice. The cookie says nothing: none is ever asked for. */
export function readClientHello(body: Buffer): ClientHello | undefined {
  const c = cursor(body);
  const version = number(c, 2);
  const random = take(c, RANDOM_BYTES);
  const sessionId = vector(c, 1);
  vector(c, 1);
  const suites = numbers16(c, 2);
  const compressions = vector(c, 1);
  const extensions = readExtensions(c);
  if (extensions === undefined || sessionId.length > MAX_SESSION_ID_BYTES) return undefined;
  return { version, random, suites, compressions, extensions };
}

export function readServerHello(body: Buffer): ServerHello | undefined {
  const c = cursor(body);
  const version = number(c, 2);
  const random = take(c, RANDOM_BYTES);
  const sessionId = vector(c, 1);
  const suite = number(c, 2);
  const compression = number(c, 1);
  const extensions = readExtensions(c);
  if (extensions === undefined || sessionId.length > MAX_SESSION_ID_BYTES) return undefined;
  return { version, random, suite, compression, extensions };
}

/** The cookie, or undefined. The version in it says nothing. RFC 6347 4.2.1. */
export function readHelloVerifyRequest(body: Buffer): Buffer | undefined {
  const c = cursor(body);
  number(c, 2);
  const cookie = vector(c, 1);
  return isComplete(c) ? cookie : undefined;
}

export function writeClientHello(random: Buffer, cookie: Buffer, profiles: readonly SrtpProfile[]): Buffer {
  const schemes = [SignatureScheme.ecdsaSha256, SignatureScheme.ecdsaSha384];
  return Buffer.concat([
    uint(DTLS_1_2, 2),
    random,
    prefixed(1),
    prefixed(1, cookie),
    prefixed(2, uints16(SUITES.map(({ id }) => id))),
    prefixed(1, uint(0, 1)),
    prefixed(
      2,
      extension(Extension.renegotiationInfo, prefixed(1)),
      extension(Extension.extendedMasterSecret),
      extension(Extension.supportedGroups, prefixed(2, uints16(GROUPS))),
      extension(Extension.pointFormats, prefixed(1, uint(0, 1))),
      extension(Extension.signatureAlgorithms, prefixed(2, uints16(schemes))),
      extension(Extension.useSrtp, useSrtp(profiles)),
    ),
  ]);
}

/** Answers only what the client sent; an empty session id, since nothing is resumed. */
export function writeServerHello(random: Buffer, suite: number, profile: SrtpProfile, hello: ClientHello): Buffer {
  const secureRenegotiation =
    hello.extensions.has(Extension.renegotiationInfo) || hello.suites.includes(RENEGOTIATION_SCSV);
  return Buffer.concat([
    uint(DTLS_1_2, 2),
    random,
    prefixed(1),
    uint(suite, 2),
    uint(0, 1),
    prefixed(
      2,
      ...(secureRenegotiation ? [extension(Extension.renegotiationInfo, prefixed(1))] : []),
      extension(Extension.extendedMasterSecret),
      ...(hello.extensions.has(Extension.pointFormats)
        ? [extension(Extension.pointFormats, prefixed(1, uint(0, 1)))]
        : []),
      extension(Extension.useSrtp, useSrtp([profile])),
    ),
  ]);
}

/** 16-bit numbers of an extension that is one vector; empty when it is missing or cannot be read. */
export function listOf(hello: Hello, type: number): number[] {
  const c = cursor(hello.extensions.get(type) ?? Buffer.alloc(0));
  const list = numbers16(c, 2);
  return isComplete(c) ? list : [];
}

/** Profile numbers and MKI of use_srtp, or undefined. RFC 5764 4.1.1. */
export function readUseSrtp(hello: Hello): { profiles: number[]; mki: Buffer } | undefined {
  const c = cursor(hello.extensions.get(Extension.useSrtp) ?? Buffer.alloc(0));
  const profiles = numbers16(c, 2);
  const mki = vector(c, 1);
  return isComplete(c) ? { profiles, mki } : undefined;
}

/** False when renegotiation_info is there and is not that of a first handshake. RFC 5746 3.4, 3.6. */
export function isFirstHandshake(hello: Hello): boolean {
  const info = hello.extensions.get(Extension.renegotiationInfo);
  return info === undefined || (info.length === 1 && info[0] === 0);
}

/** False when the peer names point formats without the uncompressed one. RFC 8422 5.1.2. */
export function takesPlainPoints(hello: Hello): boolean {
  const formats = hello.extensions.get(Extension.pointFormats);
  return formats === undefined || (formats[0] === formats.length - 1 && formats.indexOf(0, 1) >= 1);
}

function readExtensions(c: Cursor): Map<number, Buffer> | undefined {
  const extensions = new Map<number, Buffer>();
  // Hellos of old peers end here.
  if (!c.failed && c.at === c.bytes.length) return extensions;
  const inner = cursor(vector(c, 2));
  if (!isComplete(c)) return undefined;
  while (inner.at < inner.bytes.length) {
    const type = number(inner, 2);
    const data = vector(inner, 2);
    if (inner.failed || extensions.has(type)) return undefined;
    extensions.set(type, data);
  }
  return extensions;
}

function extension(type: number, data: Buffer = Buffer.alloc(0)): Buffer {
  return Buffer.concat([uint(type, 2), prefixed(2, data)]);
}

function useSrtp(profiles: readonly SrtpProfile[]): Buffer {
  return Buffer.concat([prefixed(2, uints16(profiles.map(profile => PROFILE_IDS[profile]))), prefixed(1)]);
}
