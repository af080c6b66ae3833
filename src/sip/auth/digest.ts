/** Digest arithmetic and the client's answer to a challenge: MD5, SHA-256, SHA-512-256, and AKA over them. RFC 2617 3.2.2, RFC 7616 3.4, RFC 8760. */
import { hash } from 'node:crypto';
import { quote } from '../message/value.ts';
import { parseAuthValue } from './auth-param.ts';
import { algorithmOf, type DigestAlgorithm, HASH } from './digest-algorithm.ts';

/** Lower-case hex digest of the data (text is taken as UTF-8). */
function digestOf(algorithm: DigestAlgorithm, data: string | Uint8Array): string {
  return hash(HASH[algorithm], data, 'hex');
}

/** What goes into a digest response besides the user's secret. */
export interface DigestInput {
  algorithm: DigestAlgorithm;
  nonce: string;
  method: string;
  /** digest-uri as it stands in the credentials. */
  uri: string;
  /** Null for the form without qop. */
  qop: 'auth' | 'auth-int' | null;
  /** Eight hex digits; only with qop. */
  nc: string;
  cnonce: string;
  /** Only for auth-int. */
  body: Uint8Array;
}

/** H(A1) of a user: lower-case hex of username:realm:password; a binary password serves AKA. RFC 2617 3.2.2.2, RFC 3310 3.3. */
export function secretDigest(
  algorithm: DigestAlgorithm,
  username: string,
  realm: string,
  password: string | Uint8Array,
): string {
  const a1 = `${username}:${realm}:`;
  return digestOf(
    algorithm,
    typeof password === 'string' ? a1 + password : Buffer.concat([Buffer.from(a1, 'utf8'), password]),
  );
}

/** The request digest over H(A1). RFC 2617 3.2.2.1. */
export function requestDigest(ha1: string, input: DigestInput): string {
  return combine(ha1, input, input.method);
}

/** The digest of Authentication-Info's rspauth: the same with an empty method. RFC 2617 3.2.3. */
export function responseDigest(ha1: string, input: DigestInput): string {
  return combine(ha1, input, '');
}

function combine(ha1: string, input: DigestInput, method: string): string {
  const { algorithm, nonce, qop } = input;
  const a2 = `${method}:${input.uri}${qop === 'auth-int' ? `:${digestOf(algorithm, input.body)}` : ''}`;
  const ha2 = digestOf(algorithm, a2);
  if (qop === null) return digestOf(algorithm, `${ha1}:${nonce}:${ha2}`);
  return digestOf(algorithm, `${ha1}:${nonce}:${input.nc}:${input.cnonce}:${qop}:${ha2}`);
}

export interface Challenge {
  realm: string;
  nonce: string;
  algorithm: DigestAlgorithm;
  /** Version of AKA that makes the password, or null: it is the user's own. */
  aka: 1 | 2 | null;
  /** The algorithm as the challenge wrote it; it is echoed only when it did. */
  algorithmName: string | null;
  opaque: string | null;
  /** Offered qop values; empty when the challenge had none. */
  qop: string[];
  stale: boolean;
}

/** Reads a WWW-Authenticate or Proxy-Authenticate value; null when malformed, not Digest, or of an algorithm or qop we lack. */
export function parseChallenge(text: string): Challenge | null {
  const value = parseAuthValue(text);
  if (value === null || value.scheme !== 'digest') return null;
  const { params } = value;
  const realm = params.get('realm');
  const nonce = params.get('nonce');
  const named = algorithmOf(params.get('algorithm'));
  if (realm === undefined || nonce === undefined || named === null) return null;
  const qop = (params.get('qop') ?? '')
    .split(',')
    .map(word => word.trim().toLowerCase())
    .filter(word => word.length > 0);
  if (qop.length > 0 && !qop.includes('auth') && !qop.includes('auth-int')) return null;
  return {
    realm,
    nonce,
    algorithm: named.hash,
    aka: named.aka,
    algorithmName: params.get('algorithm') ?? null,
    opaque: params.get('opaque') ?? null,
    qop,
    stale: params.get('stale')?.toLowerCase() === 'true',
  };
}

/** The topmost challenge we can answer, or null; `can` tells what the user has secrets for. RFC 8760 2.4. */
export function chooseChallenge(
  values: readonly string[],
  can: (challenge: Challenge) => boolean = ({ aka }) => aka === null,
): Challenge | null {
  for (const value of values) {
    const challenge = parseChallenge(value);
    if (challenge !== null && can(challenge)) return challenge;
  }
  return null;
}

export interface AnswerInput {
  challenge: Challenge;
  username: string;
  /** Text, or the binary RES of AKAv1. */
  password: string | Uint8Array;
  method: string;
  /** Request-URI of the request that carries the credentials. */
  uri: string;
  /** How often this nonce was used, this time included: 1, 2, ... */
  nc: number;
  /** Fresh random text of the client. */
  cnonce: string;
  body?: Uint8Array;
  /** How to answer a challenge without qop: its own form, or as though it had said auth. */
  noQop?: 'legacy' | 'auth';
  /** Where a SIM is whose challenge was of the past (base64). RFC 3310 3.4. */
  auts?: string;
}

/** The value of Authorization or Proxy-Authorization that answers a challenge. RFC 3261 22.4, RFC 2617 3.2.2. */
export function answerChallenge(input: AnswerInput): string {
  const { challenge, username, uri } = input;
  const { realm, nonce, algorithm } = challenge;
  const qop = chooseQop(challenge, input.noQop ?? 'legacy');
  const nc = input.nc.toString(16).padStart(8, '0');
  const ha1 = secretDigest(algorithm, username, realm, input.password);
  const response = requestDigest(ha1, {
    algorithm,
    nonce,
    method: input.method,
    uri,
    qop,
    nc,
    cnonce: input.cnonce,
    body: input.body ?? new Uint8Array(0),
  });
  let text = `Digest username=${quote(username)}, realm=${quote(realm)}, nonce=${quote(nonce)}, uri=${quote(uri)}, response="${response}"`;
  if (challenge.algorithmName !== null) text += `, algorithm=${challenge.algorithmName}`;
  if (challenge.opaque !== null) text += `, opaque=${quote(challenge.opaque)}`;
  if (qop !== null) text += `, qop=${qop}, nc=${nc}, cnonce=${quote(input.cnonce)}`;
  return input.auts === undefined ? text : `${text}, auts=${quote(input.auts)}`;
}

function chooseQop(challenge: Challenge, noQop: 'legacy' | 'auth'): 'auth' | 'auth-int' | null {
  if (challenge.qop.includes('auth')) return 'auth';
  if (challenge.qop.includes('auth-int')) return 'auth-int';
  return noQop === 'auth' ? 'auth' : null;
}
