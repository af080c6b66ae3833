/** What the SIP front door needs of others: the core, the token check. `gateway.ts` fits them together. */
import type { ApiRequest, Reply } from '../ep-cscf/api-request.ts';
import type { EventInput } from '../ep-cscf/input.ts';
import type { Principal } from '../ep-cscf/words.ts';

/** Asks the core; resolves with its one reply. Never rejects. */
export interface CorePort {
  ask(request: ApiRequest): Promise<Reply>;
  /** How the delivery of an invitation went. */
  emit(input: EventInput): void;
}

/** A verified access token. */
export interface Access {
  principal: Principal;
  scopes: ReadonlySet<string>;
  /** ms since the epoch. */
  expiresAt: number;
  /** False: the operator wants an address for emergency calls to be on file, and none is. */
  emergencyAddress?: boolean;
}

/** Checks a bearer token. Null when it is not good, whatever the reason; a refusal when it cannot be used here, or not be checked now. */
export interface AccessTokens {
  verify(token: string): Promise<Access | { ok: false; error: string; retryAfterS?: number } | null>;
}
