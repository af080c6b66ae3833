/** Who is asking: digest of the SIM phones, and the nodes whose word is taken. RFC 3261 22, RFC 3325, TS 33.203 annex P. */
import {
  createChallenge,
  createNonce,
  createNonceCounts,
  type DigestAlgorithm,
  parseAuthValue,
  type SipRequest,
  type Target,
  verifyAuthorization,
} from '../../src/sip/index.ts';

export interface ImsSubscriber {
  /** E.164. */
  number: string;
  /** Digest password of the SIM phone. */
  phonePassword: string;
  name?: string;
}

export interface AccessOptions {
  domain: string;
  subscribers: readonly ImsSubscriber[];
  /** Numeric addresses, or address:port with the port of the node's Via. */
  trustedNodes: readonly string[];
  /** Milliseconds of the wall clock. */
  now: () => number;
  /** Key of the nonces. */
  key: Uint8Array;
  /** Fresh random text. */
  random: () => string;
}

export type Asked =
  | { type: 'known'; number: string; impi: string }
  | { type: 'challenge'; headers: Array<[string, string]> }
  | { type: 'refused'; reason: string };

export interface Access {
  /** True when the request came from a node whose assertions are taken. */
  isTrusted(request: SipRequest, source: Target): boolean;
  /** Checks Authorization (401, a registrar's) or Proxy-Authorization (407, a proxy's). */
  digest(request: SipRequest, status: 401 | 407): Asked;
  /** The private identity of a REGISTER that a trusted node vouches for, or null. TS 24.229 7.2A.2. */
  vouched(request: SipRequest): string | null;
}

/** MD5 first: a client may answer only the topmost challenge it sees, and some phones know nothing else. RFC 8760 2.3. */
const OFFERED: readonly DigestAlgorithm[] = ['MD5', 'SHA-256'];
/** Phones that give up as soon as one of several challenges is not MD5: libre before SHA-256 came to it. */
const MD5_ALONE = /^baresip v[012]\./i;
/** Phones whose answer is awaited; the oldest is forgotten. */
const MAX_AWAITED = 500;
const NONCE_LIFE_MS = 300_000;

export function createAccess(options: AccessOptions): Access {
  const { domain, trustedNodes, key, now } = options;
  const byNumber = new Map(options.subscribers.map(subscriber => [subscriber.number, subscriber]));
  const counts = createNonceCounts();
  const awaited = new Set<string>();

  function subscriberOf(username: string): ImsSubscriber | undefined {
    const at = username.indexOf('@');
    if (at === -1) return byNumber.get(username);
    return username.slice(at + 1).toLowerCase() === domain ? byNumber.get(username.slice(0, at)) : undefined;
  }

  /** A phone that asks again instead of answering did not understand: it gets what every phone knows. */
  function offeredTo(request: SipRequest): readonly DigestAlgorithm[] {
    const phone = phoneOf(request);
    if (awaited.has(phone) || MD5_ALONE.test(request.headers.get('User-Agent') ?? '')) return ['MD5'];
    const [oldest] = awaited;
    if (awaited.size >= MAX_AWAITED && oldest !== undefined) awaited.delete(oldest);
    awaited.add(phone);
    return OFFERED;
  }

  function challenge(request: SipRequest, status: 401 | 407, stale: boolean): Asked {
    const field = status === 401 ? 'WWW-Authenticate' : 'Proxy-Authenticate';
    const nonce = createNonce(key, now(), options.random());
    const headers = offeredTo(request).map((algorithm): [string, string] => [
      field,
      createChallenge({ realm: domain, nonce, algorithm, stale }),
    ]);
    return { type: 'challenge', headers };
  }

  function digest(request: SipRequest, status: 401 | 407): Asked {
    const values = request.headers.all(status === 401 ? 'Authorization' : 'Proxy-Authorization');
    let refusal: string | null = null;
    for (const authorization of values.slice(0, 4)) {
      if (isEmptyAnswer(authorization)) continue;
      awaited.delete(phoneOf(request));
      const verdict = verifyAuthorization({
        authorization,
        realm: domain,
        method: request.method,
        uri: request.uri,
        body: request.body,
        passwordOf: username => subscriberOf(username)?.phonePassword ?? null,
        key,
        nowMs: now(),
        nonceLifeMs: NONCE_LIFE_MS,
        counts,
        algorithms: OFFERED,
      });
      switch (verdict.type) {
        case 'ok': {
          const subscriber = subscriberOf(verdict.username);
          if (subscriber !== undefined) return { type: 'known', number: subscriber.number, impi: verdict.username };
          break;
        }
        case 'stale':
          return challenge(request, status, true);
        case 'rejected':
          refusal = verdict.reason;
          break;
        case 'absent':
          break;
        default:
          verdict satisfies never;
      }
    }
    return refusal === null ? challenge(request, status, false) : { type: 'refused', reason: refusal };
  }

  return {
    isTrusted(request, source) {
      const port = request.headers.via()?.port ?? 5060;
      return trustedNodes.includes(source.host) || trustedNodes.includes(`${source.host}:${port}`);
    },
    digest,
    vouched(request) {
      const value = parseAuthValue(request.headers.get('Authorization') ?? '');
      if (value === null || value.params.get('integrity-protected') !== 'auth-done') return null;
      return value.params.get('username') ?? null;
    },
  };
}

/** Enough to know a phone again that asks twice. */
function phoneOf({ headers }: SipRequest): string {
  const via = headers.via();
  return `${via?.host}:${via?.port ?? 5060} ${headers.from()?.uri}`;
}

/** The first REGISTER of an IMS phone names its user before it has a challenge to answer. TS 24.229 5.1.1.2. */
function isEmptyAnswer(authorization: string): boolean {
  const value = parseAuthValue(authorization);
  return value !== null && (value.params.get('nonce') === '' || value.params.get('response') === '');
}
