/** Reception statistics of one RTP source, as reception reports and the call's totals need them. RFC 3550 6.4.1, A.1, A.3, A.8. */

/** Jumps of more than this are a new source, not loss. */
export const MAX_JUMP = 3_000;

export interface Receiver {
  ssrc: number;
  /** A source is known. */
  started: boolean;
  baseSeq: number;
  maxSeq: number;
  /** Wraps of the sequence number, times 65536. */
  cycles: number;
  /** Of this source. */
  received: number;
  expectedPrior: number;
  receivedPrior: number;
  transit: number;
  /** Timestamp units. */
  jitter: number;
  /** Of the call so far: jitter at each report, added up, and how many. */
  jitterSum: number;
  jitterCount: number;
  /** All sources. */
  packets: number;
  bytes: number;
  lostBefore: number;
  /** From the source's last sender report: middle bits of its NTP time, and when it came (ms); 0 when none. */
  lastSr: number;
  lastSrAt: number;
}

export function receiver(): Receiver {
  return {
    ssrc: 0,
    started: false,
    baseSeq: 0,
    maxSeq: 0,
    cycles: 0,
    received: 0,
    expectedPrior: 0,
    receivedPrior: 0,
    transit: Number.NaN,
    jitter: 0,
    jitterSum: 0,
    jitterCount: 0,
    packets: 0,
    bytes: 0,
    lostBefore: 0,
    lastSr: 0,
    lastSrAt: 0,
  };
}

/** Counts a packet; `arrival` in timestamp units, NaN when its timestamp tells nothing of its time (telephone events). */
export function receive(
  r: Receiver,
  ssrc: number,
  seq: number,
  timestamp: number,
  bytes: number,
  arrival: number,
): void {
  r.packets += 1;
  r.bytes += bytes;
  const delta = ((seq - r.maxSeq) << 16) >> 16;
  if (!r.started || ssrc !== r.ssrc || delta > MAX_JUMP || delta < -MAX_JUMP) restart(r, ssrc, seq);
  else if (delta > 0) {
    if (seq < r.maxSeq) r.cycles += 65_536;
    r.maxSeq = seq;
  }
  r.received += 1;
  if (Number.isNaN(arrival)) return;
  // Modulo 2^32 as a signed number: both clocks wrap.
  const transit = (arrival - timestamp) | 0;
  const moved = Number.isNaN(r.transit) ? 0 : Math.abs((transit - r.transit) | 0);
  r.transit = transit;
  r.jitter += (moved - r.jitter) / 16;
}

/** Goes on with a codec whose clock is `factor` times as fast. */
export function rescale(r: Receiver, factor: number): void {
  r.jitter *= factor;
  r.jitterSum *= factor;
  r.transit = Number.NaN;
}

/** Packets lost of all sources so far; never negative. */
export function lostTotal(r: Receiver): number {
  return r.lostBefore + (r.started ? Math.max(0, expected(r) - r.received) : 0);
}

export interface ReportBlock {
  ssrc: number;
  fraction: number;
  lost: number;
  highestSeq: number;
  jitter: number;
  lastSr: number;
  /** 1/65536 s. */
  sinceLastSr: number;
}

/** The report block for this source, or null without one; starts the next interval. `now` in ms. */
export function report(r: Receiver, now: number): ReportBlock | null {
  if (!r.started) return null;
  r.jitterSum += r.jitter;
  r.jitterCount += 1;
  const expectedNow = expected(r);
  const expectedInterval = expectedNow - r.expectedPrior;
  const lostInterval = expectedInterval - (r.received - r.receivedPrior);
  r.expectedPrior = expectedNow;
  r.receivedPrior = r.received;
  const fraction =
    expectedInterval <= 0 || lostInterval <= 0 ? 0 : Math.min(255, Math.floor((lostInterval * 256) / expectedInterval));
  return {
    ssrc: r.ssrc,
    fraction,
    lost: Math.max(-0x80_0000, Math.min(0x7f_ffff, expectedNow - r.received)),
    highestSeq: (r.cycles + r.maxSeq) >>> 0,
    jitter: Math.round(r.jitter),
    lastSr: r.lastSr,
    sinceLastSr: r.lastSr === 0 ? 0 : Math.round((now - r.lastSrAt) * 65.536) >>> 0,
  };
}

function expected(r: Receiver): number {
  return r.cycles + r.maxSeq - r.baseSeq + 1;
}

function restart(r: Receiver, ssrc: number, seq: number): void {
  r.lostBefore = lostTotal(r);
  if (ssrc !== r.ssrc) r.lastSr = 0;
  r.ssrc = ssrc;
  r.started = true;
  r.baseSeq = seq;
  r.maxSeq = seq;
  r.cycles = 0;
  r.received = 0;
  r.expectedPrior = 0;
  r.receivedPrior = 0;
  r.transit = Number.NaN;
  r.jitter = 0;
}
