/** The signing keys of one token issuer: found by OpenID discovery, kept, fetched again when a key is unknown. */
import { createLocalJWKSet, type JSONWebKeySet } from 'jose';
import { Agent, request } from 'undici';
import type { Clock } from '../runtime/clock.ts';

export type KeyLookup = ReturnType<typeof createLocalJWKSet>;

export interface IssuerKeys {
  /** The keys held, fetched when there are none or they are old. Null when there are none and they cannot be fetched. */
  current(): Promise<KeyLookup | null>;
  /** Fetches again for a key nobody knows; null when that was done less than 30 s ago, or failed. */
  refreshed(): Promise<KeyLookup | null>;
  close(): Promise<void>;
}

export interface IssuerKeysParts {
  issuer: string;
  cacheMs: number;
  clock: Clock;
  /** Told in one sentence why keys could not be fetched. */
  onFault(reason: string): void;
}

const REFRESH_MS = 30_000;
/** After a failure no new try for this long, so that a dead provider costs one request at a time. */
const RETRY_MS = 1000;
const TIMEOUT_MS = 5000;
const LIMIT_BYTES = 1_048_576;

export function createIssuerKeys({ issuer, cacheMs, clock, onFault }: IssuerKeysParts): IssuerKeys {
  const agent = new Agent({
    connect: { timeout: TIMEOUT_MS },
    headersTimeout: TIMEOUT_MS,
    bodyTimeout: TIMEOUT_MS,
    maxResponseSize: LIMIT_BYTES,
    // Keys are fetched every few minutes: no connection is kept for that.
    pipelining: 0,
  });
  let keys: KeyLookup | null = null;
  let fetchedAt = Number.NEGATIVE_INFINITY;
  let failedAt = Number.NEGATIVE_INFINITY;
  let underway: Promise<KeyLookup | null> | null = null;

  async function fetchKeys(): Promise<KeyLookup | null> {
    try {
      const metadata = await getJson(agent, `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
      if (metadata['issuer'] !== issuer) throw new Error('its metadata names another issuer');
      const { jwks_uri: jwksUri } = metadata;
      if (typeof jwksUri !== 'string' || !isTrusted(jwksUri)) throw new Error('its metadata names no usable jwks_uri');
      const set = await getJson(agent, jwksUri);
      keys = createLocalJWKSet(set as unknown as JSONWebKeySet);
      fetchedAt = clock.now();
      return keys;
    } catch (fault) {
      failedAt = clock.now();
      onFault(fault instanceof Error ? fault.message : 'unknown fault');
      return null;
    } finally {
      underway = null;
    }
  }

  function fetchOnce(): Promise<KeyLookup | null> {
    if (underway === null && clock.now() - failedAt < RETRY_MS) return Promise.resolve(null);
    underway ??= fetchKeys();
    return underway;
  }

  return {
    async current() {
      if (keys === null) return fetchOnce();
      // Old keys serve on while new ones are fetched: a provider that is down must not stop calls.
      if (clock.now() - fetchedAt >= cacheMs) void fetchOnce();
      return keys;
    },
    refreshed: () => (clock.now() - Math.max(fetchedAt, failedAt) < REFRESH_MS ? Promise.resolve(null) : fetchOnce()),
    close: () => agent.destroy(),
  };
}

/** True for https, and for http on this host only (the sandbox). */
export function isTrusted(text: string): boolean {
  const url = URL.parse(text);
  if (url === null) return false;
  return (
    url.protocol === 'https:' ||
    (url.protocol === 'http:' && /^(127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/.test(url.hostname))
  );
}

/** One JSON object by GET; redirects are not followed. Throws with a sentence that names no address. */
async function getJson(agent: Agent, url: string): Promise<Record<string, unknown>> {
  const { statusCode, body } = await request(url, {
    dispatcher: agent,
    headers: { accept: 'application/json' },
    signal: AbortSignal.timeout(2 * TIMEOUT_MS),
  });
  if (statusCode !== 200) {
    await body.dump();
    throw new Error(`it answered ${statusCode}`);
  }
  const value: unknown = await body.json();
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('it did not answer with a JSON object');
  return value as Record<string, unknown>;
}
