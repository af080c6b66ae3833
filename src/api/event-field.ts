/** What subscriptions and notification channels both carry: event names, sink credentials, times to come. CAMARA digest 8.2. */

import type { EventName, SinkCredential } from '../ep-cscf/event-word.ts';
import { parseDateTime } from './date-time.ts';
import { invalid } from './operation.ts';
import type { Refusal } from './ports.ts';
import { EVENT_NAMES, EVENT_PREFIX } from './schemas/common.ts';

/** The scope needed for each event type asked for; decision A-30. */
function createScope(name: EventName): string {
  return `webrtc-events-subscriptions:${EVENT_PREFIX}${name}:create`;
}

export const createScopes: readonly string[] = EVENT_NAMES.map(createScope);

/** Event names of full types, each once. The schema has checked them. */
export function eventNames(types: readonly string[]): EventName[] {
  const asked = new Set(types);
  return EVENT_NAMES.filter(name => asked.has(EVENT_PREFIX + name));
}

/** Null when the token has the scope of each event. */
export function mayCreate(names: readonly EventName[], scopes: ReadonlySet<string>): Refusal | null {
  return names.every(name => scopes.has(createScope(name))) ? null : { ok: false, error: 'scope-missing' };
}

/** Null when `text` (checked by its schema) is absent or lies after `now` (ms). */
export function checkFuture(field: string, text: unknown, now: number): Refusal | null {
  const at = typeof text === 'string' ? parseDateTime(text) : null;
  return at !== null && at <= now ? invalid(`The value of "${field}" lies in the past.`) : null;
}

interface CredentialBody {
  accessToken: string;
  accessTokenExpiresUtc: string;
}

export function credentialOf(body: CredentialBody | undefined): SinkCredential | null {
  if (body === undefined) return null;
  return {
    credentialType: 'ACCESSTOKEN',
    accessToken: body.accessToken,
    accessTokenExpires: parseDateTime(body.accessTokenExpiresUtc) ?? 0,
    accessTokenType: 'bearer',
  };
}

/**
 * Another kind of credential than ACCESSTOKEN has other properties too; it is refused for what it is, not for the first
 * of them. Decision A-43.
 */
export function checkCredentialType(body: Readonly<Record<string, unknown>>): Refusal | null {
  const credential = body['sinkCredential'];
  if (typeof credential !== 'object' || credential === null || !Object.hasOwn(credential, 'credentialType'))
    return null;
  const { credentialType } = credential as { credentialType: unknown };
  if (typeof credentialType !== 'string' || credentialType === 'ACCESSTOKEN') return null;
  return { ok: false, error: 'invalid-credential' };
}
