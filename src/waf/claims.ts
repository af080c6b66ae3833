/** What the claims of a verified access token say of the caller: client, subject, number, legs, scopes. CAMARA digest 3.2, decision A-06. */
import type { JWTPayload } from 'jose';
import { type E164, E164_PATTERN } from '../ep-cscf/ids.ts';
import type { Principal } from '../ep-cscf/words.ts';
import type { ReadScopes } from './scope-set.ts';

export type ClaimsResult =
  | {
      ok: true;
      principal: Principal;
      scopes: ReadonlySet<string>;
      /** Thumbprint of the key the token is bound to, or null: a bearer token. RFC 9449 6.1. */
      boundTo: string | null;
      /** False when the operator wants to know of an address for emergency calls and the token tells of none. */
      emergencyAddress: boolean;
    }
  | { ok: false; reason: 'client' | 'sender-constrained' | 'number' };

const CLIENT_LIMIT = 256;

/** Names of claims that are the operator's choice. */
export interface ClaimNames {
  numberClaim: string;
  /** Empty: not looked at. */
  emergencyAddressClaim: string;
}

/**
 * Two-legged: no number, and `sub` absent or equal to the client id. Everything else is three-legged and needs a number.
 * A token bound otherwise than to a DPoP key (`cnf`) is refused.
 */
export function readClaims(claims: JWTPayload, names: ClaimNames, readScopes: ReadScopes): ClaimsResult {
  const clientId = claims['client_id'] ?? claims['azp'];
  if (typeof clientId !== 'string' || clientId === '' || clientId.length > CLIENT_LIMIT)
    return { ok: false, reason: 'client' };
  const boundTo = thumbprintOf(claims['cnf']);
  if (boundTo === undefined) return { ok: false, reason: 'sender-constrained' };
  const scopes = readScopes(claims['scope'] ?? claims['scp']);
  const number = claims[names.numberClaim];
  const emergencyAddress = names.emergencyAddressClaim === '' || isGiven(claims[names.emergencyAddressClaim]);
  const subject = typeof claims.sub === 'string' && claims.sub !== '' ? claims.sub : null;
  if (number === undefined && (subject === null || subject === clientId)) {
    return {
      ok: true,
      principal: { clientId, subject: null, number: null, legs: 2 },
      scopes,
      boundTo,
      emergencyAddress,
    };
  }
  if (typeof number !== 'string' || !E164_PATTERN.test(number)) return { ok: false, reason: 'number' };
  const principal = { clientId, subject: subject ?? number, number: number as E164, legs: 3 } as const;
  return { ok: true, principal, scopes, boundTo, emergencyAddress };
}

function isGiven(value: unknown): boolean {
  return value === true || (typeof value === 'string' && value !== '') || (typeof value === 'object' && value !== null);
}

/** Null: bound to nothing. Undefined: to something that cannot be checked here. */
function thumbprintOf(confirmation: unknown): string | null | undefined {
  if (confirmation === undefined) return null;
  if (typeof confirmation !== 'object' || confirmation === null) return undefined;
  const { jkt, ...others } = confirmation as Record<string, unknown>;
  return typeof jkt === 'string' && Object.keys(others).length === 0 ? jkt : undefined;
}
