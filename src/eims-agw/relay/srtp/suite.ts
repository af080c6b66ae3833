/** What protects one direction under a master key: the ciphers of its RTP and of its RTCP. */
import type { SrtpKey, SrtpProfile } from '../dtls/types.ts';
import { aesCm } from './aes-cm.ts';
import { aesGcm } from './aes-gcm.ts';
import type { PacketCipher } from './cipher.ts';
import { sessionKeys } from './key.ts';

const AUTH_BYTES = 20;
/** What a handshake can agree on, and keys in SDP. */
export type SrtpSuite = SrtpProfile | 'SRTP_AES128_CM_HMAC_SHA1_32';
/** What protection adds at most: tag of GCM and the SRTCP index. */
export const MAX_OVERHEAD = 20;
/** RTP and RTCP packets that one key protects, of one SSRC and of all. RFC 3711 9.2. */
export const RTP_END = 2 ** 48;
export const RTCP_END = 2 ** 31;

export interface Ciphers {
  rtp: PacketCipher;
  rtcp: PacketCipher;
}

/** Takes over the master key and wipes it. */
export function ciphersOf(suite: SrtpSuite, master: SrtpKey): Ciphers {
  const make = (protocol: 'rtp' | 'rtcp') => {
    const gcm = suite === 'SRTP_AEAD_AES_128_GCM';
    const keys = sessionKeys(master, protocol, gcm ? 0 : AUTH_BYTES);
    const short = suite === 'SRTP_AES128_CM_HMAC_SHA1_32' && protocol === 'rtp';
    const cipher = gcm ? aesGcm(keys) : aesCm(keys, short ? 4 : 10);
    for (const bytes of [keys.key, keys.auth, keys.salt]) bytes.fill(0);
    return cipher;
  };
  const made = { rtp: make('rtp'), rtcp: make('rtcp') };
  master.key.fill(0);
  master.salt.fill(0);
  return made;
}
