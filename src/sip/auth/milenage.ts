/** The Milenage functions f1 to f5* over AES-128. 3GPP TS 35.206. */
import { createCipheriv } from 'node:crypto';

/** What a SIM and its home share: 16 octets each. */
export interface MilenageKey {
  k: Uint8Array;
  opc: Uint8Array;
}

/** Everything of one RAND but the MACs, which depend on SQN and AMF too. */
export interface MilenageOutput {
  /** f2, 8 octets. */
  res: Buffer;
  /** f3 and f4, 16 octets each. */
  ck: Buffer;
  ik: Buffer;
  /** f5 and f5*, 6 octets each. */
  ak: Buffer;
  akStar: Buffer;
}

/** OPc of an operator's OP. TS 35.206 4.1. */
export function opcOf(k: Uint8Array, op: Uint8Array): Buffer {
  return xor(encrypt(k, op), op);
}

/** f2 to f5* of a RAND of 16 octets. TS 35.206 4.1. */
export function milenage({ k, opc }: MilenageKey, rand: Uint8Array): MilenageOutput {
  const seed = xor(encrypt(k, xor(rand, opc)), opc);
  const out = (turn: number, constant: number) => {
    const block = rotated(seed, turn);
    block[15] = (block[15] ?? 0) ^ constant;
    return xor(encrypt(k, block), opc);
  };
  const second = out(0, 1);
  return {
    res: second.subarray(8, 16),
    ck: out(4, 2),
    ik: out(8, 4),
    ak: second.subarray(0, 6),
    akStar: out(12, 8).subarray(0, 6),
  };
}

/** f1 (MAC-A) and f1* (MAC-S), 8 octets each, of a RAND, an SQN of 6 octets and an AMF of 2. TS 35.206 4.1. */
export function macs(
  { k, opc }: MilenageKey,
  rand: Uint8Array,
  sqn: Uint8Array,
  amf: Uint8Array,
): { macA: Buffer; macS: Buffer } {
  const half = Buffer.concat([sqn, amf]);
  const input = rotated(xor(Buffer.concat([half, half]), opc), 8);
  const out = xor(encrypt(k, xor(encrypt(k, xor(rand, opc)), input)), opc);
  return { macA: out.subarray(0, 8), macS: out.subarray(8, 16) };
}

function encrypt(k: Uint8Array, block: Uint8Array): Buffer {
  return createCipheriv('aes-128-ecb', k, null).setAutoPadding(false).update(block);
}

export function xor(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((octet, at) => octet ^ (b[at] ?? 0)));
}

/** Turned left by so many octets. */
function rotated(block: Uint8Array, octets: number): Buffer {
  return Buffer.concat([block.subarray(octets), block.subarray(0, octets)]);
}
