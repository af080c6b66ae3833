/** Looks at the token of every request that begins or changes something, before anybody else sees the request. RFC 8898, TS 33.203 X.3.2.3. */
import type { Refusal, SipRequest } from '../sip/index.ts';
import { type ChallengeFacts, challenge, shownIn } from './bearer.ts';
import type { Access, AccessTokens } from './ports.ts';
import { refusal, refusalOf } from './refusal.ts';

/** All that a user agent does once it is registered: there is no way of being called and not of calling. */
const SCOPES = [
  'webrtc-registration:sessions:create',
  'webrtc-call-handling:sessions:create',
  'webrtc-call-handling:sessions:write',
  'webrtc-call-handling:sessions:delete',
] as const;

export type Checked = { ok: true; access: Access } | { ok: false; refusal: Refusal; unusable: boolean };

export interface Gate {
  /**
   * The access a request shows, or how it is refused; its credentials are taken off it, so that they go nowhere from here.
   * `known`: what the connection has shown before, which counts for a request that shows nothing.
   */
  check(request: SipRequest, known: Access | null): Promise<Checked>;
}

/** Requests that end something, or cannot be refused: they are taken from a connection that once was good. RFC 3261 22.1. */
const FREE = new Set(['ACK', 'CANCEL', 'BYE']);

export function isFree({ method }: SipRequest): boolean {
  return FREE.has(method);
}

export function createGate(tokens: AccessTokens, now: () => number, facts: Omit<ChallengeFacts, 'scopes'>): Gate {
  const unauthorized = (unusable: boolean): Checked => ({
    ok: false,
    refusal: challenge({ ...facts, scopes: SCOPES }, unusable ? 'invalid_token' : null),
    unusable,
  });

  return {
    async check({ headers }, known) {
      const shown = shownIn(headers);
      headers.remove('Authorization');
      if (shown.type === 'other') return unauthorized(true);
      if (shown.type === 'none') {
        if (known === null) return unauthorized(false);
        return known.expiresAt > now() ? { ok: true, access: known } : unauthorized(true);
      }
      const access = await tokens.verify(shown.token);
      if (access === null) return unauthorized(true);
      if ('error' in access) return { ok: false, refusal: refusalOf(access), unusable: false };
      if (SCOPES.some(scope => !access.scopes.has(scope))) return { ok: false, refusal: refusal(403), unusable: false };
      return { ok: true, access };
    },
  };
}
