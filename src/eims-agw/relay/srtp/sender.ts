/** SRTP and SRTCP that we send under one master key: no index of a source is used twice. RFC 3711 3.3, 3.4. */
import type { SrtpKey } from '../dtls/types.ts';
import { RTCP_CLEAR_BYTES } from './cipher.ts';
import { headerBytes, nearestIndex } from './packet-index.ts';
import { ciphersOf, RTCP_END, RTP_END, type SrtpSuite } from './suite.ts';
import { look, mark, type Window, window256 } from './window.ts';

export interface SrtpSender {
  /**
   * Protects an RTP packet of `length` bytes at the start of `buffer`, in place, with `MAX_OVERHEAD` bytes of room
   * behind it. Returns the new length; 0 when this very packet was sent before; -1 when it cannot be sent: too old,
   * malformed, or the keys are used up. Whoever wants to send a packet again keeps what came out: two texts under one
   * index would give both away.
   */
  protectRtp(buffer: Buffer, length: number): number;
  /** The same for RTCP. */
  protectRtcp(buffer: Buffer, length: number): number;
  /** Forgets key stream made in advance. */
  quiet(): void;
  /** It is good for nothing afterwards. */
  close(): void;
}

/** One source we send. */
interface Source {
  ssrc: number;
  rtp: Window;
}

/** Takes over the master key and wipes it. `most`: SSRCs it may have; none is forgotten, or what it has protected would be counted anew. */
export function srtpSender(suite: SrtpSuite, master: SrtpKey, most: number): SrtpSender {
  const out = ciphersOf(suite, master);
  /** The newest first. */
  const sources: Source[] = [];
  let rtcpNext = 1;
  let closed = false;

  const sourceOf = (ssrc: number): Source | null => {
    const [first] = sources;
    if (first !== undefined && first.ssrc === ssrc) return first;
    const known = sources.find(source => source.ssrc === ssrc);
    if (known !== undefined || sources.length >= most) return known ?? null;
    const fresh: Source = { ssrc, rtp: window256() };
    sources.unshift(fresh);
    return fresh;
  };

  return {
    protectRtp(buffer, length) {
      const header = headerBytes(buffer, length);
      if (header < 0 || closed) return -1;
      const ssrc = buffer.readUInt32BE(8);
      const source = sourceOf(ssrc);
      if (source === null) return -1;
      const index = nearestIndex(source.rtp.top, buffer.readUInt16BE(2));
      if (index < 0 || index >= RTP_END) return -1;
      const seen = look(source.rtp, index);
      if (seen !== 'new') return seen === 'seen' ? 0 : -1;
      mark(source.rtp, index);
      out.rtp.sealRtp(buffer, header, length, ssrc, index);
      return length + out.rtp.tagBytes;
    },
    protectRtcp(buffer, length) {
      if (length < RTCP_CLEAR_BYTES || rtcpNext >= RTCP_END || closed) return -1;
      const index = rtcpNext;
      rtcpNext += 1;
      return out.rtcp.sealRtcp(buffer, length, index);
    },
    quiet: () => out.rtp.idle(),
    close() {
      closed = true;
      for (const cipher of [out.rtp, out.rtcp]) cipher.close();
    },
  };
}
