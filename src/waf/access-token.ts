/** Checks access tokens (JWT, RFC 9068 in spirit): who signed it, for whom, until when, and what it says of the caller. CAMARA digest 3.2. */
import { hash } from 'node:crypto';
import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import type { Settings } from '../config/settings.ts';
import type { Principal } from '../ep-cscf/words.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Log } from '../runtime/log.ts';
import type { Metrics } from '../runtime/metrics.ts';
import { readClaims } from './claims.ts';
import { createProofCheck, type Proof } from './dpop.ts';
import { createIntrospection, type Introspection } from './introspection.ts';
import { createIssuerKeys, type IssuerKeys, isTrusted, type KeyLookup } from './issuer-keys.ts';
import { createReadScopes } from './scope-set.ts';

/** A verified token. Fits the port of the API side. */
interface VerifiedToken {
  principal: Principal;
  scopes: ReadonlySet<string>;
  /** ms since the epoch. */
  expiresAt: number;
  /** The W3C Data Privacy Vocabulary term it was given for, for the log; null when it names none. */
  purpose: string | null;
  /** See ClaimsResult. */
  emergencyAddress: boolean;
}
/** The token is good, but of no use here; or it cannot be checked now. */
type TokenRefusal = { ok: false; error: 'token-context' | 'network-unavailable'; retryAfterS?: number };
type TokenResult = VerifiedToken | TokenRefusal | null;

export interface TokenCheck {
  /**
   * Null when the token is not good; the reason goes to the log and the metrics, never to the caller. Does not reject.
   * `proof` is what came with the scheme DPoP; null: it was shown as a bearer token.
   */
  verify(token: string, proof?: Proof | null): Promise<TokenResult>;
  close(): Promise<void>;
}

export interface TokenCheckParts {
  settings: Settings['auth'];
  clock: Clock;
  log: Log;
  metrics: Pick<Metrics, 'count'>;
}

/** A good token is not verified again for this long, and never past its end. */
const CACHE_MS = 60_000;
const CACHE_LENGTH = 10_000;
const TOKEN_LIMIT = 16_384;
const RETRY_S = 5;

type Held = { token: VerifiedToken; boundTo: string | null };
type Cached = { held: Held; until: number };

/** Throws RangeError for an issuer that is neither https nor on this host, or an algorithm that is not asymmetric. */
export function createAccessTokens({ settings, clock, log, metrics }: TokenCheckParts): TokenCheck {
  const algorithms = checkAlgorithms(settings.algorithms);
  const issuers = new Map<string, IssuerKeys>();
  for (const issuer of settings.issuers) {
    if (!isTrusted(issuer)) throw new RangeError(`The issuer ${issuer} of auth.issuers must be an https URL.`);
    const onFault = (reason: string) => log.warn({ issuer, reason }, 'The keys of a token issuer cannot be fetched.');
    issuers.set(issuer, createIssuerKeys({ issuer, cacheMs: settings.jwksCacheMs, clock, onFault }));
  }
  const introspection = settings.introspection === 'none' ? null : createIntrospection({ settings, clock });
  const cache = new Map<string, Cached>();
  const readScopes = createReadScopes();
  const proofs = createProofCheck({ algorithms, ageS: settings.dpopAgeS, skewS: settings.clockSkewS }, clock);

  function reject(reason: string): null {
    metrics.count('token_rejections_total', { reason });
    log.info({ reason }, 'An access token was refused.');
    return null;
  }

  function remember(key: string, held: Held, lifeMs = CACHE_MS): void {
    const until = Math.min(held.token.expiresAt, clock.now() + lifeMs);
    for (const oldest of cache.keys()) {
      if (cache.size < CACHE_LENGTH) break;
      cache.delete(oldest);
    }
    cache.set(key, { held, until });
  }

  async function check(token: string, key: string): Promise<Held | TokenRefusal | null> {
    const issuer = issuerOf(token);
    const keys = issuer === null ? undefined : issuers.get(issuer);
    if (introspection !== null && (settings.introspection === 'all' || keys === undefined)) {
      return checkByAsking(introspection, token, key);
    }
    if (issuer === null) return reject('malformed');
    if (keys === undefined) return reject('issuer');
    const held = await keys.current();
    if (held === null) return { ok: false, error: 'network-unavailable', retryAfterS: RETRY_S };
    const verifyWith = (lookup: KeyLookup) =>
      signedClaims(token, lookup, {
        issuer,
        audience: settings.audience,
        algorithms,
        clockTolerance: settings.clockSkewS,
        currentDate: new Date(clock.now()),
        requiredClaims: ['exp'],
      });
    let verified = await verifyWith(held);
    if (verified === 'unknown-key') {
      const fresh = await keys.refreshed();
      if (fresh !== null) verified = await verifyWith(fresh);
    }
    if (typeof verified === 'string') return reject(verified);
    return accept(verified, key, (verified.exp ?? 0) * 1000, CACHE_MS);
  }

  function accept(claims: JWTPayload, key: string, expiresAt: number, lifeMs: number): Held | TokenRefusal | null {
    const read = readClaims(claims, settings, readScopes);
    if (!read.ok) {
      reject(read.reason);
      // Good, but it names nobody we could call for: that much the caller may know. Decision A-06.
      return read.reason === 'number' ? { ok: false, error: 'token-context' } : null;
    }
    const { principal, scopes, boundTo, emergencyAddress } = read;
    const purpose = [...scopes].find(name => name.startsWith('dpv:')) ?? null;
    const held: Held = { token: { principal, scopes, expiresAt, purpose, emergencyAddress }, boundTo };
    remember(key, held, lifeMs);
    return held;
  }

  /** The server says whether the token is good; what it tells of it is held against our settings all the same. */
  async function checkByAsking(server: Introspection, token: string, key: string): Promise<Held | TokenRefusal | null> {
    const answer = await server.ask(token);
    if (answer.type === 'fault') {
      log.warn({ reason: answer.reason }, 'The authorization server cannot be asked about a token.');
      return { ok: false, error: 'network-unavailable', retryAfterS: RETRY_S };
    }
    if (answer.type === 'inactive') return reject('inactive');
    const { claims } = answer;
    const now = clock.now();
    const reason = faultOfAnswer(claims, settings, now / 1000);
    if (reason !== null) return reject(reason);
    const { exp } = claims;
    const lifeMs = Math.min(settings.introspectionCacheMs, CACHE_MS);
    return accept(claims, key, typeof exp === 'number' ? exp * 1000 : now + lifeMs, lifeMs);
  }

  function known(key: string): Held | null {
    const found = cache.get(key);
    if (found === undefined) return null;
    cache.delete(key);
    if (clock.now() >= found.until) return null;
    cache.set(key, found);
    return found.held;
  }

  /** A bound token counts with a proof of its key only, an unbound one without any. RFC 9449 7.1, 7.2. */
  async function asShown(token: string, held: Held, proof: Proof | null): Promise<TokenResult> {
    const { boundTo } = held;
    if (boundTo === null) return proof === null ? held.token : reject('unbound');
    if (proof === null) return reject('sender-constrained');
    const fault = await proofs.check(proof, token, boundTo);
    if (fault === null) return held.token;
    reject(fault);
    return fault === 'proof-flood' ? { ok: false, error: 'network-unavailable', retryAfterS: RETRY_S } : null;
  }

  return {
    async verify(token, proof = null) {
      if (token.length > TOKEN_LIMIT) return reject('malformed');
      const key = hash('sha256', token, 'base64url');
      const held = known(key) ?? (await check(token, key));
      return held === null || 'error' in held ? held : asShown(token, held, proof);
    },
    async close() {
      await Promise.all([...[...issuers.values()].map(keys => keys.close()), introspection?.close()]);
    },
  };
}

