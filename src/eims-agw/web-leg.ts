/** One browser leg: its SDP both ways, its codecs and its end of the transport. RFC 8829, RFC 8842. */
import type { MediaSessionId } from '../ep-cscf/ids.ts';
import type { MediaFailure } from '../ep-cscf/input.ts';
import {
  type Codec,
  directionOf,
  firstLive,
  type MediaDesc,
  parseSdp,
  receives,
  type SessionDesc,
  sends,
} from '../sdp/index.ts';
import { agreed, type Codecs, type Formats, NO_CODECS, single } from './codec.ts';
import { type CodecPolicy, passes, webCodecFor } from './codec-policy.ts';
import type { LegLoss, LegRequest, PayloadFormat, WebEnd, WebRemote, WebTransport } from './engine.ts';
import { sameFormat } from './payload-format.ts';
import { numberAnswer, numberOffer, type PayloadTypes } from './payload-type.ts';
import { extendSlots, ownSlots, type Slots, slotsOf } from './slot.ts';
import { writeWeb } from './to-wic.ts';
import { type Versioned, versioned, writeVersion } from './version.ts';
import { noVideo, settleWebVideo, takeWebVideo, type VideoSide } from './video-side.ts';

export interface WebLeg {
  id: MediaSessionId;
  request: LegRequest;
  origin: Versioned;
  /** Ours; null until the engine gave it. */
  transport: WebTransport | null;
  slots: Slots;
  bundle: boolean;
  /** Session id of the browser's o= line: one for each RTCPeerConnection. */
  peer: string | null;
  /** The browser's end; null until it spoke. */
  remote: WebRemote | null;
  /** It waits for checks and sends none. */
  peerLite: boolean;
  /** What is written as our setup; the role never changes once taken. */
  setup: 'active' | 'passive' | 'actpass';
  /** All of the browser's last SDP that can be used, and what is in use of it: `from` under our numbers, `to` under its. */
  theirs: Codecs | null;
  from: Codecs | null;
  to: Codecs | null;
  types: PayloadTypes;
  wantsSend: boolean;
  wantsRecv: boolean;
  video: VideoSide;
  /** DTLS and ICE: not yet, up, or why they are gone. */
  link: 'new' | 'up' | LegLoss;
  /** Engine's number of the leg this one replaces, joined until this one is up. */
  replaces: number | null;
}

/** Reads those codecs of a browser's m-line that the IMS side can be joined with. */
type Usable = (media: MediaDesc) => Codecs;

/** A leg whose browser has offered; the failure tells why its offer cannot be used. */
export function legFromOffer(
  id: MediaSessionId,
  request: LegRequest,
  sessionId: number,
  text: string,
  usable: Usable,
  apart: boolean,
): WebLeg | MediaFailure {
  const parsed = parseSdp(text);
  if (!parsed.ok) return 'bad-sdp';
  const audio = firstLive(parsed.value, 'audio');
  if (audio < 0) return 'bad-sdp';
  const leg = emptyLeg(id, request, sessionId, slotsOf(parsed.value, audio), apart);
  return takeOffer(leg, parsed.value, usable) ?? leg;
}

/** A leg that we shall offer to a device. */
export function legToOffer(id: MediaSessionId, request: LegRequest, sessionId: number, apart: boolean): WebLeg {
  return emptyLeg(id, request, sessionId, ownSlots('UDP/TLS/RTP/SAVPF', '0'), apart);
}

/** Same transport as before, something else changed; `new-peer` when the browser made a new connection, `restart` when it restarted ICE. */
export function takeReoffer(leg: WebLeg, text: string, usable: Usable): MediaFailure | 'new-peer' | 'restart' | null {
  const parsed = parseSdp(text);
  if (!parsed.ok) return 'bad-sdp';
  const known = leg.remote;
  const slots = extendSlots(leg.slots, parsed.value);
  const audio = parsed.value.media[slots?.audio ?? firstLive(parsed.value, 'audio')];
  if (audio === undefined) return 'bad-sdp';
  const ice = iceOf(parsed.value, audio);
  if (known === null || ice === null || audio.fingerprint === null) return 'unsupported';
  if (audio.fingerprint.value !== known.fingerprint.value) return 'new-peer';
  if (ice.ufrag !== known.ice.ufrag || ice.pwd !== known.ice.pwd) {
    // A page may give two connections one certificate; the session id still tells them apart. RFC 8829 5.2.1.
    return parsed.value.origin?.sessionId === leg.peer ? 'restart' : 'new-peer';
  }
  return takeChange(leg, parsed.value, usable);
}

