/** One session of a worker: its ports, its supervision, and its end. */
import type { RemoteInfo } from 'node:dgram';
import { type EngineCommand, type EngineTotals, type ImsPorts, type LegRequest, NO_TOTALS } from '../engine.ts';
import type { MediaHost } from '../settings.ts';
import { addLeg, dropLeg } from './host-leg.ts';
import { type HostSession, type HostState, refuse } from './host-state.ts';
import { addVideoCounts, dropVideo, joinVideo } from './host-video.ts';
import { type ImsLeg, openImsLeg } from './ims-leg.ts';
import { type ImsSrtp, imsSrtp } from './ims-srtp.ts';
import { mayBeFar } from './latch.ts';
import { addCounts, namedCounts } from './named-counts.ts';
import {
  fellSilent,
  foundOneWay,
  fromIms,
  legStats,
  type Relay,
  relay,
  report,
  rtcpFromIms,
  silentSide,
  videoPacketFromIms,
} from './relay.ts';
import { video } from './video.ts';

/** A leg that has not come up so long after the SDP was exchanged counts as gone, though it may still come ... */
const CONNECT_MS = 10_000;
/** ... until it is closed. */
const GIVE_UP_MS = 60_000;
/** In a call shorter than this a side may not have got round to its first packet. */
const SHORT_CALL_MS = 2_000;

/** Runs what belongs to one session. A fault of ours ends that session and is told; the worker and its other calls go on. */
export function guarded(host: HostState, number: number, run: () => void): void {
  try {
    run();
  } catch (error) {
    host.onFault(error);
    addCounts(host.gone, { 'host-fault': 1 });
    const session = host.sessions.get(number);
    const totals = session === undefined ? NO_TOTALS : abandon(host, session);
    host.send({ type: 'lost', session: number, ...totals });
  }
}

/** Frees what can be freed: a leg that cannot be closed is left out the next time. */
function abandon(host: HostState, session: HostSession): EngineTotals {
  host.sessions.delete(session.number);
  for (let tries = session.legs.size; tries >= 0; tries -= 1) {
    try {
      return closeSession(host, session);
    } catch (error) {
      host.onFault(error);
    }
  }
  return NO_TOTALS;
}

type OpenCommand = Extract<EngineCommand, { type: 'open' }>;

/** Takes the ports of a new session, then makes its legs. */
export function openSession(host: HostState, command: OpenCommand): void {
  const { sessions, settings } = host;
  const at = host.realms(command.place.realm).host(command.place.family);
  const [first] = command.legs;
  if (sessions.has(command.session) || first === undefined) refuse(host, command, 'driver');
  else if (sessions.size >= settings.sessionsPerWorker) refuse(host, command, 'overload');
  else if (at === null) refuse(host, command, 'unsupported');
  else bindSession(host, command, begin(host, command, first, at));
}

function begin(
  host: HostState,
  { session: number, place }: OpenCommand,
  first: LegRequest,
  at: MediaHost,
): HostSession {
  const realm = host.realms(place.realm);
  const mayMove = realm.natLatch ? realm.addresses.allows : null;
  const session: HostSession = {
    number,
    at,
    relay: relay(first.ssrc, first.cname, host.now(), host.random, mayMove, host.settings.rtcpMs),
    legs: new Map(),
    joined: null,
    addingVideo: null,
    closed: false,
  };
  host.sessions.set(number, session);
  return session;
}

function bindSession(host: HostState, command: OpenCommand, session: HostSession): void {
  const { relay: r, at, number } = session;
  const events = {
    rtp: (packet: Buffer, from: RemoteInfo) => fromIms(r, packet, from.address, from.port, host.now()),
    rtcp: (packet: Buffer, from: RemoteInfo) => rtcpFromIms(r, packet, from.address, from.port, host.now()),
    fault: host.onFault,
  };
  const { sdes } = command;
  const srtp =
    sdes === undefined
      ? null
      : imsSrtp(sdes, false, reason => {
          r.toWeb.counts[reason] += 1;
        });
  const opening = srtp?.opening(events, (address, port) => mayBeFar(r.latch, address, port)) ?? events;
  openImsLeg(at.bind, host.pool, opening, ims =>
    guarded(host, number, () => {
      if (session.closed) ims?.close();
      else if (ims === null) {
        host.sessions.delete(number);
        refuse(host, command, 'no-port');
      } else {
        r.srtp = srtp;
        r.ims = srtp?.protecting(ims) ?? ims;
        const legs = command.legs.map(request => addLeg(host, session, request));
        host.send({ type: 'opened', session: number, op: command.op, ims: portsOf(at, ims, srtp), legs });
      }
    }),
  );
}

