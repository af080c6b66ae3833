/** Looks at the token of every request that begins or changes something, before anybody else sees the request. RFC 8898, TS 33.203 X.3.2.3. */
import { isEmergency } from '../ep-cscf/identity.ts';
import type { CallerRates } from '../runtime/rate-limit.ts';
import type { Refusal, SipRequest } from '../sip/index.ts';
import { addressOf } from './address.ts';
import { type ChallengeFacts, challenge, type Shown, shownIn } from './bearer.ts';
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
   * `known`: what the connection has shown before, which counts for a request that shows nothing. `stranger`:
   * the source address of who has not registered.
   */
  check(request: SipRequest, known: Access | null, stranger: string | null): Promise<Checked>;
}

export interface GateDeps {
  tokens: AccessTokens;
  /** Those of the applications. */
  rates: CallerRates;
  /** Numbers that are emergency calls: these are not held back. */
  emergencyNumbers: readonly string[];
  now(): number;
  facts: Omit<ChallengeFacts, 'scopes'>;
}

/** Requests that end something, or cannot be refused: they are taken from a connection that once was good. RFC 3261 22.1. */
const FREE = new Set(['ACK', 'CANCEL', 'BYE']);

export function isFree({ method }: SipRequest): boolean {
  return FREE.has(method);
}

export function createGate({ tokens, rates, emergencyNumbers, now, facts }: GateDeps): Gate {
  const unauthorized = (unusable: boolean): Checked => ({
    ok: false,
    refusal: challenge({ ...facts, scopes: SCOPES }, unusable ? 'invalid_token' : null),
    unusable,
  });

  async function accessOf(shown: Shown, known: Access | null): Promise<Checked> {
    if (shown.type === 'other') return unauthorized(true);
    if (shown.type === 'none') {
      if (known === null) return unauthorized(false);
      return known.expiresAt > now() ? { ok: true, access: known } : unauthorized(true);
    }
    const access = await tokens.verify(shown.token);
    if (access === null) return unauthorized(true);
    if ('error' in access) return refused(refusalOf(access));
    return SCOPES.some(scope => !access.scopes.has(scope)) ? refused(refusal(403)) : { ok: true, access };
  }

  function isUrgent({ method, uri }: SipRequest): boolean {
    const receiver = method === 'INVITE' ? addressOf(uri, null) : null;
    return receiver !== null && isEmergency(receiver, { numbers: emergencyNumbers });
  }

  return {
    async check(request, known, stranger) {
      const shown = shownIn(request.headers);
      request.headers.remove('Authorization');
      const early = stranger === null ? 0 : rates.ofAddress(stranger, now());
      if (early > 0) return refused(later(early));
      const checked = await accessOf(shown, known);
      if (!checked.ok || isUrgent(request)) return checked;
      const wait = rates.ofCaller(checked.access.principal, false, now());
      return wait > 0 ? refused(later(wait)) : checked;
    },
  };
}

function refused(answer: Refusal): Checked {
  return { ok: false, refusal: answer, unusable: false };
}

/** SIP has no status for who asks too often. */
function later(waitMs: number): Refusal {
  return refusal(503, [['Retry-After', String(Math.ceil(waitMs / 1000))]]);
}
