/** CPU, delay and memory of signalling: whole calls and registrations through API, SIP and events, without media. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { apiScopes } from '../../sandbox/identity/subscriber.ts';
import { type BenchResult, type BenchRow, spread } from '../bench.ts';
import { cpuMs, pause, rssKb } from '../process.ts';
import { type BenchDevice, createDevice, type Moments } from './client.ts';
import { type BenchCore, startCore } from './core.ts';
import { startIssuer } from './issuer.ts';

const REPEATS = Number(process.env.LINESIDE_BENCH_REPEATS ?? 3);
const HOST = '127.0.63.1';
const [API, OPS, IDENTITY, SIP, CORE] = [9091, 9093, 9092, 5060, 5070];
const REGISTRATIONS = 2000;
const DEVICES = 40;
const CALLS = 1000;
const CALLS_PER_S = 100;
const IDLE_MS = 5000;

export async function signallingBench(): Promise<BenchResult[]> {
  const runs: Run[] = [];
  for (let n = 0; n < REPEATS; n += 1) runs.push(await oneRun());
  const row = (subject: string, pick: (run: Run) => Record<string, number>): BenchRow => ({
    subject,
    figures: Object.fromEntries(
      Object.keys(pick(runs[0] as Run)).map(name => [name, spread(runs.map(run => pick(run)[name] ?? Number.NaN))]),
    ),
  });
  const shared = `Whole gateway in one process with its sqlite store, media engine that carries nothing, reg event off, ${REPEATS} runs; median (lowest-highest).`;
  return [
    {
      name: 'signalling-call',
      method: `${shared} A call is POST, INVITE, 180, 200, ACK, events by WebSocket, DELETE, BYE. Delays include the load generator, which shares the machine.`,
      rows: [row(`${CALLS_PER_S} calls/s`, run => run.paced), row('as many as go', run => run.full)],
    },
    {
      name: 'signalling-registration',
      method: `${shared} ${REGISTRATIONS} numbers, 20 requests at a time.`,
      rows: [row('registration', run => run.registration)],
    },
  ];
}

interface Run {
  registration: Record<string, number>;
  paced: Record<string, number>;
  full: Record<string, number>;
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
    const idle = cpuMs(pid);
    await pause(IDLE_MS);
    registration['idle CPU %'] = ((cpuMs(pid) - idle) / IDLE_MS) * 100;
    const paced = await pacedCalls(pid, callers, core);
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

async function registrations(pid: number, devices: readonly BenchDevice[]): Promise<Record<string, number>> {
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

async function pacedCalls(pid: number, callers: readonly BenchDevice[], core: BenchCore) {
  const [cpu, at] = [cpuMs(pid), performance.now()];
  const calls: Array<Promise<{ callee: string; moments: Moments }>> = [];
  while (calls.length < CALLS) {
    const due = Math.min(CALLS, ((performance.now() - at) / 1000) * CALLS_PER_S);
    while (calls.length < due) {
      const callee = nextCallee();
      const device = callers[calls.length % callers.length] as BenchDevice;
      calls.push(device.call(callee, 0).then(moments => ({ callee, moments })));
    }
    await pause(2);
  }
  const done = await Promise.all(calls);
  const spent = cpuMs(pid) - cpu;
  const toInvite = done.map(({ callee, moments }) => (core.invitedAt.get(callee) ?? Number.NaN) - moments.asked);
  const toEvent = done.map(({ callee, moments }) => moments.connected - (core.answeredAt.get(callee) ?? Number.NaN));
  return {
    'CPU us/call': (spent * 1000) / CALLS,
    'calls/s': (CALLS * 1000) / (performance.now() - at),
    'API to INVITE p50 ms': quantile(toInvite, 0.5),
    'p99 ms': quantile(toInvite, 0.99),
    '200 to event p50 ms': quantile(toEvent, 0.5),
    '200 to event p99 ms': quantile(toEvent, 0.99),
  };
}

async function fullCalls(pid: number, callers: readonly BenchDevice[]) {
  const [cpu, at] = [cpuMs(pid), performance.now()];
  await lanes(callers, 3 * CALLS, device => device.call(nextCallee(), 0));
  return {
    'CPU us/call': ((cpuMs(pid) - cpu) * 1000) / (3 * CALLS),
    'calls/s': (3 * CALLS * 1000) / (performance.now() - at),
  };
}

/** `count` pieces of work, one at a time for each device. */
async function lanes(devices: readonly BenchDevice[], count: number, work: (device: BenchDevice) => Promise<unknown>) {
  let left = count;
  const lane = async (device: BenchDevice) => {
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
  const sorted = [...values].sort((a, b) => a - b);
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
