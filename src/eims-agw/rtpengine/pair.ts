/** An offer and its answer, as this engine always makes them: the IMS side offers, the browser answers. */
import type { PayloadFormat, Route, SdesKey, WebEnd } from '../engine.ts';
import type { Family } from '../realm.ts';
import { describeIms, describeWeb, type Kind, type Profile, profileOf } from './describe.ts';
import { type Lines, linesOf } from './formats.ts';
import type { NgAnswer, NgFlag, NgOffer } from './ng.ts';

export type { Kind } from './describe.ts';

/** What is relayed of one stream, and how the IMS side has it. */
export type StreamRoute = Pick<Route, 'target' | 'toIms' | 'toWeb' | 'toImsOpen' | 'toWebOpen' | 'supervise'> & {
  feedback: boolean;
};

/** What all calls on a daemon share. */
export interface Habits {
  /** Names of the daemon's interfaces. */
  web: string;
  ims: string;
  /** Of the daemon's address towards the core. */
  family: Family;
  /** What a daemon behind a NAT writes for its own address towards the core. */
  advertised: ReadonlyMap<string, string>;
  /** Believe where packets of the IMS side come from rather than its SDP. */
  natLatch: boolean;
}

/** What the daemon shall know of a call. */
export interface Pair {
  kind: Kind;
  profile: Profile;
  /** Its packets towards the core are SRTP. */
  secure: boolean;
  ims: string;
  web: string;
  lines: Lines;
  /** The browser leg it is for, and the certificate announced; null before there is one. */
  leg: number | null;
  fingerprint: string | null;
}

const PCMA: PayloadFormat = { name: 'PCMA', clock: 8000, channels: 1, fmtp: null };
const VP8: PayloadFormat = { name: 'VP8', clock: 90_000, channels: 1, fmtp: null };
const UNKNOWN: Record<Kind, Lines> = {
  audio: linesOf({ toIms: [{ in: 8, out: 8, kind: 'speech', from: PCMA, to: PCMA }], toWeb: [] }),
  video: linesOf({ toIms: [{ in: 96, out: 96, kind: 'video', from: VP8, to: VP8 }], toWeb: [] }),
};
/** Of itself it would speak AMR at 6.7 and AMR-WB at 14.25 kbit/s; a `mode-set` of the far end still holds. */
const BEST_MODES = ['AMR/8000/1/12200', 'AMR-WB/16000/1/23850'];
/** Nobody's, in between two browsers that share one. */
const NOBODYS = { algorithm: 'sha-256' as const, value: Array<string>(32).fill('00').join(':') };

/** Takes ports and credentials before either far end is known; of its answer only the probe has need, and who wants the daemon's key: `sdes` then is nobody's. */
export function openingPair(kind: Kind, family: Family, sdes: SdesKey | null = null): Pair {
  const lines = UNKNOWN[kind];
  const transport = { feedback: false, sdes };
  return {
    kind,
    profile: profileOf(transport),
    secure: sdes !== null,
    ims: describeIms(kind, transport, null, lines.ims, family),
    web: describeWeb(kind, null, lines.web),
    lines,
    leg: null,
    fingerprint: null,
  };
}

/** This browser and this route; before the route has a codec, only who the browser is. `nobodys`: the key that stands for that of a far end not known yet. */
export function pairOf(
  kind: Kind,
  route: StreamRoute | null,
  leg: number,
  remote: WebEnd,
  { family, nobodys }: { family: Family; nobodys: SdesKey | null },
): Pair {
  const routed = route !== null && route.toIms.length + route.toWeb.length > 0;
  const lines = routed ? linesOf(route) : UNKNOWN[kind];
  const target = routed ? route.target : null;
  const sdes = target === null ? nobodys : (target.sdes ?? null);
  const transport = { feedback: routed && route.feedback, sdes };
  return {
    kind,
    profile: profileOf(transport),
    secure: sdes !== null,
    ims: describeIms(kind, transport, target, lines.ims, family),
    web: describeWeb(kind, remote, lines.web),
    lines,
    leg,
    fingerprint: remote.fingerprint.value,
  };
}

/** Between two browser connections with one certificate: only another makes the daemon start DTLS again. */
export function withoutCertificate(pair: Pair, remote: WebEnd): Pair {
  return {
    ...pair,
    web: describeWeb(pair.kind, { ...remote, fingerprint: NOBODYS }, pair.lines.web),
    fingerprint: null,
  };
}

/** `fresh`: with new ICE credentials. */
export function offerOf(callId: string, pair: Pair, habits: Habits, fresh: boolean): NgOffer {
  const source: NgFlag[] = habits.natLatch ? ['strict source'] : ['asymmetric', 'strict source'];
  const { transcode } = pair.lines;
  return {
    command: 'offer',
    'call-id': callId,
    'from-tag': 'ims',
    'to-tag': 'web',
    sdp: pair.ims,
    ICE: 'force',
    'ICE-lite': 'forward',
    'transport protocol': 'UDP/TLS/RTP/SAVPF',
    'rtcp-mux': ['offer', 'require'],
    SDES: ['off'],
    direction: [habits.ims, habits.web],
    // That of the browser's side; where it has none of it, the other one is taken.
    'address family': 'IP4',
    replace: ['origin', 'session connection'],
    flags: [
      'trust address',
      ...source,
      'port latching',
      'no rtcp attribute',
      ...reports(pair),
      ...(fresh ? (['reset'] as const) : []),
    ],
    ...(transcode.length === 0 ? {} : { codec: { mask: ['all'], transcode, set: BEST_MODES } }),
  };
}

export function answerOf(callId: string, pair: Pair): NgAnswer {
  return {
    command: 'answer',
    'call-id': callId,
    'from-tag': 'ims',
    'to-tag': 'web',
    sdp: pair.web,
    ICE: 'remove',
    'transport protocol': pair.profile,
    'rtcp-mux': ['demux'],
    replace: ['origin', 'session connection'],
    flags: ['trust address', ...reports(pair)],
  };
}

/** Of the sound it makes its own. Those of a picture pass, and with them what asks for key frames and lost packets; a far end without AVPF gets none of that. */
function reports({ kind }: Pair): NgFlag[] {
  return kind === 'audio' ? ['generate RTCP'] : [];
}
