/** rtpengine daemons as children of a test, each on a loopback address of its own, and the media plane over them. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createMediaPlane, type MediaPlane } from '../../src/eims-agw/media-plane.ts';
import { type Clock, type Log, MEDIA_DEFAULTS, type MediaSettings } from '../../src/eims-agw/settings.ts';
import { type Inbox, inbox } from './media-inbox.ts';

const NG_PORT = 2223;
/** A daemon says so when it takes requests. */
const READY = /Startup complete/;
const START_MS = 10_000;

export interface TestDaemon {
  /** As in the settings and metrics. */
  name: string;
  host: string;
  signal(name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void;
  /** Once more after it was killed. */
  restart(): Promise<void>;
  /** Rejects, when it is gone, if it still had calls. */
  close(): Promise<void>;
}

const PORTS = 200;

/** Its ng socket is on `host`, its interfaces on `media`, and `peering` is on ::1; it takes ports from `firstPort` on. With several `threads` datagrams of one socket may overtake each other in it. */
export async function rtpengineDaemon(host: string, firstPort: number, threads = 2, media = host): Promise<TestDaemon> {
  let child = await spawned(host, firstPort, threads, media);
  let stopped = false;
  const end = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    // Also when it is stopped.
    child.kill('SIGKILL');
    await gone;
  };
  return {
    name: `${host}:${NG_PORT}`,
    host,
    signal(name) {
      stopped = name === 'SIGSTOP';
      child.kill(name);
    },
    async restart() {
      await end();
      stopped = false;
      child = await spawned(host, firstPort, threads, media);
    },
    async close() {
      const there = child.exitCode === null && child.signalCode === null && !stopped;
      const left = there ? await callsOf(host) : [];
      await end();
      if (left.length > 0) throw new Error(`the daemon still has ${left.join(', ')}`);
    },
  };
}

/** Names of the calls that a daemon has. */
function callsOf(host: string): Promise<string[]> {
  const socket = createSocket('udp4');
  return new Promise<string[]>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('the daemon does not say what it has')), START_MS);
    socket.once('message', reply => {
      clearTimeout(timer);
      resolve(JSON.parse(reply.toString().slice('list '.length)).calls);
    });
    socket.send('list {"command":"list"}', NG_PORT, host);
  }).finally(() => socket.close());
}

async function spawned(host: string, firstPort: number, threads: number, media: string): Promise<ChildProcess> {
  const child = spawn(
    'setpriv',
    [
      // It ends with the test, however that ends.
      '--pdeathsig=KILL',
      'rtpengine',
      '--config-file=none',
      '--foreground',
      '--log-stderr',
      '--log-level=6',
      '--table=-1',
      `--num-threads=${threads}`,
      '--delete-delay=0',
      `--interface=web/${media}`,
      `--interface=ims/${media}`,
      '--interface=peering/::1',
      `--listen-ng=${host}:${NG_PORT}`,
      `--port-min=${firstPort}`,
      `--port-max=${firstPort + PORTS - 1}`,
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let said = '';
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`rtpengine did not start: ${said}`)), START_MS);
    child.once('error', reject);
    child.once('exit', () => reject(new Error(`rtpengine ended: ${said}`)));
    child.stderr?.on('data', text => {
      // Read on, so that it never waits for us.
      if (said.length < 10_000) said += text;
      if (!READY.test(said)) return;
      clearTimeout(timer);
      resolve();
    });
  });
  return child;
}

export interface RtpengineMedia {
  plane: MediaPlane;
  box: Inbox;
  counted: Map<string, number>;
  lines: Array<Parameters<Log>>;
  close(): Promise<void>;
}

const clock: Clock = {
  now: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/** The media plane over these daemons, started. */
export async function rtpengineMedia(
  daemons: ReadonlyArray<Pick<TestDaemon, 'host'>>,
  settings: Partial<MediaSettings> = {},
): Promise<RtpengineMedia> {
  const box = inbox();
  const counted = new Map<string, number>();
  const lines: Array<Parameters<Log>> = [];
  let number = 1_000;
  const full = { ...MEDIA_DEFAULTS, ...settings };
  const plane = createMediaPlane({
    settings: {
      ...full,
      engine: 'rtpengine',
      rtpengine: {
        ...full.rtpengine,
        daemons: daemons.map(({ host }) => ({ host, port: NG_PORT, weight: 1, calls: full.sessionsPerWorker })),
      },
    },
    emit: box.emit,
    log: (...line) => lines.push(line),
    count: (name, labels, value) => {
      const key = [name, ...Object.values(labels)].join(' ');
      counted.set(key, (counted.get(key) ?? 0) + value);
    },
    clock,
    random: () => number++,
  });
  await plane.start();
  return { plane, box, counted, lines, close: () => plane.close() };
}
