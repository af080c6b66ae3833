/** AES_CM_128_HMAC_SHA1_80 and _32: counter mode from a kept ECB cipher, key stream made for several packets in one call. RFC 3711 4.1.1, 4.2. */
import { type Cipheriv, createCipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { E_FLAG, INDEX_BYTES, type PacketCipher, RTCP_CLEAR_BYTES } from './cipher.ts';
import type { SessionKeys } from './key.ts';
import { type HmacPads, hmacPads, hmacSha1 } from './sha1.ts';

/** Of SRTCP, and of SRTP unless the suite says 32 bits. */
const TAG_BYTES = 10;
const BLOCK = 16;
/** One call makes the key stream of so many packets ... */
const AHEAD = 8;
/** ... of at most so many blocks each: 20 ms of G.711 and a little more. */
const SLOT_BLOCKS = 11;
const SLOT_BYTES = SLOT_BLOCKS * BLOCK;
/** Key stream is made ahead from the so manieth packet in a row. */
const STREAK = 3;
/** Above this a call into node:crypto is cheaper than our own SHA-1. */
const NATIVE_HMAC_BYTES = 700;
/** Payload blocks of the largest packet we take. */
const MAX_BLOCKS = 128;

const counters = Buffer.alloc(Math.max(AHEAD * SLOT_BLOCKS, MAX_BLOCKS) * BLOCK);
const counterWords = new DataView(counters.buffer, counters.byteOffset, counters.length);
const mac = new Int32Array(5);

interface State {
  ecb: Cipheriv;
  /** 14 bytes. */
  salt: DataView;
  pads: HmacPads;
  hmacKey: KeyObject;
  /** Key stream of `AHEAD` packets from `aheadIndex` on, of one SSRC. */
  ahead: Buffer | null;
  aheadSsrc: number;
  aheadIndex: number;
  /** The last packet, and how many came in a row with it. */
  lastSsrc: number;
  lastIndex: number;
  streak: number;
}

/** `keys.auth` has 20 bytes, `keys.salt` 14. They may be wiped afterwards. `tagBytes` is 10, or 4 of the suite with 32 bits for SRTP. RFC 4568 6.2.2. */
export function aesCm(keys: SessionKeys, tagBytes: 4 | 10 = TAG_BYTES): PacketCipher {
  const ecb = createCipheriv('aes-128-ecb', keys.key, null);
  ecb.setAutoPadding(false);
  const s: State = {
    ecb,
    salt: new DataView(new Uint8Array(keys.salt).buffer),
    pads: hmacPads(keys.auth),
    hmacKey: createSecretKey(keys.auth),
    ahead: null,
    aheadSsrc: 0,
    aheadIndex: 0,
    lastSsrc: -1,
    lastIndex: 0,
    streak: 0,
  };
  return {
    tagBytes,
    sealRtp(packet, header, end, ssrc, index) {
      crypt(s, packet, header, end, ssrc, index);
      authenticate(s, packet, end, Math.floor(index / 65_536));
      writeTag(packet, end, tagBytes);
    },
    openRtp(packet, header, end, ssrc, index) {
      authenticate(s, packet, end, Math.floor(index / 65_536));
      if (!tagFits(packet, end, tagBytes)) return false;
      crypt(s, packet, header, end, ssrc, index);
      return true;
    },
    sealRtcp(packet, end, index) {
      single(s, packet, RTCP_CLEAR_BYTES, end, packet.readUInt32BE(4), index);
      packet.writeUInt32BE(E_FLAG + index, end);
      authenticate(s, packet, end + INDEX_BYTES, -1);
      writeTag(packet, end + INDEX_BYTES, TAG_BYTES);
      return end + INDEX_BYTES + TAG_BYTES;
    },
    openRtcp(packet, length) {
      const signed = length - TAG_BYTES;
      const end = signed - INDEX_BYTES;
      authenticate(s, packet, signed, -1);
      if (!tagFits(packet, signed, TAG_BYTES)) return -1;
      single(s, packet, RTCP_CLEAR_BYTES, end, packet.readUInt32BE(4), packet.readUInt32BE(end) % E_FLAG);
      return end;
    },
    idle() {
      s.ahead?.fill(0);
      s.ahead = null;
      s.streak = 0;
    },
    close() {
      s.ahead?.fill(0);
      s.ahead = null;
      new Uint8Array(s.salt.buffer).fill(0);
      s.pads.fill(0);
    },
  };
}

/** Key stream for `blocks` blocks of each of `packets` packets from `index` on. RFC 3711 4.1.1. */
function keyStream(s: State, ssrc: number, index: number, packets: number, blocks: number): Buffer {
  const { salt } = s;
  const first = salt.getInt32(0);
  const second = salt.getInt32(4) ^ ssrc;
  let at = 0;
  for (let i = index; i < index + packets; i += 1) {
    const third = salt.getInt32(8) ^ Math.floor(i / 65_536);
    const fourth = (salt.getUint16(12) ^ (i & 0xffff)) << 16;
    for (let block = 0; block < blocks; block += 1, at += BLOCK) {
      counterWords.setInt32(at, first);
      counterWords.setInt32(at + 4, second);
      counterWords.setInt32(at + 8, third);
      counterWords.setInt32(at + 12, fourth | block);
    }
  }
  return s.ecb.update(counters.subarray(0, at));
}

/** Encrypts or decrypts; key stream of a packet is used once and wiped. */
function crypt(s: State, packet: Buffer, from: number, end: number, ssrc: number, index: number): void {
  s.streak = ssrc === s.lastSsrc && index === s.lastIndex + 1 ? s.streak + 1 : 1;
  s.lastSsrc = ssrc;
  s.lastIndex = index;
  const ahead = end - from > SLOT_BYTES ? null : aheadFor(s, ssrc, index);
  if (ahead === null) single(s, packet, from, end, ssrc, index);
  else {
    const at = (index - s.aheadIndex) * SLOT_BYTES;
    apply(ahead, at, packet, from, end);
    ahead.fill(0, at, at + SLOT_BYTES);
  }
}

/** The buffer that holds the key stream of this packet, made now when the stream runs steadily; null when it does not. */
function aheadFor(s: State, ssrc: number, index: number): Buffer | null {
  const slot = index - s.aheadIndex;
  if (s.ahead !== null && ssrc === s.aheadSsrc && slot >= 0 && slot < AHEAD) return s.ahead;
  if (s.streak < STREAK) return null;
  s.ahead = keyStream(s, ssrc, index, AHEAD, SLOT_BLOCKS);
  s.aheadSsrc = ssrc;
  s.aheadIndex = index;
  return s.ahead;
}

function single(s: State, packet: Buffer, from: number, end: number, ssrc: number, index: number): void {
  if (end <= from) return;
  apply(keyStream(s, ssrc, index, 1, Math.ceil((end - from) / BLOCK)), 0, packet, from, end);
}

function apply(stream: Buffer, at: number, packet: Buffer, from: number, end: number): void {
  for (let i = from, k = at; i < end; i += 1, k += 1) packet[i] = (packet[i] as number) ^ (stream[k] as number);
}

/** Leaves the tag in `mac`; `roc` -1 when none is signed. */
function authenticate(s: State, packet: Buffer, end: number, roc: number): void {
  if (end <= NATIVE_HMAC_BYTES) {
    hmacSha1(s.pads, packet, end, roc, mac);
    return;
  }
  const hmac = createHmac('sha1', s.hmacKey).update(packet.subarray(0, end));
  if (roc >= 0) {
    counters.writeUInt32BE(roc, 0);
    hmac.update(counters.subarray(0, 4));
  }
  const digest = hmac.digest();
  for (let i = 0; i < 5; i += 1) mac[i] = digest.readInt32BE(4 * i);
}

function writeTag(packet: Buffer, at: number, bytes: 4 | 10): void {
  packet.writeInt32BE(mac[0] as number, at);
  if (bytes === 4) return;
  packet.writeInt32BE(mac[1] as number, at + 4);
  packet.writeUInt16BE((mac[2] as number) >>> 16, at + 8);
}

/** All of the tag is compared, whatever the first bytes say. */
function tagFits(packet: Buffer, at: number, bytes: 4 | 10): boolean {
  if (bytes === 4) return (mac[0] as number) === packet.readInt32BE(at);
  const wrong =
    ((mac[0] as number) ^ packet.readInt32BE(at)) |
    ((mac[1] as number) ^ packet.readInt32BE(at + 4)) |
    (((mac[2] as number) >>> 16) ^ packet.readUInt16BE(at + 8));
  return wrong === 0;
}
