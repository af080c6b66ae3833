/** What one browser leg keeps, what it does with DTLS that reaches it, and its end. */
import { createSecretKey, type KeyObject } from 'node:crypto';
import type { LegLoss } from '../engine.ts';
import { audioBucket, type Bucket, dtlsBucket, take } from '../rtp/bucket.ts';
import type { SentPackets } from '../rtp/sent-packets.ts';
import type { WebEvents } from '../rtp/web-end.ts';
import type { Clock } from '../settings.ts';
import type { Dtls, DtlsEffect, DtlsIdentity, DtlsRole, SrtpProfile } from './dtls/types.ts';
import { consent, expireOld, type IceAgent, iceAgent } from './ice/agent.ts';
import { type LegCounts, noLegCounts } from './leg-count.ts';
import type { Mux, MuxLeg } from './mux.ts';
import { type SrtpSession, srtpSession } from './srtp/session.ts';

/** DTLS that comes before the browser's SDP: one flight is kept. */
const EARLY_DATAGRAMS = 4;
const EARLY_BYTES = 6_144;
/** Handshakes of one worker at a time. */
const MAX_HANDSHAKES = 100;

/** What the legs of one worker share. */
export interface LegShare {
  mux: Mux;
  identity(): { identity: DtlsIdentity; fingerprint: string };
  /** Written into candidates: an address, or one of each family. */
  advertise: readonly string[];
  /** Preferred first. */
  profiles: readonly SrtpProfile[];
  clock: Clock;
  onFault: (error: unknown) => void;
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
  /** Packets of the picture as they left; null until there are any. */
  kept: SentPackets | null;
  /** Where the last DTLS datagram came from: flights before the nomination go there. */
  dtlsFrom: { address: string; port: number } | null;
  cancelTimer: (() => void) | null;
  bucket: Bucket;
  dtlsBucket: Bucket;
  counts: LegCounts;
  done: boolean;
  upTold: boolean;
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
    kept: null,
    dtlsFrom: null,
    cancelTimer: null,
    bucket: audioBucket(now),
    dtlsBucket: dtlsBucket(now),
    counts: noLegCounts(),
    done: false,
    upTold: false,
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

/** As DTLS client we speak first, once there is somebody to speak to. */
export function startClient(leg: Leg): void {
  if (leg.role !== 'client' || leg.agent.selected === null || leg.dtls?.state !== 'new') return;
  drive(leg, (dtls, now, out) => dtls.start(now, out));
}

/** A DTLS datagram of a source that has proved itself. */
export function takeDtls(leg: Leg, datagram: Buffer, address: string, port: number): void {
  if (leg.done) return;
  if (!take(leg.dtlsBucket, datagram.length, leg.share.clock.now())) {
    leg.counts.dtlsRate += 1;
    return;
  }
  leg.dtlsFrom = { address, port };
  const { dtls, early } = leg;
  if (dtls === null) {
    const bytes = early.reduce((sum, d) => sum + d.length, datagram.length);
    if (early.length >= EARLY_DATAGRAMS || bytes > EARLY_BYTES) leg.counts.early += 1;
    else early.push(Buffer.from(datagram));
    return;
  }
  advance(leg, datagram);
}

/** The browser's SDP is known: what came before it is taken now. */
export function takeEarly(leg: Leg): void {
  for (const datagram of leg.early.splice(0)) advance(leg, datagram);
}

/** Each leg makes one association in its life, so one handshake: it needs no limit but that of the worker. */
function advance(leg: Leg, datagram: Buffer): void {
  if (leg.dtls?.state === 'new' && leg.share.handshaking.size >= MAX_HANDSHAKES) leg.counts.handshakeRefused += 1;
  else drive(leg, (dtls, now, out) => dtls.receive(datagram, now, out));
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
        guarded(leg, () => drive(leg, (dtls, now, out) => dtls.timeout(now, out)));
      });
      break;
    case 'stop-timer':
      leg.cancelTimer?.();
      leg.cancelTimer = null;
      break;
    case 'connected':
      leg.srtp = srtpSession(effect.profile, effect.keys);
      leg.counts[effect.profile === 'SRTP_AEAD_AES_128_GCM' ? 'profileGcm' : 'profileCm'] += 1;
      tellUp(leg);
      break;
    case 'closed':
      if (effect.reason === 'remote') down(leg, 'left');
      break;
    case 'failed':
      leg.counts.handshakeFailed += 1;
      down(leg, effect.reason === 'wrong-fingerprint' ? 'fingerprint' : 'web');
      break;
    default:
      effect satisfies never;
  }
}

/** There are keys and a source to send to: DTLS may be done before the browser has nominated one. */
export function tellUp(leg: Leg): void {
  if (leg.upTold || leg.srtp === null || leg.agent.selected === null) return;
  leg.upTold = true;
  leg.events.up();
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

/** Runs what time brings. A fault of ours ends this leg, also one in its end; the worker and its other legs go on. */
export function guarded(leg: Leg, run: () => void): void {
  try {
    run();
  } catch (error) {
    leg.counts.fault += 1;
    leg.share.onFault(error);
    if (!leg.done) guarded(leg, () => down(leg, 'web'));
  }
}

/** Ends the leg and tells why, whatever comes of its end. */
function down(leg: Leg, cause: LegLoss): void {
  if (leg.done) return;
  try {
    end(leg);
  } finally {
    leg.events.down(cause);
  }
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
  // Without a word: when consent is over nothing may be sent. What it says of itself is for nobody any more.
  leg.dtls?.close(leg.share.clock.now(), []);
  leg.early.length = 0;
  leg.kept = null;
}
