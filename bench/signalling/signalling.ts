/** CPU, delay and memory of signalling: whole calls and registrations through API, SIP and events, without media. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { apiScopes } from '../../sandbox/identity/subscriber.ts';
import { type BenchResult, type BenchRow, spread } from '../bench.ts';
import { cpuMs, pause, rssKb, sleeps } from '../process.ts';
import { type BenchDevice, createDevice, type Moments, OFFER } from './client.ts';
import { type BenchCore, startCore } from './core.ts';
import { startIssuer } from './issuer.ts';
import { type JanusCaller, startSipJanus } from './janus.ts';

const REPEATS = Number(process.env.LINESIDE_BENCH_REPEATS ?? 3);
const HOST = '127.0.63.1';
const [API, OPS, IDENTITY, SIP, CORE, JANUS] = [9091, 9093, 9092, 5060, 5070, 8188];
const REGISTRATIONS = 2000;
const DEVICES = 30;
const CALLS = 1000;
const CALLS_PER_S = 100;
const IDLE_MS = 5000;
/** Until the last transaction of the registrations is forgotten: 64 T1. RFC 3261 17.1.2.2. */
const SETTLE_MS = 6500;
const LOST_MS = 3000;

export async function signallingBench(): Promise<BenchResult[]> {
  const runs: Run[] = [];
  const peers: Figures[] = [];
  for (let n = 0; n < REPEATS; n += 1) {
    runs.push(await oneRun());
    peers.push(await janusRun());
  }
  const shared = `Whole gateway in one process with its sqlite store, media engine that carries nothing, reg event off, ${REPEATS} runs; median (lowest-highest).`;
  return [
    {
      name: 'signalling-call',
      method: `${shared} A call is POST, INVITE, 180, 200, ACK, events by WebSocket, DELETE, BYE. Delays include the load generator, which shares the machine.`,
      rows: [
        row(
          `Lineside, ${CALLS_PER_S} calls/s`,
          runs.map(run => run.paced),
        ),
        row(`Janus SIP plugin, ${CALLS_PER_S} calls/s`, peers),
        row(
          'Lineside, as many as go',
          runs.map(run => run.full),
        ),
      ],
    },
    {
      name: 'signalling-registration',
      method: `${shared} ${REGISTRATIONS} numbers, 20 requests at a time.`,
      rows: [
        row(
          'Lineside',
          runs.map(run => run.registration),
        ),
      ],
    },
  ];
}

type Figures = Record<string, number>;

interface Run {
  registration: Figures;
  paced: Figures;
  full: Figures;
}

function row(subject: string, runs: readonly Figures[]): BenchRow {
  const names = Object.keys(runs[0] ?? {});
  const figures = names.map(name => [name, spread(runs.map(run => run[name] ?? Number.NaN))]);
  return { subject, figures: Object.fromEntries(figures) };
}

