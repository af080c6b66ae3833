/** The sessions of one worker: engine commands in, engine events out, whichever library makes the browser legs. */

import type { MediaFailure } from '../../ep-cscf/input.ts';
import {
  type EngineCommand,
  type EngineCounts,
  type EngineEvent,
  type EngineTotals,
  type LegRequest,
  NO_TOTALS,
  type WebTransport,
} from '../engine.ts';
import type { MediaRealms } from '../realm.ts';
import type { MediaHost, MediaSettings } from '../settings.ts';
import { addVideo, addVideoCounts, askForKeyFrame, dropVideo, joinVideo } from './host-video.ts';
import { openImsLeg } from './ims-leg.ts';
import { addCounts, namedCounts } from './named-counts.ts';
import type { PortPool } from './port-pool.ts';
import {
  applyRoute,
  fellSilent,
  foundOneWay,
  fromIms,
  fromWeb,
  legStats,
  type Relay,
  relay,
  report,
  rtcpFromIms,
  silentSide,
} from './relay.ts';
import { firstNumbers, goOn, type Numbers, numbersOf } from './stream.ts';
import type { MakeWebEnd, WebEnd } from './web-end.ts';

export interface Leg {
  request: LegRequest;
  end: WebEnd;
  up: boolean;
  /** When it began to connect, ms; null before, and once it was up. */
  connectingAt: number | null;
  /** Of what we send it, while it is not joined: its SRTP keys have seen them, and take none twice. */
  numbers: Numbers;
  videoNumbers: Numbers;
}

/** A leg that has not come up so long after the SDP was exchanged never will. */
const CONNECT_MS = 60_000;
/** In a call shorter than this a side may not have got round to its first packet. */
const SHORT_CALL_MS = 2_000;

export interface HostSession {
  number: number;
  /** Ours, towards the core. */
  at: MediaHost;
  relay: Relay;
  legs: Map<number, Leg>;
  joined: number | null;
  closed: boolean;
}

export interface HostOptions {
  settings: MediaSettings;
  realms: MediaRealms;
  pool: PortPool;
  makeWebEnd: MakeWebEnd;
  send: (event: EngineEvent) => void;
  /** A fault of ours with a packet or in the supervision of one session: the others go on. */
  onFault: (error: unknown) => void;
  /** ms, monotonic. */
  now: () => number;
  /** ms since the epoch. */
  wall: () => number;
  /** 32 random bits. */
  random: () => number;
}

export interface Host {
  handle(command: EngineCommand): void;
  /** Once a second: reports and supervision. */
  tick(): void;
  /** Ends every session without a word. */
  close(): void;
  sessions(): number;
  /** Of all sessions and legs, those that are gone included. */
  counts(): EngineCounts;
}

export function createHost(options: HostOptions): Host {
  const sessions = new Map<number, HostSession>();
  const gone: Record<string, number> = {};
  const { send, now, settings } = options;
  const refuse = (command: { session: number; op: number }, failure: MediaFailure) =>
    send({ type: 'refused', session: command.session, op: command.op, failure });

  const open = (command: Extract<EngineCommand, { type: 'open' }>) => {
    const first = command.legs[0];
    if (sessions.has(command.session) || first === undefined) return refuse(command, 'driver');
    if (sessions.size >= settings.sessionsPerWorker) return refuse(command, 'overload');
    const realm = options.realms(command.place.realm);
    const at = realm.host(command.place.family);
    if (at === null) return refuse(command, 'unsupported');
    const session: HostSession = {
      number: command.session,
      at,
      relay: relay(
        first.ssrc,
        first.cname,
        now(),
        options.random,
        realm.natLatch ? realm.addresses.allows : null,
        settings.rtcpMs,
      ),
      legs: new Map(),
      joined: null,
      closed: false,
    };
    sessions.set(session.number, session);
    const r = session.relay;
    openImsLeg(
      at.bind,
      options.pool,
      {
        rtp: (packet, from) => fromIms(r, packet, from.address, from.port, now()),
        rtcp: (packet, from) => rtcpFromIms(r, packet, from.address, from.port, now()),
        fault: options.onFault,
      },
      ims => {
        if (ims === null) {
          if (!session.closed) refuse(command, 'no-port');
          sessions.delete(session.number);
          return;
        }
        if (session.closed) return ims.close();
        r.ims = ims;
        const transports = command.legs.map(request => addLeg(options, session, request));
        send({
          type: 'opened',
          session: session.number,
          op: command.op,
          ims: { address: at.advertise, port: ims.port },
          legs: transports,
        });
      },
    );
  };

  const connect = (session: HostSession, command: Extract<EngineCommand, { type: 'connect' }>) => {
    const leg = session.legs.get(command.leg);
    if (leg?.end.connect(command.remote) !== true) return refuse(command, 'bad-sdp');
    if (!leg.up) leg.connectingAt = now();
    send({ type: 'connecting', session: session.number, op: command.op });
  };
  const superviseLegs = (session: HostSession, at: number) => {
    for (const [number, leg] of session.legs) {
      if (leg.connectingAt === null || at - leg.connectingAt < CONNECT_MS) continue;
      dropLeg(session, number, gone);
      send({ type: 'leg-down', session: session.number, leg: number, cause: 'web' });
    }
  };

  const supervise = (session: HostSession, at: number, wall: number) => {
    superviseLegs(session, at);
    report(session.relay, at, wall, settings.rtcpMs);
    const side = foundOneWay(session.relay, at);
    if (side !== null) send({ type: 'one-way', session: session.number, side });
    if (fellSilent(session.relay, at, settings.imsSilentMs)) send({ type: 'ims-silent', session: session.number });
  };

  return {
    handle(command) {
      if (command.type === 'open') return open(command);
      const session = sessions.get(command.session);
      if (session === undefined) {
        if (command.type === 'close') send({ type: 'closed', session: command.session, ...NO_TOTALS });
        else if ('op' in command) refuse(command, 'driver');
        return;
      }
      switch (command.type) {
        case 'add-leg':
          return send({
            type: 'leg-added',
            session: session.number,
            op: command.op,
            transport: addLeg(options, session, command.leg),
          });
        case 'connect':
          return connect(session, command);
        case 'restart': {
          const transport = session.legs.get(command.leg)?.end.restart?.(command.remote) ?? null;
          if (transport === null) return refuse(command, 'unsupported');
          return send({ type: 'restarted', session: session.number, op: command.op, transport });
        }
        case 'candidates':
          return session.legs.get(command.leg)?.end.addCandidates(command.candidates);
        case 'drop-leg':
          return dropLeg(session, command.leg, gone);
        case 'add-video':
          return addVideo(options, session, command, gone);
        case 'drop-video':
          return dropVideo(session, gone);
        case 'key-frame':
          return askForKeyFrame(session, now());
        case 'route':
          join(session, command.route.leg);
          return applyRoute(session.relay, command.route, now());
        case 'close':
          sessions.delete(session.number);
          return send({ type: 'closed', session: session.number, ...closeSession(session, gone, now()) });
        default:
          return command satisfies never;
      }
    },
    tick() {
      const at = now();
      const wall = options.wall();
      for (const session of sessions.values()) {
        try {
          supervise(session, at, wall);
        } catch (error) {
          options.onFault(error);
        }
      }
    },
    close() {
      for (const session of sessions.values()) closeSession(session, gone, now());
      sessions.clear();
    },
    sessions: () => sessions.size,
    counts() {
      const sum = { ...gone };
      for (const session of sessions.values()) {
        addRelay(sum, session.relay);
        for (const { end } of session.legs.values()) addCounts(sum, end.counts?.() ?? {});
      }
      return sum;
    },
  };
}

