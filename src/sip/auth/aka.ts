/** IMS AKA: the SIM's answer to a challenge, and its home's making of one. RFC 3310, RFC 4169, 3GPP TS 33.102. */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { type DigestAlgorithm, HASH } from './digest-algorithm.ts';
import { type MilenageKey, macs, milenage, xor } from './milenage.ts';

export type AkaAnswer =
  | { type: 'ok'; res: Uint8Array; ck: Uint8Array; ik: Uint8Array }
  /** The challenge is of the past: AUTS (base64) tells the home where we are. */
  | { type: 'resync'; auts: string }
  /** The challenge is not our home's, or is none. */
  | { type: 'refused' };

/** A SIM in software. It remembers the highest SQN it has taken. */
export interface AkaCard {
  answer(nonce: string): AkaAnswer;
}

/** AMF of a resynchronisation. TS 33.102 6.3.3. */
const NO_AMF = new Uint8Array(2);
const NONCE_OCTETS = 32;

/** `sqn`: the highest SQN taken so far. A new card takes any, so no state need outlive the process. */
export function createAkaCard(key: MilenageKey, sqn = 0n): AkaCard {
  let highest = sqn;
  return {
    answer(nonce) {
      const octets = Buffer.from(nonce, 'base64');
      if (octets.length < NONCE_OCTETS) return { type: 'refused' };
      const rand = octets.subarray(0, 16);
      const amf = octets.subarray(22, 24);
      const { res, ck, ik, ak, akStar } = milenage(key, rand);
      const given = xor(octets.subarray(16, 22), ak);
      if (!timingSafeEqual(macs(key, rand, given, amf).macA, octets.subarray(24, 32))) return { type: 'refused' };
      const number = numberOf(given);
      if (number <= highest) {
        const own = sqnOf(highest);
        const auts = Buffer.concat([xor(own, akStar), macs(key, rand, own, NO_AMF).macS]);
        return { type: 'resync', auts: auts.toString('base64') };
      }
      highest = number;
      return { type: 'ok', res, ck, ik };
    },
  };
}

/** What a digest takes as password: RES itself in version 1, a key made of RES, IK and CK in version 2. RFC 3310 3.3, RFC 4169 3. */
export function akaPassword(
  version: 1 | 2,
  hash: DigestAlgorithm,
  { res, ck, ik }: { res: Uint8Array; ck: Uint8Array; ik: Uint8Array },
): string | Uint8Array {
  if (version === 1) return res;
  const key = Buffer.concat([res, ik, ck]);
  return createHmac(HASH[hash], key).update('http-digest-akav2-password').digest('base64');
}

/** A challenge of the home: the nonce (base64 of RAND and AUTN), and what the SIM must prove to know. TS 33.102 6.3.2. */
export function createAkaVector(key: MilenageKey, rand: Uint8Array, sqn: bigint, amf: Uint8Array) {
  const { res, ck, ik, ak } = milenage(key, rand);
  const own = sqnOf(sqn);
  const autn = Buffer.concat([xor(own, ak), amf, macs(key, rand, own, amf).macA]);
  return { nonce: Buffer.concat([rand, autn]).toString('base64'), autn, res, ck, ik };
}

/** The SQN a SIM says it is at, or null when the AUTS (base64) is not its own. TS 33.102 6.3.5. */
export function readAuts(key: MilenageKey, rand: Uint8Array, auts: string): bigint | null {
  const octets = Buffer.from(auts, 'base64');
  if (octets.length !== 14) return null;
  const sqn = xor(octets.subarray(0, 6), milenage(key, rand).akStar);
  return timingSafeEqual(macs(key, rand, sqn, NO_AMF).macS, octets.subarray(6)) ? numberOf(sqn) : null;
}

function numberOf(sqn: Uint8Array): bigint {
  return BigInt(`0x${Buffer.from(sqn).toString('hex')}`);
}

function sqnOf(number: bigint): Buffer {
  return Buffer.from(number.toString(16).padStart(12, '0').slice(-12), 'hex');
}
