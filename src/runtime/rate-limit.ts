/** Token buckets, one for each key, in a map of bounded size, and what of them all front doors share. CAMARA digest 2.1 step 4. */
import type { Principal } from '../ep-cscf/words.ts';

export interface RateLimit {
  /** Takes one token. 0 when there was one, else the ms until there is. `now` in ms. */
  take(key: string, now: number): number;
  readonly size: number;
}

interface Bucket {
  tokens: number;
  at: number;
}

/**
 * `rate` tokens a second, at most `burst` kept. At most `keys` buckets are remembered: the one longest unused goes first,
 * so a flood of new keys costs bounded memory and gives a forgotten key a full bucket at worst.
 */
export function createRateLimit(rate: number, burst: number, keys = 20_000): RateLimit {
  const buckets = new Map<string, Bucket>();
  return {
    take(key, now) {
      let bucket = buckets.get(key);
      if (bucket === undefined) {
        if (buckets.size >= keys)
          for (const oldest of buckets.keys()) {
            buckets.delete(oldest);
            break;
          }
        bucket = { tokens: burst, at: now };
      } else {
        buckets.delete(key);
        const gained = (Math.max(0, now - bucket.at) * rate) / 1000;
        bucket.tokens = Math.min(burst, bucket.tokens + gained);
        bucket.at = now;
      }
      buckets.set(key, bucket);
      if (bucket.tokens < 1) return Math.max(1, Math.ceil(((1 - bucket.tokens) * 1000) / rate));
      bucket.tokens -= 1;
      return 0;
    },
    get size() {
      return buckets.size;
    },
  };
}

/** The key of a source address: IPv4 whole, IPv6 its /64, since one host has as many addresses of it as it likes. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address;
  if (address.startsWith('::ffff:') && address.includes('.')) return address.slice(7);
  const [head = '', tail] = address.split('::', 2);
  const left = head === '' ? [] : head.split(':');
  if (tail === undefined || left.length >= 4) return left.slice(0, 4).join(':');
  const right = tail === '' ? [] : tail.split(':');
  const zeros = Math.max(0, 8 - left.length - right.length);
  return [...left, ...Array.from({ length: zeros }, () => '0'), ...right].slice(0, 4).join(':');
}

/** How often callers may ask, by whatever door they come. Each takes one request and gives 0, or the ms until it may be taken. */
export interface CallerRates {
  /** Before the token is looked at. */
  ofAddress(address: string, now: number): number;
  /** Of a client and of its user. What a visitor asks is not the business's doing, and must not hold it back. */
  ofCaller(who: Pick<Principal, 'clientId' | 'subject'>, isVisitor: boolean, now: number): number;
}

/** Requests per second; a user may have twice as many at once. */
export interface CallerLimits {
  ratePerAddress: number;
  ratePerClient: number;
  ratePerUser: number;
}

export function createCallerRates({ ratePerAddress, ratePerClient, ratePerUser }: CallerLimits): CallerRates {
  const perAddress = createRateLimit(ratePerAddress, ratePerAddress);
  const perClient = createRateLimit(ratePerClient, ratePerClient);
  const perUser = createRateLimit(ratePerUser, 2 * ratePerUser);
  return {
    ofAddress: (address, now) => perAddress.take(addressKey(address), now),
    ofCaller({ clientId, subject }, isVisitor, now) {
      const wait = isVisitor ? 0 : perClient.take(clientId, now);
      return wait > 0 || subject === null ? wait : perUser.take(JSON.stringify([clientId, subject]), now);
    },
  };
}
