/** What every media worker process does, whichever engine makes its browser legs: obeys the supervisor, relays, reports, ends with its parent. */
import { getRandomValues } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { createLag, type Lag } from '../runtime/lag.ts';
import { imsHosts } from './address.ts';
import type { EngineCommand, EngineCounts, EngineEvent } from './engine.ts';
import { mediaRealms } from './realm.ts';
import { createHost, type Host } from './rtp/host.ts';
import { createPortPool } from './rtp/port-pool.ts';
import type { MakeWebEnd } from './rtp/web-end.ts';
import type { MediaSettings } from './settings.ts';
import type { WorkerReport } from './workers.ts';

/** First message to the worker: its settings, with its own share of the IMS ports and its place among the web ports. */
export interface WorkerInit {
  type: 'init';
  settings: MediaSettings;
  /** The web ports it may take, in the order to try. */
  webPorts: number[];
}

/** The browser side of a worker. */
export interface WebSide {
  make: MakeWebEnd;
  /** Once a second. */
  tick?(): void;
  /** Of what belongs to no leg. */
  counts?(): EngineCounts;
}

type ToWorker = WorkerInit | { type: 'ping' } | EngineCommand;

const TICK_MS = 1_000;

/** Writes a fault of ours to the log: what met it is lost, the worker goes on. */
export type TellFault = (error: unknown) => void;

/** Runs this process as a worker; `open` gives its browser side, or one sentence that says why there can be none. */
export function runWorker(open: (init: WorkerInit, onFault: TellFault) => Promise<WebSide | string>): void {
  let host: Host | null = null;
  let web: WebSide | null = null;
  let lag: Lag | null = null;
  const told = new Map<string, number>();
  const onFault = tellFault();
  /** A fault of ours must not end a worker, which holds the calls of many. */
  const safely = (run: () => void) => {
    try {
      run();
    } catch (error) {
      onFault(error);
    }
  };
  /** Commands that came before the engine was loaded: the call after a lost worker waits here. */
  let early: EngineCommand[] = [];

  const init = async (message: WorkerInit) => {
    const { settings } = message;
    for (const { bind } of imsHosts(settings)) {
      if (await isOurs(bind)) continue;
      return say({
        type: 'unable',
        reason: `The setting "media.imsHost" cannot be used: ${bind} is no address of this host.`,
      });
    }
    const opened = await open(message, onFault);
    if (typeof opened === 'string') return say({ type: 'unable', reason: opened });
    web = opened;
    host = createHost({
      settings,
      realms: mediaRealms(settings),
      pool: createPortPool(settings.ims.ports, () => performance.now(), random),
      makeWebEnd: opened.make,
      send: say,
      onFault,
      now: () => performance.now(),
      wall: () => Date.now(),
      random,
    });
    // Not before: what is loaded at the start holds the loop up.
    lag = createLag();
    setInterval(() => safely(() => host?.tick()), Math.min(TICK_MS, settings.rtcpMs));
    setInterval(() => safely(() => web?.tick?.()), TICK_MS);
    say({ type: 'ready' });
    for (const command of early) host.handle(command);
    early = [];
  };

  /** News of both ends. One that cannot tell its own must not make the worker look hung. */
  const counted = (): EngineCounts => {
    const counts = {};
    safely(() => Object.assign(counts, news(told, web?.counts?.() ?? {})));
    safely(() => Object.assign(counts, news(told, host?.counts() ?? {})));
    return counts;
  };

  const hear = (message: ToWorker) => {
    switch (message.type) {
      case 'init':
        void init(message);
        break;
      case 'ping':
        say({ type: 'pong', lagMs: Math.round(lag?.ms() ?? 0), counts: counted() });
        break;
      default:
        if (host === null) early.push(message);
        else host.handle(message);
    }
  };
  process.on('message', (message: ToWorker) => safely(() => hear(message)));
  // Ctrl-C reaches the whole group; the parent decides when calls end, and says so by closing the channel.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => {
    host?.close();
    process.exit(0);
  });
}

/** Whether a socket can be bound to the address. */
function isOurs(address: string): Promise<boolean> {
  const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
  return new Promise(resolve => {
    socket.once('error', () => resolve(false));
    socket.bind(0, address, () => socket.close(() => resolve(true)));
  });
}

/** What has been counted since it was last told. */
function news(told: Map<string, number>, counts: EngineCounts): EngineCounts {
  const fresh: Record<string, number> = {};
  for (const [name, value] of Object.entries(counts)) {
    const more = value - (told.get(name) ?? 0);
    if (more > 0) fresh[name] = more;
    told.set(name, value);
  }
  return fresh;
}

/** To the parent's log, at most one a second. */
function tellFault(): TellFault {
  let at = Number.NEGATIVE_INFINITY;
  return error => {
    const now = performance.now();
    if (now - at < TICK_MS) return;
    at = now;
    process.stderr.write(`media worker: ${error instanceof Error ? error.stack : String(error)}\n`);
  };
}

const words = new Uint32Array(1);

function random(): number {
  getRandomValues(words);
  return words[0] ?? 0;
}

function say(message: EngineEvent | WorkerReport): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}
