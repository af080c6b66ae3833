/** Which source may speak for the far end, and where it is answered: symmetric RTP without a door for injected packets. */
import type { ImsTarget } from '../engine.ts';

const SAME_ADDRESS_PACKETS = 3;
const OTHER_ADDRESS_PACKETS = 5;
const OTHER_ADDRESS_QUIET_MS = 500;
const WINDOW_PACKETS = 10;
const WINDOW_MS = 2_000;
const RELEARN_MS = 5_000;

export interface Latch {
  target: ImsTarget | null;
  latched: boolean;
  /** Where packets go and, once latched, come from. */
  address: string;
  port: number;
  rtcpAddress: string;
  rtcpPort: number;
  /** Last packet of the latched source, or of the announced address; ms. */
  heardAt: number;
  /** The source that may latch next. */
  candidateAddress: string;
  candidatePort: number;
  candidateSsrc: number;
  candidateSeq: number;
  candidateCount: number;
  /** Learning from unannounced sources: since when, and how many packets. */
  windowAt: number;
  windowCount: number;
  /** Sources of other addresses may latch when this allows them; null: never. */
  mayMove: ((address: string, port: number) => boolean) | null;
}

export function latch(mayMove: Latch['mayMove']): Latch {
  return {
    target: null,
    latched: false,
    address: '',
    port: 0,
    rtcpAddress: '',
    rtcpPort: 0,
    heardAt: Number.NEGATIVE_INFINITY,
    candidateAddress: '',
    candidatePort: 0,
    candidateSsrc: 0,
    candidateSeq: 0,
    candidateCount: 0,
    windowAt: 0,
    windowCount: 0,
    mayMove,
  };
}

/** Takes what SDP announced; learning begins again when that changed. */
export function aim(l: Latch, target: ImsTarget | null): void {
  const old = l.target;
  l.target = target;
  if (target === null) return;
  if (old !== null && old.address === target.address && old.port === target.port) {
    if (old.rtcpAddress === target.rtcpAddress && old.rtcpPort === target.rtcpPort) return;
  } else {
    l.latched = false;
    l.address = target.address;
    l.port = target.port;
    l.candidateCount = 0;
    l.windowCount = 0;
  }
  l.rtcpAddress = target.rtcpAddress;
  l.rtcpPort = target.rtcpPort;
}

/** Whether packets of this source can be taken at all, whatever is in them: to open others is not worth it. */
export function mayBeFar(l: Latch, address: string, port: number): boolean {
  const { target, mayMove } = l;
  if (target === null) return false;
  if (address === target.address || address === target.rtcpAddress) return true;
  return l.latched ? address === l.address : mayMove?.(address, port) === true;
}

/** Whether a valid RTP packet may be passed on; learns from it. `now` in ms. */
export function acceptRtp(l: Latch, address: string, port: number, ssrc: number, seq: number, now: number): boolean {
  const { target } = l;
  // A source port of 0 is possible on the wire, and nobody can be answered there.
  if (target === null || port === 0) return false;
  if (l.latched && address === l.address && port === l.port) {
    l.heardAt = now;
    return true;
  }
  if (address === target.address && port === target.port) {
    // Another port of its own address has proved to be it; another address may be somebody who was faster.
    if (l.latched && l.address === address && now - l.heardAt < RELEARN_MS) return false;
    settle(l, address, port, now);
    return true;
  }
  if (l.latched) return false;
  return learn(l, target, address, port, ssrc, seq, now);
}

/** Whether an RTCP packet may be taken: it shares the address of RTP. */
export function acceptRtcp(l: Latch, address: string, port: number): boolean {
  const { target } = l;
  if (target === null || port === 0) return false;
  if (
    address !== (l.latched ? l.address : target.address) &&
    !(address === target.rtcpAddress && port === target.rtcpPort)
  )
    return false;
  l.rtcpAddress = address;
  l.rtcpPort = port;
  return true;
}

function learn(
  l: Latch,
  target: ImsTarget,
  address: string,
  port: number,
  ssrc: number,
  seq: number,
  now: number,
): boolean {
  const sameAddress = address === target.address;
  if (!sameAddress) {
    if (l.mayMove === null || now - l.heardAt < OTHER_ADDRESS_QUIET_MS || !l.mayMove(address, port)) return false;
  }
  if (l.windowCount === 0) l.windowAt = now;
  l.windowCount += 1;
  if (l.windowCount > WINDOW_PACKETS || now - l.windowAt > WINDOW_MS) return false;
  const known = l.candidateAddress === address && l.candidatePort === port && l.candidateSsrc === ssrc;
  const follows = sameAddress || ((seq - l.candidateSeq) & 0xffff) < 0x8000;
  l.candidateCount = known && follows ? l.candidateCount + 1 : 1;
  l.candidateAddress = address;
  l.candidatePort = port;
  l.candidateSsrc = ssrc;
  l.candidateSeq = seq;
  if (sameAddress) l.heardAt = now;
  if (l.candidateCount < (sameAddress ? SAME_ADDRESS_PACKETS : OTHER_ADDRESS_PACKETS)) return false;
  settle(l, address, port, now);
  return true;
}

function settle(l: Latch, address: string, port: number, now: number): void {
  l.latched = true;
  l.address = address;
  l.port = port;
  l.heardAt = now;
}
