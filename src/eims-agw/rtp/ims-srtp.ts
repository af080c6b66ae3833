/** SRTP at the sockets of one line towards the IMS side, with keys in SDP: what arrives is opened before anyone sees it, what leaves is protected after all else. RFC 3711, RFC 4568. */
import { randomBytes } from 'node:crypto';
import type { SdesKey, SdesSuite } from '../engine.ts';
import { type SrtpReceiver, srtpReceiver } from '../relay/srtp/receiver.ts';
import { srtpSender } from '../relay/srtp/sender.ts';
import { MAX_OVERHEAD, type SrtpSuite } from '../relay/srtp/suite.ts';
import type { ImsLeg, ImsLegEvents } from './ims-leg.ts';
import { sentPackets } from './sent-packets.ts';

const SUITES: Readonly<Record<SdesSuite, SrtpSuite>> = {
  AES_CM_128_HMAC_SHA1_80: 'SRTP_AES128_CM_HMAC_SHA1_80',
  AES_CM_128_HMAC_SHA1_32: 'SRTP_AES128_CM_HMAC_SHA1_32',
};
const KEY_BYTES = 16;
const MASTER_BYTES = 30;
/** What the relay takes of the core is shorter; to open it costs by its length. */
const MAX_BYTES = 1_500;
/** After so many packets within a second that are not authentic, only what continues a known stream is looked at. */
const DOUBT_AFTER = 100;
/** One for each time that the far end is another or has another key: more than a call sees. */
const MAX_SSRCS = 256;
/** Keys of far ends that are remembered with what came under them; the one longest out of use goes. */
const MAX_KEYS = 8;

export interface ImsSrtp {
  /** Of what we send: master key and salt in base64. */
  readonly key: string;
  /**
   * Takes the far end's key; without one both ways are plain. True when what we send has to go on under another SSRC:
   * whoever has a new key counts from the beginning, and under the old SSRC our numbers would come twice.
   */
  agree(theirs: SdesKey | undefined): boolean;
  /** Takers of packets in clear. What is of nobody that `mayBeFar` is not opened. */
  opening(events: ImsLegEvents, mayBeFar: (address: string, port: number) => boolean): ImsLegEvents;
  /** Once a second: whoever was doubted is heard again. */
  tick(): void;
  /** A leg for packets in clear; one that was sent already leaves once more as it left before. */
  protecting(leg: ImsLeg): ImsLeg;
}

/** Why a packet was not taken, as it is counted. */
type Drop = (reason: 'srtp' | 'oversize' | 'wrongSource') => void;

/** `again`: packets may be asked for again, so what left is kept. */
export function imsSrtp(suite: SdesSuite, again: boolean, drop: Drop): ImsSrtp {
  const key = randomBytes(MASTER_BYTES).toString('base64');
  /** One for as long as there is the key, whoever the far end is: so no number of it comes twice. */
  const out = srtpSender(SUITES[suite], masterOf(key), MAX_SSRCS);
  const sent = again ? sentPackets() : null;
  const far = farKeys(SUITES[suite]);
  let into: SrtpReceiver | null = null;
  let held: string | null = null;
  let begun = false;
  let wrongLately = 0;

  /** Null: it is dropped. */
  const opened = (by: SrtpReceiver, packet: Buffer, rtcp: boolean): Buffer | null => {
    const doubted = wrongLately > DOUBT_AFTER && !by.continues(packet, rtcp);
    const clear = doubted ? 'tag' : rtcp ? by.unprotectRtcp(packet) : by.unprotectRtp(packet);
    if (typeof clear === 'number') return packet.subarray(0, clear);
    if (clear === 'tag') wrongLately += 1;
    drop('srtp');
    return null;
  };
  /** Null: it cannot be sent. */
  const protectedCopy = (packet: Buffer, start: number, rtcp: boolean): Buffer | null => {
    const length = packet.length - start;
    const copy = Buffer.allocUnsafe(length + MAX_OVERHEAD);
    packet.copy(copy, 0, start);
    const end = rtcp ? out.protectRtcp(copy, length) : out.protectRtp(copy, length);
    if (end === 0) return sent?.find(copy.readUInt16BE(2)) ?? null;
    return end < 0 ? null : copy.subarray(0, end);
  };

  return {
    key,
    agree(theirs) {
      const next = theirs?.key ?? null;
      if (next === held) return false;
      held = next;
      sent?.forget();
      out.quiet();
      into = next === null ? null : far.use(next);
      const anew = begun && into !== null;
      begun ||= into !== null;
      return anew;
    },
    opening({ rtp, rtcp, fault }, mayBeFar) {
      const clearTo =
        (take: ImsLegEvents['rtp'], isRtcp: boolean): ImsLegEvents['rtp'] =>
        (packet, from) => {
          if (into === null) take(packet, from);
          else if (!mayBeFar(from.address, from.port)) drop('wrongSource');
          else if (packet.length > MAX_BYTES) drop('oversize');
          else {
            const clear = opened(into, packet, isRtcp);
            if (clear !== null) take(clear, from);
          }
        };
      return { rtp: clearTo(rtp, false), rtcp: clearTo(rtcp, true), fault };
    },
    tick() {
      wrongLately = 0;
    },
    protecting: leg => ({
      port: leg.port,
      sendRtp(packet, start, port, address) {
        if (into === null) return leg.sendRtp(packet, start, port, address);
        const copy = protectedCopy(packet, start, false);
        if (copy === null) return;
        sent?.keep(copy);
        leg.sendRtp(copy, 0, port, address);
      },
      sendRtcp(packet, port, address) {
        const copy = into === null ? packet : protectedCopy(packet, 0, true);
        if (copy !== null) leg.sendRtcp(copy, port, address);
      },
      close() {
        out.close();
        far.close();
        leg.close();
      },
    }),
  };
}

/**
 * What came under each key of the far ends of a line. A fork that is heard again goes on where it stood: it has not
 * begun anew to count, and what it had sent must not be taken twice. RFC 3711 3.3.1, 3.3.2.
 */
function farKeys(suite: SrtpSuite) {
  /** The one in use last. */
  const known = new Map<string, SrtpReceiver>();
  return {
    use(key: string): SrtpReceiver {
      const before = [...known.values()].at(-1);
      before?.quiet();
      const receiver = known.get(key) ?? srtpReceiver(suite, masterOf(key), before?.counted());
      known.delete(key);
      known.set(key, receiver);
      const [oldest] = known;
      if (known.size > MAX_KEYS && oldest !== undefined) {
        oldest[1].close();
        known.delete(oldest[0]);
      }
      return receiver;
    },
    close() {
      for (const receiver of known.values()) receiver.close();
      known.clear();
    },
  };
}

function masterOf(key: string): { key: Buffer; salt: Buffer } {
  const bytes = Buffer.from(key, 'base64');
  return { key: bytes.subarray(0, KEY_BYTES), salt: bytes.subarray(KEY_BYTES) };
}
