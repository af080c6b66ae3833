/** What calls need: a gateway in a process of its own, the operator's core and identity provider, and devices. */
import { type ChildProcess, fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'undici';
import { apiScopes } from '../../sandbox/identity/subscriber.ts';
import { type BenchDevice, createDevice } from './client.ts';
import { type BenchCore, startCore } from './core.ts';
import { startIssuer } from './issuer.ts';
import { lanes, nextCallee } from './load.ts';

export const HOST = '127.0.63.1';
export const CORE = 5070;
const [API, OPS, IDENTITY, SIP] = [9091, 9093, 9092, 5060];
/** Devices that place the calls that are measured. */
export const CALLERS = 30;
const WARM_UP_CALLS = 1500;

export interface BenchWorld {
  /** Of the gateway. */
  readonly pid: number;
  readonly core: BenchCore;
  readonly devices: readonly BenchDevice[];
  /** What the objects of the gateway take, kB, without garbage. */
  liveKb(): Promise<number>;
  close(): Promise<void>;
}

/** Starts all of it, with so many devices, none of them registered. Rejects when a part cannot start. */
export async function startWorld(numbers: number): Promise<BenchWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'lineside-bench-'));
  const issuer = await startIssuer(HOST, IDENTITY, apiScopes.join(' '));
  const core = await startCore(HOST, CORE);
  const gateway = await startGateway(settingsOf(folder, issuer.url));
  const origin = `http://${HOST}:${API}`;
  const pool = new Pool(origin, { connections: 40 });
  const devices: BenchDevice[] = [];
  for (let i = 0; i < numbers; i += 1) {
    const number = `+1555${String(1_000_000 + i)}`;
    devices.push(createDevice(pool, origin, number, await issuer.token(number)));
  }
  return {
    pid: gateway.pid ?? 0,
    core,
    devices,
    liveKb() {
      gateway.send('live');
      return new Promise(resolve => gateway.once('message', kb => resolve(Number(kb))));
    },
    async close() {
      for (const device of devices) device.close();
      await pool.destroy();
      await ended(gateway);
      await core.close();
      issuer.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The callers register, open their channels and talk a while, so that the compiler has seen everything. */
export async function warmUp(callers: readonly BenchDevice[]): Promise<void> {
  for (const device of callers) {
    await device.register();
    await device.openChannel();
  }
  await lanes(callers, WARM_UP_CALLS, device => device.call(nextCallee()));
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
  const folder = process.env.LINESIDE_BENCH_PROFILE;
  const profile = folder ? ['--cpu-prof', `--cpu-prof-dir=${folder}`] : [];
  const child = fork(file, [JSON.stringify(settings)], { execArgv: ['--expose-gc', ...profile] });
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
