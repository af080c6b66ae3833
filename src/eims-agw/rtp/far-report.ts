/** What the far end's reception reports say of the packets we sent it: its losses and the round trip. RFC 3550 6.4.1. */

/** A round trip longer than this is a broken report. */
const MAX_ROUND_TRIP_MS = 60_000;
const BLOCK_BYTES = 24;

export interface FarReport {
  /** Middle bits of the NTP time in our last sender report, and when it left (ms); 0 before the first. */
  sentNtp: number;
  sentAt: number;
  /** Packets of ours that did not arrive, by the last report; null before the first. Negative with copies. */
  lost: number | null;
  roundTripSumMs: number;
  roundTrips: number;
}

export function farReport(): FarReport {
  return { sentNtp: 0, sentAt: 0, lost: null, roundTripSumMs: 0, roundTrips: 0 };
}

/** Reads the `count` report blocks from `offset` up to `end`; those about other sources than `ssrc` are passed over. `now` in ms. */
export function takeBlocks(
  far: FarReport,
  ssrc: number,
  packet: Buffer,
  offset: number,
  end: number,
  count: number,
  now: number,
): void {
  for (let i = 0, at = offset; i < count && at + BLOCK_BYTES <= end; i += 1, at += BLOCK_BYTES) {
    if (packet.readUInt32BE(at) !== ssrc) continue;
    far.lost = packet.readIntBE(at + 5, 3);
    const lastSr = packet.readUInt32BE(at + 16);
    if (lastSr === 0 || lastSr !== far.sentNtp) continue;
    const roundTripMs = now - far.sentAt - packet.readUInt32BE(at + 20) / 65.536;
    if (roundTripMs > MAX_ROUND_TRIP_MS) continue;
    // Their clock and ours run at slightly different speeds: what is nothing may come out below it.
    far.roundTripSumMs += Math.max(0, roundTripMs);
    far.roundTrips += 1;
  }
}
