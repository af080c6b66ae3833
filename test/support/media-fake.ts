/** A media plane without packets: the real control and SDP writers over an engine in memory, for flow tests. */

import {
  type Engine,
  type EngineCaps,
  type EngineCommand,
  type EngineEvent,
  NO_TOTALS,
  type SdesSuite,
  type WebTransport,
} from '../../src/eims-agw/engine.ts';
import { createMediaPlane, type MediaPlane } from '../../src/eims-agw/media-plane.ts';
import { mediaRealms } from '../../src/eims-agw/realm.ts';
import { RELAY_CAPS } from '../../src/eims-agw/rtp/caps.ts';
import { type Clock, type Log, MEDIA_DEFAULTS, type MediaSettings } from '../../src/eims-agw/settings.ts';
import type { Emit } from '../../src/ep-cscf/ports.ts';

export interface FakeEngine extends Engine {
  /** Everything asked so far. */
  commands: EngineCommand[];
  /** While true nothing is answered; what was asked meanwhile stays unanswered. */
  mute: boolean;
  /** Legs are up as soon as they connect; set false to send `leg-up` by hand. */
  connects: boolean;
  /** Its side of ICE is lite. */
  lite: boolean;
  /** What it sends bears whatever SSRC. */
  anySsrc: boolean;
  /** It can restart ICE. */
  restarts: boolean;
  /** A key that nobody needs before a browser connects is told then. */
  keysLater: boolean;
  /** What it can do; the relay's when not changed. */
  able: EngineCaps;
  /** Next questions are refused with this. */
  refuse: Extract<EngineEvent, { type: 'refused' }>['failure'] | null;
  emit(event: EngineEvent): void;
  /** All sessions are lost, as when a worker dies. */
  die(): void;
  open(): number;
}

const FINGERPRINT = Array.from({ length: 32 }, (_, i) => (i + 160).toString(16).toUpperCase()).join(':');

/** A key of ours, another for each port. */
export function fakeKey(port: number): string {
  return Buffer.alloc(30, port & 0xff).toString('base64');
}

/** Answers at once, with transports and ports that count up. */
export function fakeEngine(
  onEvent: (event: EngineEvent) => void,
  settings: MediaSettings = MEDIA_DEFAULTS,
): FakeEngine {
  const sessions = new Map<number, { port: number; keyed: boolean }>();
  let legs = 0;
  let ports = 0;
  const transport = (): WebTransport => {
    legs += 1;
    return {
      address: settings.web.advertise,
      ...(settings.web.other === undefined ? {} : { otherAddress: settings.web.other.advertise }),
      port: settings.web.ports.min,
      ufrag: `ufrag${String(legs).padStart(3, '0')}`,
      pwd: `pwdpwdpwdpwdpwdpwdpwdpwd${String(legs).padStart(8, '0')}`,
      fingerprint: FINGERPRINT,
      iceLite: fake.lite,
      answerSetup: 'active',
      ...(fake.anySsrc ? { anySsrc: true } : {}),
    };
  };
  const keyOf = ({ sdes, keyLater }: { sdes?: SdesSuite; keyLater?: true }, port: number) =>
    sdes === undefined || (keyLater === true && fake.keysLater) ? {} : { key: fakeKey(port) };
  const answers = (command: EngineCommand): EngineEvent[] => {
    const { session } = command;
    if (command.type === 'close') {
      const known = sessions.delete(session);
      return [known ? { type: 'closed', session, ...NO_TOTALS } : { type: 'lost', session, ...NO_TOTALS }];
    }
    if (!('op' in command)) return [];
    const { op } = command;
    if (fake.refuse !== null) return [{ type: 'refused', session, op, failure: fake.refuse }];
    if (command.type === 'open') {
      if (sessions.size >= settings.workers * settings.sessionsPerWorker) {
        return [{ type: 'refused', session, op, failure: 'overload' }];
      }
      const port = settings.ims.ports.min + 2 * ports++;
      const { realm, family } = command.place;
      const ours = mediaRealms(settings)(realm).host(family);
      if (ours === null) return [{ type: 'refused', session, op, failure: 'unsupported' }];
      sessions.set(session, { port, keyed: command.sdes !== undefined });
      const ims = { address: ours.advertise, port, ...keyOf(command, port) };
      return [{ type: 'opened', session, op, ims, legs: command.legs.map(transport) }];
    }
    if (!sessions.has(session)) return [{ type: 'refused', session, op, failure: 'driver' }];
    if (command.type === 'add-leg') return [{ type: 'leg-added', session, op, transport: transport() }];
    if (command.type === 'add-video') {
      const port = settings.ims.ports.min + 2 * ports++;
      const ims = { address: settings.ims.advertise, port, ...keyOf(command, port) };
      const own = fake.able.bundle ? {} : { transport: transport() };
      return [{ type: 'video-added', session, op, ims, ...own }];
    }
    if (command.type === 'restart') {
      return [
        fake.restarts
          ? { type: 'restarted', session, op, transport: transport() }
          : { type: 'refused', session, op, failure: 'unsupported' },
      ];
    }
    const { port, keyed } = sessions.get(session) ?? { port: 0, keyed: false };
    const connecting: EngineEvent = { type: 'connecting', session, op, ...(keyed && { key: fakeKey(port) }) };
    return fake.connects ? [connecting, { type: 'leg-up', session, leg: command.leg }] : [connecting];
  };
  const fake: FakeEngine = {
    commands: [],
    mute: false,
    connects: true,
    lite: false,
    anySsrc: false,
    restarts: false,
    keysLater: false,
    able: RELAY_CAPS,
    refuse: null,
    start: async () => undefined,
    close: async () => sessions.clear(),
    send(command) {
      fake.commands.push(command);
      if (!fake.mute) for (const event of answers(command)) onEvent(event);
    },
    health: () => ({
      ok: true,
      sessions: sessions.size,
      load: sessions.size / settings.sessionsPerWorker,
      workers: settings.workers,
    }),
    caps: () => fake.able,
    emit: onEvent,
    die() {
      for (const session of [...sessions.keys()]) {
        sessions.delete(session);
        onEvent({ type: 'lost', session, ...NO_TOTALS });
      }
    },
    open: () => sessions.size,
  };
  return fake;
}

export interface FakeMedia extends MediaPlane {
  engine: FakeEngine;
  /** Names and labels of everything counted. */
  counted: string[];
  /** Lines of the log: level, message, fields. */
  lines: Array<Parameters<Log>>;
}

export interface FakeMediaOptions {
  emit: Emit;
  clock?: Clock;
  settings?: Partial<MediaSettings>;
}

/** The media plane for tests: SDP in, SDP out as in production, ids and SSRCs from a counter. */
export function fakeMedia(options: FakeMediaOptions): FakeMedia {
  const settings = { ...MEDIA_DEFAULTS, ...options.settings };
  const holder: { engine: FakeEngine | null } = { engine: null };
  const counted: string[] = [];
  const lines: Array<Parameters<Log>> = [];
  let number = 1_000;
  const plane = createMediaPlane({
    settings,
    emit: options.emit,
    clock: options.clock ?? { now: () => 0, after: () => () => undefined },
    log: (...line) => lines.push(line),
    count: (name, labels) => counted.push(`${name} ${Object.values(labels).join(' ')}`.trim()),
    engine: onEvent => {
      holder.engine = fakeEngine(onEvent, settings);
      return holder.engine;
    },
    random: () => {
      number += 1;
      return number;
    },
  });
  const { engine } = holder;
  if (engine === null) throw new Error('the media plane took no engine');
  return { ...plane, engine, counted, lines };
}