async function oneRun(): Promise<Run> {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-bench-'));
  const issuer = await startIssuer(HOST, IDENTITY, apiScopes.join(' '));
  const core = await startCore(HOST, CORE);
  const gateway = await startGateway(settingsOf(folder, issuer.url));
  const pid = gateway.pid ?? 0;
  const origin = `http://${HOST}:${API}`;
  const pool = new Pool(origin, { connections: 40 });
  try {
    const numbers = Array.from({ length: REGISTRATIONS }, (_, i) => `+1555${String(1_000_000 + i)}`);
    const devices: BenchDevice[] = [];
    for (const number of numbers) devices.push(createDevice(pool, origin, number, await issuer.token(number)));
    const callers = devices.slice(0, DEVICES);
    await warmUp(callers);
    const registration = await registrations(pid, devices.slice(DEVICES));
    await idle(pid, registration);
    const paced = await pacedCalls(pid, callers, core, (device, callee) => device.call(callee, 0));
    const full = await fullCalls(pid, callers);
    for (const device of callers) device.close();
    return { registration, paced, full };
  } finally {
    await pool.destroy();
    await ended(gateway);
    await core.close();
    issuer.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The callers register, open their channels and talk a while, so that the compiler has seen everything. */
async function warmUp(callers: readonly BenchDevice[]): Promise<void> {
  for (const device of callers) {
    await device.register();
    await device.openChannel();
  }
  await lanes(callers, 1500, device => device.call(nextCallee(), 0));
}

async function idle(pid: number, figures: Figures): Promise<void> {
  await pause(SETTLE_MS);
  const [cpu, slept] = [cpuMs(pid), sleeps(pid)];
  await pause(IDLE_MS);
  figures['idle CPU %'] = ((cpuMs(pid) - cpu) / IDLE_MS) * 100;
  figures['idle wake-ups/s'] = ((sleeps(pid) - slept) * 1000) / IDLE_MS;
}

async function registrations(pid: number, devices: readonly BenchDevice[]): Promise<Figures> {
  const [cpu, rss, at] = [cpuMs(pid), rssKb(pid), performance.now()];
  let next = 0;
  const lane = async () => {
    for (let device = devices[next++]; device !== undefined; device = devices[next++]) await device.register();
  };
  await Promise.all(Array.from({ length: 20 }, lane));
  await pause(500);
  return {
    'CPU us/registration': ((cpuMs(pid) - cpu) * 1000) / devices.length,
    'registrations/s': (devices.length * 1000) / (performance.now() - 500 - at),
    'RSS kB/registration': (rssKb(pid) - rss) / devices.length,
  };
}

/** Calls from `callers` that each rest between two of them, so that about `CALLS_PER_S` go in a second. */
async function pacedCalls<T>(
  pid: number,
  callers: readonly T[],
  core: BenchCore,
  call: (caller: T, callee: string) => Promise<Moments>,
): Promise<Figures> {
  const [cpu, at] = [cpuMs(pid), performance.now()];
  const restMs = (callers.length * 1000) / CALLS_PER_S;
  const [toInvite, toEvent]: [number[], number[]] = [[], []];
  const work = async (caller: T) => {
    const callee = nextCallee();
    const [moments] = await Promise.all([call(caller, callee), pause(restMs)]);
    toInvite.push((core.invitedAt.get(callee) ?? Number.NaN) - moments.asked);
    toEvent.push(moments.connected - (core.answeredAt.get(callee) ?? Number.NaN));
  };
  await lanes(callers, CALLS, work, restMs / callers.length);
  return {
    'CPU us/call': ((cpuMs(pid) - cpu) * 1000) / CALLS,
    'calls/s': (CALLS * 1000) / (performance.now() - at),
    'API to INVITE p50 ms': quantile(toInvite, 0.5),
    'p99 ms': quantile(toInvite, 0.99),
    '200 to event p50 ms': quantile(toEvent, 0.5),
    '200 to event p99 ms': quantile(toEvent, 0.99),
    lost: toEvent.filter(Number.isNaN).length,
  };
}

/** The same calls by Janus; what it needs when idle is taken off. */
async function janusRun(): Promise<Figures> {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-bench-'));
  const core = await startCore(HOST, CORE);
  const janus = await startSipJanus(folder, HOST, JANUS);
  try {
    const handles: JanusCaller[] = [];
    for (let i = 0; i < DEVICES; i += 1) handles.push(await janus.attach(`u${i}`, `${HOST}:${CORE}`, HOST));
    // Now and then Janus loses one: it is counted, and the others go on.
    const lost = { asked: Number.NaN, connected: Number.NaN };
    const call = (handle: JanusCaller, callee: string) =>
      Promise.race([
        handle.call(`sip:${callee}@${HOST}:${CORE}`, OFFER).catch(() => lost),
        pause(LOST_MS).then(() => lost),
      ]);
    await Promise.all(handles.map(handle => call(handle, nextCallee())));
    await pause(1500);
    const idle = cpuMs(janus.pid);
    await pause(IDLE_MS);
    const idleMsPerS = ((cpuMs(janus.pid) - idle) / IDLE_MS) * 1000;
    const figures = await pacedCalls(janus.pid, handles, core, call);
    const idleUsPerCall = (idleMsPerS * 1000) / (figures['calls/s'] ?? CALLS_PER_S);
    return { ...figures, 'CPU us/call': (figures['CPU us/call'] ?? Number.NaN) - idleUsPerCall };
  } finally {
    await janus.close();
    await core.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function fullCalls(pid: number, callers: readonly BenchDevice[]) {
  const [cpu, at] = [cpuMs(pid), performance.now()];
  await lanes(callers, 3 * CALLS, device => device.call(nextCallee(), 0));
  return {
    'CPU us/call': ((cpuMs(pid) - cpu) * 1000) / (3 * CALLS),
    'calls/s': (3 * CALLS * 1000) / (performance.now() - at),
  };
}

/** `count` pieces of work, one at a time for each device; the devices begin `stepMs` apart. */
async function lanes<T>(
  devices: readonly T[],
  count: number,
  work: (device: T) => Promise<unknown>,
  stepMs = 0,
): Promise<void> {
  let left = count;
  const lane = async (device: T, index: number) => {
    if (stepMs > 0) await pause(index * stepMs);
    while (left > 0) {
      left -= 1;
      await work(device);
    }
  };
  await Promise.all(devices.map(lane));
}

let called = 0;
/** A number for every call, so that each can be told from the others at the core. */
function nextCallee(): string {
  called += 1;
  return `+1666${String(1_000_000 + called)}`;
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.filter(value => !Number.isNaN(value)).sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) * share)] ?? Number.NaN;
}

function settingsOf(folder: string, issuer: string) {
  return {
    public: { url: `http://${HOST}:${API}` },
    api: { host: HOST, port: API, ratePerClient: 1e6, ratePerUser: 1e6, ratePerAddress: 1e6, clients: { bench: {} } },
    auth: { issuers: [issuer] },
    sip: { host: HOST, port: SIP, trustedPeers: [HOST], t1Ms: 100, t4Ms: 500 },
    ims: { entry: `${HOST}:${CORE}`, transport: 'udp', regEvent: false },
    media: { webHost: HOST, imsHost: HOST },
    store: { file: join(folder, 'lineside.sqlite'), keyFile: join(folder, 'lineside.key') },
    ops: { host: HOST, port: OPS },
    log: { level: 'warn' },
  };
}

async function startGateway(settings: object): Promise<ChildProcess> {
  const file = join(import.meta.dirname, 'gateway.ts');
  const execArgv = process.env.LINESIDE_BENCH_PROFILE
    ? ['--cpu-prof', `--cpu-prof-dir=${process.env.LINESIDE_BENCH_PROFILE}`]
    : [];
  const child = fork(file, [JSON.stringify(settings)], { execArgv });
  await new Promise<void>((resolve, reject) => {
    child.once('message', () => resolve());
    child.once('exit', code => reject(new Error(`the gateway did not start (exit ${code})`)));
  });
  return child;
}

function ended(child: ChildProcess): Promise<void> {
  return new Promise(resolve => {
    child.once('exit', () => resolve());
    child.disconnect();
  });
}
