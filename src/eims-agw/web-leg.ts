/** One browser leg: its SDP both ways, its codecs and its end of the transport. RFC 8829, RFC 8842. */
import type { MediaSessionId } from '../ep-cscf/ids.ts';
import type { MediaFailure } from '../ep-cscf/ports.ts';
import { directionOf, firstLive, type MediaDesc, parseSdp, receives, type SessionDesc, sends } from '../sdp/index.ts';
import { agreed, firstLaw, g711Of, type PtMap, single } from './codec.ts';
import type { LegLoss, LegRequest, WebRemote, WebTransport } from './engine.ts';
import type { Law } from './settings.ts';
import { extendSlots, ownSlots, type Slots, slotsOf } from './slot.ts';
import { writeWeb } from './to-wic.ts';
import { type Versioned, versioned, writeVersion } from './version.ts';

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
  /** All the browser's last SDP holds, and what is in use of it. */
  theirs: PtMap | null;
  from: PtMap | null;
  to: PtMap | null;
  wantsSend: boolean;
  wantsRecv: boolean;
  /** DTLS and ICE: not yet, up, or why they are gone. */
  link: 'new' | 'up' | LegLoss;
  /** Engine's number of the leg this one replaces, joined until this one is up. */
  replaces: number | null;
}

/** A leg whose browser has offered; the failure tells why its offer cannot be used. */
export function legFromOffer(
  id: MediaSessionId,
  request: LegRequest,
  sessionId: number,
  text: string,
): WebLeg | MediaFailure {
  const parsed = parseSdp(text);
  if (!parsed.ok) return 'bad-sdp';
  const audio = firstLive(parsed.value, 'audio');
  if (audio < 0) return 'bad-sdp';
  const leg = emptyLeg(id, request, sessionId, slotsOf(parsed.value, audio));
  return takeOffer(leg, parsed.value) ?? leg;
}

/** A leg that we shall offer to a device. */
export function legToOffer(id: MediaSessionId, request: LegRequest, sessionId: number): WebLeg {
  return emptyLeg(id, request, sessionId, ownSlots('UDP/TLS/RTP/SAVPF', '0'));
}

/** Same transport as before, something else changed; `new-peer` when the browser made a new connection, `restart` when it restarted ICE. */
export function takeReoffer(leg: WebLeg, text: string): MediaFailure | 'new-peer' | 'restart' | null {
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
  return takeChange(leg, parsed.value);
}

/** The leg as it will be when the engine has restarted ICE for this offer; the failure tells why it cannot. RFC 8445 9. */
export function restartedLeg(leg: WebLeg, text: string): WebLeg | MediaFailure {
  const parsed = parseSdp(text);
  if (!parsed.ok) return 'bad-sdp';
  const next = { ...leg };
  return takeChange(next, parsed.value) ?? next;
}

/** Takes an offer for the association that stands; on a failure nothing has changed. */
function takeChange(leg: WebLeg, session: SessionDesc): MediaFailure | null {
  const slots = extendSlots(leg.slots, session);
  if (slots === null || slots.audio < 0) return 'bad-sdp';
  const before = { ...leg };
  leg.slots = slots;
  const failure = takeOffer(leg, session);
  if (failure !== null) Object.assign(leg, before);
  // The DTLS association stands: so do both roles.
  else leg.setup = before.setup === 'actpass' ? leg.setup : before.setup;
  return failure;
}

