/** A media engine in worker processes: spreads sessions over them, whatever makes their browser legs. */
import { createDiscardLog } from '../runtime/discard-log.ts';
import { type Engine, type EngineCommand, type EngineEvent, NO_TOTALS } from './engine.ts';
import { RELAY_CAPS } from './rtp/caps.ts';
import type { Clock, Count, Log, MediaSettings, PortRange } from './settings.ts';
import { isThrownAway } from './thrown-away.ts';
import type { WorkerInit } from './worker-process.ts';
import { createWorkers } from './workers.ts';

/** Program of the workers. */
const RELAY = new URL('relay/worker.ts', import.meta.url);

/** A worker that has not opened a session by then hangs, or might as well: another one shall, within the deadline of the operation. */
const OPEN_MS = 700;

export interface EngineOptions {
  settings: MediaSettings;
  onEvent: (event: EngineEvent) => void;
  clock: Clock;
  log: Log;
  count: Count;
  /** Another program for the workers; tests put other libraries behind the same commands. */
  program?: URL;
}

export interface WorkerEngine extends Engine {
  /** Process id of a worker, for tests that end one. */
  pid(index: number): number | null;
}

type OpenCommand = Extract<EngineCommand, { type: 'open' }>;

export function createWorkerEngine(options: EngineOptions): WorkerEngine {
  const { settings, onEvent } = options;
  const discarded = createDiscardLog(options.clock.now, (reason, count) =>
    options.log('warn', 'media input thrown away', { reason, count }),
  );
  const refused = createDiscardLog(options.clock.now, (reason, count) => {
    const lagMs = Math.max(...load.map((_, i) => workers.lagMs(i)));
    options.log('warn', 'calls refused by the media plane', { reason, count, sessions: placed.size, lagMs });
  });
  const placed = new Map<number, number>();
  /** Sessions being opened: what was asked, and the end of the wait for it. */
  const opening = new Map<number, { command: OpenCommand; cancel: () => void }>();
  const load = new Array<number>(settings.workers).fill(0);
  const settled = (session: number) => {
    opening.get(session)?.cancel();
    opening.delete(session);
  };
  const forget = (session: number) => {
    const worker = placed.get(session);
    if (worker === undefined) return;
    placed.delete(session);
    load[worker] = (load[worker] ?? 1) - 1;
    settled(session);
  };
  const workers = createWorkers({
    file: options.program ?? RELAY,
    count: settings.workers,
    init: index => initOf(settings, index),
    clock: options.clock,
    log: options.log,
    onCount: options.count,
    onCounts: counts => {
      for (const [event, value] of Object.entries(counts)) {
        options.count('media_events_total', { event }, value);
        if (isThrownAway(event)) discarded(event, value);
      }
    },
    onMessage: (index, message) => {
      const event = message as EngineEvent;
      // A session that was taken from this worker.
      if (placed.get(event.session) !== index) return;
      if (event.type === 'closed' || event.type === 'lost') forget(event.session);
      else if (event.type === 'opened' || event.type === 'refused') settled(event.session);
      onEvent(event);
    },
    onLost: index => {
      for (const [session, worker] of [...placed]) {
        if (worker !== index) continue;
        const asked = opening.get(session)?.command;
        forget(session);
        // It never had this one, and whoever asked still waits: another worker shall.
        if (asked !== undefined) open(asked);
        else onEvent({ type: 'lost', session, ...NO_TOTALS });
      }
    },
  });
  /** The best worker for a new session but `avoid`; or why there is none. */
  const choose = (avoid: number | null): number | 'driver' | 'overload' => {
    const all = [...load.keys()].filter(i => i !== avoid);
    const ready = all.filter(i => workers.usable(i));
    // After a loss the next call does not fail: it waits in the channel of the worker that is on its way.
    const able = ready.length > 0 ? ready : all.filter(i => workers.waiting(i));
    const best = leastLoaded(
      able.filter(i => (load[i] ?? 0) < settings.sessionsPerWorker && workers.lagMs(i) <= settings.shedLagMs),
    );
    return best >= 0 ? best : able.length === 0 ? 'driver' : 'overload';
  };
  /** For the log: what the operator has to look at. */
  const whyRefused = (failure: 'driver' | 'overload'): string => {
    if (failure === 'driver') return 'no worker';
    return load.some((count, i) => workers.usable(i) && count < settings.sessionsPerWorker) ? 'late' : 'full';
  };
  const place = (command: OpenCommand, worker: number) => {
    const { session } = command;
    placed.set(session, worker);
    load[worker] = (load[worker] ?? 0) + 1;
    workers.send(worker, command);
    const cancel = options.clock.after(OPEN_MS, () => {
      const other = choose(worker);
      if (typeof other === 'string') return;
      options.log('warn', 'a media worker did not take a call in time', { worker });
      forget(session);
      // Should it wake up, it holds nothing.
      workers.send(worker, { type: 'close', session });
      place(command, other);
    });
    opening.set(session, { command, cancel });
  };
  const open = (command: OpenCommand) => {
    const worker = choose(null);
    if (typeof worker === 'number') return place(command, worker);
    options.count('overload_shed_total', { reason: 'media' }, 1);
    refused(whyRefused(worker), 1);
    onEvent({ type: 'refused', session: command.session, op: command.op, failure: worker });
  };
  const leastLoaded = (candidates: number[]) =>
    candidates.reduce((best, i) => (best < 0 || (load[i] ?? 0) < (load[best] ?? 0) ? i : best), -1);
  return {
    start: () => workers.start(),
    close: () => workers.close(),
    send(command) {
      if (command.type === 'open') return open(command);
      const worker = placed.get(command.session);
      if (worker !== undefined) {
        workers.send(worker, command);
      } else if (command.type === 'close') onEvent({ type: 'lost', session: command.session, ...NO_TOTALS });
      else if ('op' in command)
        onEvent({ type: 'refused', session: command.session, op: command.op, failure: 'driver' });
    },
    health() {
      const ready = load.filter((_, i) => workers.usable(i)).length;
      const capacity = ready * settings.sessionsPerWorker;
      return {
        ok: ready > 0,
        sessions: placed.size,
        load: capacity === 0 ? 1 : placed.size / capacity,
        workers: ready,
      };
    },
    caps: () => RELAY_CAPS,
    pid: index => workers.pid(index),
  };
}

function initOf(settings: MediaSettings, index: number): WorkerInit {
  const { web, ims, workers } = settings;
  const webPorts: number[] = [];
  for (let port = web.ports.min + index; port <= web.ports.max; port += workers) webPorts.push(port);
  return {
    type: 'init',
    settings: { ...settings, ims: { ...ims, ports: share(ims.ports, index, workers) } },
    webPorts,
  };
}

/** An equal part of the range for each worker, in pairs. */
function share(range: PortRange, index: number, workers: number): PortRange {
  const size = Math.floor((range.max - range.min + 1) / workers / 2) * 2;
  const min = range.min + index * size;
  return { min, max: index === workers - 1 ? range.max : min + size - 1 };
}
