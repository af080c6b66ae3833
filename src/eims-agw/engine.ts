/** What a media engine does for the media plane: small plain messages both ways, so an engine may live in another process or host. */
import type { MediaFailure } from '../ep-cscf/input.ts';
import type { MediaSide } from '../ep-cscf/words.ts';
import type { Fingerprint, IceCredentials, Setup } from '../sdp/index.ts';
import type { Family } from './realm.ts';

/** Our end of one browser leg, ready to be written into SDP. */
export interface WebTransport extends IceCredentials {
  address: string;
  /** The address of the other family, under the same port. */
  otherAddress?: string;
  port: number;
  /** SHA-256 value. */
  fingerprint: string;
  iceLite: boolean;
  /** What the engine answers to `actpass`. */
  answerSetup: 'active' | 'passive';
  /** What it sends bears whatever SSRC, and not the one that it was asked to use: none is announced, since browsers take what bears another for a stream of nobody. */
  anySsrc?: true;
  /** That of the picture, while there is one and the engine does not bundle. */
  video?: WebTransport;
}

/** The browser's end of one transport, from its SDP. */
export interface WebEnd {
  mid: string;
  ice: IceCredentials;
  fingerprint: Fingerprint;
  setup: Setup;
  candidates: string[];
}

/** The browser's end: of all, or of the sound and of the picture where the engine does not bundle. */
export interface WebRemote extends WebEnd {
  video?: WebEnd;
}

/** Where a session meets the core. */
export interface ImsPlace {
  /** Name of the realm; null: that of realms with no media settings of their own. */
  realm: string | null;
  family: Family;
}

export interface LegRequest {
  /** Number of the leg, never used twice in a session. */
  leg: number;
  /** SSRC (of the sound; see `videoSsrc`) and CNAME of what we send to the browser. */
  ssrc: number;
  cname: string;
}

/** SSRC of the picture we send to a browser: the one behind that of the sound, and never 0. */
export function videoSsrc(ssrc: number): number {
  return (ssrc % 0xffff_ffff) + 1;
}

/** What the bytes of a payload type mean: name as in rtpmap (any case), clock in Hz, format parameters as written. RFC 8866 6.6. */
export interface PayloadFormat {
  name: string;
  clock: number;
  channels: number;
  fmtp: string | null;
}

/**
 * One accepted payload type and what becomes of it. How `from` is made `to` is the engine's affair: the same format is
 * sent on, others are transcoded. What it cannot do it drops and counts; nobody asks for it who has read its `caps`.
 */
export interface PtRule {
  in: number;
  out: number;
  kind: 'speech' | 'event' | 'video';
  from: PayloadFormat;
  to: PayloadFormat;
}

/** What an engine can do; may change when it starts again. */
export interface EngineCaps {
  /** Speech formats it can decode and encode: it makes any of these into any other. Equal formats pass without. */
  transcode: readonly PayloadFormat[];
  /** Carries video streams; it never transcodes them. */
  video: boolean;
  /** Several m-lines of a browser on one transport. RFC 9143. */
  bundle: boolean;
  /** Plays announcements. */
  play: boolean;
  /** Its key towards the core outlasts a time of plain RTP, as between forks that answer an offer of both. */
  keyLasts: boolean;
}

/** Suites of SRTP with keys in SDP. RFC 4568 6.2. */
export type SdesSuite = 'AES_CM_128_HMAC_SHA1_80' | 'AES_CM_128_HMAC_SHA1_32';

/** What one party protects its packets with. Never for a log. */
export interface SdesKey {
  suite: SdesSuite;
  /** Master key and salt, 30 bytes in base64. */
  key: string;
}

export interface ImsTarget {
  address: string;
  port: number;
  rtcpAddress: string;
  rtcpPort: number;
  /** The key of what it sends; without one both ways are plain RTP. */
  sdes?: SdesKey;
}

/** Our end of a line towards the core. */
export interface ImsPorts {
  address: string;
  port: number;
  /** Of what we send, under the suite that was asked for; it stays as long as the ports. With `keyLater` it may come later. */
  key?: string;
}

/** What is relayed of the video of a call, beside its sound. */
export interface VideoRoute {
  target: ImsTarget | null;
  toIms: PtRule[];
  toWeb: PtRule[];
  toImsOpen: boolean;
  toWebOpen: boolean;
  /** The far end takes feedback packets: AVPF was agreed. RFC 4585. */
  feedback: boolean;
  /** Ids of the header extension for the orientation of the camera on both sides; null: not agreed, dropped. TS 26.114 7.4.5. */
  orientation: { web: number; ims: number } | null;
}

/** All that decides what is relayed; each replaces the one before. */
export interface Route {
  /** The leg joined with the IMS side, or null. */
  leg: number | null;
  target: ImsTarget | null;
  toIms: PtRule[];
  toWeb: PtRule[];
  toImsOpen: boolean;
  toWebOpen: boolean;
  /** Whether silence of the IMS side counts. */
  supervise: boolean;
  /** Null when there is none; it needs the ports of `add-video`. */
  video: VideoRoute | null;
}

/** What the settings call it, and the file as the hosts of the engine know it. */
export interface Announcement {
  name: string;
  file: string;
}

