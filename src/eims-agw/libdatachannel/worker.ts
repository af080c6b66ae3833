/** A media worker: the process that holds browser legs on libdatachannel and the IMS sockets they are joined with. */
import { getRandomValues } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { addressPolicy } from '../address.ts';
import { makeCertificate } from '../certificate.ts';
import type { EngineCommand, EngineEvent } from '../engine.ts';
import { createHost, type Host } from '../rtp/host.ts';
import { createPortPool } from '../rtp/port-pool.ts';
import type { MediaSettings } from '../settings.ts';
import type { WorkerReport } from '../workers.ts';
import { claimPort } from './mux-port.ts';
import { webEndMaker } from './web-end.ts';

/** First message to the worker: its settings, with its own share of the IMS ports and its place among the web ports. */
export interface WorkerInit {
  type: 'init';
  settings: MediaSettings;
  /** The web ports it may take, in the order to try. */
  webPorts: number[];
}

type ToWorker = WorkerInit | { type: 'ping' } | EngineCommand;

const TICK_MS = 1_000;
const NANOSECONDS_PER_MS = 1e6;
let host: Host | null = null;
/** What came while the library was loading; a restarted worker is given calls at once. */
const early: EngineCommand[] = [];
const lag = monitorEventLoopDelay({ resolution: 20 });
const words = new Uint32Array(1);

function random(): number {
  getRandomValues(words);
  return words[0] ?? 0;
}

function say(message: EngineEvent | WorkerReport): void {
  if (process.connected) process.send?.(message, undefined, undefined, () => undefined);
}

async function init(message: WorkerInit): Promise<void> {
  const { settings } = message;
  let library: typeof import('node-datachannel');
  try {
    library = await import('node-datachannel');
    // Without a callback the library writes to our streams on its own.
    library.initLogger('Fatal', () => undefined);
  } catch {
    return say({
      type: 'unable',
      reason:
        'The native part of node-datachannel does not load on this platform, so calls cannot have media: install it with its optional dependencies.',
    });
  }
  const port = await claimPort(library, settings.web.bind, message.webPorts);
  if (port === null) {
    return say({
      type: 'unable',
      reason: `No UDP port of ${settings.web.ports.min}-${settings.web.ports.max} can be bound on ${settings.web.bind} for media of browsers.`,
    });
  }
  host = createHost({
    settings,
    addresses: addressPolicy(settings),
    pool: createPortPool(settings.ims.ports, () => performance.now(), random),
    makeWebEnd: webEndMaker({
      library,
      certificate: makeCertificate(Date.now()),
      bind: settings.web.bind,
      advertise: settings.web.advertise,
      port,
    }),
    send: say,
    now: () => performance.now(),
    wall: () => Date.now(),
    random,
  });
  lag.enable();
  setInterval(() => host?.tick(), Math.min(TICK_MS, settings.rtcpMs));
  say({ type: 'ready' });
  for (const command of early.splice(0)) host.handle(command);
}

process.on('message', (message: ToWorker) => {
  switch (message.type) {
    case 'init':
      void init(message);
      break;
    case 'ping':
      say({
        type: 'pong',
        sessions: host?.sessions() ?? 0,
        lagMs: Math.round(lag.percentile(99) / NANOSECONDS_PER_MS),
      });
      lag.reset();
      break;
    default:
      if (host === null) early.push(message);
      else host.handle(message);
  }
});
// Ctrl-C reaches the whole group; the parent decides when calls end, and says so by closing the channel.
process.on('SIGINT', () => undefined);
process.on('disconnect', () => {
  host?.close();
  process.exit(0);
});
