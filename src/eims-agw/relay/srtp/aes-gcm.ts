/** AEAD_AES_128_GCM for SRTP and SRTCP, by node:crypto. RFC 7714 8, 9. */
import { createCipheriv, createDecipheriv, createSecretKey } from 'node:crypto';
import { E_FLAG, INDEX_BYTES, type PacketCipher, RTCP_CLEAR_BYTES } from './cipher.ts';
import type { SessionKeys } from './key.ts';

const TAG_BYTES = 16;
const ALGORITHM = 'aes-128-gcm';
const iv = Buffer.alloc(12);
const aad = Buffer.alloc(RTCP_CLEAR_BYTES + INDEX_BYTES);

/** `keys.salt` has 12 bytes; `keys.auth` is not used. They may be wiped afterwards. */
export function aesGcm(keys: SessionKeys): PacketCipher {
  const key = createSecretKey(keys.key);
  const salt = Buffer.from(keys.salt);

  const seal = (packet: Buffer, from: number, end: number, associated: Buffer, tagAt: number) => {
    const cipher = createCipheriv(ALGORITHM, key, iv);
    cipher.setAAD(associated);
    cipher.update(packet.subarray(from, end)).copy(packet, from);
    cipher.final();
    cipher.getAuthTag().copy(packet, tagAt);
  };
  const open = (packet: Buffer, from: number, end: number, associated: Buffer): boolean => {
    const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_BYTES });
    decipher.setAAD(associated);
    decipher.setAuthTag(packet.subarray(end, end + TAG_BYTES));
    const clear = decipher.update(packet.subarray(from, end));
    try {
      decipher.final();
    } catch {
      return false;
    }
    clear.copy(packet, from);
    return true;
  };
  return {
    tagBytes: TAG_BYTES,
    sealRtp(packet, header, end, ssrc, index) {
      setIv(salt, ssrc, Math.floor(index / 65_536), index & 0xffff);
      seal(packet, header, end, packet.subarray(0, header), end);
    },
    openRtp(packet, header, end, ssrc, index) {
      setIv(salt, ssrc, Math.floor(index / 65_536), index & 0xffff);
      return open(packet, header, end, packet.subarray(0, header));
    },
    sealRtcp(packet, end, index) {
      setIv(salt, packet.readUInt32BE(4), Math.floor(index / 65_536), index & 0xffff);
      const wordAt = end + TAG_BYTES;
      packet.writeUInt32BE(E_FLAG + index, wordAt);
      seal(packet, RTCP_CLEAR_BYTES, end, associatedRtcp(packet, wordAt), end);
      return wordAt + INDEX_BYTES;
    },
    openRtcp(packet, length) {
      const wordAt = length - INDEX_BYTES;
      const end = wordAt - TAG_BYTES;
      const index = packet.readUInt32BE(wordAt) % E_FLAG;
      setIv(salt, packet.readUInt32BE(4), Math.floor(index / 65_536), index & 0xffff);
      return open(packet, RTCP_CLEAR_BYTES, end, associatedRtcp(packet, wordAt)) ? end : -1;
    },
    idle() {
      return;
    },
    close() {
      salt.fill(0);
    },
  };
}

/** Two zero bytes, SSRC, roll-over counter (upper half of the SRTCP index) and sequence number, XOR the salt. RFC 7714 8.1, 9.1. */
function setIv(salt: Buffer, ssrc: number, high: number, low: number): void {
  iv[0] = 0;
  iv[1] = 0;
  iv.writeUInt32BE(ssrc, 2);
  iv.writeUInt32BE(high, 6);
  iv.writeUInt16BE(low, 10);
  for (let i = 0; i < 12; i += 1) iv[i] = (iv[i] as number) ^ (salt[i] as number);
}

function associatedRtcp(packet: Buffer, wordAt: number): Buffer {
  packet.copy(aad, 0, 0, RTCP_CLEAR_BYTES);
  packet.copy(aad, RTCP_CLEAR_BYTES, wordAt, wordAt + INDEX_BYTES);
  return aad;
}
