/** What the media plane must be told; the composition root fills it from the configuration. */
import type { SrtpPolicy } from './sdes.ts';

/** Speech codecs by their names in rtpmap. */
export type CodecName = 'PCMA' | 'PCMU' | 'G722' | 'opus' | 'AMR' | 'AMR-WB';

export interface PortRange {
  min: number;
  max: number;
}

/** SRTP protection profiles by the names of RFC 3711 and RFC 7714. */
export type SrtpName = 'AES_CM_128_HMAC_SHA1_80' | 'AEAD_AES_128_GCM';

/** The daemons of the engine `rtpengine`. */
export interface RtpengineSettings {
  /** Numeric addresses of their ng sockets; `calls` is the most one takes. */
  daemons: Array<{ host: string; port: number; weight: number; calls: number }>;
  /** Names of the daemons' interfaces. */
  webInterface: string;
  imsInterface: string;
  /** Realms whose calls meet the core on another interface, by name. */
  realmInterfaces: Readonly<Record<string, string>>;
  /** Versions the operator answers for. */
  versions: string[];
}

/** One address of ours. */
export interface MediaHost {
  /** Local address to bind; an address of this host. */
  bind: string;
  /** Address written into SDP; differs from `bind` behind 1:1 NAT. */
  advertise: string;
}

/** Our side of media towards one realm. */
export interface ImsMedia extends MediaHost {
  /** The address of the other family, when there are both; calls we offer take the first. */
  other?: MediaHost;
  /** Networks (CIDR) far ends may have their media in; nothing else is ever sent to. */
  mediaPrefixes: string[];
  /** Take media from another address of these networks when the announced one stays silent. */
  natLatch: boolean;
  /** Speech codecs of its calls, when they are not those of all. */
  webCodecs?: CodecName[];
  imsCodecs?: CodecName[];
  /** SRTP with keys in SDP; without a word there is none. */
  srtp?: SrtpPolicy;
}

export interface MediaSettings {
  engine: 'relay' | 'rtpengine';
  rtpengine: RtpengineSettings;
  /** Protection towards browsers by preference. */
  srtp: SrtpName[];
  /** Worker processes; each has one UDP port towards browsers and a share of the IMS ports. */
  workers: number;
  sessionsPerWorker: number;
  /** A worker whose event loop is later than this takes no new calls, ms. */
  shedLagMs: number;
  /** Speech codecs by preference; those that the engine can neither pass nor code are not offered. */
  webCodecs: CodecName[];
  imsCodecs: CodecName[];
  /** Files of what is played, by name. */
  announcements: Readonly<Record<string, string>>;
  /** Cap of the video each way, kbit/s; 0: no video. */
  videoKbps: number;
  /** `other`: the address of the other family, a candidate of its own. */
  web: MediaHost & { other?: MediaHost; ports: PortRange };
  /** Of realms that say nothing of their own; the ports are those of all. */
  ims: ImsMedia & { ports: PortRange };
  /** Of realms that do, by name. */
  realms: Readonly<Record<string, ImsMedia>>;
  /** Our own signalling ports: never a media target on our own addresses. */
  signallingPorts: number[];
  /** Deadline of one operation, ms. */
  operationMs: number;
  /** Between our RTCP reports, ms. RFC 3550 6.2. */
  rtcpMs: number;
  /** No RTP and no RTCP from the IMS side, while not held, ms. */
  imsSilentMs: number;
  /** How long a lost browser leg may be replaced before the call's media counts as lost, ms. */
  webGraceMs: number;
  /** The same for a browser that said goodbye, as a page does that is closed or loaded again, ms. */
  webLeftMs: number;
}

export const MEDIA_DEFAULTS: MediaSettings = {
  engine: 'relay',
  rtpengine: { daemons: [], webInterface: 'web', imsInterface: 'ims', realmInterfaces: {}, versions: [] },
  srtp: ['AES_CM_128_HMAC_SHA1_80', 'AEAD_AES_128_GCM'],
  workers: 1,
  sessionsPerWorker: 120,
  shedLagMs: 20,
  webCodecs: ['opus', 'PCMA', 'PCMU'],
  imsCodecs: ['AMR-WB', 'AMR', 'PCMA', 'PCMU'],
  announcements: {},
  videoKbps: 0,
  web: { bind: '127.0.0.1', advertise: '127.0.0.1', ports: { min: 20_000, max: 20_099 } },
  ims: {
    bind: '127.0.0.1',
    advertise: '127.0.0.1',
    ports: { min: 21_000, max: 24_999 },
    mediaPrefixes: ['127.0.0.0/8'],
    natLatch: false,
  },
  realms: {},
  signallingPorts: [],
  operationMs: 2_000,
  rtcpMs: 5_000,
  imsSilentMs: 60_000,
  webGraceMs: 30_000,
  webLeftMs: 8_000,
};

/** Time as the media plane sees it: ms of a monotonic clock, and one-shot timers; `after` returns its cancel. */
export interface Clock {
  now(): number;
  after(ms: number, run: () => void): () => void;
}

export type Log = (
  level: 'debug' | 'info' | 'warn' | 'error',
  message: string,
  fields: Readonly<Record<string, string | number | boolean | null>>,
) => void;

export type Count = (name: string, labels: Readonly<Record<string, string>>, value: number) => void;