/** The leg as it will be when the engine has restarted ICE for this offer; the failure tells why it cannot. RFC 8445 9. */
export function restartedLeg(leg: WebLeg, text: string, usable: Usable): WebLeg | MediaFailure {
  const parsed = parseSdp(text);
  if (!parsed.ok) return 'bad-sdp';
  const next = { ...leg, video: { ...leg.video } };
  return takeChange(next, parsed.value, usable) ?? next;
}

/** Takes an offer for the association that stands; on a failure nothing has changed. */
function takeChange(leg: WebLeg, session: SessionDesc, usable: Usable): MediaFailure | null {
  const slots = extendSlots(leg.slots, session);
  if (slots === null || slots.audio < 0) return 'bad-sdp';
  const before = { ...leg, video: { ...leg.video } };
  leg.slots = slots;
  const failure = takeOffer(leg, session, usable);
  if (failure !== null) Object.assign(leg, before);
  // The DTLS association stands: so do both roles.
  else leg.setup = before.setup === 'actpass' ? leg.setup : before.setup;
  return failure;
}

/** Takes the browser's answer to our offer; on a failure nothing has changed. */
export function takeAnswer(leg: WebLeg, text: string, usable: Usable): MediaFailure | null {
  const parsed = parseSdp(text);
  if (!parsed.ok || parsed.value.media.length !== leg.slots.list.length) return 'bad-sdp';
  const audio = parsed.value.media[leg.slots.audio];
  if (audio === undefined || audio.kind !== 'audio') return 'bad-sdp';
  if (!audio.live) return 'no-codec';
  const { setup } = audio;
  if (setup !== 'active' && setup !== 'passive') return 'unsupported';
  const remote = remoteOf(parsed.value, audio, leg.slots.list[leg.slots.audio]?.mid ?? '0', setup);
  if (remote === null) return 'unsupported';
  const theirs = usable(audio);
  const { from, to } = agreed(leg.from ?? NO_CODECS, theirs);
  if (to.speech.length === 0) return 'no-codec';
  leg.peer = parsed.value.origin?.sessionId ?? null;
  leg.remote = remote;
  leg.peerLite = parsed.value.iceLite;
  leg.setup = setup === 'active' ? 'passive' : 'active';
  leg.theirs = theirs;
  leg.from = from;
  leg.to = to;
  leg.wantsSend = sends(audio.direction);
  leg.wantsRecv = receives(audio.direction);
  takePicture(leg, remote, parsed.value);
  settleWebVideo(leg.video, parsed.value.media[leg.slots.video]?.live === true);
  return null;
}

/** Our answer to the browser's last offer: one codec, that in use while the browser still has it, else what suits the first of `ims` it can. */
export function writeWebAnswer(leg: WebLeg, policy: CodecPolicy, ims: readonly PayloadFormat[]): string {
  const offered = leg.theirs ?? NO_CODECS;
  const chosen = codecInUse(leg, policy, ims) ?? firstSuiting(offered.speech, policy, ims) ?? offered.speech[0];
  leg.to = chosen === undefined ? NO_CODECS : single(offered, chosen);
  leg.from = numberAnswer(leg.types, leg.to);
  if (leg.setup === 'actpass') leg.setup = leg.transport?.answerSetup ?? 'active';
  return write(leg, leg.from);
}

function codecInUse({ theirs, to }: WebLeg, policy: CodecPolicy, ims: readonly PayloadFormat[]): Codec | undefined {
  const current = to?.speech[0];
  const still = current === undefined ? undefined : theirs?.speech.find(codec => sameFormat(codec, current));
  return still !== undefined && ims.some(format => passes(policy, still, format)) ? still : undefined;
}

function firstSuiting(web: readonly Codec[], policy: CodecPolicy, ims: readonly PayloadFormat[]): Codec | undefined {
  for (const format of ims) {
    const codec = webCodecFor(policy, web, format);
    if (codec !== null) return codec;
  }
  return undefined;
}

