/** SRTP and SRTCP of one browser leg, both ways. */
import { affords, spend } from '../rtp/bucket.ts';
import { isRtcp } from '../rtp/rtcp.ts';
import { sentPackets } from '../rtp/sent-packets.ts';
import { drive, type Leg } from './leg.ts';
import { MAX_OVERHEAD } from './srtp/suite.ts';

/** After so many authenticated packets the browser has our last flight. */
const CONFIRMED_PACKETS = 10;
/** After so many wrong tags within a second only what continues a known stream is looked at ... */
const DOUBT_AFTER = 100;
/** ... and after so many nothing is, for the rest of it. */
const MUTE_AFTER = 1_000;
const BUFFER_BYTES = 2_048;

/** SRTP or SRTCP of a source that has proved itself. */
export function takeMedia(leg: Leg, packet: Buffer): void {
  const { srtp, counts } = leg;
  if (srtp === null || leg.done) {
    counts.early += 1;
    return;
  }
  const now = leg.share.clock.now();
  const rtcp = isRtcp(packet);
  const wrong = leg.wrongLately;
  if (wrong > MUTE_AFTER || (wrong > DOUBT_AFTER && !srtp.continues(packet, rtcp))) {
    counts.muted += 1;
    return;
  }
  // Only what is authentic spends the rate: junk under the browser's address must not silence it.
  if (!affords(leg.bucket, packet.length, now)) {
    counts.rate += 1;
    return;
  }
  const { length } = packet;
  const clear = rtcp ? srtp.unprotectRtcp(packet) : srtp.unprotectRtp(packet);
  if (typeof clear === 'string') {
    counts[clear] += 1;
    if (clear === 'tag') leg.wrongLately += 1;
    return;
  }
  spend(leg.bucket, length);
  leg.agent.mediaAt = now;
  leg.takenLately += 1;
  leg.taken += 1;
  if (leg.taken === CONFIRMED_PACKETS) drive(leg, (dtls, _now, out) => dtls.confirmed(out));
  leg.events.packet(packet.subarray(0, clear));
}

/** Protects a packet in a buffer of the mux and sends it to the selected source; with `keep` what left is kept. */
export function sendMedia(leg: Leg, packet: Buffer, keep = false): boolean {
  const { srtp, share } = leg;
  const { selected } = leg.agent;
  if (srtp === null || selected === null || leg.done || packet.length > BUFFER_BYTES - MAX_OVERHEAD) return false;
  const buffer = share.mux.buffer();
  if (buffer === null) return false;
  packet.copy(buffer);
  const rtcp = isRtcp(packet);
  const length = rtcp ? srtp.protectRtcp(buffer, packet.length) : srtp.protectRtp(buffer, packet.length);
  if (length > 0) {
    share.mux.send(buffer, length, selected.address, selected.port);
    if (keep) {
      leg.kept ??= sentPackets();
      leg.kept.keep(buffer.subarray(0, length));
    }
  }
  leg.sentLately += 1;
  // A copy of what was sent needs no second sending.
  return length >= 0;
}

/** Sends what left under this sequence number once more, bit for bit: under one index there is never another text. */
export function resendMedia(leg: Leg, seq: number): boolean {
  const { selected } = leg.agent;
  const kept = leg.kept?.find(seq) ?? null;
  if (kept === null || selected === null || leg.done) return false;
  const buffer = leg.share.mux.buffer();
  if (buffer === null) return true;
  kept.copy(buffer);
  leg.share.mux.send(buffer, kept.length, selected.address, selected.port);
  return true;
}
