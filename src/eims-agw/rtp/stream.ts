/** One direction of a relayed call: checks a packet, counts it, and rewrites it in place for the other side. RFC 3550 5.1. */
import type { PtRule } from '../engine.ts';
import { PCMA, PCMU, sameFormat } from '../payload-format.ts';
import { type FarReport, farReport } from './far-report.ts';
import { A_TO_U, convertLaw, U_TO_A } from './g711.ts';
import { MAX_JUMP, type Receiver, receive, receiver, rescale } from './receiver.ts';

/** Until a route says which codec it is: that of G.711. */
const UNITS_PER_MS = 8;
const PACKET_MS = 20;

/** What is done with a payload type; the numbers are those of `Stream.action`. */
const FORWARD = 0;
const TO_MU = 1;
const TO_A = 2;
const EVENT = 4;
const UNSUPPORTED = 5;

/** Why packets were not passed on, and telephone events seen. */
export interface StreamCounts {
  malformed: number;
  unknownPt: number;
  /** A rule asked for what this relay cannot do. */
  unsupported: number;
  wrongSource: number;
  /** SRTP that was not authentic, or came twice. */
  srtp: number;
  oversize: number;
  rate: number;
  gate: number;
  send: number;
  events: number;
}

export interface Stream {
  /** Of the packets we send. */
  ssrc: number;
  open: boolean;
  /** Timestamp units of the codec that passes. */
  unitsPerMs: number;
  /** For each payload type in: the one out, -1 to drop. */
  out: Int16Array;
  /** For each payload type in: what is done with it. */
  action: Uint8Array;
  rx: Receiver;
  /** What the receiver of our packets says of them. */
  far: FarReport;
  counts: StreamCounts;
  /** The offsets hold for the source now heard. */
  anchored: boolean;
  inSsrc: number;
  inSeq: number;
  seqOffset: number;
  tsOffset: number;
  sent: boolean;
  outSeq: number;
  outTs: number;
  /** When `outTs` was sent, ms. */
  outAt: number;
  packets: number;
  octets: number;
  eventTs: number;
}

/** A stream of this SSRC whose numbers begin at random; `random` gives 32 bits. */
export function beginStream(ssrc: number, random: () => number): Stream {
  const s = stream(ssrc, 0, 0);
  goOn(s, ssrc, firstNumbers(random));
  return s;
}

/** Where the numbers of one SSRC stand. */
export type Numbers = Pick<Stream, 'outSeq' | 'outTs' | 'outAt' | 'sent' | 'packets' | 'octets'>;

/** The number before our first: that stays below 2^15, lest a receiver that loses it takes a wrapped number for a first. RFC 3711 3.3.1. */
const SEQ_STARTS = 0x7fff;

/** Random starts; `random` gives 32 bits. */
export function firstNumbers(random: () => number): Numbers {
  return { outSeq: random() % SEQ_STARTS, outTs: random(), outAt: 0, sent: false, packets: 0, octets: 0 };
}

export function numbersOf({ outSeq, outTs, outAt, sent, packets, octets }: Stream): Numbers {
  return { outSeq, outTs, outAt, sent, packets, octets };
}

/** Goes on under another SSRC and its numbers. */
export function goOn(s: Stream, ssrc: number, numbers: Numbers): void {
  Object.assign(s, numbers);
  s.ssrc = ssrc;
  s.anchored = false;
}

/** `seq` and `ts` are random starts. */
export function stream(ssrc: number, seq: number, ts: number): Stream {
  return {
    ssrc,
    open: false,
    unitsPerMs: UNITS_PER_MS,
    out: new Int16Array(128).fill(-1),
    action: new Uint8Array(128),
    rx: receiver(),
    far: farReport(),
    counts: {
      malformed: 0,
      unknownPt: 0,
      unsupported: 0,
      wrongSource: 0,
      srtp: 0,
      oversize: 0,
      rate: 0,
      gate: 0,
      send: 0,
      events: 0,
    },
    anchored: false,
    inSsrc: 0,
    inSeq: 0,
    seqOffset: 0,
    tsOffset: 0,
    sent: false,
    outSeq: seq & 0xffff,
    outTs: ts >>> 0,
    outAt: 0,
    packets: 0,
    octets: 0,
    eventTs: -1,
  };
}

export function setRules(s: Stream, rules: readonly PtRule[], open: boolean): void {
  s.out.fill(-1);
  s.action.fill(0);
  for (const rule of rules) {
    const action = actionOf(rule);
    s.action[rule.in] = action;
    if (action !== UNSUPPORTED) s.out[rule.in] = rule.out;
  }
  // All speech of one direction has one clock: only formats of the same one are made into each other here.
  setClock(s, (rules.find(rule => rule.kind !== 'event')?.to.clock ?? 1000 * s.unitsPerMs) / 1000);
  s.open = open;
  if (!open) s.anchored = false;
}

