/** The video of one call beside its sound: what is kept of each way, and what is relayed. Its packets are in `video-packet.ts`. */
import type { VideoRoute } from '../engine.ts';
import { againBucket, type Bucket, videoBucket } from './bucket.ts';
import type { ImsLeg } from './ims-leg.ts';
import type { ImsSrtp } from './ims-srtp.ts';
import { aim, type Latch, latch } from './latch.ts';
import { type SentPackets, sentPackets } from './sent-packets.ts';
import { beginStream, type Stream, setRules } from './stream.ts';
import type { WebEnd } from './web-end.ts';

/** One way of the picture. */
export interface Way {
  stream: Stream;
  bucket: Bucket;
  /** What its receiver may have again: a request is shorter than what it asks for. */
  again: Bucket;
  /** The receiver has a picture to build on: nothing was kept from it since it was last asked for one. */
  flows: boolean;
  /** When its sender was last asked for a key frame, ms. */
  askedAt: number;
}

export interface Video {
  ims: ImsLeg;
  /** Null: plain RTP. */
  srtp: ImsSrtp | null;
  toIms: Way;
  toWeb: Way;
  /** Towards the far end; the browser's leg keeps its own. */
  sent: SentPackets;
  latch: Latch;
  /** The far end takes feedback packets. */
  feedback: boolean;
  /** Says that a key frame is lacking, where the far end takes none. */
  wish: () => void;
  orientation: VideoRoute['orientation'];
  /** It has been heard since it was last aimed at. */
  heard: boolean;
  cname: string;
  nextReport: number;
}

/** The browser's leg as it stands. */
export interface WebNow {
  web: WebEnd | null;
  webUp: boolean;
}

/** `random` gives 32 bits, `now` ms; `cname` is the one of the sound towards the IMS side. What the browser gets begins when a leg is joined. */
export function video(ims: ImsLeg, cname: string, now: number, random: () => number, mayMove: Latch['mayMove']): Video {
  return {
    ims,
    srtp: null,
    toIms: way(random(), now, random),
    toWeb: way(0, now, random),
    sent: sentPackets(),
    latch: latch(mayMove),
    feedback: false,
    wish: () => undefined,
    orientation: null,
    heard: false,
    cname,
    nextReport: now,
  };
}

function way(ssrc: number, now: number, random: () => number): Way {
  return {
    stream: beginStream(ssrc, random),
    bucket: videoBucket(now),
    again: againBucket(now),
    flows: false,
    askedAt: Number.NEGATIVE_INFINITY,
  };
}

/** Null: nothing is relayed, and no payload type is of the video. */
export function applyVideoRoute(v: Video, route: VideoRoute | null): void {
  if (route === null) {
    setRules(v.toIms.stream, [], false);
    setRules(v.toWeb.stream, [], false);
    return;
  }
  const before = v.latch.target;
  aim(v.latch, route.target);
  if (before?.address !== route.target?.address || before?.port !== route.target?.port) {
    v.toIms.flows = false;
    v.heard = false;
    // It was meant for another.
    v.sent.forget();
  }
  setRules(v.toIms.stream, route.toIms, route.toImsOpen);
  setRules(v.toWeb.stream, route.toWeb, route.toWebOpen);
  v.feedback = route.feedback;
  v.orientation = route.orientation;
}

/** Whether a packet of the browser is of the video: on one transport the payload type tells. RFC 9143 9.2. */
export function isVideo(v: Video, packet: Buffer): boolean {
  return (v.toIms.stream.out[(packet[1] ?? 0) & 0x7f] ?? -1) >= 0;
}
