/** Keys of the gateway's own, in memory only: a new one every hour, the old ones as long as something they signed may count. */
import { randomBytes } from 'node:crypto';

export interface SigningKey {
  id: string;
  /** 32 bytes, for HMAC-SHA-256. */
  secret: Uint8Array;
}

export interface SigningKeys {
  /** The key to sign with. */
  current(): SigningKey;
  /** Null: never there, or too old. */
  find(id: string): SigningKey | null;
}

const TURN_MS = 3_600_000;

/** `lifeMs`: how long something signed may count. */
export function createSigningKeys(now: () => number, lifeMs: number): SigningKeys {
  let keys: Array<SigningKey & { at: number }> = [];
  return {
    current() {
      const [newest] = keys;
      if (newest !== undefined && now() - newest.at < TURN_MS) return newest;
      const made = { id: randomBytes(8).toString('base64url'), secret: randomBytes(32), at: now() };
      keys = [made, ...keys.filter(({ at }) => now() - at < TURN_MS + lifeMs)];
      return made;
    },
    find: id => keys.find(key => key.id === id) ?? null,
  };
}
