/** SRTP and SRTCP of one browser leg, both ways. */
import { affords, spend } from '../rtp/bucket.ts';
import { isRtcp } from '../rtp/rtcp.ts';
import { drive, type Leg } from './leg.ts';
import { MAX_OVERHEAD } from './srtp/session.ts';

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

/** Protects a packet in a buffer of the mux and sends it to the selected source; `again` when it was sent before and got lost. */
export function sendMedia(leg: Leg, packet: Buffer, again = false): boolean {
  const { srtp, share } = leg;
  const { selected } = leg.agent;
  if (srtp === null || selected === null || leg.done || packet.length > BUFFER_BYTES - MAX_OVERHEAD) return false;
  const buffer = share.mux.buffer();
  if (buffer === null) return false;
  packet.copy(buffer);
  const rtcp = isRtcp(packet);
  const length = rtcp ? srtp.protectRtcp(buffer, packet.length) : srtp.protectRtp(buffer, packet.length, again);
  if (length > 0) share.mux.send(buffer, length, selected.address, selected.port);
  leg.sentLately += 1;
  // A copy of what was sent needs no second sending.
  return length >= 0;
}
