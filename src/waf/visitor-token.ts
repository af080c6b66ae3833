/** Visitor tokens: JWTs of the gateway's own for one call, by one entry point, from one origin. They live in memory, as the call does. CAMARA digest 11b. */
import { randomUUID } from 'node:crypto';
import { jwtVerify, SignJWT } from 'jose';
import type { Visitor } from '../ep-cscf/visitor-word.ts';
import type { Principal } from '../ep-cscf/words.ts';
import type { SigningKeys } from './signing-keys.ts';

/** What a started call is bound to. */
export interface VisitorCall {
  origin: string;
  /** Null while the call is being made. */
  channelId: string | null;
}

/** Fits the port of the API side. */
export interface VisitorAccess {
  principal: Principal;
  scopes: ReadonlySet<string>;
  /** ms since the epoch. */
  expiresAt: number;
  visitor: Visitor;
}

export interface VisitorTokens {
  issue(
    visitor: Pick<Visitor, 'clientId' | 'entryPointId' | 'origin' | 'reference'>,
  ): Promise<{ token: string; startBy: number }>;
  /** Null when it is not good: not ours, over, or not used for a call in time. A token is no key, so a proof of one (DPoP) does not fit. */
  verify(token: string, proof?: object | null): Promise<VisitorAccess | null>;
  /** Takes the token's one call; false when it is taken. */
  start(visitor: Visitor, origin: string): boolean;
  /** The call was not made: the token may try again. */
  giveUp(visitor: Visitor): void;
  bind(visitor: Visitor, channelId: string): void;
  callOf(visitor: Visitor): VisitorCall | null;
  /** Live counts, for leak tests. */
  readonly size: number;
}

const AUDIENCE = 'webrtc-click-to-call';
const ALGORITHM = 'HS256';
/** No entry point lets a call last longer. */
export const LONGEST_CALL_MS = 3_600_000;
/** What every visitor token may do. */
const SCOPES: ReadonlySet<string> = new Set(['webrtc-click-to-call:calls:own']);

export interface VisitorTokenParts {
  keys: SigningKeys;
  now(): number;
  /** Time to start the call, ms. */
  startMs: number;
}

export function createVisitorTokens({ keys, now, startMs }: VisitorTokenParts): VisitorTokens {
  const calls = new Map<string, VisitorCall & { until: number }>();
  let sweptAt = 0;

  /** A token that is over opens nothing, so what it did need not be known. */
  function sweep(): void {
    if (now() - sweptAt < startMs) return;
    sweptAt = now();
    for (const [id, { until }] of calls) if (until <= now()) calls.delete(id);
  }

  async function claimsOf(token: string) {
    try {
      const options = {
        algorithms: [ALGORITHM],
        audience: AUDIENCE,
        currentDate: new Date(now()),
        requiredClaims: ['exp'],
      };
      const verified = await jwtVerify(
        token,
        ({ kid = '' }) => {
          const key = keys.find(kid);
          if (key === null) throw new Error('no such key');
          return key.secret;
        },
        options,
      );
      return verified.payload;
    } catch {
      return null;
    }
  }

  return {
    async issue({ clientId, entryPointId, origin, reference }) {
      const { id, secret } = keys.current();
      const startBy = now() + startMs;
      const token = await new SignJWT({
        client_id: clientId,
        entry_point: entryPointId,
        origin,
        reference,
        start_by: startBy,
      })
        .setProtectedHeader({ alg: ALGORITHM, kid: id, typ: 'visitor+jwt' })
        .setAudience(AUDIENCE)
        .setJti(randomUUID())
        .setExpirationTime(Math.ceil((startBy + LONGEST_CALL_MS) / 1000))
        .sign(secret);
      return { token, startBy };
    },
    async verify(token, proof = null) {
      const claims = proof === null ? await claimsOf(token) : null;
      if (claims === null) return null;
      // Signed by us, so of the shape we gave it.
      const visitor: Visitor = {
        id: claims.jti as string,
        clientId: claims['client_id'] as string,
        entryPointId: claims['entry_point'] as string,
        origin: claims['origin'] as string | null,
        reference: claims['reference'] as string | null,
        startBy: claims['start_by'] as number,
      };
      if (visitor.startBy <= now() && !calls.has(visitor.id)) return null;
      const principal: Principal = { clientId: visitor.clientId, subject: visitor.id, number: null, legs: 2 };
      return { principal, scopes: SCOPES, expiresAt: (claims.exp ?? 0) * 1000, visitor };
    },
    start(visitor, origin) {
      sweep();
      if (calls.has(visitor.id)) return false;
      calls.set(visitor.id, { origin, channelId: null, until: Number.POSITIVE_INFINITY });
      return true;
    },
    giveUp: visitor => void calls.delete(visitor.id),
    bind(visitor, channelId) {
      const call = calls.get(visitor.id);
      if (call !== undefined) calls.set(visitor.id, { ...call, channelId, until: now() + LONGEST_CALL_MS });
    },
    callOf: visitor => calls.get(visitor.id) ?? null,
    get size() {
      return calls.size;
    },
  };
}