export type EngineCommand =
  /** Takes the IMS ports and our end of each leg. -> `opened` or `refused`. */
  | {
      type: 'open';
      session: number;
      op: number;
      place: ImsPlace;
      legs: LegRequest[];
      /** What the caps of then said it codes: the far ends will be offered that. */
      transcode?: readonly PayloadFormat[];
      /** There shall be a key for SRTP towards the core; without one its packets are plain. */
      sdes?: SdesSuite;
      /** Nobody needs it before a browser connects. */
      keyLater?: true;
    }
  /** -> `leg-added` or `refused`. */
  | { type: 'add-leg'; session: number; op: number; leg: LegRequest }
  /** Starts ICE and DTLS of a leg; once more when a picture with a transport of its own has come to it. -> `connecting` or `refused`. */
  | { type: 'connect'; session: number; op: number; leg: number; remote: WebRemote }
  /** ICE restart: new credentials both ways, everything else stays. -> `restarted` or `refused`. */
  | { type: 'restart'; session: number; op: number; leg: number; remote: WebRemote }
  | { type: 'candidates'; session: number; leg: number; candidates: string[] }
  | { type: 'drop-leg'; session: number; leg: number }
  /** Takes IMS ports for video; those it had before are given back. `kept`: with the transport that a browser has kept, if it can be had. -> `video-added` or `refused`. */
  | { type: 'add-video'; session: number; op: number; sdes?: SdesSuite; keyLater?: true; kept?: true }
  /** Gives them back. `kept`: the browser has refused the picture and kept the transport that it was offered. */
  | { type: 'drop-video'; session: number; kept?: true }
  /** Asks the browser for a key frame of its video, unless it just was. */
  | { type: 'key-frame'; session: number }
  | { type: 'route'; session: number; route: Route }
  /** Plays a file to a side, once or again and again, in place of what is played to it; null ends that. -> `playing`. */
  | { type: 'play'; session: number; side: MediaSide; what: Announcement | null; repeat: boolean }
  /** Frees everything. -> `closed`. */
  | { type: 'close'; session: number };

/** What one side sent us, and what it says of the packets we sent it; null: not known. */
export interface EngineLegStats {
  packets: number;
  bytes: number;
  lost: number | null;
  /** Mean over the call. */
  jitterMs: number | null;
  farLost: number | null;
  /** Mean over the call. */
  roundTripMs: number | null;
}

/** Totals of a session. */
export interface EngineTotals {
  fromWeb: EngineLegStats;
  fromIms: EngineLegStats;
  /** How the browser was reached at the end, such as `udp4 AES_CM_128_HMAC_SHA1_80`; null when it never was, or the engine does not tell. */
  path: string | null;
  oneWay: SilentSide | null;
}

const NO_LEG: EngineLegStats = { packets: 0, bytes: 0, lost: null, jitterMs: null, farLost: null, roundTripMs: null };
/** Of a session that never carried anything. */
export const NO_TOTALS: EngineTotals = { fromWeb: NO_LEG, fromIms: NO_LEG, path: null, oneWay: null };

/** Who sent nothing though the call was answered and connected. */
export type SilentSide = 'web' | 'ims' | 'both';

/** What was dropped, by reason, and telephone events seen; they only grow. */
export type EngineCounts = Readonly<Record<string, number>>;

/** Why a browser leg is gone: it went silent or failed, it said goodbye (close_notify), it is not who its SDP said. */
export type LegLoss = 'web' | 'left' | 'fingerprint';

export type EngineEvent =
  | { type: 'opened'; session: number; op: number; ims: ImsPorts; legs: WebTransport[] }
  | { type: 'leg-added'; session: number; op: number; transport: WebTransport }
  /** `transport`: the picture's own, of an engine that does not bundle. */
  | {
      type: 'video-added';
      session: number;
      op: number;
      ims: ImsPorts;
      transport?: WebTransport;
    }
  | { type: 'restarted'; session: number; op: number; transport: WebTransport }
  /** With our keys towards the core, of the sound and of the picture, where they were not told before. */
  | { type: 'connecting'; session: number; op: number; key?: string; videoKey?: string }
  | { type: 'refused'; session: number; op: number; failure: MediaFailure }
  | { type: 'leg-up'; session: number; leg: number }
  | { type: 'leg-down'; session: number; leg: number; cause: LegLoss }
  | { type: 'ims-silent'; session: number }
  /** The file begins, and lasts so long; null: it cannot be played. */
  | { type: 'playing'; session: number; side: MediaSide; name: string; ms: number | null }
  /** Answered and connected, yet nothing comes from a side. */
  | { type: 'one-way'; session: number; side: SilentSide }
  /** The browser lacks a key frame, and the far end takes no feedback. Seldom. */
  | { type: 'key-frame-wanted'; session: number }
  | ({ type: 'closed'; session: number } & EngineTotals)
  /** The engine lost the session; nothing more comes of it. With what is known of what it had carried. */
  | ({ type: 'lost'; session: number } & EngineTotals);

/** Who passes the packets of a media stream on: the kernel module of its daemon, the daemon itself, or both by turns. */
export type StreamPath = 'kernel' | 'userspace' | 'mixed';

export interface EngineHealth {
  ok: boolean;
  sessions: number;
  /** 0 to 1: share of the capacity in use. */
  load: number;
  /** Parts that carry media: processes of ours, or daemons. */
  workers: number;
  /** Each of them by name, where they have names. */
  daemons?: ReadonlyArray<{
    name: string;
    up: boolean;
    sessions: number;
    /** Media streams on it, those of others too. */
    streams: Readonly<Record<StreamPath, number>>;
  }>;
}

/** What was found before a start, in sentences: what is in the way of calls, and what is less than the settings ask for. */
export interface EngineCheck {
  faults: string[];
  notes: string[];
}

export interface Engine {
  /** Looks whether it could work, and starts nothing; not there when only a start can tell. */
  check?(): Promise<EngineCheck>;
  /** Rejects with one clear sentence when the engine cannot work here. */
  start(): Promise<void>;
  /** Ends every session and everything the engine holds. */
  close(): Promise<void>;
  send(command: EngineCommand): void;
  health(): EngineHealth;
  /** As found by `start`. */
  caps(): EngineCaps;
}
