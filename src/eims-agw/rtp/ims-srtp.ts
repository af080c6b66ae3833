/** SRTP at the sockets of one line towards the IMS side, with keys in SDP: what arrives is opened before anyone sees it, what leaves is protected after all else. RFC 3711, RFC 4568. */
import { randomBytes } from 'node:crypto';
import type { SdesKey, SdesSuite } from '../engine.ts';
import { MAX_OVERHEAD, type SrtpSession, type SrtpSuite, srtpSession } from '../relay/srtp/session.ts';
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
  /** A leg for packets in clear; one that was sent already leaves once more as it left before. */
  protecting(leg: ImsLeg): ImsLeg;
}

/** Why a packet was not taken, as it is counted. */
type Drop = (reason: 'srtp' | 'oversize' | 'wrongSource') => void;

/** `again`: packets may be asked for again, so what left is kept. */
export function imsSrtp(suite: SdesSuite, again: boolean, drop: Drop): ImsSrtp {
  const ours = randomBytes(MASTER_BYTES);
  const sent = again ? sentPackets() : null;
  let session: SrtpSession | null = null;
  let held: string | null = null;
  let begun = false;

  /** Null: it is dropped. */
  const opened = (by: SrtpSession, packet: Buffer, rtcp: boolean): Buffer | null => {
    const clear = rtcp ? by.unprotectRtcp(packet) : by.unprotectRtp(packet);
    if (typeof clear === 'number') return packet.subarray(0, clear);
    drop('srtp');
    return null;
  };
  /** Null: it cannot be sent. */
  const protectedCopy = (by: SrtpSession, packet: Buffer, start: number, rtcp: boolean): Buffer | null => {
    const length = packet.length - start;
    const copy = Buffer.allocUnsafe(length + MAX_OVERHEAD);
    packet.copy(copy, 0, start);
    const end = rtcp ? by.protectRtcp(copy, length) : by.protectRtp(copy, length);
    if (end === 0) return sent?.find(copy.readUInt16BE(2)) ?? null;
    return end < 0 ? null : copy.subarray(0, end);
  };

  return {
    key: ours.toString('base64'),
    agree(theirs) {
      const key = theirs?.key ?? null;
      if (key === held) return false;
      held = key;
      session?.close();
      sent?.forget();
      session =
        key === null
          ? null
          : srtpSession(SUITES[suite], {
              local: master(Buffer.from(ours)),
              remote: master(Buffer.from(key, 'base64')),
            });
      const anew = begun && session !== null;
      begun ||= session !== null;
      return anew;
    },
    opening({ rtp, rtcp, fault }, mayBeFar) {
      const clearTo =
        (take: ImsLegEvents['rtp'], isRtcp: boolean): ImsLegEvents['rtp'] =>
        (packet, from) => {
          if (session === null) take(packet, from);
          else if (!mayBeFar(from.address, from.port)) drop('wrongSource');
          else if (packet.length > MAX_BYTES) drop('oversize');
          else {
            const clear = opened(session, packet, isRtcp);
            if (clear !== null) take(clear, from);
          }
        };
      return { rtp: clearTo(rtp, false), rtcp: clearTo(rtcp, true), fault };
    },
    protecting: leg => ({
      port: leg.port,
      sendRtp(packet, start, port, address) {
        if (session === null) return leg.sendRtp(packet, start, port, address);
        const out = protectedCopy(session, packet, start, false);
        if (out === null) return;
        sent?.keep(out);
        leg.sendRtp(out, 0, port, address);
      },
      sendRtcp(packet, port, address) {
        const out = session === null ? packet : protectedCopy(session, packet, 0, true);
        if (out !== null) leg.sendRtcp(out, port, address);
      },
      close() {
        session?.close();
        ours.fill(0);
        leg.close();
      },
    }),
  };
}

function master(bytes: Buffer): { key: Buffer; salt: Buffer } {
  return { key: bytes.subarray(0, KEY_BYTES), salt: bytes.subarray(KEY_BYTES) };
}
