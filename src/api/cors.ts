/** Cross-origin rules: preflights by the union of all clients' origins, requests by their own client's list. CAMARA digest 2.2. */
import type { Settings } from '../config/settings.ts';
import type { EntryPoints } from './ports.ts';

export const ALLOWED_HEADERS = 'Authorization, Content-Type, x-correlator, registrationId, Last-Event-ID, DPoP';
export const EXPOSED_HEADERS = 'x-correlator, Retry-After, Location';
export const PREFLIGHT_AGE_S = 600;

export interface Cors {
  /**
   * True when pages of `origin` may read the answer. `clientId` null: the client is not known (yet), any client's origin will
   * do, so that a page can read why its token was refused.
   */
  allows(origin: string, clientId: string | null): boolean;
}

/** `entryPoints`: what a business has its pages call from counts as its own. */
export function createCors(clients: Settings['api']['clients'], entryPoints?: Pick<EntryPoints, 'allows'>): Cors {
  const byClient = new Map(Object.entries(clients).map(([id, { origins }]) => [id, new Set(origins)]));
  const union = new Set([...byClient.values()].flatMap(origins => [...origins]));
  return {
    allows(origin, clientId) {
      const set = (clientId === null ? union : byClient.get(clientId))?.has(origin) ?? false;
      return set || entryPoints?.allows(origin, clientId) === true;
    },
  };
}
