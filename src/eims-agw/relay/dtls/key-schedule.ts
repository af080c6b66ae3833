/** From the key exchange to keys: PRF, extended master secret, key block, Finished and the SRTP exporter. RFC 5246 5, RFC 7627 4, RFC 5705 4. */
import { createHash, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { cutKeyBlock, keyBlockBytes, type Protection, type Suite } from './suite.ts';
import type { DtlsRole, SrtpKeys, SrtpProfile } from './types.ts';

const MASTER_SECRET_BYTES = 48;
const VERIFY_DATA_BYTES = 12;
const SRTP_KEY_BYTES = 16;

/** Salt sizes of the SRTP profiles. RFC 5764 4.1.2, RFC 7714 12. */
const SALT_BYTES: Readonly<Record<SrtpProfile, number>> = {
  SRTP_AES128_CM_HMAC_SHA1_80: 14,
  SRTP_AEAD_AES_128_GCM: 12,
};

/** `size` bytes of P_SHA256. A KeyObject costs a fifth of a raw secret per HMAC. RFC 5246 5. */
function prf(secret: KeyObject, label: string, seed: Uint8Array, size: number): Buffer {
  const labelled = Buffer.concat([Buffer.from(label, 'latin1'), seed]);
  const out = Buffer.alloc(Math.ceil(size / 32) * 32);
  let a: Buffer = labelled;
  for (let at = 0; at < size; at += 32) {
    a = createHmac('sha256', secret).update(a).digest();
    createHmac('sha256', secret).update(a).update(labelled).digest().copy(out, at);
  }
  return out.subarray(0, size);
}

/** SHA-256 over the handshake messages so far. */
function hashOf(transcript: readonly Buffer[]): Buffer {
  const hash = createHash('sha256');
  for (const message of transcript) hash.update(message);
  return hash.digest();
}

/** The master secret; the transcript ends with ClientKeyExchange. Wipes `preMaster`. RFC 7627 4. */
export function extendedMasterSecret(preMaster: Buffer, transcript: readonly Buffer[]): KeyObject {
  const secret = createSecretKey(preMaster);
  preMaster.fill(0);
  const master = prf(secret, 'extended master secret', hashOf(transcript), MASTER_SECRET_BYTES);
  const key = createSecretKey(master);
  master.fill(0);
  return key;
}

/** Record keys of both directions. RFC 5246 6.3. */
export function recordKeys(
  master: KeyObject,
  suite: Suite,
  clientRandom: Buffer,
  serverRandom: Buffer,
): { client: Protection; server: Protection } {
  const seed = Buffer.concat([serverRandom, clientRandom]);
  return cutKeyBlock(suite, prf(master, 'key expansion', seed, keyBlockBytes(suite)));
}

/** verify_data of the Finished message of `sender`. RFC 5246 7.4.9. */
export function verifyData(master: KeyObject, sender: DtlsRole, transcript: readonly Buffer[]): Buffer {
  return prf(master, `${sender} finished`, hashOf(transcript), VERIFY_DATA_BYTES);
}

/** SRTP master keys and salts as `role` sees them; the order in the exported block is client key, server key, salts. RFC 5764 4.2. */
export function srtpKeys(
  master: KeyObject,
  profile: SrtpProfile,
  role: DtlsRole,
  clientRandom: Buffer,
  serverRandom: Buffer,
): SrtpKeys {
  const salt = SALT_BYTES[profile];
  const seed = Buffer.concat([clientRandom, serverRandom]);
  const block = prf(master, 'EXTRACTOR-dtls_srtp', seed, 2 * (SRTP_KEY_BYTES + salt));
  const cut = (at: number, size: number): Buffer => block.subarray(at, at + size);
  const saltsAt = 2 * SRTP_KEY_BYTES;
  const client = { key: cut(0, SRTP_KEY_BYTES), salt: cut(saltsAt, salt) };
  const server = { key: cut(SRTP_KEY_BYTES, SRTP_KEY_BYTES), salt: cut(saltsAt + salt, salt) };
  return role === 'client' ? { local: client, remote: server } : { local: server, remote: client };
}
