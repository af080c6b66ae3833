/** The media plane on a real engine, ours or libdatachannel's, on an address of its own, for tests. */
import { createControl } from '../../src/eims-agw/control.ts';
import type { MediaPlane } from '../../src/eims-agw/media-plane.ts';
import { type Clock, type Log, MEDIA_DEFAULTS, type MediaSettings } from '../../src/eims-agw/settings.ts';
import { createWorkerEngine, type WorkerEngine } from '../../src/eims-agw/worker-engine.ts';
import { type Inbox, inbox } from './media-inbox.ts';

export interface RealMedia {
  plane: MediaPlane;
  box: Inbox;
  engine: WorkerEngine;
  counted: Map<string, number>;
  /** Lines of the log: level, message, fields. */
  lines: Array<Parameters<Log>>;
  /** Waits until the workers have told a figure of at least `value`; the last one told. */
  figure(event: string, value: number): Promise<number>;
  kill(): void;
  close(): Promise<void>;
}

/** Workers tell their figures once a second. */
const FIGURE_MS = 5_000;

const clock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

const PROGRAMS = {
  relay: new URL('../../src/eims-agw/relay/worker.ts', import.meta.url),
  libdatachannel: new URL('libdatachannel/worker.ts', import.meta.url),
  greedy: new URL('media-greedy-worker.ts', import.meta.url),
};

export type EngineName = keyof typeof PROGRAMS;

/** Starts it on `host` (a 127.x address); the far ends may be anywhere in 127.0.0.0/8. */
export async function realMedia(
  host: string,
  settings: Partial<MediaSettings> = {},
  name: EngineName = 'relay',
): Promise<RealMedia> {
  const full: MediaSettings = {
    ...MEDIA_DEFAULTS,
    // Tests share their machine with others.
    shedLagMs: 10_000,
    web: { ...MEDIA_DEFAULTS.web, bind: host, advertise: host },
    ims: { ...MEDIA_DEFAULTS.ims, bind: host, advertise: host, srtp: 'accept' },
    ...settings,
  };
  const box = inbox();
  const counted = new Map<string, number>();
  const count = (name: string, labels: Readonly<Record<string, string>>, value: number) => {
    const key = [name, ...Object.values(labels)].join(' ');
    counted.set(key, (counted.get(key) ?? 0) + value);
  };
  const lines: Array<Parameters<Log>> = [];
  const log: Log = (...line) => lines.push(line);
  const engine = createWorkerEngine({
    settings: full,
    onEvent: event => control.onEvent(event),
    clock,
    log,
    count,
    program: PROGRAMS[name],
  });
  let number = 1;
  const control = createControl({ settings: full, engine, emit: box.emit, log, count, clock, random: () => number++ });
  await engine.start();
  return {
    plane: {
      port: control.port,
      check: async () => ({ faults: [], notes: [] }),
      start: async () => undefined,
      close: () => engine.close(),
      health: () => engine.health(),
      sizes: () => control.sizes(),
    },
    box,
    engine,
    counted,
    lines,
    async figure(event, value) {
      const end = performance.now() + FIGURE_MS;
      for (;;) {
        const seen = counted.get(`media_events_total ${event}`) ?? 0;
        if (seen >= value || performance.now() > end) return seen;
        await new Promise(resolve => setTimeout(resolve, 20));
      }
    },
    kill() {
      const pid = engine.pid(0);
      if (pid !== null) process.kill(pid, 'SIGKILL');
    },
    close: () => engine.close(),
  };
}
