/** What a relay needs of one browser leg, whichever library terminates it. */
import type { EngineCounts, LegLoss, LegRequest, WebRemote, WebTransport } from '../engine.ts';

export interface WebEnd {
  readonly transport: WebTransport;
  /** Starts ICE and DTLS; false when the library refuses what the browser sent. */
  connect(remote: WebRemote): boolean;
  addCandidates(candidates: readonly string[]): void;
  /** Sends RTP or RTCP in clear; false when it was not sent. With `keep` an RTP packet is kept for a while to be sent again. */
  send(packet: Buffer, keep?: boolean): boolean;
  /** Sends the packet with this sequence number again as it left; false when it is not kept. Absent when this leg keeps none. */
  resend?(seq: number): boolean;
  /** What the browser may send at most from now on: sound alone, or sound and video. */
  carry?(video: boolean): void;
  /** Takes new ICE credentials for the same DTLS association; null, or absent, when this leg cannot. RFC 8445 9. */
  restart?(remote: WebRemote): WebTransport | null;
  /** How the browser is, or was last, reached: transport and SRTP profile; null before it was. */
  path?(): string | null;
  /** Drops and other figures of this leg, for metrics. */
  counts?(): EngineCounts;
  close(): void;
}

export interface WebEvents {
  /** RTP or RTCP in clear; the buffer is the receiver's to change. */
  packet(packet: Buffer): void;
  up(): void;
  down(cause: LegLoss): void;
}

export type MakeWebEnd = (request: LegRequest, events: WebEvents) => WebEnd;
