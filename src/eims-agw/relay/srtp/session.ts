/** SRTP and SRTCP of one association: what we send under our keys, what we take under theirs. RFC 3711 3.3, 3.4. */
import type { SrtpKey, SrtpKeys, SrtpProfile } from '../dtls/types.ts';
import { aesCm } from './aes-cm.ts';
import { aesGcm } from './aes-gcm.ts';
import { INDEX_BYTES, type PacketCipher, RTCP_CLEAR_BYTES } from './cipher.ts';
import { sessionKeys } from './key.ts';
import { look, mark, type Window, window256 } from './window.ts';

const AUTH_BYTES = 20;
/** Sources of one association. None is forgotten: with it would go what it has sent, and all of that could be played back. */
const MAX_SSRCS = 64;
/** SSRCs of ours: one of the sound, one of the picture. More would count anew what these keys have protected. */
const MAX_SENDERS = 2;
/** How far ahead of the last packet one that continues a stream may be. */
const NEAR = 64;
const RTP_END = 2 ** 48;
const RTCP_END = 2 ** 31;
/** What a handshake can agree on, and keys in SDP. */
export type SrtpSuite = SrtpProfile | 'SRTP_AES128_CM_HMAC_SHA1_32';
/** What protection adds at most: tag of GCM and the SRTCP index. */
export const MAX_OVERHEAD = 20;

/** One source we receive. */
interface Source {
  ssrc: number;
  rtp: Window;
  rtcp: Window;
}

/** One source we send. */
interface Sender {
  ssrc: number;
  rtp: Window;
}

/** Why a packet was not taken. Counted by the leg. */
export type SrtpDrop = 'malformed' | 'replay' | 'tag' | 'ssrc' | 'usedUp';

export interface SrtpSession {
  /**
   * Protects an RTP packet of `length` bytes at the start of `buffer`, in place, with `MAX_OVERHEAD` bytes of room
   * behind it. Returns the new length; 0 when this very packet was sent before; -1 when it cannot be sent: too old,
   * malformed, or the keys are used up. Whoever wants to send a packet again keeps what came out: two texts under one
   * index would give both away.
   */
  protectRtp(buffer: Buffer, length: number): number;
  /** The same for RTCP. */
  protectRtcp(buffer: Buffer, length: number): number;
  /** Checks and decrypts in place. Returns the length in clear, or why it was dropped; a dropped packet changes nothing. */
  unprotectRtp(packet: Buffer): number | SrtpDrop;
  unprotectRtcp(packet: Buffer): number | SrtpDrop;
  /** Whether a packet seems to be one of the next of a source that is known: what nobody off the path can guess. */
  continues(packet: Buffer, rtcp: boolean): boolean;
  /** Forgets key stream made in advance for a side that has gone quiet. */
  quiet(side: 'sent' | 'received'): void;
  /** The session is good for nothing afterwards: nothing is protected and nothing is taken. */
  close(): void;
}

