/** Which endpoints refused TCP lately: large requests to them go by UDP at once. RFC 3261 18.1.1. */
import type { Endpoint } from './types.ts';

const KEEP_MS = 60_000;
const MAX_ENDPOINTS = 1000;

export interface Refusals {
  add(endpoint: Endpoint, now: number): void;
  has(endpoint: Endpoint, now: number): boolean;
}

/** A bounded memory of a minute. */
export function refusals(): Refusals {
  const until = new Map<string, number>();
  return {
    add(endpoint, now) {
      const key = `${endpoint.host} ${endpoint.port}`;
      until.delete(key);
      until.set(key, now + KEEP_MS);
      if (until.size <= MAX_ENDPOINTS) return;
      for (const oldest of until.keys()) {
        until.delete(oldest);
        break;
      }
    },
    has(endpoint, now) {
      if (until.size === 0) return false;
      const key = `${endpoint.host} ${endpoint.port}`;
      const end = until.get(key);
      if (end === undefined) return false;
      if (now < end) return true;
      until.delete(key);
      return false;
    },
  };
}
