/** Proof of work: what a page without a back end pays for a visitor token. A challenge is signed, for one origin and entry point, and good once. */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SigningKeys } from './signing-keys.ts';

export interface Challenge {
  challenge: string;
  /** Leading zero bits that SHA-256(challenge + solution) must have. */
  difficulty: number;
  /** ms since the epoch. */
  expiresAt: number;
}

export interface ProofOfWork {
  /** `address`: whoever asks often pays more. */
  challenge(entryPointId: string, origin: string, address: string): Challenge;
  /** True once for a challenge that was solved in time. */
  accept(proof: { challenge: string; solution: string }, entryPointId: string, origin: string): boolean;
  /** Live counts, for leak tests. */
  readonly size: number;
}

export interface ProofOfWorkParts {
  keys: SigningKeys;
  now(): number;
  /** Difficulty without any crowd, and its limit, in bits. */
  bits: number;
  bitsMax: number;
  /** Time to solve, ms. */
  solveMs: number;
}

/** Within one half-life an address may ask this often, and an entry point give so many tokens, before it costs more. */
const ADDRESS_FREE = 4;
const ENTRY_POINT_FREE = 64;

type Payload = [entryPointId: string, origin: string, expiresAt: number, difficulty: number, nonce: string];

export function createProofOfWork({ keys, now, bits, bitsMax, solveMs }: ProofOfWorkParts): ProofOfWork {
  const askers = createCrowd(now);
  const solvers = createCrowd(now);
  /** Nonces of challenges that were used, with their end; in the order of their use. */
  const used = new Map<string, number>();

  function sign(keyId: string, secret: Uint8Array, payload: string): string {
    // The token key signs JWTs too: what is signed here can be none.
    return createHmac('sha256', secret).update(`work.${keyId}.${payload}`).digest('base64url');
  }

  function read(challenge: string): Payload | null {
    const [keyId = '', payload = '', mac = ''] = challenge.split('.');
    const key = keys.find(keyId);
    if (key === null || !equal(mac, sign(keyId, key.secret, payload))) return null;
    return JSON.parse(Buffer.from(payload, 'base64url').toString()) as Payload;
  }

  function use(nonce: string, expiresAt: number): boolean {
    for (const [old, until] of used) {
      if (until > now()) break;
      used.delete(old);
    }
    if (used.has(nonce)) return false;
    used.set(nonce, expiresAt);
    return true;
  }

  return {
    challenge(entryPointId, origin, address) {
      const extra = costOf(askers.add(address), ADDRESS_FREE) + costOf(solvers.look(entryPointId), ENTRY_POINT_FREE);
      const difficulty = Math.min(bitsMax, bits + extra);
      const expiresAt = now() + solveMs;
      const { id, secret } = keys.current();
      const nonce = randomBytes(12).toString('base64url');
      const content: Payload = [entryPointId, origin, expiresAt, difficulty, nonce];
      const payload = Buffer.from(JSON.stringify(content)).toString('base64url');
      return { challenge: `${id}.${payload}.${sign(id, secret, payload)}`, difficulty, expiresAt };
    },
    accept({ challenge, solution }, entryPointId, origin) {
      const payload = read(challenge);
      if (payload === null) return false;
      const [forEntryPoint, forOrigin, expiresAt, difficulty, nonce] = payload;
      if (forEntryPoint !== entryPointId || forOrigin !== origin || expiresAt <= now()) return false;
      const digest = createHash('sha256')
        .update(challenge + solution)
        .digest();
      if (zeroBits(digest) < difficulty || !use(nonce, expiresAt)) return false;
      solvers.add(entryPointId);
      return true;
    },
    get size() {
      return used.size;
    },
  };
}

/** Each doubling beyond what is free costs one bit more, which doubles the work. */
function costOf(count: number, free: number): number {
  return Math.max(0, Math.ceil(Math.log2(count / free)));
}

/** Leading zero bits. */
export function zeroBits(digest: Uint8Array): number {
  const first = digest.findIndex(byte => byte !== 0);
  return first === -1 ? digest.length * 8 : first * 8 + Math.clz32(digest[first] ?? 0) - 24;
}

function equal(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

const HALF_LIFE_MS = 300_000;
const MAX_KEYS = 20_000;

/** How often each key came of late: a count that halves in five minutes. Of bounded size: the one longest unseen goes first. */
function createCrowd(now: () => number) {
  const seen = new Map<string, { count: number; at: number }>();
  const look = (key: string): number => {
    const found = seen.get(key);
    return found === undefined ? 0 : found.count * 0.5 ** ((now() - found.at) / HALF_LIFE_MS);
  };
  return {
    look,
    add(key: string): number {
      const count = look(key) + 1;
      seen.delete(key);
      const [oldest] = seen.keys();
      if (seen.size >= MAX_KEYS && oldest !== undefined) seen.delete(oldest);
      seen.set(key, { count, at: now() });
      return count;
    },
  };
}
