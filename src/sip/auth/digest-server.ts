/** The server's half of Digest: challenges with stateless nonces, checks of credentials, replay protection. RFC 2617 3.2, RFC 8760. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { parseUri, sameUri } from '../message/uri.ts';
import { quote } from '../message/value.ts';
import { parseAuthValue } from './auth-param.ts';
import { requestDigest, secretDigest } from './digest.ts';
import { algorithmOf, type DigestAlgorithm } from './digest-algorithm.ts';

export interface ChallengeInput {
  realm: string;
  nonce: string;
  algorithm: DigestAlgorithm;
  /** True when the credentials were right but for their nonce. */
  stale?: boolean;
  opaque?: string;
  /** False leaves qop out, for clients of RFC 2069. */
  qop?: boolean;
}

/** The value of WWW-Authenticate or Proxy-Authenticate; send one per algorithm, the preferred one first. RFC 8760 2.3. */
export function createChallenge(input: ChallengeInput): string {
  let text = `Digest realm=${quote(input.realm)}, nonce=${quote(input.nonce)}`;
  if (input.opaque !== undefined) text += `, opaque=${quote(input.opaque)}`;
  if (input.stale === true) text += ', stale=true';
  text += `, algorithm=${input.algorithm}`;
  return input.qop === false ? text : `${text}, qop="auth"`;
}

const TIME_DIGITS = 12;
const SEAL_DIGITS = 32;

/** A nonce that proves by itself when we made it: time, the caller's random text, and their HMAC under the key. Time in ms. */
export function createNonce(key: Uint8Array, nowMs: number, random: string): string {
  const content = nowMs.toString(16).padStart(TIME_DIGITS, '0') + random;
  return content + seal(key, content);
}

function seal(key: Uint8Array, content: string): string {
  return createHmac('sha256', key).update(content).digest('hex').slice(0, SEAL_DIGITS);
}

/** When we made the nonce, in ms, or null when we did not. */
export function nonceTime(key: Uint8Array, nonce: string): number | null {
  if (nonce.length < TIME_DIGITS + SEAL_DIGITS || nonce.length > 256) return null;
  const content = nonce.slice(0, -SEAL_DIGITS);
  if (!equal(seal(key, content), nonce.slice(-SEAL_DIGITS))) return null;
  const time = Number.parseInt(content.slice(0, TIME_DIGITS), 16);
  return Number.isNaN(time) ? null : time;
}

function equal(a: string, b: string): boolean {
  const left = Buffer.from(a, 'utf8');
  const right = Buffer.from(b, 'utf8');
  return left.length === right.length && timingSafeEqual(left, right);
}

/** Remembers the highest nonce-count of each nonce in use; bounded: what had to be forgotten counts as stale. RFC 2617 3.2.2. */
export interface NonceCounts {
  /** True when this count was not used before with this nonce. */
  use(nonce: string, madeMs: number, count: number): boolean;
}

export function createNonceCounts(maxEntries = 10_000): NonceCounts {
  const used = new Map<string, { count: number; madeMs: number }>();
  let forgottenMs = -1;
  return {
    use(nonce, madeMs, count) {
      const entry = used.get(nonce);
      if (entry !== undefined) {
        if (count <= entry.count) return false;
        entry.count = count;
        return true;
      }
      if (madeMs <= forgottenMs) return false;
      used.set(nonce, { count, madeMs });
      if (used.size > maxEntries) {
        for (const [oldest, { madeMs: made }] of used) {
          used.delete(oldest);
          forgottenMs = Math.max(forgottenMs, made);
          break;
        }
      }
      return true;
    },
  };
}

export interface VerifyInput {
  /** Value of Authorization or Proxy-Authorization. */
  authorization: string;
  realm: string;
  method: string;
  /** Request-URI of the request. */
  uri: string;
  body: Uint8Array;
  /** The password of a user name as it stands in the credentials, or null. */
  passwordOf: (username: string) => string | null;
  /** Key of the nonces. */
  key: Uint8Array;
  nowMs: number;
  /** How long a nonce lives. */
  nonceLifeMs: number;
  /** Absent: counts are not checked. */
  counts?: NonceCounts;
  /** Algorithms taken; all by default. */
  algorithms?: readonly DigestAlgorithm[];
}