function actionOf({ kind, from, to }: PtRule): number {
  if (sameFormat(from, to)) return kind === 'event' ? EVENT : FORWARD;
  if (sameFormat(from, PCMA) && sameFormat(to, PCMU)) return TO_MU;
  return sameFormat(from, PCMU) && sameFormat(to, PCMA) ? TO_A : UNSUPPORTED;
}

/** Another codec's timestamps are another timeline, and its jitter is told in other units. */
function setClock(s: Stream, unitsPerMs: number): void {
  if (unitsPerMs === s.unitsPerMs) return;
  rescale(s.rx, unitsPerMs / s.unitsPerMs);
  s.unitsPerMs = unitsPerMs;
  s.anchored = false;
}

/** Offset of the payload, or -1 when the packet is malformed or of no known payload type (counted). */
export function payloadOffset(s: Stream, packet: Buffer): number {
  const length = packet.length;
  const first = packet[0] ?? 0;
  let offset = 12 + 4 * (first & 15);
  if (length < 12 || first >> 6 !== 2 || offset > length) return malformed(s);
  if (first & 0x10) {
    if (offset + 4 > length) return malformed(s);
    offset += 4 + 4 * packet.readUInt16BE(offset + 2);
  }
  const padding = first & 0x20 ? (packet[length - 1] ?? 0) : 0;
  if (offset + padding > length || (first & 0x20 && padding === 0)) return malformed(s);
  if ((s.out[(packet[1] ?? 0) & 0x7f] ?? -1) < 0) {
    if (s.action[(packet[1] ?? 0) & 0x7f] === UNSUPPORTED) s.counts.unsupported += 1;
    else s.counts.unknownPt += 1;
    return -1;
  }
  return offset;
}

/** Counts a packet that came from the right source. `now` in ms. */
export function countIn(s: Stream, packet: Buffer, now: number): void {
  const event = s.action[(packet[1] ?? 0) & 0x7f] === EVENT;
  const ts = packet.readUInt32BE(4);
  receive(
    s.rx,
    packet.readUInt32BE(8),
    packet.readUInt16BE(2),
    ts,
    packet.length,
    event ? Number.NaN : now * s.unitsPerMs,
  );
  if (event && ts !== s.eventTs) {
    s.eventTs = ts;
    s.counts.events += 1;
  }
}

/**
 * Rewrites the packet in place: own SSRC, continuous sequence and timestamps, mapped payload type, no CSRC and no
 * header extension. Returns where the new packet begins in the buffer (it ends where the old one did), or -1 when
 * the gate is closed. `offset` is that of the payload, `now` in ms.
 */
export function rewrite(s: Stream, packet: Buffer, offset: number, now: number): number {
  if (!s.open) {
    s.counts.gate += 1;
    s.anchored = false;
    return -1;
  }
  const first = packet[0] ?? 0;
  const second = packet[1] ?? 0;
  const pt = second & 0x7f;
  const seq = packet.readUInt16BE(2);
  const ts = packet.readUInt32BE(4);
  const delta = anchor(s, packet.readUInt32BE(8), seq, ts, now);
  const outSeq = (seq + s.seqOffset) & 0xffff;
  const outTs = (ts + s.tsOffset) >>> 0;
  if (delta > 0 || !s.sent) {
    s.inSeq = seq;
    s.outSeq = outSeq;
    s.outTs = outTs;
    s.outAt = now;
    s.sent = true;
  }
  const end = packet.length - (first & 0x20 ? (packet[packet.length - 1] ?? 0) : 0);
  const action = s.action[pt];
  if (action === TO_MU) convertLaw(packet, offset, end, A_TO_U);
  else if (action === TO_A) convertLaw(packet, offset, end, U_TO_A);
  const start = offset - 12;
  packet[start] = 0x80 | (first & 0x20);
  packet[start + 1] = (second & 0x80) | (s.out[pt] ?? 0);
  packet.writeUInt16BE(outSeq, start + 2);
  packet.writeUInt32BE(outTs, start + 4);
  packet.writeUInt32BE(s.ssrc, start + 8);
  s.packets += 1;
  s.octets += end - offset;
  return start;
}

/** Sets the offsets anew when the source changed: the next number out follows the last. Returns how far `seq` is ahead. */
function anchor(s: Stream, ssrc: number, seq: number, ts: number, now: number): number {
  const delta = ((seq - s.inSeq) << 16) >> 16;
  if (s.anchored && ssrc === s.inSsrc && delta <= MAX_JUMP && delta >= -MAX_JUMP) return delta;
  const units = s.sent ? Math.round(Math.max(PACKET_MS, now - s.outAt) * s.unitsPerMs) : 0;
  s.seqOffset = s.outSeq + 1 - seq;
  s.tsOffset = s.outTs + units - ts;
  s.anchored = true;
  s.inSsrc = ssrc;
  return 1;
}

function malformed(s: Stream): number {
  s.counts.malformed += 1;
  return -1;
}
