/** The engine over a pool of rtpengine daemons: each call stays on the daemon that took it. */
import { randomBytes } from 'node:crypto';
import { createDiscardLog } from '../../runtime/discard-log.ts';
import { type Engine, type EngineCommand, type EngineEvent, NO_TOTALS } from '../engine.ts';
import { mediaRealms } from '../realm.ts';
import type { Clock, Count, Log, MediaSettings } from '../settings.ts';
import type { CallState } from './call-state.ts';
import { checkDaemons } from './check.ts';
import type { Wire, WireEvents } from './client.ts';
import { codesAll, createDaemon, type Daemon, promisedCaps } from './daemon.ts';
import { placeOf, placesOf } from './place.ts';
import { choose } from './pool.ts';
import { NO_STREAMS } from './reply.ts';
import { type CallSession, callSession, handle, type SessionEffect, type SessionInput, streamsOf } from './session.ts';
import { requestOf } from './step.ts';
import { carried } from './supervision.ts';
import { udpWire } from './udp-wire.ts';

/** A daemon that has not taken a call by then hangs, or might as well: another one shall, within the deadline of the operation. */
const OPEN_PATIENCE_MS = 700;
const PATIENCE_MS = 1_500;

export interface RtpengineOptions {
  settings: MediaSettings;
  onEvent: (event: EngineEvent) => void;
  clock: Clock;
  log: Log;
  count: Count;
  /** Another network than the real one, for tests. */
  wire?: (host: string, port: number, events: WireEvents) => Wire;
}

interface Placed {
  call: CallSession;
  daemon: Daemon;
  /** Daemons it was on or is on, by index. */
  tried: Set<number>;
  open: Extract<EngineCommand, { type: 'open' }>;
  /** When to look again, of each stream. */
  looks: Map<CallState, () => void>;
}