/** Takes over the master keys and wipes them. */
export function srtpSession(profile: SrtpSuite, keys: SrtpKeys): SrtpSession {
  const out = ciphers(profile, keys.local);
  const into = ciphers(profile, keys.remote);
  for (const { key, salt } of [keys.local, keys.remote]) {
    key.fill(0);
    salt.fill(0);
  }
  const senders: Sender[] = [];
  let rtcpNext = 1;
  const sources: Source[] = [];
  let last: Source | null = null;
  let closed = false;

  const sourceOf = (ssrc: number): Source | null => {
    if (last !== null && last.ssrc === ssrc) return last;
    last = sources.find(source => source.ssrc === ssrc) ?? null;
    return last;
  };
  /** GCM has the index behind its tag, counter mode before it. RFC 7714 9.2, RFC 3711 3.4. */
  const indexWordAt = (length: number): number =>
    profile === 'SRTP_AEAD_AES_128_GCM' ? length - INDEX_BYTES : length - into.rtcp.tagBytes - INDEX_BYTES;

  const senderOf = (ssrc: number): Sender | null => {
    const [first] = senders;
    if (first !== undefined && first.ssrc === ssrc) return first;
    const known = senders.find(sender => sender.ssrc === ssrc);
    if (known !== undefined || senders.length >= MAX_SENDERS) return known ?? null;
    const fresh: Sender = { ssrc, rtp: window256() };
    senders.push(fresh);
    return fresh;
  };

  return {
    protectRtp(buffer, length) {
      const header = headerBytes(buffer, length);
      if (header < 0 || closed) return -1;
      const ssrc = buffer.readUInt32BE(8);
      const sender = senderOf(ssrc);
      if (sender === null) return -1;
      const index = guess(sender.rtp.top, buffer.readUInt16BE(2));
      if (index < 0 || index >= RTP_END) return -1;
      const seen = look(sender.rtp, index);
      if (seen !== 'new') return seen === 'seen' ? 0 : -1;
      mark(sender.rtp, index);
      out.rtp.sealRtp(buffer, header, length, ssrc, index);
      return length + out.rtp.tagBytes;
    },
    protectRtcp(buffer, length) {
      if (length < RTCP_CLEAR_BYTES || rtcpNext >= RTCP_END || closed) return -1;
      const index = rtcpNext;
      rtcpNext += 1;
      return out.rtcp.sealRtcp(buffer, length, index);
    },
    unprotectRtp(packet) {
      if (closed) return 'usedUp';
      const end = packet.length - into.rtp.tagBytes;
      const header = headerBytes(packet, end);
      if (header < 0) return 'malformed';
      const ssrc = packet.readUInt32BE(8);
      const known = sourceOf(ssrc);
      if (known === null && sources.length >= MAX_SSRCS) return 'ssrc';
      const index = guess(known?.rtp.top ?? -1, packet.readUInt16BE(2));
      if (index < 0) return 'replay';
      if (index >= RTP_END) return 'usedUp';
      if (known !== null && look(known.rtp, index) !== 'new') return 'replay';
      if (!into.rtp.openRtp(packet, header, end, ssrc, index)) return 'tag';
      last = known ?? admit(sources, ssrc);
      mark(last.rtp, index);
      return end;
    },
    unprotectRtcp(packet) {
      if (closed) return 'usedUp';
      const { length } = packet;
      const wordAt = indexWordAt(length);
      if (length < RTCP_CLEAR_BYTES + into.rtcp.tagBytes + INDEX_BYTES || (packet[0] ?? 0) >> 6 !== 2)
        return 'malformed';
      const word = packet.readUInt32BE(wordAt);
      // Without the E flag the packet would be in clear: never in WebRTC. RFC 8827 6.5.
      if (word < RTCP_END) return 'malformed';
      const ssrc = packet.readUInt32BE(4);
      const known = sourceOf(ssrc);
      if (known === null && sources.length >= MAX_SSRCS) return 'ssrc';
      const index = word - RTCP_END;
      if (known !== null && look(known.rtcp, index) !== 'new') return 'replay';
      const clear = into.rtcp.openRtcp(packet, length);
      if (clear < 0) return 'tag';
      last = known ?? admit(sources, ssrc);
      mark(last.rtcp, index);
      return clear;
    },
    continues(packet, rtcp) {
      if (packet.length < 12 + into.rtp.tagBytes) return false;
      const known = sourceOf(packet.readUInt32BE(rtcp ? 4 : 8));
      if (known === null) return false;
      const window = rtcp ? known.rtcp : known.rtp;
      const index = rtcp
        ? packet.readUInt32BE(indexWordAt(packet.length)) - RTCP_END
        : guess(window.top, packet.readUInt16BE(2));
      return index <= window.top + NEAR && look(window, index) === 'new';
    },
    quiet(side) {
      if (side === 'sent') out.rtp.idle();
      else into.rtp.idle();
    },
    close() {
      closed = true;
      for (const cipher of [out.rtp, out.rtcp, into.rtp, into.rtcp]) cipher.close();
    },
  };
}

function ciphers(profile: SrtpSuite, master: SrtpKey): { rtp: PacketCipher; rtcp: PacketCipher } {
  const make = (protocol: 'rtp' | 'rtcp') => {
    const gcm = profile === 'SRTP_AEAD_AES_128_GCM';
    const keys = sessionKeys(master, protocol, gcm ? 0 : AUTH_BYTES);
    const short = profile === 'SRTP_AES128_CM_HMAC_SHA1_32' && protocol === 'rtp';
    const cipher = gcm ? aesGcm(keys) : aesCm(keys, short ? 4 : 10);
    for (const bytes of [keys.key, keys.auth, keys.salt]) bytes.fill(0);
    return cipher;
  };
  return { rtp: make('rtp'), rtcp: make('rtcp') };
}

/** Bytes of an RTP header with CSRC list and extension, or -1 when they do not fit into `end`. RFC 3550 5.1. */
function headerBytes(packet: Buffer, end: number): number {
  const first = packet[0] ?? 0;
  let header = 12 + 4 * (first & 15);
  if (end < header || first >> 6 !== 2) return -1;
  if ((first & 0x10) !== 0) {
    if (end < header + 4) return -1;
    header += 4 + 4 * packet.readUInt16BE(header + 2);
    if (end < header) return -1;
  }
  return header;
}

/** The index nearest to the highest one so far; negative before the start of the stream. RFC 3711 3.3.1. */
function guess(top: number, seq: number): number {
  if (top < 0) return seq;
  const low = top % 65_536;
  const base = top - low;
  if (low < 32_768) return seq - low > 32_768 ? base - 65_536 + seq : base + seq;
  return low - 32_768 > seq ? base + 65_536 + seq : base + seq;
}

/** A new source, authenticated. */
function admit(sources: Source[], ssrc: number): Source {
  const source: Source = { ssrc, rtp: window256(), rtcp: window256() };
  sources.push(source);
  return source;
}
