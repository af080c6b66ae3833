/** What one browser leg keeps, and what it does with checks, DTLS and media that reach it. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { audioBucket, type Bucket, take } from '../rtp/bucket.ts';
import { isRtcp } from '../rtp/rtcp.ts';
import type { WebEvents } from '../rtp/web-end.ts';
import type { Clock } from '../settings.ts';
import type { Dtls, DtlsEffect, DtlsIdentity, DtlsRole, SrtpProfile } from './dtls/types.ts';
import { consent, expects, expireOld, type IceAgent, iceAgent, onCheck } from './ice/agent.ts';
import { type LegCounts, noLegCounts } from './leg-count.ts';
import type { Mux, MuxLeg } from './mux.ts';
import { MAX_OVERHEAD, type SrtpSession, srtpSession } from './srtp/session.ts';
import { type BindingRequest, bindingError, bindingSuccess, integrityFits } from './stun/message.ts';

/** DTLS that comes before the browser's SDP: one flight is kept. */
const EARLY_DATAGRAMS = 4;
const EARLY_BYTES = 6_144;
/** After so many authenticated packets the browser has our last flight. */
const CONFIRMED_PACKETS = 10;
/** Wrong tags within a second that close the ear for the rest of it. */
const MUTE_AFTER = 100;
/** Handshakes of one worker at a time. */
const MAX_HANDSHAKES = 100;
const BUFFER_BYTES = 2_048;

/** What the legs of one worker share. */
export interface LegShare {
  mux: Mux;
  identity(): { identity: DtlsIdentity; fingerprint: string };
  /** Written into candidates. */
  advertise: string;
  /** Preferred first. */
  profiles: readonly SrtpProfile[];
  clock: Clock;
  /** Legs whose handshake is under way. */
  handshaking: Set<Leg>;
}

export interface Leg {
  share: LegShare;
  events: WebEvents;
  /** How the mux knows it. */
  ear: MuxLeg;
  agent: IceAgent;
  /** Integrity keys by ufrag. */
  keys: Map<string, KeyObject>;
  identity: DtlsIdentity;
  dtls: Dtls | null;
  role: DtlsRole;
  srtp: SrtpSession | null;
  early: Buffer[];
  /** Where the last DTLS datagram came from: flights before the nomination go there. */
  dtlsFrom: { address: string; port: number } | null;
  cancelTimer: (() => void) | null;
  bucket: Bucket;
  counts: LegCounts;
  done: boolean;
  quietTold: boolean;
  /** Authenticated packets in all. */
  taken: number;
  /** Within this second: taken, sent, of a wrong tag. */
  takenLately: number;
  sentLately: number;
  wrongLately: number;
}

export function makeLeg(share: LegShare, events: WebEvents, ear: MuxLeg, identity: DtlsIdentity): Leg {
  const now = share.clock.now();
  return {
    share,
    events,
    ear,
    agent: iceAgent(now),
    keys: new Map(),
    identity,
    dtls: null,
    role: 'server',
    srtp: null,
    early: [],
    dtlsFrom: null,
    cancelTimer: null,
    bucket: audioBucket(now),
    counts: noLegCounts(),
    done: false,
    quietTold: false,
    taken: 0,
    takenLately: 0,
    sentLately: 0,
    wrongLately: 0,
  };
}

/** Makes credentials good for this leg. */
export function welcome(leg: Leg, ufrag: string, pwd: string): void {
  leg.keys.set(ufrag, createSecretKey(pwd, 'latin1'));
  leg.share.mux.addUfrag(ufrag, leg.ear);
}

/** Makes credentials bad. */
export function forget(leg: Leg, ufrags: readonly string[]): void {
  for (const ufrag of ufrags) {
    leg.keys.delete(ufrag);
    leg.share.mux.dropUfrag(ufrag);
  }
}

