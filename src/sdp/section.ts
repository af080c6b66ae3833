/** What the attributes of one level (session or m-line) have said so far. */
import type { Bandwidth, Crypto, Direction, Fingerprint, MediaDesc, SessionDesc, Setup } from './session.ts';

/** Attributes of one level, gathered in one pass over its lines. */
export interface Level {
  direction: Direction | null;
  address: string | null;
  ufrag: string | null;
  pwd: string | null;
  fingerprint: Fingerprint | null;
  setup: Setup | null;
  iceLite: boolean;
  bandwidth: Bandwidth;
  groups: SessionDesc['groups'];
}

/** The fields that only an m-section has. */
export interface Section extends Level {
  mid: string | null;
  bundleOnly: boolean;
  rtcp: MediaDesc['rtcp'];
  rtcpMux: boolean;
  ptime: number | null;
  maxptime: number | null;
  crypto: Crypto[];
  rtpmaps: Map<number, { name: string; clock: number; channels: number }>;
  fmtps: Map<number, string>;
  ssrcs: Set<number>;
  fid: number | null;
  extensions: MediaDesc['extensions'];
  feedback: Set<string>;
  /** Number of the transport capability RTP/AVPF, and the configurations that need one capability of transport alone. RFC 5939 3.4, 3.5. */
  avpfCapability: number | null;
  configs: Array<{ number: number; transports: number[] }>;
  candidates: string[];
  candidateCount: number;
}

export function emptyLevel(): Level {
  return {
    direction: null,
    address: null,
    ufrag: null,
    pwd: null,
    fingerprint: null,
    setup: null,
    iceLite: false,
    bandwidth: { as: null, rs: null, rr: null },
    groups: [],
  };
}

export function emptySection(): Section {
  return {
    ...emptyLevel(),
    mid: null,
    bundleOnly: false,
    rtcp: null,
    rtcpMux: false,
    ptime: null,
    maxptime: null,
    crypto: [],
    rtpmaps: new Map(),
    fmtps: new Map(),
    ssrcs: new Set(),
    fid: null,
    extensions: [],
    feedback: new Set(),
    avpfCapability: null,
    configs: [],
    candidates: [],
    candidateCount: 0,
  };
}