/** Our offer to a device: these formats, under the numbers of `reuse` where they are free, both directions, either DTLS role. */
export function writeWebOffer(leg: WebLeg, formats: Formats, reuse: Codecs): string {
  leg.from = numberOffer(leg.types, formats, NO_CODECS, reuse);
  leg.setup = 'actpass';
  leg.bundle = true;
  return write(leg, leg.from);
}

/** Two lite agents would wait for each other's checks for ever. RFC 8445 2.5. */
export function bothLite(leg: WebLeg): boolean {
  return leg.transport?.iceLite === true && leg.peerLite;
}

function takeOffer(leg: WebLeg, session: SessionDesc, usable: Usable): MediaFailure | null {
  const audio = session.media[leg.slots.audio];
  if (audio === undefined) return 'bad-sdp';
  const mid = leg.slots.list[leg.slots.audio]?.mid ?? '0';
  const remote = remoteOf(
    session,
    audio,
    mid,
    audio.setup === 'active' || audio.setup === 'passive' ? audio.setup : 'actpass',
  );
  if (remote === null) return 'unsupported';
  const theirs = usable(audio);
  if (theirs.speech.length === 0) return 'no-codec';
  leg.peer = session.origin?.sessionId ?? null;
  leg.remote = remote;
  leg.peerLite = session.iceLite;
  leg.theirs = theirs;
  leg.bundle = session.groups.some(group => group.semantics === 'BUNDLE' && group.mids.includes(mid));
  leg.wantsSend = sends(audio.direction);
  leg.wantsRecv = receives(audio.direction);
  takePicture(leg, remote, session);
  if (audio.setup === 'active') leg.setup = 'passive';
  else if (audio.setup === 'passive') leg.setup = 'active';
  return null;
}

/** The picture, and the browser's end of its transport where it has one of its own. */
function takePicture(leg: WebLeg, remote: WebRemote, session: SessionDesc): void {
  takeWebVideo(leg, session);
  const media = session.media[leg.slots.video];
  if (!leg.video.apart || leg.video.line === null || media === undefined) return;
  const end = remoteOf(session, media, leg.slots.list[leg.slots.video]?.mid ?? '', remote.setup);
  if (end === null) leg.video.line = null;
  else remote.video = end;
}

function remoteOf(session: SessionDesc, media: MediaDesc, mid: string, setup: WebEnd['setup']): WebRemote | null {
  const ice = iceOf(session, media);
  if (ice === null || media.fingerprint === null || !media.proto.startsWith('UDP/TLS/RTP/')) return null;
  return { mid, ice, fingerprint: media.fingerprint, setup, candidates: media.candidates };
}

/** Credentials of the m-line, or those of the line that stands for its bundle. RFC 9143 7. */
function iceOf(session: SessionDesc, audio: MediaDesc): MediaDesc['ice'] {
  if (audio.ice !== null) return audio.ice;
  const group = session.groups.find(g => g.semantics === 'BUNDLE' && audio.mid !== null && g.mids.includes(audio.mid));
  return session.media.find(media => media.mid !== null && media.mid === group?.mids[0])?.ice ?? null;
}

function write(leg: WebLeg, codecs: Codecs): string {
  const { transport, slots, setup, bundle } = leg;
  if (transport === null) throw new Error('a browser leg was written before the engine gave its transport');
  // Ours is never narrowed but by the browser's own direction: hold and gates are the relay's.
  const direction = directionOf(leg.wantsRecv, leg.wantsSend);
  const { ssrc, cname } = leg.request;
  return writeVersion(leg.origin, version =>
    writeWeb({
      sessionId: leg.origin.sessionId,
      version,
      slots,
      codecs,
      direction,
      transport,
      setup,
      ssrc,
      cname,
      bundle,
      video: leg.video.text,
    }),
  );
}

function emptyLeg(id: MediaSessionId, request: LegRequest, sessionId: number, slots: Slots, apart: boolean): WebLeg {
  const types: PayloadTypes = new Map();
  return {
    id,
    request,
    origin: versioned(sessionId),
    transport: null,
    slots,
    bundle: false,
    peer: null,
    remote: null,
    peerLite: false,
    setup: 'actpass',
    theirs: null,
    from: null,
    to: null,
    types,
    wantsSend: true,
    wantsRecv: true,
    video: noVideo(apart, apart ? new Map() : types),
    link: 'new',
    replaces: null,
  };
}