/** A Binding request with a user name of this leg. RFC 8445 7.3. */
export function takeCheck(leg: Leg, request: BindingRequest, address: string, port: number): void {
  const { agent, counts, share } = leg;
  const { mux, clock } = share;
  const now = clock.now();
  const key = leg.keys.get(request.ufrag);
  // Silence for whoever does not know the password: an error would be an oracle, and traffic for a forged source.
  if (key === undefined || !expects(agent, request.ufrag, request.peerUfrag, now) || !integrityFits(request, key)) {
    counts.checkRefused += 1;
    return;
  }
  const answer = (bytes: Buffer) => mux.send(bytes, bytes.length, address, port);
  if (request.unknown.length > 0 || request.controlled) {
    if (request.controlled) counts.roleConflict += 1;
    answer(bindingError(request, request.unknown.length > 0 ? 420 : 487, key));
    return;
  }
  const before = agent.selected;
  const { added, removed, dropped } = onCheck(
    agent,
    { ufrag: request.ufrag, address, port, priority: request.priority, useCandidate: request.useCandidate },
    now,
  );
  if (removed !== null) mux.release(removed.address, removed.port, leg.ear);
  if (added !== null) mux.claim(address, port, leg.ear);
  forget(leg, dropped);
  answer(bindingSuccess(request, address, port, key));
  if (agent.selected === before) return;
  if (before !== null) counts.sourceMoved += 1;
  startClient(leg);
}

/** As DTLS client we speak first, once there is somebody to speak to. */
export function startClient(leg: Leg): void {
  if (leg.role !== 'client' || leg.agent.selected === null || leg.dtls?.state !== 'new') return;
  drive(leg, (dtls, now, out) => dtls.start(now, out));
}

/** A DTLS datagram of a source that has proved itself. */
export function takeDtls(leg: Leg, datagram: Buffer, address: string, port: number): void {
  if (leg.done) return;
  leg.dtlsFrom = { address, port };
  const { dtls, early } = leg;
  if (dtls === null) {
    const bytes = early.reduce((sum, d) => sum + d.length, datagram.length);
    if (early.length >= EARLY_DATAGRAMS || bytes > EARLY_BYTES) leg.counts.early += 1;
    else early.push(Buffer.from(datagram));
    return;
  }
  if (dtls.state === 'new' && leg.share.handshaking.size >= MAX_HANDSHAKES) {
    leg.counts.handshakeRefused += 1;
    return;
  }
  drive(leg, (d, now, out) => d.receive(datagram, now, out));
}

/** The browser's SDP is known: what came before it is taken now. */
export function takeEarly(leg: Leg): void {
  for (const datagram of leg.early.splice(0)) {
    if (leg.dtlsFrom !== null) takeDtls(leg, datagram, leg.dtlsFrom.address, leg.dtlsFrom.port);
  }
}

/** Lets the association act and does what it says. */
export function drive(leg: Leg, act: (dtls: Dtls, now: number, out: DtlsEffect[]) => void): void {
  const { dtls, share } = leg;
  if (dtls === null) return;
  const out: DtlsEffect[] = [];
  act(dtls, share.clock.now(), out);
  if (dtls.state === 'handshake') share.handshaking.add(leg);
  else share.handshaking.delete(leg);
  for (const effect of out) perform(leg, effect);
}

function perform(leg: Leg, effect: DtlsEffect): void {
  const { share } = leg;
  switch (effect.type) {
    case 'send': {
      const to = leg.agent.selected ?? leg.dtlsFrom;
      if (to !== null) share.mux.send(effect.datagram, effect.datagram.length, to.address, to.port);
      break;
    }
    case 'set-timer':
      leg.cancelTimer?.();
      leg.cancelTimer = share.clock.after(Math.max(0, effect.at - share.clock.now()), () => {
        leg.cancelTimer = null;
        drive(leg, (dtls, now, out) => dtls.timeout(now, out));
      });
      break;
    case 'stop-timer':
      leg.cancelTimer?.();
      leg.cancelTimer = null;
      break;
    case 'connected':
      leg.srtp = srtpSession(effect.profile, effect.keys);
      leg.counts[effect.profile === 'SRTP_AEAD_AES_128_GCM' ? 'profileGcm' : 'profileCm'] += 1;
      leg.events.up();
      break;
    case 'closed':
      if (effect.reason === 'remote') down(leg, 'web');
      break;
    case 'failed':
      leg.counts.handshakeFailed += 1;
      down(leg, effect.reason === 'wrong-fingerprint' ? 'fingerprint' : 'web');
      break;
    default:
      effect satisfies never;
  }
}