function portsOf({ advertise }: MediaHost, { port }: ImsLeg, srtp: ImsSrtp | null): ImsPorts {
  return { address: advertise, port, ...(srtp === null ? {} : { key: srtp.key }) };
}

/** Takes IMS ports for video. */
export function addVideo(
  host: HostState,
  session: HostSession,
  command: Extract<EngineCommand, { type: 'add-video' }>,
): void {
  const { now, send } = host;
  const { session: number, op } = command;
  const r = session.relay;
  dropVideo(session, host.gone);
  session.addingVideo = op;
  const events = {
    rtp: (packet: Buffer, from: RemoteInfo) => videoPacketFromIms(r, false, packet, from.address, from.port, now()),
    rtcp: (packet: Buffer, from: RemoteInfo) => videoPacketFromIms(r, true, packet, from.address, from.port, now()),
    fault: host.onFault,
  };
  const { sdes } = command;
  const srtp =
    sdes === undefined
      ? null
      : imsSrtp(sdes, true, reason => {
          if (r.video !== null) r.video.toWeb.stream.counts[reason] += 1;
        });
  const mayBe = (address: string, port: number) => r.video !== null && mayBeFar(r.video.latch, address, port);
  openImsLeg(session.at.bind, host.pool, srtp?.opening(events, mayBe) ?? events, ims =>
    guarded(host, number, () => {
      // A later wish, or an end, has taken its place.
      const late = session.addingVideo !== op;
      if (late) ims?.close();
      if (late || ims === null) return refuse(host, command, late ? 'driver' : 'no-port');
      session.addingVideo = null;
      r.video = video(srtp?.protecting(ims) ?? ims, r.imsCname, now(), host.random, r.latch.mayMove);
      r.video.srtp = srtp;
      r.video.wish = () => send({ type: 'key-frame-wanted', session: number });
      joinVideo(session, r.video);
      send({ type: 'video-added', session: number, op, ims: portsOf(session.at, ims, srtp) });
    }),
  );
}

/** Once a second: reports, legs that never came up, sides that have gone silent. */
export function supervise(host: HostState, session: HostSession, at: number, wall: number): void {
  const { send, settings } = host;
  for (const [number, { connecting }] of session.legs) {
    if (connecting === null || at - connecting.since < CONNECT_MS) continue;
    if (at - connecting.since >= GIVE_UP_MS) dropLeg(host, session, number);
    if (!connecting.told) send({ type: 'leg-down', session: session.number, leg: number, cause: 'web' });
    connecting.told = true;
  }
  session.relay.srtp?.tick();
  session.relay.video?.srtp?.tick();
  report(session.relay, at, wall, settings.rtcpMs);
  const side = foundOneWay(session.relay, at);
  if (side !== null) send({ type: 'one-way', session: session.number, side });
  if (fellSilent(session.relay, at, settings.imsSilentMs)) send({ type: 'ims-silent', session: session.number });
}

/** Drops of each side of a call by reason, and telephone events. */
export function addRelay(into: Record<string, number>, r: Relay): void {
  addCounts(into, namedCounts('web', r.toIms.counts));
  addCounts(into, namedCounts('ims', r.toWeb.counts));
  if (r.video !== null) addVideoCounts(into, r.video);
}

/** Frees all of a session, its ports first; its totals. */
export function closeSession(host: HostState, session: HostSession): EngineTotals {
  const { relay: r } = session;
  const totals = measured(host, session);
  host.sessions.delete(session.number);
  session.closed = true;
  r.ims?.close();
  r.ims = null;
  dropVideo(session, host.gone);
  for (const number of [...session.legs.keys()]) dropLeg(host, session, number);
  return totals;
}

/** What a session has carried. Figures that cannot be told must not keep its ports. */
function measured(host: HostState, { relay: r, closed }: HostSession): EngineTotals {
  try {
    if (!closed) addRelay(host.gone, r);
    return {
      fromWeb: legStats(r.toIms, r.toWeb.far),
      fromIms: legStats(r.toWeb, r.toIms.far),
      path: r.web?.path?.() ?? null,
      oneWay: silentSide(r, host.now(), SHORT_CALL_MS),
    };
  } catch (error) {
    host.onFault(error);
    return NO_TOTALS;
  }
}