function addLeg(options: HostOptions, session: HostSession, request: LegRequest): WebTransport {
  const { leg: number } = request;
  const { relay: r } = session;
  const end = options.makeWebEnd(request, {
    packet: packet => {
      if (session.joined === number) fromWeb(r, packet, options.now());
    },
    up: () => {
      const leg = session.legs.get(number);
      if (leg === undefined) return;
      leg.up = true;
      leg.connectingAt = null;
      if (session.joined === number) r.webUp = true;
      options.send({ type: 'leg-up', session: session.number, leg: number });
    },
    down: cause => {
      const leg = session.legs.get(number);
      if (leg === undefined) return;
      leg.up = false;
      leg.connectingAt = null;
      if (session.joined === number) r.webUp = false;
      options.send({ type: 'leg-down', session: session.number, leg: number, cause });
    },
  });
  const numbers = firstNumbers(options.random);
  const videoNumbers = firstNumbers(options.random);
  session.legs.set(number, { request, end, up: false, connectingAt: null, numbers, videoNumbers });
  return end.transport;
}

/** Joins a leg with the IMS side: from now on its SSRC and its packets count. */
function join(session: HostSession, number: number | null): void {
  if (session.joined === number) return;
  const leg = number === null ? undefined : session.legs.get(number);
  const { relay: r } = session;
  const before = session.joined === null ? undefined : session.legs.get(session.joined);
  if (before !== undefined) {
    before.numbers = numbersOf(r.toWeb);
    if (r.video !== null) before.videoNumbers = numbersOf(r.video.toWeb.stream);
  }
  session.joined = leg === undefined ? null : number;
  r.web = leg?.end ?? null;
  r.webUp = leg?.up ?? false;
  if (leg === undefined) return;
  goOn(r.toWeb, leg.request.ssrc, leg.numbers);
  r.webCname = leg.request.cname;
  if (r.video !== null) joinVideo(session, r.video);
}

function dropLeg(session: HostSession, number: number, gone: Record<string, number>): void {
  const leg = session.legs.get(number);
  if (leg === undefined) return;
  if (session.joined === number) join(session, null);
  session.legs.delete(number);
  leg.end.close();
  addCounts(gone, leg.end.counts?.() ?? {});
}

/** Drops of each side of a call by reason, and telephone events. */
function addRelay(into: Record<string, number>, r: Relay): void {
  addCounts(into, namedCounts('web', r.toIms.counts));
  addCounts(into, namedCounts('ims', r.toWeb.counts));
  if (r.video !== null) addVideoCounts(into, r.video);
}

/** Frees all of a session; its totals. */
function closeSession(session: HostSession, gone: Record<string, number>, now: number): EngineTotals {
  const { relay: r } = session;
  const totals = {
    fromWeb: legStats(r.toIms, r.toWeb.far),
    fromIms: legStats(r.toWeb, r.toIms.far),
    path: r.web?.path?.() ?? null,
    oneWay: silentSide(r, now, SHORT_CALL_MS),
  };
  session.closed = true;
  for (const number of [...session.legs.keys()]) dropLeg(session, number, gone);
  dropVideo(session, gone);
  addRelay(gone, r);
  r.ims?.close();
  r.ims = null;
  return totals;
}