/** Takes the browser's answer to our offer; on a failure nothing has changed. */
export function takeAnswer(leg: WebLeg, text: string): MediaFailure | null {
  const parsed = parseSdp(text);
  if (!parsed.ok || parsed.value.media.length !== leg.slots.list.length) return 'bad-sdp';
  const audio = parsed.value.media[leg.slots.audio];
  if (audio === undefined || audio.kind !== 'audio') return 'bad-sdp';
  if (!audio.live) return 'no-codec';
  const { setup } = audio;
  if (setup !== 'active' && setup !== 'passive') return 'unsupported';
  const theirs = g711Of(audio);
  const offered = leg.from;
  if (theirs === null || offered === null) return 'no-codec';
  const remote = remoteOf(parsed.value, audio, leg.slots.list[leg.slots.audio]?.mid ?? '0', setup);
  if (remote === null) return 'unsupported';
  const from = agreed(offered, theirs);
  if (from.laws.length === 0) return 'no-codec';
  leg.peer = parsed.value.origin?.sessionId ?? null;
  leg.remote = remote;
  leg.peerLite = parsed.value.iceLite;
  leg.setup = setup === 'active' ? 'passive' : 'active';
  leg.theirs = theirs;
  leg.from = from;
  leg.to = from.event === null ? { laws: theirs.laws, event: null } : theirs;
  leg.wantsSend = sends(audio.direction);
  leg.wantsRecv = receives(audio.direction);
  return null;
}

/** Our answer to the browser's last offer: one law, `wanted` when it has it. */
export function writeWebAnswer(leg: WebLeg, wanted: Law | null): string {
  const chosen = single(leg.theirs ?? { laws: [], event: null }, firstLaw(leg.to) ?? wanted);
  leg.from = chosen;
  leg.to = chosen;
  if (leg.setup === 'actpass') leg.setup = leg.transport?.answerSetup ?? 'active';
  return write(leg, chosen);
}

/** Our offer to a device: these codecs, both directions, either DTLS role. */
export function writeWebOffer(leg: WebLeg, codecs: PtMap): string {
  leg.from = codecs;
  leg.setup = 'actpass';
  leg.bundle = true;
  return write(leg, codecs);
}

/** Two lite agents would wait for each other's checks for ever. RFC 8445 2.5. */
export function bothLite(leg: WebLeg): boolean {
  return leg.transport?.iceLite === true && leg.peerLite;
}

/** Sends towards the browser go to `law` when it takes it, else to its own first. */
export function preferLaw(leg: WebLeg, law: Law | null): void {
  const { to } = leg;
  if (to === null || law === null || firstLaw(to) === law) return;
  const wanted = to.laws.find(l => l.law === law);
  if (wanted !== undefined) leg.to = { laws: [wanted, ...to.laws.filter(l => l.law !== law)], event: to.event };
}

function takeOffer(leg: WebLeg, session: SessionDesc): MediaFailure | null {
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
  const theirs = g711Of(audio);
  if (theirs === null) return 'no-codec';
  leg.peer = session.origin?.sessionId ?? null;
  leg.remote = remote;
  leg.peerLite = session.iceLite;
  leg.theirs = theirs;
  leg.bundle = session.groups.some(group => group.semantics === 'BUNDLE' && group.mids.includes(mid));
  leg.wantsSend = sends(audio.direction);
  leg.wantsRecv = receives(audio.direction);
  if (audio.setup === 'active') leg.setup = 'passive';
  else if (audio.setup === 'passive') leg.setup = 'active';
  return null;
}

function remoteOf(session: SessionDesc, audio: MediaDesc, mid: string, setup: WebRemote['setup']): WebRemote | null {
  const ice = iceOf(session, audio);
  if (ice === null || audio.fingerprint === null || !audio.proto.startsWith('UDP/TLS/RTP/')) return null;
  return { mid, ice, fingerprint: audio.fingerprint, setup, candidates: audio.candidates };
}

/** Credentials of the m-line, or those of the line that stands for its bundle. RFC 9143 7. */
function iceOf(session: SessionDesc, audio: MediaDesc): MediaDesc['ice'] {
  if (audio.ice !== null) return audio.ice;
  const group = session.groups.find(g => g.semantics === 'BUNDLE' && audio.mid !== null && g.mids.includes(audio.mid));
  return session.media.find(media => media.mid !== null && media.mid === group?.mids[0])?.ice ?? null;
}

function write(leg: WebLeg, codecs: PtMap): string {
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
    }),
  );
}

function emptyLeg(id: MediaSessionId, request: LegRequest, sessionId: number, slots: Slots): WebLeg {
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
    wantsSend: true,
    wantsRecv: true,
    link: 'new',
    replaces: null,
  };
}
