/** What subscriptions and notification channels both carry: event names, sink credentials, times to come. CAMARA digest 8.2. */

import { EVENTS_API, type EventName, eventPrefix, type SinkCredential } from '../ep-cscf/event-word.ts';
import { parseDateTime } from './date-time.ts';
import { invalid } from './operation.ts';
import type { Refusal } from './ports.ts';
import { EVENT_NAMES } from './schemas/common.ts';

/** Event types and scopes as one API names them. */
export interface EventWords {
  api: string;
  /** The scope of each event type. */
  createScopes: readonly string[];
  /** Event names of full types, each once. The schema has checked them. */
  names(types: readonly string[]): EventName[];
  /** The full types of events. */
  types(names: readonly EventName[]): string[];
  /** Null when the token has the scope of each event asked for; decision A-30. */
  mayCreate(names: readonly EventName[], scopes: ReadonlySet<string>): Refusal | null;
}

export function eventWords(api: string): EventWords {
  const prefix = eventPrefix(api);
  const createScope = (name: EventName) => `${api}:${prefix}${name}:create`;
  return {
    api,
    createScopes: EVENT_NAMES.map(createScope),
    names: types => EVENT_NAMES.filter(name => types.includes(prefix + name)),
    types: names => names.map(name => prefix + name),
    mayCreate: (names, scopes) =>
      names.every(name => scopes.has(createScope(name))) ? null : { ok: false, error: 'scope-missing' },
  };
}

export const todaysEvents = eventWords(EVENTS_API);

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