/** SRTP or SRTCP of a source that has proved itself. */
export function takeMedia(leg: Leg, packet: Buffer): void {
  const { srtp, counts } = leg;
  if (srtp === null || leg.done) {
    counts.early += 1;
    return;
  }
  const now = leg.share.clock.now();
  if (leg.wrongLately > MUTE_AFTER) {
    counts.muted += 1;
    return;
  }
  if (!take(leg.bucket, packet.length, now)) {
    counts.rate += 1;
    return;
  }
  const clear = isRtcp(packet) ? srtp.unprotectRtcp(packet, now) : srtp.unprotectRtp(packet, now);
  if (typeof clear === 'string') {
    counts[clear] += 1;
    if (clear === 'tag') leg.wrongLately += 1;
    return;
  }
  leg.agent.mediaAt = now;
  leg.takenLately += 1;
  leg.taken += 1;
  if (leg.taken === CONFIRMED_PACKETS) drive(leg, (dtls, _now, out) => dtls.confirmed(out));
  leg.events.packet(packet.subarray(0, clear));
}

/** Protects a packet in a buffer of the mux and sends it to the selected source. */
export function sendMedia(leg: Leg, packet: Buffer): boolean {
  const { srtp, share } = leg;
  const { selected } = leg.agent;
  if (srtp === null || selected === null || leg.done || packet.length > BUFFER_BYTES - MAX_OVERHEAD) return false;
  const buffer = share.mux.buffer();
  if (buffer === null) return false;
  packet.copy(buffer);
  const rtcp = isRtcp(packet);
  const length = rtcp ? srtp.protectRtcp(buffer, packet.length) : srtp.protectRtp(buffer, packet.length);
  if (length > 0) share.mux.send(buffer, length, selected.address, selected.port);
  leg.sentLately += 1;
  // A copy of what was sent needs no second sending.
  return length >= 0;
}

/** Once a second. */
export function tickLeg(leg: Leg): void {
  const { agent, share, counts } = leg;
  const now = share.clock.now();
  forget(leg, expireOld(agent, now));
  if (leg.takenLately === 0) leg.srtp?.quiet('received');
  if (leg.sentLately === 0) leg.srtp?.quiet('sent');
  leg.takenLately = 0;
  leg.sentLately = 0;
  leg.wrongLately = 0;
  const state = consent(agent, now);
  if (state === 'failed') down(leg, 'web');
  else if (state === 'quiet' && !leg.quietTold) counts.quiet += 1;
  leg.quietTold = state === 'quiet';
}

/** Ends the leg and tells why. */
function down(leg: Leg, cause: 'web' | 'fingerprint'): void {
  if (leg.done) return;
  end(leg);
  leg.events.down(cause);
}

/** Frees what the leg holds; a second call does nothing. */
export function end(leg: Leg): void {
  if (leg.done) return;
  leg.done = true;
  const { mux, handshaking } = leg.share;
  leg.cancelTimer?.();
  leg.cancelTimer = null;
  handshaking.delete(leg);
  forget(leg, [...leg.keys.keys()]);
  for (const source of leg.agent.sources) mux.release(source.address, source.port, leg.ear);
  leg.srtp?.close();
  leg.srtp = null;
  leg.early.length = 0;
}
