/** Carries events to https sinks: one POST each, to a checked address, with limits on everything that comes back. CAMARA digest 8.5, 8.6. */
import type { LookupFunction } from 'node:net';
import { Agent, request } from 'undici';
import type { SinkAnswer, SinkRequest, SinkTransport } from './ports.ts';
import type { SinkPolicy } from './sink-policy.ts';

/** What of an answer's body is read before the connection is given up. */
const BODY_LIMIT = 4096;
/** Connections to one host; calls wait for each other only past it. */
const CONNECTIONS = 64;
const IDLE_MS = 30_000;
const LONGEST_RETRY_AFTER_MS = 86_400_000;

class Blocked extends Error {}

/**
 * Makes the transport. The connection goes to an address that was checked when it was made, whatever the name says later; the name stays in SNI
 * and Host. Redirects and proxies are not followed. Times in ms.
 */
export function createSink(policy: SinkPolicy, limits: { connectMs: number; answerMs: number }): SinkTransport {
  // Called for each new connection to a name: what it answers is where the connection goes, so there is no second look-up to fool.
  const lookup: LookupFunction = (name, options, callback) => {
    policy.addressesOf(name).then(
      addresses => {
        const all = addresses.map(address => ({ address, family: address.includes(':') ? 6 : 4 }));
        const [first] = all;
        if (first === undefined) callback(new Blocked('the name has no allowed address'), '', 0);
        else if (options.all) callback(null, all);
        else callback(null, first.address, first.family);
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, '', 0),
    );
  };
  // Pools are per origin: one sink host never holds up another.
  const agent = new Agent({
    connections: CONNECTIONS,
    pipelining: 1,
    allowH2: false,
    keepAliveTimeout: IDLE_MS,
    headersTimeout: limits.answerMs,
    bodyTimeout: limits.answerMs,
    connect: { timeout: limits.connectMs, minVersion: 'TLSv1.2', lookup },
  });

  async function deliver({ url, body, accessToken, correlator }: SinkRequest): Promise<SinkAnswer> {
    // Literal addresses are never looked up, and the settings may have changed since the subscription was made.
    const fault = policy.checkUrl(url);
    if (fault !== null) return { type: 'blocked', reason: fault };
    const headers: Record<string, string> = {
      'content-type': 'application/cloudevents+json',
      'x-correlator': correlator,
      'user-agent': 'lineside',
    };
    if (accessToken !== null) headers.authorization = `Bearer ${accessToken}`;
    try {
      const signal = AbortSignal.timeout(limits.connectMs + limits.answerMs);
      const answer = await request(url, { method: 'POST', dispatcher: agent, headers, body, signal });
      // The status decides; the body is only drained so that the connection can be used again.
      answer.body.dump({ limit: BODY_LIMIT }).catch(() => {});
      return { type: 'answered', status: answer.statusCode, retryAfterMs: retryAfter(answer.headers['retry-after']) };
    } catch (error) {
      const cause = findBlocked(error);
      if (cause !== null) return { type: 'blocked', reason: cause.message };
      const { code, name } = error as NodeJS.ErrnoException;
      return { type: 'failed', reason: code ?? name };
    }
  }

  return { deliver, close: () => agent.destroy() };
}

function findBlocked(error: unknown): Blocked | null {
  for (let each: unknown = error, depth = 0; each instanceof Error && depth < 5; each = each.cause, depth += 1) {
    if (each instanceof Blocked) return each;
  }
  return null;
}

/** Retry-After in ms: seconds or an HTTP date; null when absent or unreadable. RFC 9110 10.2.3. */
export function retryAfter(value: string | string[] | undefined, now = Date.now()): number | null {
  const text = Array.isArray(value) ? value[0] : value;
  if (text === undefined) return null;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - now;
  return Number.isNaN(ms) ? null : Math.min(Math.max(ms, 0), LONGEST_RETRY_AFTER_MS);
}