/** What an active token lacks, or null. Times are seconds; `exp`, `aud` and `iss` are optional. RFC 7662 2.2. */
function faultOfAnswer(claims: Record<string, unknown>, settings: Settings['auth'], now: number): string | null {
  const { exp, nbf, aud, iss, token_type: type } = claims;
  if (exp !== undefined && !(typeof exp === 'number' && exp + settings.clockSkewS > now)) return 'expired';
  if (nbf !== undefined && !(typeof nbf === 'number' && nbf - settings.clockSkewS <= now)) return 'not-yet';
  if (iss !== undefined && settings.issuers.length > 0 && !settings.issuers.includes(String(iss))) return 'issuer';
  const audiences: unknown[] = Array.isArray(aud) ? aud : [aud];
  if (aud !== undefined && !audiences.includes(settings.audience)) return 'audience';
  const expected = claims['cnf'] === undefined ? 'bearer' : 'dpop';
  return typeof type === 'string' && type.toLowerCase() !== expected ? 'sender-constrained' : null;
}

type VerifyOptions = NonNullable<Parameters<typeof jwtVerify>[2]>;

/** The claims, or the class of reason why the token is not good. */
async function signedClaims(token: string, lookup: KeyLookup, options: VerifyOptions): Promise<JWTPayload | string> {
  try {
    return (await jwtVerify(token, lookup, options)).payload;
  } catch (fault) {
    if (!(fault instanceof errors.JWKSMultipleMatchingKeys)) return reasonOf(fault);
    for await (const key of fault) {
      try {
        return (await jwtVerify(token, key, options)).payload;
      } catch (inner) {
        if (!(inner instanceof errors.JWSSignatureVerificationFailed)) return reasonOf(inner);
      }
    }
    return 'signature';
  }
}

function reasonOf(fault: unknown): string {
  if (fault instanceof errors.JWTExpired) return 'expired';
  if (fault instanceof errors.JWTClaimValidationFailed) {
    if (fault.claim === 'aud') return 'audience';
    return fault.claim === 'nbf' ? 'not-yet' : 'claims';
  }
  if (fault instanceof errors.JWSSignatureVerificationFailed) return 'signature';
  if (fault instanceof errors.JWKSNoMatchingKey) return 'unknown-key';
  if (fault instanceof errors.JOSEAlgNotAllowed || fault instanceof errors.JOSENotSupported) return 'algorithm';
  return 'malformed';
}

/** The issuer an unverified token claims; it only chooses the keys. */
function issuerOf(token: string): string | null {
  try {
    const { iss } = decodeJwt(token);
    return typeof iss === 'string' ? iss : null;
  } catch {
    return null;
  }
}

function checkAlgorithms(algorithms: readonly string[]): string[] {
  for (const name of algorithms) {
    if (!/^((RS|PS|ES)(256|384|512)|EdDSA|Ed25519)$/.test(name)) {
      throw new RangeError(`The algorithm ${name} of auth.algorithms is not an asymmetric one.`);
    }
  }
  return [...algorithms];
}