export type Verdict =
  | { type: 'ok'; username: string }
  /** Right secret, old or used nonce: challenge again with stale=true. */
  | { type: 'stale'; username: string }
  /** No digest credentials of this realm: challenge. */
  | { type: 'absent' }
  /** Wrong secret, unknown user, foreign nonce or malformed: challenge again or refuse. */
  | { type: 'rejected'; reason: string; username: string | null };

/** Checks digest credentials. RFC 2617 3.2.2, RFC 3261 22.4, RFC 8760 2.6. */
export function verifyAuthorization(input: VerifyInput): Verdict {
  const value = parseAuthValue(input.authorization);
  if (value === null) return { type: 'rejected', reason: 'malformed credentials', username: null };
  if (value.scheme !== 'digest' || value.params.get('realm') !== input.realm) return { type: 'absent' };
  const given = readCredentials(value.params);
  if (given === null) return { type: 'rejected', reason: 'malformed credentials', username: null };
  const { username } = given;
  const rejected = (reason: string): Verdict => ({ type: 'rejected', reason, username });
  if (input.algorithms !== undefined && !input.algorithms.includes(given.algorithm))
    return rejected('algorithm not offered');
  if (!sameTarget(given.uri, input.uri)) return rejected('digest of another URI');
  const madeMs = nonceTime(input.key, given.nonce);
  const password = input.passwordOf(username);
  // An unknown user costs the same work as a wrong password, so that the time taken tells nothing.
  const ha1 = secretDigest(given.algorithm, username, input.realm, password ?? '');
  const expected = requestDigest(ha1, { ...given, method: input.method, body: input.body });
  if (!equal(expected, given.response) || password === null) return rejected('wrong secret or unknown user');
  // A nonce of before a restart is as good as an old one: the secret was right.
  if (madeMs === null || input.nowMs - madeMs > input.nonceLifeMs || madeMs > input.nowMs + input.nonceLifeMs) {
    return { type: 'stale', username };
  }
  if (given.qop !== null && input.counts?.use(given.nonce, madeMs, Number.parseInt(given.nc, 16)) === false) {
    return { type: 'stale', username };
  }
  return { type: 'ok', username };
}

interface Credentials {
  username: string;
  algorithm: DigestAlgorithm;
  nonce: string;
  uri: string;
  response: string;
  qop: 'auth' | 'auth-int' | null;
  nc: string;
  cnonce: string;
}

function readCredentials(params: ReadonlyMap<string, string>): Credentials | null {
  const username = params.get('username');
  const nonce = params.get('nonce');
  const uri = params.get('uri');
  const response = params.get('response')?.toLowerCase();
  const named = algorithmOf(params.get('algorithm'));
  const algorithm = named === null || named.aka !== null ? null : named.hash;
  const qop = params.get('qop')?.toLowerCase() ?? null;
  if (!username || !nonce || !uri || !response || algorithm === null) return null;
  if (qop === null) return { username, nonce, uri, response, algorithm, qop, nc: '', cnonce: '' };
  const nc = params.get('nc') ?? '';
  const cnonce = params.get('cnonce');
  if ((qop !== 'auth' && qop !== 'auth-int') || !isCount(nc) || !cnonce) return null;
  return { username, nonce, uri, response, algorithm, qop, nc, cnonce };
}

function isCount(text: string): boolean {
  if (text.length !== 8) return false;
  for (let i = 0; i < 8; i++) if (!'0123456789abcdefABCDEF'.includes(text[i] ?? ' ')) return false;
  return true;
}

function sameTarget(given: string, requested: string): boolean {
  if (given === requested) return true;
  const a = parseUri(given);
  const b = parseUri(requested);
  return a !== null && b !== null && sameUri(a, b);
}
