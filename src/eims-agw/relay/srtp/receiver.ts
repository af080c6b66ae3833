/** SRTP and SRTCP that we take under one master key: what is authentic, each packet once. RFC 3711 3.3, 3.4. */
import type { SrtpKey } from '../dtls/types.ts';
import { INDEX_BYTES, RTCP_CLEAR_BYTES } from './cipher.ts';
import { headerBytes, nearestIndex } from './packet-index.ts';
import { ciphersOf, RTCP_END, RTP_END, type SrtpSuite } from './suite.ts';
import { look, mark, type Window, window256 } from './window.ts';

/** Sources of one association. None is forgotten: with it would go what it has sent, and all of that could be played back. */
const MAX_SSRCS = 64;
/** How far ahead of the last packet one that continues a stream may be. */
const NEAR = 64;

/** Why a packet was not taken. Counted by the leg. */
export type SrtpDrop = 'malformed' | 'replay' | 'tag' | 'ssrc' | 'usedUp';

/** Highest index so far of each source. */
export type Counted = ReadonlyMap<number, number>;

export interface SrtpReceiver {
  /** Checks and decrypts in place. Returns the length in clear, or why it was dropped; a dropped packet changes nothing. */
  unprotectRtp(packet: Buffer): number | SrtpDrop;
  unprotectRtcp(packet: Buffer): number | SrtpDrop;
  /** Whether a packet seems to be one of the next of a source that is known: what nobody off the path can nearestIndex. */
  continues(packet: Buffer, rtcp: boolean): boolean;
  /** Where its sources stand, for the receiver of the next key of the same far end. */
  counted(): Counted;
  /** Forgets key stream made in advance. */
  quiet(): void;
  /** It is good for nothing afterwards. */
  close(): void;
}

/** One source we receive. */
interface Source {
  ssrc: number;
  rtp: Window;
  rtcp: Window;
}

const NOTHING: Counted = new Map();

/**
 * Takes over the master key and wipes it. A far end whose key before this one had `counted` so far may begin anew or
 * count on: both are in use. RFC 3711 3.3.1.
 */
export function srtpReceiver(suite: SrtpSuite, master: SrtpKey, counted: Counted = NOTHING): SrtpReceiver {
  const into = ciphersOf(suite, master);
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
    suite === 'SRTP_AEAD_AES_128_GCM' ? length - INDEX_BYTES : length - into.rtcp.tagBytes - INDEX_BYTES;

  return {
    unprotectRtp(packet) {
      if (closed) return 'usedUp';
      const end = packet.length - into.rtp.tagBytes;
      const header = headerBytes(packet, end);
      if (header < 0) return 'malformed';
      const ssrc = packet.readUInt32BE(8);
      const known = sourceOf(ssrc);
      if (known === null && sources.length >= MAX_SSRCS) return 'ssrc';
      const number = packet.readUInt16BE(2);
      let index = nearestIndex(known?.rtp.top ?? -1, number);
      if (index < 0) return 'replay';
      if (index >= RTP_END) return 'usedUp';
      if (known !== null && look(known.rtp, index) !== 'new') return 'replay';
      if (!into.rtp.openRtp(packet, header, end, ssrc, index)) {
        const before = known === null ? counted.get(ssrc) : undefined;
        if (before === undefined) return 'tag';
        index = nearestIndex(before, number);
        if (index < 0 || index >= RTP_END || !into.rtp.openRtp(packet, header, end, ssrc, index)) return 'tag';
      }
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
      // Without the E flag the packet would be in clear: never in WebRTC, nor where SDP does not say so. RFC 8827 6.5, RFC 4568 6.3.2.
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
        : nearestIndex(window.top, packet.readUInt16BE(2));
      return index <= window.top + NEAR && look(window, index) === 'new';
    },
    counted: () => new Map(sources.filter(({ rtp }) => rtp.top >= 0).map(({ ssrc, rtp }) => [ssrc, rtp.top])),
    quiet: () => into.rtp.idle(),
    close() {
      closed = true;
      for (const cipher of [into.rtp, into.rtcp]) cipher.close();
    },
  };
}

/** A new source, authenticated. */
function admit(sources: Source[], ssrc: number): Source {
  const source: Source = { ssrc, rtp: window256(), rtcp: window256() };
  sources.push(source);
  return source;
}
