/** Token buckets, one for each key, in a map of bounded size. CAMARA digest 2.1 step 4. */

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
