/** SRTP and SRTCP of one browser leg: what we send under our keys, what we take under theirs. RFC 3711 3.3, 3.4. */
import type { SrtpKey, SrtpKeys, SrtpProfile } from '../dtls/types.ts';
import { aesCm } from './aes-cm.ts';
import { aesGcm } from './aes-gcm.ts';
import { INDEX_BYTES, type PacketCipher, RTCP_CLEAR_BYTES } from './cipher.ts';
import { sessionKeys } from './key.ts';
import { look, mark, type Window, window256 } from './window.ts';

const AUTH_BYTES = 20;
const MAX_SSRCS = 8;
/** A source may be put out for a new one after this silence, ms. */
const IDLE_SSRC_MS = 5_000;
const RTP_END = 2 ** 48;
const RTCP_END = 2 ** 31;
/** What protection adds at most: tag of GCM and the SRTCP index. */
export const MAX_OVERHEAD = 20;

/** One source we receive. */
interface Source {
  ssrc: number;
  rtp: Window;
  rtcp: Window;
  /** ms. */
  heardAt: number;
}

/** Why a packet was not taken. Counted by the leg. */
export type SrtpDrop = 'malformed' | 'replay' | 'tag' | 'ssrc' | 'usedUp';

export interface SrtpSession {
  /**
   * Protects an RTP packet of `length` bytes at the start of `buffer`, in place, with `MAX_OVERHEAD` bytes of room
   * behind it. Returns the new length; 0 when this very packet was sent before; -1 when it cannot be sent: too old,
   * malformed, or the keys are used up.
   */
  protectRtp(buffer: Buffer, length: number): number;
  /** The same for RTCP. */
  protectRtcp(buffer: Buffer, length: number): number;
  /** Checks and decrypts in place. Returns the length in clear, or why it was dropped; a dropped packet changes nothing. `now` in ms. */
  unprotectRtp(packet: Buffer, now: number): number | SrtpDrop;
  unprotectRtcp(packet: Buffer, now: number): number | SrtpDrop;
  /** Forgets key stream made in advance for a side that has gone quiet. */
  quiet(side: 'sent' | 'received'): void;
  close(): void;
}

/** Takes over the master keys of a handshake and wipes them. */
export function srtpSession(profile: SrtpProfile, keys: SrtpKeys): SrtpSession {
  const out = ciphers(profile, keys.local);
  const into = ciphers(profile, keys.remote);
  for (const { key, salt } of [keys.local, keys.remote]) {
    key.fill(0);
    salt.fill(0);
  }
  const sender = { ssrc: -1, rtp: window256(), rtcpNext: 1 };
  const sources: Source[] = [];
  let last: Source | null = null;

  const sourceOf = (ssrc: number): Source | null => {
    if (last !== null && last.ssrc === ssrc) return last;
    last = sources.find(source => source.ssrc === ssrc) ?? null;
    return last;
  };

  return {
    protectRtp(buffer, length) {
      const header = headerBytes(buffer, length);
      if (header < 0) return -1;
      const ssrc = buffer.readUInt32BE(8);
      // One SSRC for each key: a second one would begin a second count of what these keys have protected.
      if (sender.ssrc < 0) sender.ssrc = ssrc;
      if (ssrc !== sender.ssrc) return -1;
      const index = guess(sender.rtp.top, buffer.readUInt16BE(2));
      if (index < 0 || index >= RTP_END) return -1;
      const seen = look(sender.rtp, index);
      if (seen !== 'new') return seen === 'seen' ? 0 : -1;
      mark(sender.rtp, index);
      out.rtp.sealRtp(buffer, header, length, ssrc, index);
      return length + out.rtp.tagBytes;
    },
    protectRtcp(buffer, length) {
      if (length < RTCP_CLEAR_BYTES || sender.rtcpNext >= RTCP_END) return -1;
      const index = sender.rtcpNext;
      sender.rtcpNext += 1;
      return out.rtcp.sealRtcp(buffer, length, index);
    },
    unprotectRtp(packet, now) {
      const end = packet.length - into.rtp.tagBytes;
      const header = headerBytes(packet, end);
      if (header < 0) return 'malformed';
      const ssrc = packet.readUInt32BE(8);
      const known = sourceOf(ssrc);
      if (known === null && !roomFor(sources, now)) return 'ssrc';
      const index = guess(known?.rtp.top ?? -1, packet.readUInt16BE(2));
      if (index < 0) return 'replay';
      if (index >= RTP_END) return 'usedUp';
      if (known !== null && look(known.rtp, index) !== 'new') return 'replay';
      if (!into.rtp.openRtp(packet, header, end, ssrc, index)) return 'tag';
      last = known ?? admit(sources, ssrc, now);
      last.heardAt = now;
      mark(last.rtp, index);
      return end;
    },
    unprotectRtcp(packet, now) {
      const { length } = packet;
      const wordAt =
        profile === 'SRTP_AEAD_AES_128_GCM' ? length - INDEX_BYTES : length - into.rtcp.tagBytes - INDEX_BYTES;
      if (length < RTCP_CLEAR_BYTES + into.rtcp.tagBytes + INDEX_BYTES || (packet[0] ?? 0) >> 6 !== 2)
        return 'malformed';
      const word = packet.readUInt32BE(wordAt);
      // Without the E flag the packet would be in clear: never in WebRTC. RFC 8827 6.5.
      if (word < RTCP_END) return 'malformed';
      const ssrc = packet.readUInt32BE(4);
      const known = sourceOf(ssrc);
      if (known === null && !roomFor(sources, now)) return 'ssrc';
      const index = word - RTCP_END;
      if (known !== null && look(known.rtcp, index) !== 'new') return 'replay';
      const clear = into.rtcp.openRtcp(packet, length);
      if (clear < 0) return 'tag';
      last = known ?? admit(sources, ssrc, now);
      last.heardAt = now;
      mark(last.rtcp, index);
      return clear;
    },
    quiet(side) {
      if (side === 'sent') out.rtp.idle();
      else into.rtp.idle();
    },
    close() {
      for (const cipher of [out.rtp, out.rtcp, into.rtp, into.rtcp]) cipher.close();
    },
  };
}

function ciphers(profile: SrtpProfile, master: SrtpKey): { rtp: PacketCipher; rtcp: PacketCipher } {
  const make = (protocol: 'rtp' | 'rtcp') => {
    const gcm = profile === 'SRTP_AEAD_AES_128_GCM';
    const keys = sessionKeys(master, protocol, gcm ? 0 : AUTH_BYTES);
    const cipher = gcm ? aesGcm(keys) : aesCm(keys);
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

function roomFor(sources: readonly Source[], now: number): boolean {
  return sources.length < MAX_SSRCS || sources.some(source => now - source.heardAt >= IDLE_SSRC_MS);
}

/** A new source, authenticated; the one silent longest makes room for it. */
function admit(sources: Source[], ssrc: number, now: number): Source {
  const source: Source = { ssrc, rtp: window256(), rtcp: window256(), heardAt: now };
  if (sources.length < MAX_SSRCS) sources.push(source);
  else {
    let oldest = 0;
    for (let i = 1; i < sources.length; i += 1) {
      if ((sources[i]?.heardAt ?? 0) < (sources[oldest]?.heardAt ?? 0)) oldest = i;
    }
    sources[oldest] = source;
  }
  return source;
}
