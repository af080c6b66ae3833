/** Cookies of HelloVerifyRequest without any state per client: an HMAC over its address and random. RFC 6347 4.2.1. */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { CookieJar } from './types.ts';

const COOKIE_BYTES = 20;
const ROTATION_MS = 300_000;

/** Makes a jar whose secret changes every 5 min; a cookie of the secret before is still good. `now` in ms. */
export function createCookieJar(now: number, random: (size: number) => Buffer = randomBytes): CookieJar {
  let current = random(32);
  let previous = random(32);
  let since = now;
  const rotate = (at: number): void => {
    const age = at - since;
    if (age < ROTATION_MS) return;
    previous = age < 2 * ROTATION_MS ? current : random(32);
    current = random(32);
    since = at;
  };
  const make = (secret: Buffer, source: string, clientRandom: Uint8Array): Buffer =>
    // The random has a fixed size, so source and random cannot be shifted into each other.
    createHmac('sha256', secret).update(clientRandom).update(source).digest().subarray(0, COOKIE_BYTES);
  return {
    make(source, clientRandom, at) {
      rotate(at);
      return make(current, source, clientRandom);
    },
    check(cookie, source, clientRandom, at) {
      rotate(at);
      if (cookie.length !== COOKIE_BYTES) return false;
      const fits = (secret: Buffer): boolean => timingSafeEqual(make(secret, source, clientRandom), cookie);
      return fits(current) || fits(previous);
    },
  };
}