export function createRtpengine(options: RtpengineOptions): Engine {
  const { settings, onEvent, clock, log, count } = options;
  const { rtpengine } = settings;
  const realms = mediaRealms(settings);
  const prefix = `lineside-${randomBytes(6).toString('hex')}-`;
  const habits = { web: rtpengine.webInterface, natLatch: settings.ims.natLatch };
  const places = placesOf(settings, realms);
  const placed = new Map<number, Placed>();
  /** What each daemon had when it was lost: one that only hung has it still. */
  const leftovers: CallState[][] = rtpengine.daemons.map(() => []);
  const refused = createDiscardLog(clock.now, (reason, number) =>
    log('warn', 'calls refused by the media plane', { reason, count: number, sessions: placed.size }),
  );
  const daemons = rtpengine.daemons.map(({ host, port, weight, calls }, index) =>
    createDaemon({
      name: `${host.includes(':') ? `[${host}]` : host}:${port}`,
      weight,
      limit: calls,
      prefix: `${prefix}${index}-`,
      vouched: rtpengine.versions,
      habits,
      places,
      files: Object.values(settings.announcements),
      open: events => (options.wire ?? udpWire)(host, port, events),
      clock,
      log,
      count,
      onReady: () => clean(index),
      onLost: () => lost(index),
    }),
  );

  function open(command: Placed['open'], tried: Set<number>): void {
    const index = best(tried, command);
    if (typeof index === 'string') refuse(command, index);
    else place(command, index, tried);
  }

  /** The far ends are offered what was promised: a daemon that lacks some of it is no choice. */
  function best(tried: ReadonlySet<number>, { transcode = [] }: Placed['open']): number | 'driver' | 'overload' {
    const unable = [...daemons.entries()].flatMap(([i, daemon]) => (codesAll(daemon, transcode) ? [] : [i]));
    return choose(
      daemons.map(daemon => daemon.member()),
      new Set([...tried, ...unable]),
    );
  }

  function place(command: Placed['open'], index: number, tried: Set<number>): void {
    const daemon = daemons[index];
    if (daemon === undefined) throw new RangeError('a daemon was chosen that is not in the pool');
    tried.add(index);
    const call = callSession({
      session: command.session,
      callId: `${prefix}${command.session}-${tried.size}`,
      kind: 'audio',
      nobodysKey: randomBytes(30).toString('base64'),
      habits: {
        ...habits,
        ...placeOf(settings, command.place),
        natLatch: realms(command.place.realm).natLatch,
        advertised: daemon.advertised(),
      },
      imsSilentMs: settings.imsSilentMs,
    });
    daemon.took({ calls: 1 });
    placed.set(command.session, { call, daemon, tried, open: command, looks: new Map() });
    give(command.session, { type: 'command', command });
  }

  function refuse({ session, op }: Placed['open'], failure: 'driver' | 'overload' | 'no-port'): void {
    count('overload_shed_total', { reason: 'media' }, 1);
    refused(failure === 'overload' ? 'full' : failure === 'driver' ? 'no daemon' : 'no port', 1);
    onEvent({ type: 'refused', session, op, failure });
  }

  function give(session: number, input: SessionInput): void {
    const held = placed.get(session);
    if (held === undefined) return;
    const out: SessionEffect[] = [];
    handle(held.call, input, clock.now(), out);
    for (const effect of out) perform(session, held, effect);
  }

  function perform(session: number, held: Placed, effect: SessionEffect): void {
    const { daemon } = held;
    switch (effect.type) {
      case 'ask': {
        const { of } = effect;
        const patience = of.opening === null ? PATIENCE_MS : OPEN_PATIENCE_MS;
        daemon.ask(effect.request, patience, reply => {
          if (reply === null) daemon.doubt();
          if (placed.get(session) === held && streamsOf(held.call).includes(of))
            give(session, reply === null ? { type: 'unanswered', of } : { type: 'reply', reply, of });
          // A copy of it may have come there after the end of its stream, and begun that anew.
          else if (reply !== null && effect.request.command === 'offer') void remove(daemon, of);
        });
        break;
      }
      case 'event':
        onEvent(effect.event);
        break;
      case 'look-in': {
        const { of } = effect;
        held.looks.get(of)?.();
        held.looks.set(
          of,
          clock.after(effect.ms, () => give(session, { type: 'look', of })),
        );
        break;
      }
      case 'picture-begins':
        daemon.took({ pictures: 1 });
        break;
      case 'picture-over':
        daemon.took({ pictures: -1 });
        held.looks.get(effect.of)?.();
        held.looks.delete(effect.of);
        if (effect.leftover) void remove(daemon, effect.of);
        break;
      case 'key-frame-unasked':
        count('rtpengine_key_frames_unasked_total', { daemon: daemon.name }, 1);
        if (effect.first)
          log('info', 'a far end asks for a key frame by signalling, and rtpengine asks no browser', {
            daemon: daemon.name,
          });
        break;
      case 'trouble':
        log('warn', 'an rtpengine did not do what a call needs', {
          daemon: daemon.name,
          what: effect.what,
          reason: effect.reason,
        });
        break;
      case 'not-opened':
        void forget(session, held, true);
        elsewhere(held, effect.failure);
        break;
      case 'over':
        void forget(session, held, effect.leftover);
        break;
      default:
        effect satisfies never;
    }
  }

  /** Whoever asked still waits: another daemon shall take the call. */
  function elsewhere(
    { open: command, tried, daemon }: Placed,
    failure: Extract<SessionEffect, { type: 'not-opened' }>['failure'],
  ): void {
    log('warn', 'an rtpengine did not take a call', { daemon: daemon.name, failure });
    const left = best(tried, command);
    if (typeof left === 'number') place(command, left, tried);
    else refuse(command, failure === 'overload' || failure === 'no-port' ? failure : 'driver');
  }

  /** Resolves when the daemon has nothing of it, or nothing can be done about that. `leftover`: it may still have the sound. */
  async function forget(session: number, held: Placed, leftover: boolean): Promise<void> {
    if (placed.get(session) !== held) return;
    placed.delete(session);
    for (const cancel of held.looks.values()) cancel();
    const [sound, ...pictures] = streamsOf(held.call);
    held.daemon.took({ calls: -1, pictures: -pictures.length });
    // Should it hear us after all, it keeps nothing.
    const left = leftover ? [sound, ...pictures] : pictures;
    await Promise.all(left.map(stream => remove(held.daemon, stream)));
  }

  /** Resolves when it is gone, or nothing can be done about it. */
  function remove(daemon: Daemon, stream: CallState): Promise<void> {
    if (daemon.member().state === 'down') return Promise.resolve();
    const request = requestOf(stream, { type: 'delete' });
    return new Promise(resolve => daemon.ask(request, OPEN_PATIENCE_MS, () => resolve()));
  }

  function clean(index: number): void {
    const daemon = daemons[index];
    for (const stream of leftovers[index]?.splice(0) ?? []) if (daemon !== undefined) void remove(daemon, stream);
  }

  function lost(index: number): void {
    for (const [session, held] of [...placed]) {
      if (held.daemon !== daemons[index]) continue;
      leftovers[index]?.push(...streamsOf(held.call));
      void forget(session, held, false);
      const { opening, closing } = held.call.sound;
      // Whoever asks for a new call still waits, unless it was given up meanwhile.
      if (opening !== null && !closing) elsewhere(held, 'driver');
      // Nobody can be asked any more: what the last look found is all there is.
      else onEvent({ ...carried(held.call.sound.watch), type: 'lost', session });
    }
  }

  return {
    async start() {
      const found = await Promise.all(daemons.map(daemon => daemon.start()));
      const faults = found.flatMap((probed, i) =>
        probed.ok || probed.silent ? [] : [`${daemons[i]?.name} ${probed.fault}`],
      );
      if (faults.length === daemons.length) throw new Error(`No rtpengine can be used: ${faults.join('; ')}.`);
    },
    check: () => checkDaemons(daemons, settings.imsCodecs, clock),
    async close() {
      await Promise.all([...placed].map(([session, held]) => forget(session, held, true)));
      for (const daemon of daemons) daemon.close();
    },
    send(command) {
      const { session } = command;
      if (command.type === 'open') return open(command, new Set());
      if (placed.has(session)) give(session, { type: 'command', command });
      else if (command.type === 'close') onEvent({ ...NO_TOTALS, type: 'lost', session });
      else if ('op' in command) onEvent({ type: 'refused', session, op: command.op, failure: 'driver' });
    },
    caps: () => promisedCaps(daemons),
    health() {
      const members = daemons.map(daemon => daemon.member());
      const alive = members.filter(({ state }) => state !== 'down');
      const limit = alive.reduce((sum, member) => sum + member.limit, 0);
      return {
        ok: alive.length > 0,
        sessions: placed.size,
        load: limit === 0 ? 1 : placed.size / limit,
        workers: alive.length,
        daemons: members.map(({ state, ours }, i) => ({
          name: daemons[i]?.name ?? '',
          up: state !== 'down',
          sessions: ours,
          streams: daemons[i]?.streams() ?? NO_STREAMS,
        })),
      };
    },
  };
}
