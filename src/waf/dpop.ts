/** Proofs that the one who shows an access token holds the key it is bound to. RFC 9449. */
import { hash } from 'node:crypto';
import { calculateJwkThumbprint, EmbeddedJWK, type JWK, jwtVerify } from 'jose';
import type { Clock } from '../runtime/clock.ts';

/** What came with a request whose Authorization header had the scheme DPoP. Fits the port of the API side. */
export interface Proof {
  /** The DPoP header. */
  jwt: string;
  method: string;
  /** The address asked for, as the outside knows it, without the query. */
  url: string;
}

export interface ProofCheck {
  /** Null when the proof is good for this token and its key (a thumbprint), else the class of reason. Does not reject. */
  check(proof: Proof, token: string, thumbprint: string): Promise<'proof' | 'proof-replay' | 'proof-flood' | null>;
}

const PROOF_LIMIT = 8192;
const JTI_LIMIT = 256;
/** Proofs remembered; when so many are fresh, new ones are refused rather than old ones forgotten. */
const REMEMBERED = 100_000;

/** `ageS`: how old a proof may be; `skewS`: how far its clock may run ahead. */
export function createProofCheck(
  { algorithms, ageS, skewS }: { algorithms: readonly string[]; ageS: number; skewS: number },
  clock: Clock,
): ProofCheck {
  /** Until when each proof must be known, in the order they came. */
  const used = new Map<string, number>();

  /** RFC 9449 11.1: a proof is good once. */
  function isFirst(key: string, now: number): boolean | null {
    for (const [oldest, until] of used) {
      if (until > now) break;
      used.delete(oldest);
    }
    if (used.has(key)) return false;
    if (used.size >= REMEMBERED) return null;
    used.set(key, now + (ageS + 2 * skewS) * 1000);
    return true;
  }

  return {
    async check({ jwt, method, url }, token, thumbprint) {
      if (jwt.length > PROOF_LIMIT) return 'proof';
      const now = clock.now();
      try {
        const { payload, protectedHeader } = await jwtVerify(jwt, EmbeddedJWK, {
          typ: 'dpop+jwt',
          algorithms: [...algorithms],
          requiredClaims: ['jti', 'iat', 'htm', 'htu', 'ath'],
          maxTokenAge: ageS,
          clockTolerance: skewS,
          currentDate: new Date(now),
        });
        const { jti, htm, htu, ath } = payload;
        const mine =
          htm === method &&
          isSameAddress(htu, url) &&
          ath === hash('sha256', token, 'base64url') &&
          (await calculateJwkThumbprint(protectedHeader.jwk as JWK)) === thumbprint;
        if (!mine || typeof jti !== 'string' || jti === '' || jti.length > JTI_LIMIT) return 'proof';
        const first = isFirst(`${thumbprint} ${jti}`, now);
        return first === null ? 'proof-flood' : first ? null : 'proof-replay';
      } catch {
        return 'proof';
      }
    },
  };
}

/** Query and fragment do not count, and what a URL parser takes for the same is the same. RFC 9449 4.3. */
function isSameAddress(claimed: unknown, url: string): boolean {
  const [theirs, ours] = [typeof claimed === 'string' ? URL.parse(claimed) : null, URL.parse(url)];
  return theirs !== null && ours !== null && theirs.origin === ours.origin && theirs.pathname === ours.pathname;
}
